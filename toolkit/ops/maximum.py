"""The larger of two values (MAXIMUM), int8 or int16."""

from __future__ import annotations

from toolkit.ops.parts.extremum import Extremum


class Maximum(Extremum):
    """The larger of two values, element by element, with broadcasting."""

    name = "maximum"
    tflite_name = "MAXIMUM"
    onnx_names = ("Max",)
    function = "max"
    largest = True
