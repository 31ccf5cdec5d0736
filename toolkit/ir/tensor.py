"""Tensors: name, shape, element type, quantisation and (for constants) data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Shape: TypeAlias = tuple[int, ...]
Array: TypeAlias = NDArray[Any]

#: Dimensions that a tensor may have.
MAX_RANK = 6


class DType(Enum):
    """Element type; the value is the numpy name."""

    FLOAT32 = "float32"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[Any]:
        return np.dtype(self.value)

    @property
    def size_bytes(self) -> int:
        return self.numpy.itemsize

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value of an integer type."""
        info = np.iinfo(self.numpy)
        return int(info.min), int(info.max)


@dataclass(frozen=True)
class QuantParams:
    """Affine quantisation, ``real = scale * (q - zero_point)``.

    ``scale`` holds float32 values.  One entry for the whole tensor, or one per index of ``axis``.
    Source: TensorFlow Lite 8-bit quantisation specification.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    @staticmethod
    def per_tensor(scale: float, zero_point: int) -> QuantParams:
        return QuantParams((float(np.float32(scale)),), (int(zero_point),))

    @property
    def tensor_scale(self) -> float:
        """The only scale of a per-tensor quantisation."""
        (scale,) = self.scale
        return scale

    @property
    def tensor_zero_point(self) -> int:
        (zero_point,) = self.zero_point
        return zero_point


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value in the graph; ``data`` is present exactly for constants.  Layout is NHWC / OHWI.

    On a float tensor ``quant`` is what the source model had quantised it with (QDQ): a wish that
    `quantize` fulfils where TFLite's rules allow; int8 parameters, int32 for a bias.
    """

    name: str
    shape: Shape
    dtype: DType
    quant: QuantParams | None = None
    data: Array | None = None

    @staticmethod
    def constant(name: str, data: Array, quant: QuantParams | None = None) -> Tensor:
        return Tensor(name, tuple(data.shape), DType(data.dtype.name), quant, data)

    @property
    def is_constant(self) -> bool:
        return self.data is not None

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        return self.elements * self.dtype.size_bytes

    @property
    def scale(self) -> float:
        """Per-tensor scale (float32 value)."""
        assert self.quant is not None, self.name
        return self.quant.tensor_scale

    @property
    def zero_point(self) -> int:
        assert self.quant is not None, self.name
        return self.quant.tensor_zero_point

    @property
    def values(self) -> Array:
        assert self.data is not None, self.name
        return self.data


def quantize(values: Array, quant: QuantParams, dtype: DType) -> Array:
    """Quantise real values to integers: round half away from zero, then clamp (TFLite's rule)."""
    scaled = np.asarray(values, np.float32) / np.float32(quant.tensor_scale)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    low, high = dtype.limits
    clipped: Array = np.clip(rounded + quant.tensor_zero_point, low, high).astype(dtype.numpy)
    return clipped


def dequantize(values: Array, quant: QuantParams) -> Array:
    """Real values (float32) of quantised integers, per tensor or per axis."""
    scale, zero = np.asarray(quant.scale, np.float32), np.asarray(quant.zero_point, np.int64)
    if quant.axis is not None:
        shape = [1] * values.ndim
        shape[quant.axis] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    real: Array = ((values.astype(np.int64) - zero) * scale).astype(np.float32)
    return real
