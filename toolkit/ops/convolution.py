"""Requantisation that all convolutions share."""

from __future__ import annotations

from typing import Any

from toolkit.ir.tensor import Array
from toolkit.ops.base import NodeView
from toolkit.ops.fixed_point import quantize_multipliers


def convolution_ratios(view: NodeView[Any]) -> list[float]:
    """Input scale * weight scale / output scale of each output channel, in double precision."""
    weights = view.input(1)
    assert weights.quant is not None
    scales = weights.quant.scale
    if len(scales) == 1:
        scales = scales * view.output.shape[-1]
    return [view.input(0).scale * s / view.output.scale for s in scales]


def convolution_multipliers(view: NodeView[Any]) -> tuple[Array, Array]:
    """Per-output-channel requantisation."""
    return quantize_multipliers(convolution_ratios(view))
