"""The C symbols of a model around its layers, by schedule."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.measurement import FEATURE_STATE, MODEL_STATE, Symbol, Symbols
from toolkit.plan import Plan

_ROWS = (
    "model_output_bytes",
    "model_output_offset",
    "model_weights",
    "model_rings",
    "model_endless",
    "model_stages",
    "model_advance",
    "model_conclude",
    "model_step_row",
    "model_init",
    "model_reset",
    "model_put_frame",
    "model_step",
    "model_push_frame",
    "model_output",
)
_WHOLE = (
    "model_input_bytes",
    "model_output_bytes",
    "model_input_offset",
    "model_output_offset",
    "model_weights",
    "model_init",
    "model_input",
    "model_output",
    "model_invoke",
)
#: What the templates of model.c define besides layers.
DRIVER: Mapping[str, tuple[str, ...]] = {
    "batch": _WHOLE,
    "step": (*_WHOLE, "model_states", "model_reset"),
    "stream": (*_ROWS, "model_finish", "model_status", "model_refusal"),
    "continuous": (*_ROWS, "model_period_rows", "model_begin_block", "model_end_frame"),
}
#: The same where outputs have time, and where frames are rows of several inputs.
_ROWS_OUT = ("model_output_rows", "model_rows_ready", "model_take_row", "model_unread")
_SEVERAL_INPUTS = ("model_frame_bytes",)
#: No identifier of a layer may be one of these.
RESERVED = frozenset({"model_input_rows", "model_block", *_ROWS_OUT, *_SEVERAL_INPUTS}).union(
    *DRIVER.values()
)

#: No function is copied to RAM.
NOT_HOT: frozenset[str] = frozenset()

#: Roles of the functions that run a layer: streamed, and on whole tensors.
LAYER_ROLES = frozenset({"stage", "step"})
#: Roles of all functions that hold code of layers.
CODE_ROLES = LAYER_ROLES | {"shared"}

#: The objects of the test harness whose size is planned.
HARNESS_MODEL: Symbols = {"instance": Symbol(MODEL_STATE)}
HARNESS_FEATURES: Symbols = {"features": Symbol(FEATURE_STATE)}


def driver_symbols(plan: Plan) -> Symbols:
    """The symbols of the model's C that belong to no layer."""
    names = [*DRIVER[plan.schedule], *(_ROWS_OUT if plan.outputs_in_rows else ())]
    if plan.stream is not None and len(plan.graph.inputs) > 1:
        names += _SEVERAL_INPUTS
    return {name: Symbol("driver") for name in names}


def layer_functions(symbols: Symbols) -> dict[str, str]:
    """The layer of each function that runs one, by the function's name."""
    return {
        name: symbol.layers[0] for name, symbol in symbols.items() if symbol.role in LAYER_ROLES
    }
