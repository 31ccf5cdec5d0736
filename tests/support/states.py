"""Networks with states: small ones in ONNX, random ones in integers, and their C on a host."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.support.graphs import activation, add_conv
from tests.support.host_run import build_host, project_of
from tests.support.random_graphs import Choose, random_graph
from toolkit.features.spec import METADATA_KEY, MICRO_SPEECH
from toolkit.ir import Graph, GraphBuilder, State
from toolkit.ir.check import check_graph
from toolkit.ir.tensor import Array
from toolkit.model.states import STATES_KEY
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.ops.parts.window import Window
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.strided_slice import StridedSliceAttrs
from toolkit.simulate.protocol import decode_output, encode_steps

INPUTS, UNITS = 8, 12


def _model(
    nodes: list[onnx.NodeProto],
    ends: tuple[dict[str, list[int]], dict[str, list[int]]],
    constants: dict[str, Array],
) -> onnx.ModelProto:
    inputs, outputs = (
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in end.items()]
        for end in ends
    )
    initializers = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    graph = helper.make_graph(nodes, "states", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def recurrent_model(path: Path, seed: int = 0) -> Path:
    """A gated recurrent cell of MatMul, Sigmoid, Tanh and Mul: x [1, 8] and h [1, 12] to y [1, 3]
    and h_out."""
    rng = np.random.default_rng(seed)
    constants: dict[str, Array] = {}
    nodes: list[onnx.NodeProto] = []

    def op(kind: str, *inputs: str, output: str) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=f"/{output}"))
        return output

    def dense(source: str, name: str, units: int = UNITS) -> str:
        size = INPUTS if source == "x" else UNITS
        weights = rng.normal(0, 1 / np.sqrt(size), (size, units))
        constants[f"{name}.w"] = weights.astype(np.float32)
        constants[f"{name}.b"] = rng.normal(0, 0.1, units).astype(np.float32)
        op("MatMul", source, f"{name}.w", output=f"{name}_product")
        return op("Add", f"{name}_product", f"{name}.b", output=name)

    for gate in "rz":
        both = op("Add", dense("x", f"x{gate}"), dense("h", f"h{gate}"), output=f"{gate}_sum")
        op("Sigmoid", both, output=gate)
    op("Mul", "r", dense("h", "hn"), output="reset")
    op("Tanh", op("Add", dense("x", "xn"), "reset", output="n_sum"), output="n")
    op("Mul", "z", op("Sub", "h", "n", output="d"), output="kept")
    dense(op("Add", "n", "kept", output="h_out"), "y", 3)
    inputs, outputs = {"x": [1, INPUTS], "h": [1, UNITS]}, {"y": [1, 3], "h_out": [1, UNITS]}
    onnx.save(_model(nodes, (inputs, outputs), constants), path)
    return path


def ring_model(path: Path, taps: int = 3, seed: int = 0) -> Path:
    """Two convolutions in time with rings by Concat and Slice: x [1, 4, 1], a [1, 4, taps - 1] and
    b [1, 8, taps - 1] to y [1, 8, 1], new_a and new_b."""
    rng = np.random.default_rng(seed)
    constants: dict[str, Array] = {
        name: np.array(values, np.int64)
        for name, values in {"one": [1], "two": [2], "end": [2**62]}.items()
    }
    nodes: list[onnx.NodeProto] = []
    source = "x"
    for state, channels in (("a", 4), ("b", 8)):
        fan_in = channels * taps
        weights = rng.normal(0, np.sqrt(2 / fan_in), (8, channels, taps)).astype(np.float32)
        constants[f"{state}.w"] = weights
        constants[f"{state}.b"] = rng.normal(0, 0.1, 8).astype(np.float32)
        output = "y" if state == "b" else f"{state}_out"
        nodes += [
            helper.make_node("Concat", [state, source], [f"{state}_all"], axis=2),
            helper.make_node("Slice", [f"{state}_all", "one", "end", "two"], [f"new_{state}"]),
            helper.make_node("Conv", [f"{state}_all", f"{state}.w", f"{state}.b"], [f"{state}_c"]),
            helper.make_node("Relu", [f"{state}_c"], [output]),
        ]
        source = output
    inputs = {"x": [1, 4, 1], "a": [1, 4, taps - 1], "b": [1, 8, taps - 1]}
    outputs = {"y": [1, 8, 1], "new_a": [1, 4, taps - 1], "new_b": [1, 8, taps - 1]}
    onnx.save(_model(nodes, (inputs, outputs), constants), path)
    return path


#: What feeds `listening_network`: the micro-frontend, whose C has the reference's bits.
LISTENING = replace(MICRO_SPEECH, hop_samples=160, n_mels=20)


def listening_network() -> Graph:
    """A convolution over five feature rows, of which three are new at each step and two lie in a
    ring that begins with values of its own; it carries `LISTENING`."""
    rng = np.random.default_rng(4)
    bands, scale, zero = LISTENING.n_mels, 0.1, -128
    builder = GraphBuilder("listening", {METADATA_KEY: LISTENING.to_json()})
    x = builder.add_input(activation("x", (1, 3, bands), scale, zero))
    ring = builder.add_input(activation("ring", (1, 2, 1, bands), scale, zero))
    rows = activation("rows", (1, 3, 1, bands), scale, zero)
    builder.add_node("reshape", [x], rows, ReshapeAttrs(rows.shape))
    all_rows = activation("all", (1, 5, 1, bands), scale, zero)
    builder.add_node("concatenation", [ring, "rows"], all_rows, ConcatenationAttrs(1))
    last = StridedSliceAttrs(((0, None, 1), (3, None, 1), (0, None, 1), (0, None, 1)))
    new = builder.add_node(
        "strided_slice", ["all"], replace(builder.tensors[ring], name="new"), last
    )
    builder.outputs += [add_conv(builder, "all", Window(5, 1), 4, rng), new]
    initial = rng.integers(-128, 128, (1, 2, 1, bands)).astype(np.int8)
    builder.states.append(State(ring, new, initial))
    return check_graph(builder.build(), "listening")


def listening_model(path: Path) -> Path:
    """The same in ONNX, with a dense layer instead of the convolution; it states ring=new."""
    rng = np.random.default_rng(5)
    bands = LISTENING.n_mels
    constants: dict[str, Array] = {
        "w": (rng.normal(0, 0.03, (2, 5 * bands))).astype(np.float32),
        "b": np.zeros(2, np.float32),
        **{n: np.array([v], np.int64) for n, v in {"one": 1, "three": 3, "end": 2**62}.items()},
    }
    nodes = [
        helper.make_node("Concat", ["ring", "x"], ["all"], axis=1),
        helper.make_node("Slice", ["all", "three", "end", "one"], ["new"]),
        helper.make_node("Flatten", ["all"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["sum"], transB=1),
        helper.make_node("Sigmoid", ["sum"], ["y"]),
    ]
    inputs, outputs = (
        {"x": [1, 3, bands], "ring": [1, 2, bands]},
        {"y": [1, 2], "new": [1, 2, bands]},
    )
    model = _model(nodes, (inputs, outputs), constants)
    model.metadata_props.add(key=METADATA_KEY, value=LISTENING.to_json())
    model.metadata_props.add(key=STATES_KEY, value=json.dumps({"ring": "new"}))
    onnx.save(model, path)
    return path


def wandering(shape: tuple[int, ...], steps: int, clips: int = 1, seed: int = 0) -> Array:
    """Clips ``[clips, steps, *shape]`` of values that move on from step to step, as features do."""
    rng = np.random.default_rng(seed)
    phase = np.cumsum(rng.normal(0, 0.3, (clips, steps, *shape)), axis=1)
    values: Array = np.sin(phase + rng.uniform(0, 6, (clips, 1, *shape))).astype(np.float32)
    return values


def random_stateful(choose: Choose) -> Graph:
    """A random graph with 1 to 3 states, which become anything of their kind: what a layer makes,
    an alias, an input, another state, the same as another; some are outputs too."""
    rng = np.random.default_rng(choose(0, 1000))
    builder = GraphBuilder.from_graph(random_graph(choose))
    reads = []
    for number in range(choose(1, 3)):
        names = [name for name, t in builder.tensors.items() if not t.is_constant]
        like = builder.tensors[names[choose(0, len(names) - 1)]]
        assert like.quant is not None
        quant = like.quant
        tensor = activation(f"h{number}", like.shape, quant.tensor_scale, quant.tensor_zero_point)
        read = builder.add_tensor(tensor)
        reads.append(read)
        builder.outputs.append(add_conv(builder, read, Window(1, 1), 2, rng, f"of_{read}"))
        if choose(0, 3) == 0:
            builder.outputs.append(read)
    writes = []
    for read in reads:
        like = builder.tensors[read]
        kind = [
            t.name
            for t in builder.tensors.values()
            if not t.is_constant and (t.shape, t.quant) == (like.shape, like.quant)
        ]
        writes.append(kind[choose(0, len(kind) - 1)])
        initial = rng.integers(-128, 128, like.shape).astype(np.int8)
        if choose(0, 1):
            initial[...] = like.zero_point
        builder.states.append(State(read, writes[-1], initial))
    builder.inputs += reads
    builder.outputs += writes
    return builder.build()


def random_clips(graph: Graph, lengths: tuple[int, ...], seed: int = 0) -> list[list[Array]]:
    """Clips of so many steps, each an array ``[steps, *shape]`` of every free input."""
    rng = np.random.default_rng(seed)
    tensors = [graph.tensors[name] for name in graph.free_inputs]
    return [
        [
            rng.integers(*t.dtype.limits, (n, *t.shape), t.dtype.numpy, endpoint=True)
            for t in tensors
        ]
        for n in lengths
    ]


def run_steps_on_host(
    graph: Graph, clips: list[list[Array]], folder: Path
) -> list[tuple[bytes, ...]]:
    """The bytes that the C, compiled by gcc for this workstation, gives for each clip."""
    program = build_host(project_of(graph), folder)
    (folder / "input.bin").write_bytes(encode_steps(clips))
    subprocess.run([program], cwd=folder, check=True)
    sizes = [graph.tensors[name].size_bytes for name in graph.free_outputs]
    output = decode_output((folder / "output.bin").read_bytes(), sizes, hops="steps")
    return [case.outputs for case in output.cases]
