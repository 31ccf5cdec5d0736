"""What writes target data: rates, code sizes and features of a core, ranges of the zoo."""
