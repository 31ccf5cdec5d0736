"""What a firmware costs: cycles, stack, flash and RAM."""
