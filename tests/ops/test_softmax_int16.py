"""SOFTMAX int16, and the builtin form of attention pooling made of it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.operators import add_input, add_node, assert_all_agree, assert_operator, scale
from tests.support.oracle import run_numpy
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams
from toolkit.ir.tensor import Array
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.softmax_int16 import exp_table, reciprocal_table
from toolkit.ops.transpose import TransposeAttrs

SHARES = QuantParams.per_tensor(1 / 32768, 0)
INT16 = DType.INT16


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    depth = int(rng.choice([1, 2, 3, 10, 250, 750]))
    logits = QuantParams.per_tensor(scale(rng, 1e-6, 1e-1), 0)
    x = add_input(builder, (int(rng.integers(1, 4)), depth), logits, INT16)
    beta = float(np.float32(rng.choice([1.0, 0.1, 3.0])))
    return add_node(builder, "softmax", [x], SHARES, SoftmaxAttrs(beta), INT16)


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 600)


def test_tables_are_close_to_their_functions() -> None:
    x = np.linspace(0, 1, 513)
    assert np.abs(exp_table() / 32767.5 - np.exp(10 * x - 10)).max() < 1e-4
    assert np.abs(reciprocal_table() / 32767.5 - 1 / (1 + x)).max() < 1e-4


def pooling(frames: int, pooled_scale: float) -> Graph:
    """The recommended builtin-only form of ``sum_t lin * softmax_t(logits)``, 13 x 13 values.

    Scales divided by 128 make the widening exact; adj_y spares TFLM a transposed copy.
    """
    builder, pairs = GraphBuilder("builtin"), 169
    shapes = {"lin": QuantParams.per_tensor(0.06, 3), "logits": QuantParams.per_tensor(0.0345, -20)}
    inputs = {k: add_input(builder, (1, frames, 13, 13), q) for k, q in shapes.items()}

    def widened(name: str) -> str:
        quant, x = shapes[name], inputs[name]
        x = add_node(builder, "transpose", [x], quant, TransposeAttrs((0, 3, 2, 1)))
        x = add_node(builder, "reshape", [x], quant, ReshapeAttrs((pairs, 1, frames)))
        wide = QuantParams.per_tensor(quant.tensor_scale / 128, 0)
        return add_node(builder, "quantize", [x], wide, None, INT16)

    shares = add_node(builder, "softmax", [widened("logits")], SHARES, SoftmaxAttrs(), INT16)
    out = QuantParams.per_tensor(pooled_scale, 0)
    pooled = add_node(
        builder,
        "batch_matmul",
        [shares, widened("lin")],
        out,
        BatchMatmulAttrs(adj_y=True),
        INT16,
    )
    shape = ReshapeAttrs((1, 13, 13))
    builder.outputs.append(add_node(builder, "reshape", [pooled], out, shape, INT16))
    return builder.build()


@pytest.mark.parametrize(("frames", "least_db"), [(250, 55), (750, 45)])
def test_builtin_attention_pooling(frames: int, least_db: float) -> None:
    rng = np.random.default_rng(frames)
    shape = (4, 1, frames, 13, 13)
    lin = np.clip(rng.normal(0, 40, shape), -128, 127).astype(np.int8)
    logits = np.clip(rng.normal(0, 35, shape), -128, 127).astype(np.int8)
    reference = float_pool(lin, logits)
    graph = pooling(frames, float(np.abs(reference).max()) / 32767)
    assert_all_agree(graph, [lin, logits])
    (got,) = run_numpy(graph, [lin, logits])
    error = got[:, 0] * graph.tensors[graph.outputs[0]].scale - reference
    assert 10 * np.log10(reference.var() / np.square(error).mean()) >= least_db


def float_pool(lin: Array, logits: Array) -> Array:
    """Pooled values ``[case, channel, frequency]`` in double precision."""
    x = (lin[:, 0].astype(np.float64) - 3) * float(np.float32(0.06))
    weights = np.exp(logits[:, 0].astype(np.float64) * float(np.float32(0.0345)))
    pooled: Array = (x * weights).sum(axis=1) / weights.sum(axis=1)
    return pooled.swapaxes(1, 2)
