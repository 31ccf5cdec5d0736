"""Exponential (EXP), int8: the nearest value to the real one.

TFLM has EXP on floats alone, so this is our own arithmetic, of files that have it; models that
are converted get a table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.functions import formula
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.lookup import PlainLookup, nearest
from toolkit.ops.table import tabled


class Exp(PlainLookup):
    """Exponential of each value.  Stock TFLM has no int8 form of it."""

    name = "exp"
    tflite_name = "EXP"
    tflite_options = "ExpOptions"
    onnx_names = ("Exp",)
    int16_by_others = True
    reads_any_width = True
    function = "exp"

    def integer_form(self, view: NodeView[None]) -> tuple[str, object]:
        """A table, which TFLM runs as a custom operator."""
        return tabled(formula(self.name), view)

    def tflite_version(self, view: NodeView[None]) -> int:
        return 1

    def run_float(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        return np.asarray(np.exp(inputs[0]), np.float32)

    def run_int(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        return nearest(view, inputs[0], np.exp)
