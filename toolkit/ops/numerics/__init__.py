"""Integer arithmetic of TFLM's reference kernels."""
