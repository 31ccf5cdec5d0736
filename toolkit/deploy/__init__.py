"""A model on its way to the device: laid out for a target, compiled, run, judged."""
