"""Random small ONNX graphs over all operators that the importer knows, and what onnxruntime says.

Every choice comes from one seeded generator, so that a seed names a graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from tests.support.random_onnx_compute import COMPUTE
from tests.support.random_onnx_everyday import EVERYDAY
from tests.support.random_onnx_graph import IR_VERSION, Draft, info
from tests.support.random_onnx_patterns import PATTERNS
from tests.support.random_onnx_shapes import SHAPES
from toolkit.errors import ToolkitError
from toolkit.frontend.load import load_onnx
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize

#: Largest difference from onnxruntime, relative to the largest value of the output.
TOLERANCE = 1e-4

_STEPS = (*COMPUTE, *SHAPES, *PATTERNS, *EVERYDAY)
_MAX_STEPS, _MAX_TRIES = 8, 60


def random_onnx(seed: int) -> onnx.ModelProto:
    """A valid model of operator sets 13 to 23, with one input or two and one output or several."""
    draft = Draft(np.random.default_rng(seed))
    wanted = draft.upto(2, _MAX_STEPS)
    for _ in range(_MAX_TRIES):
        mark = len(draft.nodes), len(draft.initializers), dict(draft.values)
        try:
            draft.pick(_STEPS)(draft)
            wanted -= 1
        except LookupError:
            del draft.nodes[mark[0] :], draft.initializers[mark[1] :]
            draft.values = mark[2]
        if not wanted:
            break
    outputs = _outputs(draft)
    graph = helper.make_graph(
        draft.nodes,
        "random",
        [info(name, shape) for name, shape in draft.inputs.items()],
        [info(name, None) for name in outputs],
        draft.initializers,
    )
    opset = helper.make_opsetid("", draft.opset)
    return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)


def _outputs(m: Draft) -> list[str]:
    """Some values, the last one among them; now and then two that are one."""
    constant_too = m.chance(0.02)
    computed = [n for n in m.values if n not in m.inputs and (n in m.live or constant_too)]
    if not computed:
        x, _ = m.value()
        computed = [m.node("Relu", [x])]
    some = [name for name in computed[:-1] if m.chance(0.2)]
    outputs = [*some, computed[-1]]
    if m.chance(0.15):
        outputs.append(m.node("Identity", [m.pick(outputs)]))
    return [outputs[i] for i in m.rng.permutation(len(outputs))]


@dataclass(frozen=True)
class Outside:
    """Inputs and outputs of a model by name, as onnxruntime computes them without optimising."""

    inputs: dict[str, Array]
    outputs: dict[str, Array]


def outside(model: onnx.ModelProto, seed: int) -> Outside | None:
    """What onnxruntime gives for random inputs, None where it refuses the model."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    rng = np.random.default_rng(seed)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        inputs = {
            entry.name: (rng.standard_normal(entry.shape) * 2).astype(np.float32)
            for entry in session.get_inputs()
        }
        values = session.run(None, inputs)
    except (states.Fail, states.InvalidArgument, states.RuntimeException, states.InvalidGraph):
        return None
    return Outside(inputs, {o.name: v for o, v in zip(model.graph.output, values, strict=True)})


def imported(model: onnx.ModelProto, folder: Path) -> dict[str, Graph] | ToolkitError:
    """The graph as imported and as the passes leave it, or the refusal."""
    path = folder / "random.onnx"
    path.write_bytes(model.SerializeToString())
    try:
        graph = load_onnx(path)
    except ToolkitError as refusal:
        return refusal
    return {"imported": graph, "optimised": optimize(graph)}


def difference(graph: Graph, want: Outside) -> str:
    """How ``graph`` differs from onnxruntime, nothing where it does not."""
    if list(graph.outputs) != list(want.outputs):
        return f"outputs {graph.outputs} instead of {list(want.outputs)}"
    got = run_graph(graph, to_graph_layout(graph, want.inputs))
    for name, value in want.outputs.items():
        if got[name].shape != value.shape:
            return f"{name}: shape {got[name].shape} instead of {value.shape}"
        error, largest = np.abs(got[name] - value).max(), np.abs(value).max()
        if not error <= TOLERANCE * max(largest, 1e-3):
            return f"{name}: {error:g} off of {largest:g}"
    return ""
