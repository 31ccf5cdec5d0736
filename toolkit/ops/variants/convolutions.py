"""Every fast kernel of a convolution, for what is one: conv_2d, and depthwise layers seen as it."""

from __future__ import annotations

from toolkit.ir import DType
from toolkit.ops.parts.base import KernelCall
from toolkit.ops.parts.convolution import convolution_multipliers
from toolkit.ops.variants.conv_2d_s8_blocked import conv_2d_blocked_call
from toolkit.ops.variants.conv_2d_s8_dsp import conv_2d_call
from toolkit.ops.variants.conv_2d_s8_short import conv_2d_short_call
from toolkit.ops.variants.conv_2d_s8_winograd2 import winograd2_call
from toolkit.ops.variants.conv_2d_s16_blocked import conv_2d_s16_blocked_call
from toolkit.ops.variants.conv_2d_s16_dsp import conv_2d_s16_call
from toolkit.ops.variants.patches import View


def blocked_convolutions(view: View) -> tuple[KernelCall, ...]:
    """The kernels in plain C that a convolution is eligible for."""
    narrow = view.input(0).dtype is DType.INT8
    fast = conv_2d_blocked_call if narrow else conv_2d_s16_blocked_call
    call = fast(view, *convolution_multipliers(view))
    return () if call is None else (call,)


def dsp_convolutions(view: View) -> tuple[KernelCall, ...]:
    """The kernels for the DSP extension that a convolution is eligible for."""
    multipliers, shifts = convolution_multipliers(view)
    if view.input(0).dtype is not DType.INT8:
        wide = conv_2d_s16_call(view, multipliers, shifts)
        return () if wide is None else (wide,)
    calls = [conv_2d_call(view, multipliers, shifts, bits) for bits in (8, 16)]
    calls.append(conv_2d_short_call(view, multipliers, shifts))
    calls.append(winograd2_call(view))
    return tuple(call for call in calls if call is not None)
