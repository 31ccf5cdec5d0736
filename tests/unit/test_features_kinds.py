"""A kind of features is one file: all that the toolkit knows of a kind, it asks of its row."""

from __future__ import annotations

import ast
from collections.abc import MutableMapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from toolkit import features
from toolkit.compare.features import arithmetic_in_use, arithmetic_notes, locate_deviation
from toolkit.errors import InputError
from toolkit.features.describe import describe
from toolkit.features.extract import extract
from toolkit.features.framing import Samples
from toolkit.features.kinds import KINDS
from toolkit.features.spec import FeatureSpec, Raw, from_data, from_json, to_data
from toolkit.features.tables import ARITHMETICS, kernel_files, render_features, state_bytes
from toolkit.features.text import from_toml, to_toml

PACKAGE = Path(features.__path__[0])


@dataclass(frozen=True)
class Halves(Raw):
    """A kind that the toolkit does not have: samples at half their size, two in a row."""

    size: float = 0.5

    kind = "halves"
    value_word = "half"

    @property
    def row_values(self) -> int:
        return self.frame_samples // 2

    def extract(self, samples: Samples) -> NDArray[np.float32]:
        return super().extract(samples)[:, ::2] * np.float32(self.size)

    def description(self) -> tuple[str, ...]:
        return ("output  halves",)


@pytest.fixture
def halves(monkeypatch: pytest.MonkeyPatch) -> Halves:
    monkeypatch.setitem(cast(MutableMapping[str, type[FeatureSpec]], KINDS), "halves", Halves)
    return Halves(8000, 4, 4)


def test_a_new_kind_needs_a_row_alone(halves: Halves) -> None:
    assert from_json(halves.to_json()) == halves == from_toml(to_toml(halves))
    assert halves.row_values == 2
    samples = np.array([3, -4, 5, -6], np.int16)
    np.testing.assert_allclose(
        extract(samples, halves), extract(samples, Raw(8000, 4, 4))[:, ::2] / 2
    )
    assert describe(halves)[2:] == ("output  halves",)
    for arithmetic in ARITHMETICS:
        assert "tk_raw" in " ".join(kernel_files(halves, arithmetic))
        assert (
            f"STATE_BYTES {state_bytes(halves, arithmetic)}u"
            in render_features(halves, 0.5, 3, arithmetic)["features.h"]
        )
        assert arithmetic_in_use(halves, arithmetic) == arithmetic
        assert arithmetic_notes(halves, arithmetic) == ()
    reference, device = np.zeros((2, 3, 2), np.int8)
    device[:, 1] = 1
    assert "half 1" in locate_deviation(reference, device, halves)


def test_a_kind_without_a_row_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(InputError, match=r"kind must be 'log_mel' or .*'raw' or .*; got 'halves'"):
        from_data({"kind": "halves", "sample_rate_hz": 8000})


def test_a_field_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="kind 'raw': unknown keys n_mels"):
        from_data({**to_data(Raw(8000, 4, 4)), "n_mels": 3})


def test_every_kind_is_in_its_own_file() -> None:
    for name, kind in KINDS.items():
        assert kind.__module__ == f"toolkit.features.kinds.{name}"


def test_modules_import_in_no_circle() -> None:
    """Imports within functions count."""
    modules = {
        "toolkit.features" + "".join(f".{part}" for part in path.relative_to(PACKAGE).parts)[:-3]: (
            path
        )
        for path in PACKAGE.rglob("*.py")
    }
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    arrows = {
        name: {
            target
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module is not None
            for target in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            if target in modules and target != "toolkit.features"
        }
        for name, path in modules.items()
    }
    assert arrows["toolkit.features.spec"] >= {"toolkit.features.kinds"}
    TopologicalSorter(arrows).prepare()
