"""ScatterND, as exporters write assignments to slices, against onnxruntime, and down to C."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.onnx_models import ModelMaker, save
from tests.support.outside import CASES, file
from tests.support.random_onnx import difference, imported, outside
from tests.support.whole_way import all_the_way
from toolkit.errors import UnsupportedError
from toolkit.frontend.load import load_onnx

SHAPE = (2, 5, 4)


def assigned(*parts: slice | int, known: bool = False, step: int = 1) -> ModelMaker:
    """``data[parts] = updates``, whose places torch writes one by one; ``known``: data is."""
    maker = ModelMaker(*SHAPE)
    places = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)[parts][::step]
    updates = maker.input("u", *places.shape[:-1])
    data = maker.weights(*SHAPE) if known else maker.op("Relu", "x")
    made = maker.op("ScatterND", data, maker.constant(places), maker.op("Abs", updates))
    maker.op("Add", made, "x")
    return maker


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    "parts",
    [
        (slice(None), slice(1, 3)),
        (1,),
        (slice(None),),
        (0, slice(2, 5), slice(0, 1)),
        (slice(1, 2), slice(0, 1), slice(3, 4)),
    ],
)
def test_assignments_to_slices(parts: tuple[slice | int, ...], known: bool, tmp_path: Path) -> None:
    maker = assigned(*parts, known=known)
    model = maker.model(f"t{len(maker.nodes) - 1}")
    want, graphs = outside(model, 0), imported(model, tmp_path)
    assert want is not None and isinstance(graphs, dict), graphs
    assert {difference(graph, want) for graph in graphs.values()} == {""}


def test_rows_at_once_down_to_c(tmp_path: Path) -> None:
    """Indices of one axis assign whole rows."""
    maker = ModelMaker(1, 6, 4)
    y = maker.op("Relu", maker.op("Transpose", "x", perm=[1, 0, 2]))
    two = maker.op("Abs", maker.op("Slice", y, *(maker.constant(np.array([v])) for v in (1, 3, 0))))
    made = maker.op("ScatterND", y, maker.constant(np.array([[3], [4]])), two)
    all_the_way(maker.model(maker.op("Transpose", made, perm=[1, 0, 2])), tmp_path)


def test_other_places_are_refused(tmp_path: Path) -> None:
    maker = assigned(slice(None), slice(None), step=-1)
    with pytest.raises(UnsupportedError, match="no block of the data, in order") as error:
        load_onnx(save(maker.model("t2"), tmp_path))
    assert "neighbouring" in error.value.hint


def test_a_published_denoiser_is_onnxruntimes(tmp_path: Path) -> None:
    """GTCRN, whose states are written slice by slice."""
    model = onnx.load(file(CASES, "models/real/gtcrn.onnx"))
    want, graphs = outside(model, 0), imported(model, tmp_path)
    assert want is not None and isinstance(graphs, dict), graphs
    assert {difference(graph, want) for graph in graphs.values()} == {""}
