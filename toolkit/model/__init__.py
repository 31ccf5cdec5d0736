"""A model as it comes and as it will run: files, inputs, int8 form, reference outputs."""
