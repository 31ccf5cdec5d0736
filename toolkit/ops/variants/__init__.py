"""Fast kernels, one module each, of the same stem as the C file."""
