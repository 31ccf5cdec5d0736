"""Random window geometry whose padding a TFLite rule gives, and weights for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.support.operators import scale
from toolkit.ir import GraphBuilder, QuantParams
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.window import Padding, Window, same_padding

ACTIVATIONS = list(Activation)


def random_window(rng: np.random.Generator, in_h: int, in_w: int, dilated: bool = True) -> Window:
    """A window that fits the input, SAME, VALID or with explicit padding smaller than itself."""
    while True:
        dilation = rng.integers(1, 4, 2) if dilated and rng.random() < 0.3 else (1, 1)
        kernel, stride = rng.integers(1, 6, 2), rng.integers(1, 4, 2)
        window = Window(*map(int, (*kernel, *stride, *dilation)))
        rule = rng.integers(3)
        if rule == 0:
            window = replace(window, padding=same_padding(window, in_h, in_w))
        elif rule == 1:
            top, bottom = rng.integers(0, window.span_h, 2)
            left, right = rng.integers(0, window.span_w, 2)
            window = replace(window, padding=Padding(*map(int, (top, bottom, left, right))))
        p = window.padding
        inside = max(p.top, p.bottom) < window.span_h and max(p.left, p.right) < window.span_w
        if inside and min(window.output_hw(in_h, in_w)) > 0:
            return window


def add_weights(
    builder: GraphBuilder,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    axis: int | None,
    in_scale: float,
    low: float = 1e-4,
    high: float = 1e-1,
) -> tuple[str, str | None]:
    """Random int8 weights, per channel of ``axis`` or with one scale, and perhaps a bias."""
    channels = shape[0] if axis is None else shape[axis]
    count = 1 if axis is None else channels
    scales = np.array([scale(rng, low, high) for _ in range(count)], np.float32)
    axis = axis if count > 1 else None
    zeros = (0,) * count
    quant = QuantParams(tuple(map(float, scales)), zeros, axis)
    weights = builder.constant("w", rng.integers(-127, 128, shape).astype(np.int8), quant)
    if rng.random() < 0.2:
        return weights, None
    bias_scales = (scales * np.float32(in_scale)).astype(np.float32)
    bias_quant = QuantParams(tuple(map(float, bias_scales)), zeros, None if axis is None else 0)
    values = rng.integers(-20000, 20000, channels).astype(np.int32)
    return weights, builder.constant("b", values, bias_quant)
