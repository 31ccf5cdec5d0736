"""Lowering of normalisations: the normalised axes are brought to the end and made one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from toolkit.errors import ModelError
from toolkit.frontend.lowering import Lower, Lowering, attribute, axis_of, no_effect, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.ir.tensor import Array
from toolkit.ops.normalization import NormalizationAttrs


def normalized(
    low: Lowering, node: OnnxNode, x: str, axes: Sequence[int], attrs: NormalizationAttrs
) -> str:
    """``x`` normalised over ``axes``."""
    shape = low.tensor_shape(x)
    others = [axis for axis in range(len(shape)) if axis not in axes]
    perm = [*others, *axes]
    turned = low.transpose(x, perm)
    inner = low.tensor_shape(turned)
    rows = low.reshape(turned, (*inner[: len(others)], math.prod(shape[a] for a in axes)))
    made = low.append("normalization", [rows], attrs, node)
    return low.transpose(low.reshape(made, inner), [perm.index(a) for a in range(len(shape))])


def _vector(low: Lowering, node: OnnxNode, index: int, shape: Sequence[int]) -> tuple[float, ...]:
    values = low.optional(node, index)
    if values is None:
        return ()
    return tuple(float(v) for v in np.broadcast_to(values, tuple(shape)).reshape(-1))


def layer_normalization(low: Lowering, node: OnnxNode) -> str:
    """LayerNormalization and RMSNormalization over the last axes."""
    no_effect(node, "stash_type")
    x = low.value(node.inputs[0])
    shape = low.tensor_shape(x)
    first = axis_of(node, attribute(node, "axis", int, -1), len(shape))
    axes = range(first, len(shape))
    gains = _vector(low, node, 1, shape[first:])
    offsets: tuple[float, ...] = ()
    if node.op == "LayerNormalization":
        offsets = _vector(low, node, 2, shape[first:])
    epsilon = attribute(node, "epsilon", float, 1e-5)
    centred = node.op == "LayerNormalization"
    return normalized(low, node, x, axes, NormalizationAttrs(centred, epsilon, gains, offsets))


def _of_channels(low: Lowering, node: OnnxNode, x: str, gains: Array, offsets: Array) -> str:
    """A gain and an offset for each channel, those of 1 and 0 left out."""
    each = (1, -1, *(1,) * (len(low.tensor_shape(x)) - 2))
    if (gains != 1).any():
        x = low.multiply(x, gains.reshape(each), node)
    return low.add(x, offsets.reshape(each), node) if offsets.any() else x


def instance_normalization(low: Lowering, node: OnnxNode) -> str:
    """InstanceNormalization: each channel over all that is behind it."""
    x = low.value(node.inputs[0])
    axes = range(2, len(low.tensor_shape(x)))
    attrs = NormalizationAttrs(True, attribute(node, "epsilon", float, 1e-5))
    made = normalized(low, node, x, axes, attrs)
    return _of_channels(low, node, made, low.constant(node, 1), low.constant(node, 2))


def group_normalization(low: Lowering, node: OnnxNode) -> str:
    """GroupNormalization: some channels, and all that is behind them, together."""
    no_effect(node, "stash_type")
    x = low.value(node.inputs[0])
    shape, groups = low.tensor_shape(x), attribute(node, "num_groups", int, 1)
    if groups < 1 or shape[1] % groups:
        raise ModelError(f"node {node.name!r} (GroupNormalization): {shape[1]} in {groups} groups.")
    apart = low.reshape(x, (shape[0], groups, math.prod(shape[1:]) // groups))
    attrs = NormalizationAttrs(True, attribute(node, "epsilon", float, 1e-5))
    made = low.reshape(normalized(low, node, apart, (2,), attrs), shape)
    gains, offsets = low.constant(node, 1), low.constant(node, 2)
    if gains.size == groups != shape[1]:  # operator set 18
        gains, offsets = (np.repeat(v, shape[1] // groups) for v in (gains, offsets))
    return _of_channels(low, node, made, gains, offsets)


def mean_variance_normalization(low: Lowering, node: OnnxNode) -> str:
    """MeanVarianceNormalization over any axes."""
    x = low.value(node.inputs[0])
    rank = len(low.tensor_shape(x))
    stated = attribute(node, "axes", tuple, (0, 2, 3))
    axes = sorted({axis_of(node, axis, rank) for axis in stated})
    if len(axes) == 0:
        raise unsupported(node, "no axes")
    return normalized(low, node, x, axes, NormalizationAttrs(True, 1e-9))


LOWERINGS: dict[str, Lower] = {
    "GroupNormalization": group_normalization,
    "InstanceNormalization": instance_normalization,
    "LayerNormalization": layer_normalization,
    "MeanVarianceNormalization": mean_variance_normalization,
    "RMSNormalization": layer_normalization,
}
