"""What operators share: the base class, windows, rows, kernel parameters."""
