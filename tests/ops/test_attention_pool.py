"""Attention pooling: numpy against C, exactness far beyond any clip, and closeness to float."""

from __future__ import annotations

import ctypes
import math
import struct
from fractions import Fraction

import numpy as np
import pytest

from tests.support.kernel import kernel_library, parameter_struct, run_graph_in_c
from tests.support.operators import add_input, add_node
from tests.support.oracle import run_numpy
from toolkit.errors import ModelError
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams, Tensor
from toolkit.ir.tensor import Array, dequantize, quantize
from toolkit.ops import OPERATORS
from toolkit.ops.attention_pool import (
    MAX_FRAMES,
    TABLE_ONE,
    AttentionPoolAttrs,
    WeightsOf,
    finish,
    weight_table,
)
from toolkit.ops.check import check_operators
from toolkit.ops.parts.base import NodeView, view
from toolkit.resources import data_dir
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite


def pool_graph(
    shape: tuple[int, ...] = (1, 20, 3, 4),
    lin: tuple[float, int] = (0.06, 3),
    logits: tuple[float, int] = (8.8 / 255, -20),
    out: tuple[float, int] = (0.02, 5),
    dtype: DType = DType.INT8,
) -> Graph:
    builder = GraphBuilder("pool")
    x = builder.add_input(Tensor("lin", shape, DType.INT8, QuantParams.per_tensor(*lin)))
    s = builder.add_input(Tensor("logits", shape, DType.INT8, QuantParams.per_tensor(*logits)))
    table = builder.constant("table", weight_table(builder.tensors[s].scale))
    y = Tensor("y", (1, 1, *shape[2:]), dtype, QuantParams.per_tensor(*out))
    builder.outputs.append(
        builder.add_node("attention_pool", [x, s, table], y, AttentionPoolAttrs())
    )
    return builder.build()


def node_view(graph: Graph) -> NodeView[AttentionPoolAttrs]:
    return view(graph, graph.nodes[0])


def random_graph(rng: np.random.Generator) -> Graph:
    shape = (1, *(int(n) for n in rng.integers(1, [60, 6, 6])))
    dtype = DType.INT16 if rng.random() < 0.5 else DType.INT8
    lin_scale = float(rng.uniform(0.001, 0.1))
    out_scale = lin_scale * float(np.exp(rng.uniform(-3, 1)))
    return pool_graph(
        shape,
        (lin_scale, int(rng.integers(-128, 128))),
        (float(np.exp(rng.uniform(-9, 0))), 0),
        (out_scale / 200, 0) if dtype is DType.INT16 else (out_scale, int(rng.integers(-128, 128))),
        dtype,
    )


def random_case(graph: Graph, rng: np.random.Generator) -> dict[str, Array]:
    """Noise, or all of one input at an end of its range."""
    values = {}
    for name in graph.inputs:
        shape = graph.tensors[name].shape
        noise = rng.integers(-128, 128, shape).astype(np.int8)
        flat = np.full(shape, rng.choice([-128, 127]), np.int8)
        values[name] = flat if rng.random() < 0.2 else noise
    return values


def test_c_gives_the_bits_of_numpy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(3000):
        graph = random_graph(rng)
        check_operators(graph)
        case = random_case(graph, rng)
        (want,) = run_numpy(graph, [case[name][None] for name in graph.inputs])
        np.testing.assert_array_equal(run_graph_in_c(graph, case)["y"], want[0])


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_the_reference_is_the_exact_ratio(dtype: DType) -> None:
    """Against rational arithmetic that shares no code with either implementation."""
    graph = pool_graph(dtype=dtype, out=(0.02, 5) if dtype is DType.INT8 else (0.0001, 0))
    pooled = node_view(graph)
    rng = np.random.default_rng(1)
    lin, logits = (rng.integers(-128, 128, (1, 20, 3, 4)).astype(np.int8) for _ in range(2))
    (got,) = run_numpy(graph, [lin[None], logits[None]])
    table = [int(w) for w in graph.tensors["table"].values]
    for f in range(3):
        for c in range(4):
            pairs = [
                (int(lin[0, t, f, c]) - 3, table[int(logits[0, t, f, c]) + 128]) for t in range(20)
            ]
            ratio = Fraction(sum(x * w for x, w in pairs), sum(w for _, w in pairs))
            scaled = Fraction(math.floor(ratio * 65536), 65536) * Fraction(
                pooled.input(0).scale / pooled.output.scale
            )
            low, high = dtype.limits
            # Requantisation rounds twice: at most one step of a thousandth off a half is free.
            allowed = {
                min(max(round(scaled + nudge) + pooled.output.zero_point, low), high)
                for nudge in (Fraction(-1, 1000), Fraction(1, 1000))
            }
            assert int(got[0, 0, 0, f, c]) in allowed


