"""Weights of recurrent layers as their kernels for the DSP extension read them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import KernelCall

#: Weights in the order of their bytes in a word, which two SXTB16 take apart into pairs.
_BYTE_ORDER = (0, 2, 1, 3)


def with_words(call: KernelCall) -> Mapping[str, int | Array]:
    """The parameters of a portable call with packed weights."""
    packed = {name: pack_words(call.params[name]) for name in ("in_weights", "state_weights")}
    return {**call.params, **packed}


def pack_words(weights: int | Array) -> Array:
    """int8 ``[units][gates][values]`` as ``[units][values / 4][gates][4]``, filled up with 0."""
    assert isinstance(weights, np.ndarray)
    units, gates, values = weights.shape
    full = np.pad(weights, ((0, 0), (0, 0), (0, -values % 4)))
    fours = full.reshape(units, gates, -1, 4)[..., _BYTE_ORDER]
    return np.ascontiguousarray(fours.swapaxes(1, 2))
