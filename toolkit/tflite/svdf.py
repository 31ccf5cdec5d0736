"""SVDF of a ``.tflite`` as what it is: a state, and two operators, one that moves it a step on and
one that reads it."""

from __future__ import annotations

from dataclasses import replace

from toolkit.errors import ModelError
from toolkit.ops import svdf, svdf_state
from toolkit.tflite.flatbuffer import RawModel, RawOperator, RawState


def expand_svdf(model: RawModel, name: str) -> RawModel:
    """The model without SVDF; raises ModelError where one is malformed."""
    if not any(op.name == "SVDF" and not op.custom for op in model.operators):
        return model
    tensors, states = list(model.tensors), list(model.states)
    operators: list[RawOperator] = []
    for op in model.operators:
        if op.name != "SVDF" or op.custom:
            operators.append(op)
            continue
        inside = [index for index in op.inputs if 0 <= index < len(tensors)]
        bias = len(op.inputs) == 5 and op.inputs[3] >= 0
        if len(inside) < 4 or len(op.inputs) != 5 or op.options is None or op.options.rank < 1:
            raise ModelError(f"{name}: SVDF with malformed inputs", "Export the model again.")
        x, filters, weights, _, state = op.inputs
        if not tensors[state].variable or len(tensors[weights].shape) != 2:
            raise ModelError(f"{name}: SVDF whose state is no variable", "Export the model again.")
        tensors[state] = replace(tensors[state], variable=False)
        after = len(tensors)
        tensors.append(replace(tensors[state], name=f"{tensors[state].name}/next"))
        states.append(RawState(state, after, None))
        memory = svdf_state.OPTIONS.pack(
            svdf_state.MAGIC, svdf_state.VERSION, tensors[weights].shape[1]
        )
        rank = svdf.OPTIONS.pack(svdf.MAGIC, svdf.VERSION, op.options.rank)
        reads = (after, weights, *((op.inputs[3],) if bias else ()))
        operators += [
            RawOperator("tk.svdf_state", True, (x, filters, state), (after,), "", memory),
            RawOperator("tk.svdf", True, reads, op.outputs, "", rank),
        ]
    return replace(model, tensors=tuple(tensors), operators=tuple(operators), states=tuple(states))