def test_kernel_is_clean_under_the_sanitisers_at_the_limits() -> None:
    """Sums of 2**25 frames: every intermediate value of `finish` stays within its type."""
    library = kernel_library("-fsanitize=undefined", "-fno-sanitize-recover=all")
    struct_type, _ = parameter_struct("tk_attention_pool_s8")
    rng = np.random.default_rng(2)
    frames = [1, 1 << 22, MAX_FRAMES]
    sums = [
        (sign * 255 * weight * n, weight * n)
        for sign in (-1, 1)
        for weight in (1, TABLE_ONE)
        for n in frames
    ]
    for _ in range(3000):
        denominator = int(rng.integers(1, TABLE_ONE * MAX_FRAMES, endpoint=True))
        sums.append((int(rng.integers(-255 * denominator, 255 * denominator)), denominator))
    numerator, denominator = np.array(sums, np.int64).T
    for dtype, kernel, out in (
        (DType.INT8, "tk_attention_pool_s8", (0.06, 0)),
        (DType.INT16, "tk_attention_pool_s8_s16", (0.06 / 128, 0)),
    ):
        graph = pool_graph((1, 1, 1, len(sums)), (0.06, 0), out=out, dtype=dtype)
        pooled = node_view(graph)
        params = struct_type()
        for name, value in OPERATORS["attention_pool"].kernel_call(pooled).params.items():
            setattr(params, name, value.ctypes.data if isinstance(value, np.ndarray) else value)
        state = np.ascontiguousarray(np.stack([numerator, denominator], axis=1))
        got = np.zeros(len(sums), dtype.numpy)
        getattr(library, f"{kernel}_finish")(
            ctypes.byref(params),
            ctypes.c_void_p(state.ctypes.data),
            ctypes.c_void_p(got.ctypes.data),
        )
        np.testing.assert_array_equal(got, finish(pooled, numerator, denominator))
        exact = [
            math.floor(Fraction(n * 65536, d))
            for n, d in zip(numerator.tolist(), denominator.tolist(), strict=True)
        ]
        scale = 0.06 / float(np.float32(out[0])) / 65536
        low, high = dtype.limits
        ideal = np.clip(np.array(exact) * scale, low, high)
        assert np.abs(got - ideal).max() <= 0.501


def test_order_of_frames_does_not_matter_and_streaming_gives_the_batch_bits() -> None:
    graph = pool_graph((1, 500, 13, 13), dtype=DType.INT16, out=(0.0002, 0))
    rng = np.random.default_rng(3)
    case = random_case(graph, rng)
    batch = run_graph_in_c(graph, case)["y"]
    order = rng.permutation(500)
    shuffled = run_graph_in_c(graph, {k: v[:, order] for k, v in case.items()})["y"]
    np.testing.assert_array_equal(shuffled, batch)

    call = OPERATORS["attention_pool"].kernel_call(node_view(graph))
    struct_type, _ = parameter_struct(call.kernel)
    params = struct_type()
    for name, value in call.params.items():
        setattr(params, name, value.ctypes.data if isinstance(value, np.ndarray) else value)
    library, state = kernel_library(), np.full((169, 2), -1, np.int64)
    at = [ctypes.c_void_p(state.ctypes.data)]
    library.tk_attention_pool_s8_init(ctypes.byref(params), *at)
    for t in order:
        rows = [np.ascontiguousarray(case[name][0, t]) for name in ("lin", "logits")]
        library.tk_attention_pool_s8_accumulate_row(
            ctypes.byref(params), *(ctypes.c_void_p(row.ctypes.data) for row in rows), *at
        )
    streamed = np.zeros((1, 1, 13, 13), np.int16)
    library.tk_attention_pool_s8_s16_finish(
        ctypes.byref(params), *at, ctypes.c_void_p(streamed.ctypes.data)
    )
    np.testing.assert_array_equal(streamed, batch)


