"""Float graphs to int8 graphs: calibrated ranges, fixed-point parameters, accuracy."""
