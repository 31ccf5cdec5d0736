"""Training and export of the toolkit's own networks; the only package that imports torch."""
