"""ONNX's own tests of single operators, for the operators that the importer knows: imported, each
gives the stated outputs in float, or it is refused with a reason.

``python -m tests.properties.test_onnx_backend`` lists all of them.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from toolkit.errors import ToolkitError
from toolkit.frontend.load import LOWERINGS, load_onnx
from toolkit.frontend.reader import MAX_OPSET, MIN_OPSET
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize

#: Fewest tests that are to pass; what is new in ONNX may add some.
LEAST_PASSING = 330


@dataclass(frozen=True)
class Outcome:
    """``verdict`` is passed, refused or wrong; ``why`` for the latter two."""

    name: str
    op: str
    verdict: str
    why: str = ""


@cache
def cases() -> tuple[Any, ...]:
    """The tests of one node whose operator the importer knows."""
    from onnx.backend.test.case.node import collect_testcases

    return tuple(case for case in collect_testcases(None) if _is_known(case))


def _is_known(case: Any) -> bool:
    nodes = case.model.graph.node
    opset = max((o.version for o in case.model.opset_import if not o.domain), default=0)
    return len(nodes) == 1 and nodes[0].op_type in LOWERINGS and MIN_OPSET <= opset <= MAX_OPSET


def outcome(case: Any, folder: Path) -> Outcome:
    """All float inputs computed; where that is refused, the first alone and the others constant."""
    op = case.model.graph.node[0].op_type
    values, wanted = case.data_sets[0]
    named = dict(zip((i.name for i in case.model.graph.input), values, strict=False))
    floats = [n for n, v in named.items() if isinstance(v, np.ndarray) and v.dtype == np.float32]
    reason = "no input of float32"
    if not floats or any(not isinstance(v, np.ndarray) for v in named.values()):
        return Outcome(case.name, op, "refused", reason)
    for computed in dict.fromkeys((tuple(floats), (floats[0],))):
        try:
            graph = load_onnx(_saved(case.model, named, computed, folder))
            optimised = optimize(graph)
        except ToolkitError as error:
            reason = str(error).splitlines()[0]
            continue
        for made in (graph, optimised):
            got = run_graph(made, to_graph_layout(made, {n: named[n] for n in computed}))
            why = _difference([got[name] for name in made.outputs], wanted)
            if why:
                return Outcome(case.name, op, "wrong", why)
        return Outcome(case.name, op, "passed")
    return Outcome(case.name, op, "refused", reason)


def _saved(
    model: onnx.ModelProto, named: dict[str, Any], computed: Sequence[str], folder: Path
) -> Path:
    """The model with constants for all inputs but the computed ones."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    kept = [i for i in changed.graph.input if i.name in computed]
    del changed.graph.input[:]
    changed.graph.input.extend(kept)
    changed.graph.initializer.extend(
        numpy_helper.from_array(value, name)
        for name, value in named.items()
        if name not in computed
    )
    path = folder / "case.onnx"
    path.write_bytes(changed.SerializeToString())
    return path


def _difference(got: Sequence[Any], wanted: Sequence[Any]) -> str:
    for have, want in zip(got, wanted, strict=False):
        if have.shape != want.shape:
            return f"shape {have.shape} instead of {want.shape}"
        if not np.allclose(have, want, rtol=1e-3, atol=1e-5, equal_nan=True):
            return f"{np.nanmax(np.abs(have - want)):g} off"
    return ""


def outcomes() -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        for case in cases():
            yield outcome(case, Path(folder))


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of onnx's own cases
def test_every_case_is_right_or_refused() -> None:
    found = list(outcomes())
    counts = Counter(entry.verdict for entry in found)
    print(f"{len(found)} tests of {len({e.op for e in found})} operators: {dict(counts)}")
    assert not [entry for entry in found if entry.verdict == "wrong"]
    assert all(entry.why for entry in found if entry.verdict == "refused")
    assert counts["passed"] >= LEAST_PASSING


if __name__ == "__main__":
    everything = list(outcomes())
    for entry in everything:
        print(f"{entry.verdict:8} {entry.op:28} {entry.name}  {entry.why}")
    print(Counter(entry.verdict for entry in everything))
