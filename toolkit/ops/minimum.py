"""The smaller of two values (MINIMUM), int8 or int16."""

from __future__ import annotations

from toolkit.ops.parts.extremum import Extremum


class Minimum(Extremum):
    """The smaller of two values, element by element, with broadcasting."""

    name = "minimum"
    tflite_name = "MINIMUM"
    onnx_names = ("Min",)
    function = "min"
    largest = False
