"""Fixed-point parameters of one tensor: TFLite's 8-bit rules with the guards they lack."""

from __future__ import annotations

import numpy as np

from toolkit.ir import DType, QuantParams
from toolkit.ir.tensor import Array

#: Smallest activation scale.  An activation that hardly leaves zero would otherwise get a scale
#: whose requantisation multiplier overflows.
MIN_SCALE = 2.0**-24

#: A bias may use this many bits, which leaves the products of the accumulator room in 32 bits.
BIAS_BITS = 29

#: Smallest weight scale of a channel relative to the largest: keeps multipliers of channels that
#: are nearly zero within reach of the requantisation shift.
CHANNEL_RATIO = 2.0**-20


def activation_params(low: float, high: float, dtype: DType) -> QuantParams:
    """Parameters that cover ``low`` .. ``high`` and represent 0 exactly.

    int8 is asymmetric over all 256 steps, int16 symmetric with zero point 0.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:  # never left zero: any scale will do, but neighbours are rescaled to it
        high = 1.0
    if dtype is DType.INT16:
        return QuantParams.per_tensor(max(max(-low, high) / 32767.0, MIN_SCALE), 0)
    scale = float(np.float32(max((high - low) / 255.0, MIN_SCALE)))
    zero_point = round(-128.0 - low / scale)
    return QuantParams.per_tensor(scale, min(max(zero_point, -128), 127))


def weight_params(
    weights: Array, axis: int | None, bias: Array | None, scale: float
) -> QuantParams:
    """Symmetric int8 parameters, per index of ``axis`` or (None) for the whole tensor.

    ``bias`` are the real bias values and ``scale`` the input's scale: a channel's scale is at
    least |bias| / (scale * 2**29), so that the quantised bias leaves the accumulator room.
    """
    values = np.abs(weights.astype(np.float64))
    if axis is None:
        peaks = values.reshape(1, -1).max(axis=1)
    else:
        peaks = values.max(axis=tuple(i for i in range(values.ndim) if i != axis))
    scales = peaks / 127.0
    floor = max(float(scales.max()) * CHANNEL_RATIO, MIN_SCALE * CHANNEL_RATIO)
    scales = np.maximum(scales, floor)
    if bias is not None:
        needed = np.abs(bias.astype(np.float64)) / (scale * 2.0**BIAS_BITS)
        scales = np.maximum(scales, needed if axis is not None else needed.max())
    rounded = tuple(float(s) for s in scales.astype(np.float32))
    return QuantParams(rounded, (0,) * len(rounded), axis)


def kept_weight_params(
    given: QuantParams | None, bias: Array | None, scale: float
) -> QuantParams | None:
    """Weight parameters that came with the model; None where they break TFLite's rules: weights
    are symmetric, and ``bias`` fits beside an input of ``scale`` (see `weight_params`)."""
    if given is None or any(given.zero_point):
        return None
    needed = 0.0 if bias is None else np.abs(bias.astype(np.float64)) / (scale * 2.0**BIAS_BITS)
    return given if (np.asarray(given.scale) >= needed).all() else None


def quantize_weights(weights: Array, params: QuantParams) -> Array:
    """int8 weights, rounded half to even; only parameters from elsewhere reach -128."""
    quantized: Array = np.clip(np.rint(weights / _spread(params, weights.ndim)), -128, 127)
    return quantized.astype(np.int8)


def quantize_bias(
    bias: Array, weight_params: QuantParams, scale: float, dtype: DType
) -> tuple[Array, QuantParams]:
    """Bias in units of the accumulator, input scale times weight scale."""
    scales = np.asarray(weight_params.scale, np.float64) * scale
    values = np.rint(bias.astype(np.float64) / scales).astype(dtype.numpy)
    axis = None if weight_params.axis is None else 0
    rounded = tuple(float(s) for s in scales.astype(np.float32))
    return values, QuantParams(rounded, (0,) * len(rounded), axis)


def _spread(params: QuantParams, rank: int) -> Array:
    scale = np.asarray(params.scale, np.float64)
    if params.axis is None:
        return scale
    shape = [1] * rank
    shape[params.axis] = -1
    return scale.reshape(shape)