@pytest.mark.parametrize(("frames", "int16_db", "int8_db"), [(250, 72, 38), (750, 68, 35)])
def test_error_against_float(frames: int, int16_db: float, int8_db: float) -> None:
    """SNR of the pooled values on realistic logits (they span 8.8 in the published model)."""
    rng = np.random.default_rng(4)
    lin = np.clip(rng.normal(0, 40, (8, 1, frames, 13, 13)), -128, 127).astype(np.int8)
    logits = np.clip(rng.normal(0, 35, (8, 1, frames, 13, 13)), -128, 127).astype(np.int8)
    reference = float_pool(pool_graph(), lin, logits)
    peak = float(np.abs(reference).max())
    for dtype, least_db in ((DType.INT16, int16_db), (DType.INT8, int8_db)):
        out = (peak / dtype.limits[1], 0)
        graph = pool_graph((1, frames, 13, 13), out=out, dtype=dtype)
        (got,) = run_numpy(graph, [lin, logits])
        error = got.astype(np.float64) * graph.tensors["y"].scale - reference
        assert 10 * np.log10(reference.var() / np.square(error).mean()) >= least_db


def float_pool(graph: Graph, lin: Array, logits: Array) -> Array:
    """Softmax pooling in double precision, written as the model is published."""
    x, s = graph.tensors["lin"], graph.tensors["logits"]
    values = (lin.astype(np.float64) - x.zero_point) * x.scale
    exponent = (logits.astype(np.float64) - s.zero_point) * s.scale
    shares = np.exp(exponent) / np.exp(exponent).sum(axis=2, keepdims=True)
    pooled: Array = (values * shares).sum(axis=2, keepdims=True)
    return pooled


def test_float_semantics_are_the_published_ones() -> None:
    graph = pool_graph()
    rng = np.random.default_rng(5)
    lin, logits = (rng.integers(-128, 128, (1, 1, 20, 3, 4)).astype(np.int8) for _ in range(2))
    tensors = graph.tensors
    inputs = [dequantize(q[0], tensors[n].quant) for q, n in ((lin, "lin"), (logits, "logits"))]
    got = OPERATORS["attention_pool"].run_float(node_view(graph), inputs)
    np.testing.assert_allclose(got, float_pool(graph, lin, logits)[0], rtol=1e-5, atol=1e-6)
    assert quantize(got, tensors["y"].quant, DType.INT8).shape == (1, 1, 3, 4)


def test_weight_table() -> None:
    table = weight_table(0.034)
    assert table.dtype == np.uint32 and table.shape == (256,)
    assert table[255] == TABLE_ONE
    assert table[0] == round(TABLE_ONE * math.exp(-0.034 * 255))
    assert weight_table(0.5)[0] == 1, "steep logits never get a weight of 0"
    assert np.all(np.diff(table.astype(np.int64)) > 0)


def test_file_round_trip_keeps_table_and_bits() -> None:
    graph = pool_graph()
    again = read_tflite(write_tflite(graph), "pool")
    np.testing.assert_array_equal(
        again.tensors["table"].values, graph.tensors["table"].values, strict=True
    )
    assert again.nodes[0].attrs == AttentionPoolAttrs()
    check_operators(again)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b"TKAP\x01\x00", b"TKAP\x02\x00", "version 2"),
        (b"TKAP", b"EVIL", "EVIL"),
        (struct.pack("<I", TABLE_ONE), struct.pack("<I", TABLE_ONE + 1), "table values"),
        (struct.pack("<I", TABLE_ONE), bytes(4), "table values"),
        (b"TKAP\x01\x00\x01\x00", b"TKAP\x01\x00\x09\x00", "time axis 9"),
    ],
)
def test_hostile_files_are_model_errors(old: bytes, new: bytes, found: str) -> None:
    data = write_tflite(pool_graph())
    assert data.count(old) == 1
    with pytest.raises(ModelError, match=found):
        read_tflite(data.replace(old, new), "hostile")


