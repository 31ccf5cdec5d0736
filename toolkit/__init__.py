"""Hearing-aid toolkit: ONNX to verified int8 firmware for hearing-aid-class microcontrollers."""

__version__ = "0.1.0"
