"""Operators of a ``.tflite`` that become others of ours on the way in, with the same bits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from toolkit.errors import ModelError
from toolkit.ops import OPERATORS
from toolkit.tflite import convolutions, moves, tables
from toolkit.tflite.draft import Draft
from toolkit.tflite.flatbuffer import RawModel, RawOperator
from toolkit.tflite.known import known

#: Appends what an operator becomes; whether it becomes anything else.
EXPANSIONS: dict[str, Callable[[Draft, RawOperator], bool]] = {
    "CONCATENATION": moves.concatenation,
    "CONV_2D": convolutions.grouped,
    "DEPTH_TO_SPACE": moves.blocks,
    "GATHER": moves.gather,
    "MIRROR_PAD": moves.mirror_pad,
    "PACK": moves.pack,
    "RESIZE_NEAREST_NEIGHBOR": moves.resize_nearest,
    "SPACE_TO_DEPTH": moves.blocks,
    "SLICE": moves.slice_,
    "SPLIT": moves.split,
    "SPLIT_V": moves.split,
    "STRIDED_SLICE": moves.strided_slice,
    "TRANSPOSE_CONV": convolutions.transposed,
    "UNPACK": moves.unpack,
    **dict.fromkeys(tables.TABLES, tables.tabled),
}

#: What malformed operands make numpy and Python raise.
_MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

#: Tables of options of operators that have no file in `toolkit.ops`.
OPTIONS = frozenset(
    {"DepthToSpaceOptions", "GatherOptions", "MirrorPadOptions", "PackOptions"}
    | {
        "ResizeNearestNeighborOptions",
        "SpaceToDepthOptions",
        "SVDFOptions",
        "TransposeConvOptions",
        "UnpackOptions",
    }
)


#: Operators with a file of their own, whose reader says what is wrong with a malformed one.
_OWN = frozenset(op.tflite_name for op in OPERATORS.values() if not op.custom)


def expand(model: RawModel, name: str) -> RawModel:
    """The model in operators that `toolkit.ops` has, as far as there are rules.

    Raises ModelError where one is malformed.
    """
    draft = Draft(model)
    with suppress(*_MALFORMED):  # its operators stay, and the reader refuses them
        draft = Draft(convolutions.join_dilated(model))
    for op in draft.model.operators:
        before = len(draft.operators)
        try:
            done = not op.custom and (known(draft, op) or _expanded(draft, op))
        except _MALFORMED as error:
            if op.name not in _OWN:
                raise ModelError(
                    f"{name}: {op.name} with malformed inputs", "Export the model again."
                ) from error
            del draft.operators[before:]
            done = False
        if not done:
            draft.operators.append(op)
    return draft.finished()


def _expanded(draft: Draft, op: RawOperator) -> bool:
    rule = EXPANSIONS.get(op.name)
    return rule is not None and rule(draft, op)
