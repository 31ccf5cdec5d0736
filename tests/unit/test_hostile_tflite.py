"""Damaged, hostile and unsupported .tflite files give one clear line, quickly."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.graphs import conv_graph
from tests.support.states import listening_network
from tests.support.tflite_maker import float_ring
from toolkit.errors import ModelError, ToolkitError, UnsupportedError
from toolkit.tflite.read import load_tflite, read_tflite
from toolkit.tflite.write import write_tflite

CONV = write_tflite(conv_graph(layers=2))
RING, FLOAT_RING = write_tflite(listening_network()), float_ring("int8")
SECONDS_ALLOWED = 5.0


def edited(edit: Callable[[Any], None]) -> bytes:
    """The convolution model with its object form changed by ``edit``."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(CONV, 0))
    edit(model)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def tensor(model: Any, name: str) -> Any:
    return next(t for t in model.subgraphs[0].tensors if t.name == name.encode())


def rejection(data: bytes) -> str:
    """The error of ``data``, which must be typed, on one line and quick; "" when it reads."""
    started = time.monotonic()
    try:
        read_tflite(data, "m")
        message = ""
    except ToolkitError as error:
        assert error.exit_code == 2
        message = str(error)
        assert message
        assert "\n" not in message
        assert len(message) < 4000
    assert time.monotonic() - started < SECONDS_ALLOWED
    return message


# --- named defects ------------------------------------------------------------------------------
def set_field(table: Callable[[Any], Any], field: str, value: Any) -> Callable[[Any], None]:
    return lambda model: setattr(table(model), field, value)


def conv(model: Any) -> Any:
    return model.subgraphs[0].operators[0]


