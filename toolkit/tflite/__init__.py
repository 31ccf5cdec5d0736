"""Quantised graphs to and from ``.tflite`` files, and the reference interpreters as oracles."""
