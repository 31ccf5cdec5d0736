"""Random ONNX graphs: what the importer takes equals onnxruntime, the rest is refused by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.random_onnx import difference, imported, outside, random_onnx
from toolkit.errors import ToolkitError

#: Graphs of a part of the sweep.
PART = 500
#: Of the graphs that onnxruntime runs, how many the importer must take for the test to mean much.
TAKEN = 0.8


def assert_equal_or_refused(seeds: range, folder: Path) -> None:
    seen: Counter[str] = Counter()
    wrong = []
    for seed in seeds:
        model = random_onnx(seed)
        want, graphs = outside(model, seed), imported(model, folder)
        if want is None:
            seen["not judged"] += 1
        elif isinstance(graphs, ToolkitError):
            assert "\n" not in str(graphs)
            seen["refused"] += 1
        else:
            seen["taken"] += 1
            differences = {stage: difference(graph, want) for stage, graph in graphs.items()}
            wrong += [(seed, stage, what) for stage, what in differences.items() if what]
    assert not wrong
    assert seen["taken"] >= TAKEN * (seen["taken"] + seen["refused"])
    assert seen["not judged"] <= 0.05 * len(seeds)


def test_random_graphs_equal_onnxruntime_or_are_refused(tmp_path: Path) -> None:
    assert_equal_or_refused(range(300), tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("start", range(0, 10_000, PART))
def test_many_random_graphs_equal_onnxruntime_or_are_refused(start: int, tmp_path: Path) -> None:
    assert_equal_or_refused(range(start, start + PART), tmp_path)
