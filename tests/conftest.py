"""Folders beside the checkout, compilers that keep what they made, and the quick tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import outside, skips
from tests.support.compilers import toolchains
from tests.support.quick import mark_quick

_BESIDE = Path(__file__).resolve().parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    skips.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Set what is not set, here alone, for tests, benchmarks and the processes they start."""
    path = config.getoption(skips.OPTION)
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(skips.SkipWatch(skips.allowed(path)))
    for variable in (outside.DATA, outside.MODELS, outside.CASES):
        folder = _BESIDE / variable.removeprefix("TOOLKIT_").lower()
        if folder.is_dir():
            os.environ.setdefault(variable, str(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_quick(items)


@pytest.fixture(scope="session", autouse=True)
def _objects_are_kept() -> Iterator[None]:
    with toolchains(keep_objects=True):
        yield


@pytest.fixture
def fresh_objects() -> Iterator[None]:
    """The toolchains as users have them, for tests of what they do themselves."""
    with toolchains(keep_objects=False):
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Speech recordings."""
    return outside.folder(outside.DATA)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Models that others published."""
    return outside.folder(outside.MODELS)


@pytest.fixture(scope="session")
def cases_dir() -> Path:
    """Test cases that others wrote."""
    return outside.folder(outside.CASES)
