"""Whether it is the same: outputs, features, accuracy, continuous mode."""
