"""Fixtures for real data and models that lie beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def _folder(variable: str, default: Path) -> Path:
    path = Path(os.environ.get(variable, default))
    if not path.is_dir():
        pytest.skip(f"{path} is absent; set {variable} to run this test")
    return path


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Speech recordings: $TOOLKIT_DATA, or ``shared/data`` beside the checkout."""
    return _folder("TOOLKIT_DATA", _SHARED / "data")


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Third-party models: $TOOLKIT_MODELS, or ``shared/models`` beside the checkout."""
    return _folder("TOOLKIT_MODELS", _SHARED / "models")