DEFECTS: dict[str, tuple[Callable[[Any], None], str]] = {
    "version": (set_field(lambda m: m, "version", 2), "schema version must be 3; got 2"),
    "no subgraph": (set_field(lambda m: m, "subgraphs", []), "it has no subgraph"),
    "opcode": (set_field(conv, "opcodeIndex", 9), "operator code 9 of 1"),
    "input index": (set_field(conv, "inputs", [0, 1, 99]), "tensor 99 of"),
    "negative index": (set_field(conv, "inputs", [0, 1, -2]), "tensor -2 of"),
    "no output": (set_field(conv, "outputs", []), "one output expected; got 0"),
    "constant output": (set_field(conv, "outputs", [1]), "its output is a constant"),
    "written twice": (
        lambda m: (
            setattr(m.subgraphs[0].operators[1], "outputs", conv(m).outputs),
            setattr(m.subgraphs[0], "outputs", conv(m).outputs),
        ),
        "written twice",
    ),
    "cycle": (
        lambda m: setattr(conv(m), "inputs", [6, 1, 2]),
        "not available before it runs",
    ),
    "no inputs": (set_field(conv, "inputs", None), "inputs or options are malformed"),
    "weights absent": (set_field(conv, "inputs", [0, -1, -1]), "inputs or options are malformed"),
    "stride zero": (
        set_field(lambda m: conv(m).builtinOptions, "strideH", 0),
        "malformed",
    ),
    "activation": (
        set_field(lambda m: conv(m).builtinOptions, "fusedActivationFunction", 77),
        "77 is not a valid Activation",
    ),
    "options of another operator": (
        lambda m: (
            setattr(conv(m), "builtinOptionsType", schema.BuiltinOptions.AddOptions),
            setattr(conv(m), "builtinOptions", schema.AddOptionsT()),
        ),
        "options are AddOptions",
    ),
    "shape lies": (
        lambda m: setattr(tensor(m, "conv_0"), "shape", [1, 9, 7, 3]),
        "output shape must be [1, 9, 8, 3]",
    ),
    "huge shape": (
        lambda m: setattr(tensor(m, "x"), "shape", [1, 2**31 - 1, 2**31 - 1, 3]),
        "beyond any device",
    ),
    "dynamic shape": (
        lambda m: setattr(tensor(m, "x"), "shape", [1, -1, 8, 3]),
        "shape must be fixed",
    ),
    "rank": (lambda m: setattr(tensor(m, "x"), "shape", [1] * 7), "rank at most 6"),
    "short buffer": (
        lambda m: setattr(m.buffers[1], "data", m.buffers[1].data[:-1]),
        "bytes of data, not",
    ),
    "buffer index": (lambda m: setattr(tensor(m, "x"), "buffer", 1000), "buffer 1000 of"),
    "NaN scale": (
        lambda m: setattr(tensor(m, "x").quantization, "scale", [float("nan")]),
        "scales must be positive and finite",
    ),
    "zero scale": (
        lambda m: setattr(tensor(m, "conv_0").quantization, "scale", [0.0]),
        "scales must be positive and finite",
    ),
    "per-channel activation": (
        lambda m: (
            setattr(tensor(m, "x").quantization, "scale", [1.0] * 3),
            setattr(tensor(m, "x").quantization, "zeroPoint", [0] * 3),
        ),
        "only constants may be quantised per channel",
    ),
    "quantised dimension": (
        lambda m: setattr(tensor(m, "conv_0/weights").quantization, "quantizedDimension", 4),
        "quantised dimension 4, rank 4",
    ),
    "weights per input channel": (
        lambda m: setattr(tensor(m, "conv_0/weights").quantization, "quantizedDimension", 3),
        "weights must be quantised along dimension 0; got 3",
    ),
    "bias length": (
        lambda m: setattr(conv(m), "inputs", [0, 1, 0]),
        "bias must have shape [3]; got [1, 9, 8, 3]",
    ),
    "zero point count": (
        lambda m: setattr(tensor(m, "conv_0/weights").quantization, "zeroPoint", [0] * 2),
        "3 scales, 2 zero points",
    ),
    "zero point range": (
        lambda m: setattr(tensor(m, "x").quantization, "zeroPoint", [1 << 40]),
        "zero point outside -128..127",
    ),
    "unquantised int8": (
        lambda m: setattr(tensor(m, "x"), "quantization", None),
        "int8 without quantisation parameters",
    ),
    "sparse": (
        lambda m: setattr(tensor(m, "conv_0/weights"), "sparsity", schema.SparsityParametersT()),
        "sparse storage",
    ),
    "variable": (lambda m: setattr(tensor(m, "x"), "isVariable", True), "variable (stateful)"),
    "data outside": (lambda m: setattr(m.buffers[1], "offset", 4096), "outside the flatbuffer"),
    "external": (lambda m: setattr(tensor(m, "x"), "externalBuffer", 3), "external storage"),
    "legacy uint8": (
        lambda m: setattr(tensor(m, "x"), "type", schema.TensorType.UINT8),
        "legacy uint8 scheme",
    ),
    "string tensor": (
        lambda m: setattr(tensor(m, "x"), "type", schema.TensorType.STRING),
        "unsupported type STRING",
    ),
    "bool": (
        lambda m: setattr(tensor(m, "x"), "type", schema.TensorType.BOOL),
        "unsupported type BOOL",
    ),
    "per-channel input": (
        lambda m: setattr(m.subgraphs[0].operators[1], "inputs", [1, 1, 2]),
        "input 0 must not be quantised per channel",
    ),
    "hybrid": (
        lambda m: (
            setattr(tensor(m, "x"), "type", schema.TensorType.FLOAT32),
            setattr(tensor(m, "conv_0"), "type", schema.TensorType.FLOAT32),
        ),
        "only partly quantised",
    ),
    "float": (
        lambda m: [
            setattr(t, "type", schema.TensorType.FLOAT32)
            for t in m.subgraphs[0].tensors
            if t.type == schema.TensorType.INT8
        ],
        "the model is float32",
    ),
    "no outputs": (set_field(lambda m: m.subgraphs[0], "outputs", []), "no outputs"),
    "twice an input": (
        set_field(lambda m: m.subgraphs[0], "inputs", [0, 0]),
        "an input is listed twice",
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_defect_is_named(name: str) -> None:
    edit, expected = DEFECTS[name]
    assert expected in rejection(edited(edit))


def test_edited_model_without_an_edit_reads() -> None:
    assert rejection(edited(lambda model: None)) == ""


def test_all_unsupported_operators_are_named_together() -> None:
    def edit(model: Any) -> None:
        enum = schema.BuiltinOperator
        code = enum.NON_MAX_SUPPRESSION_V5
        custom = schema.OperatorCodeT(builtinCode=enum.CUSTOM, customCode='evil"*/\n')
        model.operatorCodes = [
            schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code),
            custom,
        ]
        model.subgraphs[0].operators[1].opcodeIndex = 1

    with pytest.raises(UnsupportedError) as raised:
        read_tflite(edited(edit), "m")
    message = str(raised.value)
    assert "'NON_MAX_SUPPRESSION_V5' at node 0 (output 'conv_0')" in message
    assert "custom operator 'evil\"*/\\n' at node 1 (output 'conv_1')" in message
    assert "\n" not in message


def test_violated_constraints_are_named_together() -> None:
    def edit(model: Any) -> None:
        for layer in ("conv_0", "conv_1"):
            tensor(model, f"{layer}/weights").quantization.zeroPoint = [0, 5, 0]

    with pytest.raises(UnsupportedError) as raised:
        read_tflite(edited(edit), "m")
    for name in ("conv_0", "conv_1"):
        assert f"node {name!r} (CONV_2D): weight zero points must be 0" in str(raised.value)


def test_unknown_operator_code_is_named_by_its_number() -> None:
    data = edited(lambda m: setattr(m.operatorCodes[0], "builtinCode", 30000))
    assert "unsupported operator 'operator 30000' at node 0" in rejection(data)


def test_dynamic_range_model_is_refused_with_the_remedy(models_dir: Path) -> None:
    with pytest.raises(UnsupportedError, match="only partly quantised") as raised:
        load_tflite(models_dir / "mlperf_tiny_kws_float32.tflite")
    assert "toolkit convert" in raised.value.hint


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0" * 64, b"PK\3\4" + b"x" * 100])
def test_other_files_are_not_tflite(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"not a \.tflite file"):
        read_tflite(data, "m")


@pytest.mark.parametrize("length", [8, 9, 20, len(CONV) // 4, len(CONV) // 2, len(CONV) - 4])
def test_truncated_file(length: int) -> None:
    assert rejection(CONV[:length])


def test_duplicate_names_stay_apart() -> None:
    def edit(model: Any) -> None:
        for each in model.subgraphs[0].tensors:
            each.name = "a;b"

    graph = read_tflite(edited(edit), "m")
    assert len(graph.tensors) == len(conv_graph(layers=2).tensors)


# --- cost ---------------------------------------------------------------------------------------
def test_many_references_to_one_table_do_not_cost_time() -> None:
    """A vector of 20,000 offsets to one operator that has 20,000 inputs."""
    count = 20_000
    builder = flatbuffers.Builder()
    operator = schema.OperatorT(inputs=np.zeros(count, np.int32)).Pack(builder)
    schema.SubGraphStartOperatorsVector(builder, count)
    for _ in range(count):
        builder.PrependUOffsetTRelative(operator)
    operators = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddOperators(builder, operators)
    subgraph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(subgraph)
    subgraphs = builder.EndVector()
    codes_entry = schema.OperatorCodeT(builtinCode=3, deprecatedBuiltinCode=3).Pack(builder)
    schema.ModelStartOperatorCodesVector(builder, 1)
    builder.PrependUOffsetTRelative(codes_entry)
    codes = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddOperatorCodes(builder, codes)
    schema.ModelAddSubgraphs(builder, subgraphs)
    builder.Finish(schema.ModelEnd(builder), file_identifier=b"TFL3")
    assert "hold more than the file does" in rejection(bytes(builder.Output()))


# --- fuzzing ------------------------------------------------------------------------------------
@st.composite
def damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Truncations, byte flips, and 32-bit words set to the values that hurt most."""
    seed = draw(st.integers(0, 2**32 - 1))
    cut = draw(st.booleans())
    edits = draw(st.sampled_from([1, 1, 2, 4, 16, 100]))

    def apply(data: bytes) -> bytes:
        rng = random.Random(seed)
        if cut:
            return data[: rng.randrange(len(data))]
        damaged = bytearray(data)
        for _ in range(edits):
            # Tables lie at both ends of the file, weights between.
            reach = min(len(data), 6000)
            position = rng.choice(
                [
                    rng.randrange(reach),
                    len(data) - 1 - rng.randrange(reach),
                    rng.randrange(len(data)),
                ]
            )
            if rng.random() < 0.5:
                damaged[position] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
            else:
                position = min(position & ~3, len(data) - 4)
                word = rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, rng.randrange(len(data))])
                damaged[position : position + 4] = word.to_bytes(4, "little")
        return bytes(damaged)

    return apply


@settings(max_examples=300, deadline=None, derandomize=True)
@given(damage())
def test_damaged_small_model_is_a_graph_or_an_error(apply: Callable[[bytes], bytes]) -> None:
    rejection(apply(CONV))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(damage())
def test_damaged_model_with_variables_is_a_graph_or_an_error(
    apply: Callable[[bytes], bytes],
) -> None:
    rejection(apply(RING))
    rejection(apply(FLOAT_RING))


@pytest.mark.parametrize(
    "name", ["mlperf_tiny_kws_int8", "mlperf_tiny_kws_float32", "mlperf_tiny_resnet8_int8"]
)
def test_damaged_real_model_is_a_graph_or_an_error(models_dir: Path, name: str) -> None:
    data = (models_dir / f"{name}.tflite").read_bytes()

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(damage())
    def check(apply: Callable[[bytes], bytes]) -> None:
        rejection(apply(data))

    check()
