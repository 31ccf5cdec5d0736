"""The arithmetic of an LSTM's cell in integers, as TFLM's reference kernel has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.ir import Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.numerics.int16 import rescaled
from toolkit.ops.numerics.sigmoid_int16 import sigmoid16, tanh16, tanh_scale
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.recurrent import (
    RecurrentAttrs,
    clip16,
    gate_multipliers,
    rescaling_records,
)

#: Input indices, in the order of TFLite's gates: input, forget, cell, output.
INPUT_WEIGHTS, STATE_WEIGHTS, BIASES = range(1, 5), range(5, 9), range(12, 16)


@dataclass(frozen=True)
class LstmAttrs(RecurrentAttrs):
    """Fractional bits of the int16 cell, and the real magnitude at which it is cut off (0: not)."""

    cell_bits: int = 11
    cell_clip: float = 0.0


def step(
    gates: Sequence[Array], cell: Array, attrs: LstmAttrs, output: Tensor
) -> tuple[Array, Array]:
    """What a step leaves: the output and the cell, of the gates' arguments and the cell before."""
    i, f, c, o = gates
    (kept_scale, added_scale), clip = cell_scales(attrs), quantised_clip(attrs)
    kept = clip16(requantize(sigmoid16(f) * cell, *kept_scale))
    cell = clip16(kept + clip16(requantize(sigmoid16(i) * tanh16(c), *added_scale)))
    cell = np.clip(cell, -clip, clip) if clip else cell
    shown = sigmoid16(o) * tanh16(cell, *tanh_scale(attrs.cell_bits))
    made = requantize(shown, *hidden_scale(output)) + output.zero_point
    return np.clip(made, *output.dtype.limits), cell


def operands(inputs: Sequence[Array]) -> tuple[Array, list[Array], list[Array], list[Array]]:
    """The activation, matrices of input and state, biases, of the inputs that are there."""
    return inputs[0], list(inputs[1:5]), list(inputs[5:9]), list(inputs[9:13])


def gate(
    of: Tensor, vector: Array, weights: Array, matrix: Tensor, bias: Array | None = None
) -> Array:
    """A matrix times vectors, as a gate's argument; sums stay below 2**47, exact in float64."""
    acc = (vector.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64)
    acc = acc if bias is None else acc + bias
    ratio = quantize_multiplier(of.scale * matrix.scale * 2.0**12)
    return clip16(rescaled(of, acc, *(np.array(part) for part in ratio)))


def gate_scales(view: NodeView[LstmAttrs]) -> Array:
    """int32[4 gates][2][4]: records of the input's sums, then of the state's."""
    none = np.zeros(1, np.int32)
    records = [
        rescaling_records(none, *gate_multipliers(scale, view.input(index), 1))
        for pair in zip(INPUT_WEIGHTS, STATE_WEIGHTS, strict=True)
        for scale, index in zip((view.input(0).scale, view.output.scale), pair, strict=True)
    ]
    return np.stack(records)


def cell_scales(attrs: LstmAttrs) -> tuple[tuple[int, int], tuple[int, int]]:
    """Requantisation of what is kept of a cell, and of what is added to it."""
    return quantize_multiplier(2.0**-15), quantize_multiplier(2.0 ** (attrs.cell_bits - 30))


def hidden_scale(out: Tensor) -> tuple[int, int]:
    return quantize_multiplier(2.0**-15 * 2.0**-15 / out.scale)


def quantised_clip(attrs: LstmAttrs) -> int:
    return min(int(attrs.cell_clip * 2.0**attrs.cell_bits), 32767)