@pytest.mark.parametrize("options", [b"", b"TKAP", bytes(8), b"TKAP\x01\x00\x01\x00\x00"])
def test_options_of_another_length_or_kind_are_refused(options: bytes) -> None:
    pooled = node_view(pool_graph())
    with pytest.raises(ValueError, match="options"):
        OPERATORS["attention_pool"].read_options(options, pooled.inputs, pooled.output)


def test_tflm_kernel_knows_the_same_operator() -> None:
    """The C++ kernel's name and option bytes are those the writer uses."""
    folder = data_dir("firmware_templates") / "tflm"
    source = (folder / "tk_attention_pool.cc").read_text()
    operator, pooled = OPERATORS["attention_pool"], node_view(pool_graph())
    written = operator.write_options(pooled, None)
    assert written == b"TKAP\x01\x00\x01\x00"
    assert "kOptions[8] = {'T', 'K', 'A', 'P', 1, 0, 1, 0};" in source
    assert f'"{operator.tflite_name}"' in (folder / "tk_attention_pool.h").read_text()


BROADCASTS = [
    ((1, 20, 1, 5), (1, 20, 1, 1)),
    ((1, 20, 3, 4), (1, 20, 3, 1)),
    ((1, 20, 1, 4), (1, 20, 3, 1)),
    ((1, 20, 3, 4), (1, 20, 1, 4)),
    ((1, 20, 3, 1), (1, 20, 3, 4)),
]


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@pytest.mark.parametrize(("lin", "logits"), BROADCASTS)
def test_weights_repeat_over_what_they_weigh(
    lin: tuple[int, ...], logits: tuple[int, ...], dtype: DType
) -> None:
    """The bits of the pool over tensors that are written out."""
    whole = pool_graph(np.broadcast_shapes(lin, logits), out=(0.0003, 0), dtype=dtype)
    builder = GraphBuilder("broadcast")
    for name, shape in (("lin", lin), ("logits", logits)):
        builder.add_input(Tensor(name, shape, DType.INT8, whole.tensors[name].quant))
    table = builder.constant("table", whole.tensors["table"].values)
    inputs = ["lin", "logits", table]
    builder.outputs = [
        builder.add_node("attention_pool", inputs, whole.tensors["y"], AttentionPoolAttrs())
    ]
    graph = builder.build()
    check_operators(graph)
    case = random_case(graph, np.random.default_rng(1))
    wide = {n: np.broadcast_to(v, whole.tensors[n].shape) for n, v in case.items()}
    (expected,) = run_numpy(whole, [wide[name][None] for name in whole.inputs])
    again = read_tflite(write_tflite(graph), "again")
    for made in (graph, again):
        (got,) = run_numpy(made, [case[name][None] for name in graph.inputs])
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(run_graph_in_c(graph, case)["y"], expected[0])


@pytest.mark.parametrize("made_of", ["sigmoid", "itself"])
def test_other_weights_are_another_table(made_of: WeightsOf) -> None:
    scale, zero_point = 0.04, -128 if made_of == "itself" else 10
    table = weight_table(scale, zero_point, made_of)
    real = scale * (np.arange(-128, 128) - zero_point)
    weights = real if made_of == "itself" else 1 / (1 + np.exp(-real))
    np.testing.assert_allclose(table / table[-1], weights / weights[-1], atol=1e-8)
    assert table.min() >= 1 and table.max() == TABLE_ONE


def broadcast_case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    lin, logits = BROADCASTS[rng.integers(len(BROADCASTS))]
    scale = QuantParams.per_tensor(0.05, 3)
    names = [add_input(builder, shape, scale) for shape in (lin, logits)]
    table = builder.constant("table", weight_table(0.05))
    dtype = (DType.INT8, DType.INT16)[rng.integers(2)]
    out = QuantParams.per_tensor(0.02, 0)
    attrs = AttentionPoolAttrs()
    return add_node(builder, "attention_pool", [*names, table], out, attrs, dtype)
