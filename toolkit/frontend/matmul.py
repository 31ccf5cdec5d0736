"""Lowering of matrix products."""

from __future__ import annotations

import numpy as np

from toolkit.errors import ModelError
from toolkit.frontend.lowering import Lower, Lowering, attribute, has_input, unsupported
from toolkit.frontend.reader import OnnxNode
from toolkit.ir.tensor import Array
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.fully_connected import FullyConnectedAttrs


def gemm(low: Lowering, node: OnnxNode) -> str:
    """Gemm with constant weights and bias."""
    alpha, beta = attribute(node, "alpha", float, 1.0), attribute(node, "beta", float, 1.0)
    weights = low.constant(node, 1)
    if weights.ndim != 2:
        raise ModelError(f"node {node.name!r} (Gemm): weights must be 2-D; got {weights.ndim}-D.")
    x = low.value(node.inputs[0])
    if attribute(node, "transA", int, 0):
        x = low.transpose(x, (1, 0))
    rows = weights if attribute(node, "transB", int, 0) else weights.T
    if alpha == 1.0:
        inputs = [x, low.weights(node.inputs[1], _packed(rows), axis=0)]
    else:
        inputs = [x, low.builder.constant(node.inputs[1], _packed(rows * np.float32(alpha)))]
    _check_columns(low, node, x, weights_columns=rows.shape[1])
    if not has_input(node, 2):
        return low.append("fully_connected", inputs, FullyConnectedAttrs(), node)
    bias = low.constant(node, 2) * np.float32(beta)
    outputs = rows.shape[0]
    if bias.size in (1, outputs):
        vector = _packed(np.broadcast_to(bias.reshape(-1), (outputs,)))
        if beta == 1.0 and bias.size == outputs:
            inputs.append(low.weights(node.inputs[2], vector, axis=0))
        else:
            inputs.append(low.builder.constant(node.inputs[2], vector))
        return low.append("fully_connected", inputs, FullyConnectedAttrs(), node)
    raise unsupported(node, f"a bias {list(bias.shape)} that is not one value an output")


def matmul(low: Lowering, node: OnnxNode) -> str:
    """MatMul: a dense layer where the second factor is constant, else a product of two tensors."""
    a, b = node.inputs
    if a in low.constants:
        raise unsupported(node, "the first factor must be computed", hint="Swap and transpose.")
    x = low.value(a)
    shape = low.tensor_shape(x)
    if b not in low.constants:
        y = low.value(b)
        if len(low.tensor_shape(y)) != len(shape) or len(shape) < 2:
            raise unsupported(node, f"factors {list(shape)} and {list(low.tensor_shape(y))}")
        return low.append("batch_matmul", [x, y], BatchMatmulAttrs(), node)
    weights = low.constants[b]
    if weights.ndim != 2:
        raise unsupported(node, f"constant factor must be 2-D; got {weights.ndim}-D")
    _check_columns(low, node, x, weights.shape[0])
    rows = low.reshape(x, (int(np.prod(shape[:-1])), shape[-1]))
    inputs = [rows, low.weights(b, _packed(weights.T), axis=0)]
    product = low.append("fully_connected", inputs, FullyConnectedAttrs(), node)
    return low.reshape(product, (*shape[:-1], weights.shape[1]))


def _check_columns(low: Lowering, node: OnnxNode, x: str, weights_columns: int) -> None:
    shape = low.tensor_shape(x)
    if shape[-1] != weights_columns:
        raise ModelError(
            f"node {node.name!r} ({node.op}): input {list(shape)}, weights for {weights_columns} "
            "values."
        )


def _packed(values: Array) -> Array:
    return np.ascontiguousarray(values, np.float32)


LOWERINGS: dict[str, Lower] = {"Gemm": gemm, "MatMul": matmul}
