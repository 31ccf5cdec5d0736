"""Lowering of matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from toolkit.errors import ModelError
from toolkit.frontend.lowering import Lower, Lowering, attribute, has_input, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.ir.tensor import Array
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.strided_slice import WHOLE, StridedSliceAttrs

#: Matrices of a batch of constants; each becomes a layer of its own.
MAX_HEADS = 16


def gemm(low: Lowering, node: OnnxNode) -> str:
    """Gemm with constant weights and bias."""
    alpha, beta = attribute(node, "alpha", float, 1.0), attribute(node, "beta", float, 1.0)
    weights = low.constant(node, 1)
    if weights.ndim != 2:
        raise ModelError(f"node {node.name!r} (Gemm): weights must be 2-D; got {weights.ndim}-D.")
    x = low.value(node.inputs[0])
    if len(low.tensor_shape(x)) != 2:
        raise ModelError(f"node {node.name!r} (Gemm): {list(low.tensor_shape(x))} is not 2-D.")
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
    shape = (low.tensor_shape(x)[0], rows.shape[0])
    bias_shape = low.shape(node.inputs[2])
    aligned = zip(reversed(bias_shape), reversed(shape), strict=False)
    if len(bias_shape) > 2 or any(size not in (1, want) for size, want in aligned):
        raise ModelError(
            f"node {node.name!r} (Gemm): a bias {list(bias_shape)} does not fit {list(shape)}."
        )
    if node.inputs[2] not in low.constants or bias_shape[:-1] not in ((), (1,)):
        product = low.append("fully_connected", inputs, FullyConnectedAttrs(), node)
        return _biased(low, node, product, beta)
    bias = low.floats(node.inputs[2]) * np.float32(beta)
    vector = _packed(np.broadcast_to(bias.reshape(-1), shape[1:]))
    if beta == 1.0 and bias.size == vector.size:
        inputs.append(low.weights(node.inputs[2], vector, axis=0))
    else:
        inputs.append(low.builder.constant(node.inputs[2], vector))
    return low.append("fully_connected", inputs, FullyConnectedAttrs(), node)


def _biased(low: Lowering, node: OnnxNode, product: str, beta: float) -> str:
    """``product`` plus a bias that differs from row to row, or is computed."""
    name = node.inputs[2]
    if name in low.constants:
        return low.add(product, low.floats(name) * np.float32(beta), node)
    bias = low.value(name)
    have = low.tensor_shape(bias)
    bias = low.reshape(bias, (1,) * (2 - len(have)) + have)
    if beta != 1.0:
        bias = low.multiply(bias, np.full(1, beta, np.float32), node)
    return low.append("add", [product, bias], ArithmeticAttrs(), node)


def matmul(low: Lowering, node: OnnxNode) -> str:
    """MatMul: a dense layer where one factor is constant, else a product of two tensors."""
    a, b = node.inputs
    if a in low.constants:
        return _constant_first(low, node)
    x = low.value(a)
    shape = low.tensor_shape(x)
    if b not in low.constants:
        return _computed(low, node, x, low.value(b))
    weights = low.constants[b]
    leading = weights.shape[:-2]
    if math.prod(leading) > 1:
        return _batched(low, node, x, low.floats(b))
    if len(leading) > max(len(shape) - 2, 0):
        x = low.reshape(x, (*leading[: len(leading) - max(len(shape) - 2, 0)], *shape))
        shape = low.tensor_shape(x)
    kept = weights.shape[-1:] if weights.ndim > 1 else ()
    matrix = weights.reshape(weights.shape[-2] if weights.ndim > 1 else len(weights), -1)
    _check_columns(low, node, x, len(matrix))
    rows = low.reshape(x, (1, *shape)) if len(shape) == 1 else x
    inputs = [rows, low.weights(b, _packed(matrix.T), axis=0)]
    attrs = FullyConnectedAttrs(keep_num_dims=len(shape) > 2)
    product = low.append("fully_connected", inputs, attrs, node)
    return low.reshape(product, (*shape[:-1], *kept))


def _computed(low: Lowering, node: OnnxNode, x: str, y: str) -> str:
    """A product of two tensors of any rank: vectors are matrices of one row or column."""
    first, second = low.tensor_shape(x), low.tensor_shape(y)
    wide = (1, *first) if len(first) == 1 else first
    tall = (*second, 1) if len(second) == 1 else second
    rank = max(len(wide), len(tall))
    wide, tall = ((1,) * (rank - len(s)) + s for s in (wide, tall))
    leading = np.broadcast_shapes(wide[:-2], tall[:-2])
    x, y = (
        s
        if math.prod(low.tensor_shape(s)[:-2]) == 1
        else low.expand(s, (*leading, *shape[-2:]), node)
        for s, shape in ((low.reshape(x, wide), wide), (low.reshape(y, tall), tall))
    )
    product = low.append("batch_matmul", [x, y], BatchMatmulAttrs(), node)
    made = list(low.tensor_shape(product))
    if len(second) == 1:
        del made[-1]
    if len(first) == 1:
        del made[-1 if len(second) == 1 else -2]
    return low.reshape(product, made)


def _batched(low: Lowering, node: OnnxNode, x: str, weights: Array) -> str:
    """``x @ c`` for a batch of constants, as of heads: a dense layer on a part of ``x`` each."""
    shape, heads = low.tensor_shape(x), math.prod(weights.shape[:-2])
    leading = np.broadcast_shapes(shape[:-2], weights.shape[:-2])
    if len(shape) < 2 or heads > MAX_HEADS or math.prod(leading) != heads:
        raise unsupported(node, f"factors {list(shape)} and {list(weights.shape)}")
    _check_columns(low, node, x, weights.shape[-2])
    alike = math.prod(shape[:-2]) == 1
    rows = low.reshape(x, (1 if alike else heads, *shape[-2:]))
    parts, inner = [], replace(node, outputs=(f"{node.outputs[0]}@head",))
    for head, matrix in enumerate(weights.reshape(heads, *weights.shape[-2:])):
        ranges = ((head, head + 1 if head + 1 < heads else None, 1), WHOLE, WHOLE)
        own = (
            rows if alike else low.append("strided_slice", [rows], StridedSliceAttrs(ranges), inner)
        )
        constant = low.builder.constant(f"{node.inputs[1]}@{head}", _packed(matrix.T))
        attrs = FullyConnectedAttrs(keep_num_dims=True)
        parts.append(low.append("fully_connected", [own, constant], attrs, inner))
    joined = low.join(parts, 0, node)
    return low.reshape(joined, (*leading, shape[-2], weights.shape[-1]))


def _constant_first(low: Lowering, node: OnnxNode) -> str:
    """``c @ y`` as ``(y^T c^T)^T``, a dense layer on the columns of ``y``; a batch of constants, as
    of queries of several heads, as one layer on all heads."""
    weights, y = low.floats(node.inputs[0]), low.value(node.inputs[1])
    shape = low.tensor_shape(y)
    last = len(shape) - 1
    heads = math.prod(weights.shape[:-2])
    batch = (1,) * (len(shape) - weights.ndim) + weights.shape[:-2]
    fits = min(weights.ndim, len(shape)) >= 2 and len(batch) == len(shape) - 2
    if not fits or (heads > 1 and batch != shape[:-2]):
        raise unsupported(node, f"factors {list(weights.shape)} and {list(shape)}")
    rows, depth = weights.shape[-2:]
    swap = (*range(last - 1), last, last - 1)
    x = low.transpose(y, swap)
    _check_columns(low, node, x, depth)
    if heads == 1:
        matrix = low.weights(node.inputs[0], _packed(weights.reshape(rows, depth)), axis=0)
        attrs = FullyConnectedAttrs(keep_num_dims=len(shape) != 2)
        return low.transpose(low.append("fully_connected", [x, matrix], attrs, node), swap)
    # From [heads, columns, depth] to rows of heads * depth.
    x = low.reshape(
        low.transpose(x, (last - 1, *range(last - 1), last)), (1, shape[-1], heads * depth)
    )
    blocks = np.zeros((heads, rows, heads, depth), np.float32)
    for head, block in enumerate(weights.reshape(heads, rows, depth)):
        blocks[head, :, head] = block
    matrix = low.builder.constant(node.inputs[0], blocks.reshape(heads * rows, heads * depth))
    attrs = FullyConnectedAttrs(keep_num_dims=True)
    product = low.append("fully_connected", [x, matrix], attrs, node)
    product = low.reshape(product, (1, shape[-1], heads, rows))
    return low.reshape(low.transpose(product, (0, 2, 3, 1)), (*shape[:-2], rows, shape[-1]))


def einsum(low: Lowering, node: OnnxNode) -> str:
    """Einsum of two tensors, as a matrix product of what their letters have in common; a constant
    one is a dense layer."""
    equation = attribute(node, "equation", str, "").replace(" ", "")
    terms, _, result = equation.partition("->")
    letters = dict(zip(node.inputs, terms.split(","), strict=False))
    names = sorted(letters, key=lambda name: name in low.constants)  # a constant is the second
    if len(letters) != 2 or not _is_product([*letters.values()], result):
        raise unsupported(
            node,
            f"the equation must be a product of two tensors, summed over letters of both; got "
            f"{equation!r}",
        )
    a, b = (letters[name] for name in names)
    sizes = {k: n for name in names for k, n in zip(letters[name], low.shape(name), strict=True)}
    batch = [k for k in result if k in a and k in b]
    summed = [k for k in a if k not in result]
    rows, columns = ([k for k in result if k in term and k not in batch] for term in (a, b))

    def factor(name: str, *groups: list[str]) -> str:
        order = [letters[name].index(k) for group in groups for k in group]
        shape = [math.prod(sizes[k] for k in group) for group in groups]
        return low.reshape(low.transpose(low.value(name), order), shape)

    if names[1] in low.constants and not batch:
        x = low.transpose(low.value(names[0]), [a.index(k) for k in (*rows, *summed)])
        depth = math.prod(sizes[k] for k in summed)
        x = low.reshape(x, [*(sizes[k] for k in rows), depth])
        matrix = low.floats(names[1]).transpose([b.index(k) for k in (*columns, *summed)])
        weights = low.builder.constant(names[1], _packed(matrix.reshape(-1, depth)))
        attrs = FullyConnectedAttrs(keep_num_dims=True)
        product = low.append("fully_connected", [x, weights], attrs, node)
    else:
        x, y = factor(names[0], batch, rows, summed), factor(names[1], batch, summed, columns)
        product = low.append("batch_matmul", [x, y], BatchMatmulAttrs(), node)
    made = [*batch, *rows, *columns]
    product = low.reshape(product, [sizes[k] for k in made])
    return low.transpose(product, [made.index(k) for k in result])


def _is_product(terms: Sequence[str], result: str) -> bool:
    """Whether each letter stands once in a term, and those that are summed in both."""
    a, b = terms
    once = all(len(set(term)) == len(term) and term.isalpha() for term in (a, b, result))
    return once and set(a) ^ set(b) <= set(result) <= set(a) | set(b)


def _check_columns(low: Lowering, node: OnnxNode, x: str, weights_columns: int) -> None:
    shape = low.tensor_shape(x)
    if shape[-1] != weights_columns:
        raise ModelError(
            f"node {node.name!r} ({node.op}): input {list(shape)}, weights for {weights_columns} "
            "values."
        )


def _packed(values: Array) -> Array:
    return np.ascontiguousarray(values, np.float32)


LOWERINGS: dict[str, Lower] = {"Einsum": einsum, "Gemm": gemm, "MatMul": matmul}
