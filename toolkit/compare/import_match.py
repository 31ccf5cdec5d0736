"""The imported float network against the file it came from, run by an interpreter of others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.compare.differences import Difference, differences, first_wrong, summary
from toolkit.compare.outside import TIME_S, Answer, Job, ask
from toolkit.errors import NotStreamableError, ToolFailedError, ToolkitError
from toolkit.frontend.load import trace_onnx
from toolkit.ir import DType, Graph, Tensor
from toolkit.ir.tensor import Array
from toolkit.measurement import Check
from toolkit.model.int8 import Int8Model
from toolkit.model.synthetic import synthetic_batches
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.base import TimeBehaviour
from toolkit.ops.parts.window import WindowedAttrs
from toolkit.passes.absorb_layout import input_axes, to_exported_layout
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.outputs import Batch
from toolkit.tflite.oracle import run_litert_reference
from toolkit.tflite.read_float import has_hybrid_weights

#: Values of all tensors of one case; what has more is not for a microcontroller, and not run.
MAX_ELEMENTS = 1 << 24
#: Cases of the calibration data, or made up, that the network is compared on.
CALIBRATION_CASES = 2
_OWN, _OTHER = "import_match", "import_match_other_lengths"
#: Windows that the file may give the whole clip's length, which then fix it.
_POOLS = frozenset({"AveragePool", "MaxPool", "LpPool"})


@dataclass(frozen=True, eq=False)
class _Trial:
    """The imported network at a clip length, and cases for it, in its layout."""

    graph: Graph
    cases: Sequence[Batch]
    rows: int = 0

    def columns(self) -> dict[str, Array]:
        """The inputs as the file takes them, cases on the first axis."""
        shaped = [
            {n: case[n].reshape(self.graph.tensors[n].shape) for n in self.graph.inputs}
            for case in self.cases
        ]
        exported = [to_exported_layout(self.graph, case) for case in shaped]
        return {name: np.stack([case[name] for case in exported]) for name in self.graph.inputs}

    def outputs(self) -> dict[str, Array]:
        """The outputs as the file gives them, cases on the first axis."""
        graph, axes = self.graph, input_axes(self.graph)
        found = [run_graph(graph, _fed(graph, case)) for case in self.cases]
        arrays = {name: np.stack([v[name] for v in found]) for name in graph.outputs}
        for state in graph.states:  # in the layout of what it is read as
            if state.read in axes and state.write not in graph.free_outputs:
                order = np.argsort(axes[state.read])
                arrays[state.write] = arrays[state.write].transpose(0, *(1 + order))
        return arrays


def import_cases(model: Int8Model, features: Array | None = None) -> list[Batch]:
    """Inputs for `import_checks`: the ``features`` of a clip, cut or repeated to the network's
    length, and what the model was calibrated on, else made-up input."""
    graph = model.float_graph
    if graph is None:
        return []
    cases: list[Batch] = []
    if features is not None:
        entry = graph.tensors[graph.inputs[0]]
        states = {state.read: state.initial for state in graph.states}
        cases.append({entry.name: np.resize(features, entry.shape), **states})
    batches = () if model.quantized is None else model.quantized.batches
    cases += batches[:: max(1, -(-len(batches) // CALIBRATION_CASES))]
    return cases or synthetic_batches(graph, CALIBRATION_CASES)[0]


def import_checks(
    model: Int8Model, cases: Sequence[Batch], has_time: bool = False
) -> tuple[Check, ...]:
    """Whether the imported float network gives what its file gives on ``cases`` (float inputs in
    the network's layout), and with ``has_time`` also at two other clip lengths.

    Nothing for a model that came as int8.  What could not be run is not checked, and says why.
    """
    graph, onnx, tflite = model.float_graph, model.source.onnx, model.source.float_tflite
    if graph is None or (onnx is None and tflite is None):
        return ()
    names = (_OWN, _OTHER) if has_time else (_OWN,)
    elements = sum(tensor.elements for tensor in graph.tensors.values())
    if elements > MAX_ELEMENTS:
        why = f"its tensors have {elements:,} values, more than {MAX_ELEMENTS:,}"
        return tuple(Check.not_checked(name, why) for name in names)
    own = _Trial(graph, cases)
    if onnx is None:
        assert tflite is not None
        lengths = (Check.not_checked(_OTHER, "a .tflite has one length"),) if has_time else ()
        return (_litert_check(tflite, own), *lengths)
    others = list(_other_lengths(model, graph, cases[0])) if has_time else []
    unquantised = bool(model.source.given)
    jobs = [Job(own.columns(), unquantised=unquantised)]
    jobs += [Job(t.columns(), _opened(graph, t.graph), unquantised=unquantised) for t in others]
    try:
        answer = ask(onnx, jobs)
    except ToolFailedError as error:
        return tuple(Check.not_checked(name, error.message) for name in names)
    checks = [_own_check(model, own, answer, unquantised)]
    if has_time:
        checks.append(_other_check(onnx, graph, others, answer))
    return tuple(checks)


def _litert_check(tflite: bytes, own: _Trial) -> Check:
    """Against LiteRT's reference kernels on the float ``.tflite``."""
    if own.graph.states:
        return Check.not_checked(_OWN, "its variables would outlive a case in LiteRT")
    if has_hybrid_weights(tflite, "model"):
        return Check.not_checked(_OWN, "LiteRT rounds activations to multiply its int8 weights")
    try:
        theirs = run_litert_reference(tflite, list(own.columns().values()), TIME_S)
    except ToolFailedError as error:
        return Check.not_checked(_OWN, error.message)
    ours = own.outputs()
    found = differences(ours, dict(zip(ours, theirs, strict=True)))
    words = f"{summary(found)}, {len(own.cases)} rows, LiteRT's reference kernels"
    return Check(_OWN, all(d.holds for d in found), words)


def _own_check(model: Int8Model, own: _Trial, answer: Answer, unquantised: bool) -> Check:
    onnx = model.source.onnx
    assert onnx is not None
    theirs, ours = answer.values[0].arrays, own.outputs()
    if own.graph.states:  # they end ours
        ours = {name: ours[name] for name in theirs if name in ours}
    found = differences(ours, theirs)
    words = f"{summary(found)}, {len(own.cases)} rows, {answer.oracle}"
    if unquantised:
        words += ", its quantisers of activations left out"
    if all(d.holds for d in found):
        return Check(_OWN, True, words)
    if not found[0].output:
        return Check(_OWN, False, words)
    inputs = {name: values[0] for name, values in own.columns().items()}
    try:
        imported, held = _traced(onnx, {name: v.shape for name, v in inputs.items()})
        values = run_graph(imported, inputs)
        job = Job({n: v[None] for n, v in inputs.items()}, {}, True, unquantised)
        ours = {name: values[tensor] for name, tensor in held.items() if tensor in values}
        where = first_wrong(ours, ask(onnx, [job]), as_exported=True)
    except ToolkitError as error:
        where = f"the node was not found: {error.message}"
    where = where or "every node is imported rightly: a later rewrite of the graph is wrong"
    return Check(_OWN, False, f"{words}; {where}", where=where)


def _other_check(onnx: bytes, graph: Graph, others: Sequence[_Trial], answer: Answer) -> Check:
    if not others:
        return Check.not_checked(_OTHER, f"it has no other length ({_reason(graph)})")
    if fixed := _fixed_by(graph, answer):
        return Check.not_checked(_OTHER, f"time fixed by node {fixed}: other T not checked outside")
    worst: list[Difference] = []
    for trial, values in zip(others, answer.values[1:], strict=True):
        if values.error:
            by = f"by node {values.node}" if values.node else f"in the file ({values.error})"
            return Check.not_checked(_OTHER, f"time fixed {by}: other T not checked outside")
        found = differences(trial.outputs(), values.arrays)
        if all(d.holds for d in found):
            worst += found
            continue
        words = f"{summary(found)}, at {trial.rows} rows, {answer.oracle}"
        where = _where(onnx, graph, trial)
        return Check(_OTHER, False, f"{words}; {where}".rstrip("; "), where=where)
    lengths = " and ".join(str(trial.rows) for trial in others)
    return Check(_OTHER, True, f"{summary(worst)}, at {lengths} rows, {answer.oracle}")


def _where(onnx: bytes, graph: Graph, trial: _Trial) -> str:
    """The first node that differs at another clip length; empty where it was not found."""
    shapes = {n: v.shape[1:] for n, v in _Trial(graph, [_zeros(graph)]).columns().items()}
    try:
        _, held = _traced(onnx, shapes)
        job = Job(trial.columns(), _opened(graph, trial.graph), every_value=True)
        values = run_graph(trial.graph, _fed(trial.graph, trial.cases[0]))
        ours = {name: values[tensor] for name, tensor in held.items() if tensor in values}
        ours |= {name: values[name] for name in trial.graph.outputs}
        return first_wrong(ours, ask(onnx, [job]))
    except ToolkitError:
        return ""


def _traced(onnx: bytes, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Graph, dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="toolkit-import-") as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(onnx)
        return trace_onnx(path, shapes)


def _zeros(graph: Graph) -> Batch:
    return {n: np.zeros(graph.tensors[n].shape, np.float32) for n in graph.inputs}


def _other_lengths(model: Int8Model, graph: Graph, case: Batch) -> Iterator[_Trial]:
    """The network at two other clip lengths, if it has them, fed rows of ``case``."""
    entry = graph.tensors[graph.inputs[0]]
    spec = model.spec
    rows = entry.shape[1] if spec is None else entry.elements // spec.row_values
    # SAME padding depends on the length; ours is that of the file's, at lengths like it.
    step = _largest_step(graph) if b"SAME_" in (model.source.onnx or b"") else 1
    near = [rows + step * k for k in (-(rows // (2 * step)), rows // step + 1, 1, 3, -1)]
    found = 0
    for count in near:
        other = _at(model, graph, count) if 0 < count != rows and found < 2 else None
        if other is None:
            continue
        found += 1
        longer = {
            name: _with_shape(case[name].reshape(graph.tensors[name].shape), other.tensors[name])
            for name in graph.inputs
        }
        yield _Trial(other, [longer], count)


def _with_shape(values: Array, wanted: Tensor) -> Array:
    """Values cut, or repeated from the start on, to the shape of ``wanted``."""
    for axis in _moved_axes(values.shape, wanted.shape):
        values = values.take(np.arange(wanted.shape[axis]) % values.shape[axis], axis)
    return values


def _at(model: Int8Model, graph: Graph, rows: int) -> Graph | None:
    try:
        other = model.float_at(rows) if model.spec else retime(find_time_axis(graph), rows)
    except ToolkitError:
        return None
    return None if other is None or other.inputs != graph.inputs else other


def _reason(graph: Graph) -> str:
    """Why a network has its file's clip length only."""
    try:
        find_time_axis(graph)
    except NotStreamableError as error:
        node, why = error.reasons[0]
        return f"node {node!r}: {why}" if node else why
    return "it needs as many frames as its file has"


def _largest_step(graph: Graph) -> int:
    try:
        return max(count.step for count in find_time_axis(graph).counts.values())
    except NotStreamableError:
        return 1


def _moved_axes(shape: Sequence[int], other: Sequence[int]) -> list[int]:
    return [axis for axis, (a, b) in enumerate(zip(shape, other, strict=True)) if a != b]


def _opened(graph: Graph, other: Graph) -> dict[str, tuple[int, ...]]:
    """Axes of the file's inputs that differ between two clip lengths."""
    axes = input_axes(graph)
    opened = {}
    for name in graph.inputs:
        moved = _moved_axes(graph.tensors[name].shape, other.tensors[name].shape)
        opened[name] = tuple(axes[name][axis] if name in axes else axis for axis in moved)
    return opened


def _fixed_by(graph: Graph, answer: Answer) -> str:
    """A node of the file that pools over the clip by a window of its length."""
    made_by = {output: node for node in answer.nodes for output in node.outputs}
    try:
        behaviours = find_time_axis(graph).behaviours
    except NotStreamableError:
        return ""
    for node in graph.nodes:
        if behaviours.get(node.name) is TimeBehaviour.REDUCING:
            source = made_by.get(node.outputs[0].partition("@")[0])
            if isinstance(node.attrs, WindowedAttrs) and source and source.op in _POOLS:
                return f"{source.name!r} ({source.op})"
    return ""


def _fed(graph: Graph, case: Batch) -> dict[str, Array]:
    return {
        name: case[name].reshape(graph.tensors[name].shape).astype(DType.FLOAT32.numpy)
        for name in graph.inputs
    }
