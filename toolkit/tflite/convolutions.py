"""Convolutions that TensorFlow spells otherwise than ours: in groups, and dilated ones as
SPACE_TO_BATCH_ND, CONV_2D, BATCH_TO_SPACE_ND."""

from __future__ import annotations

import copy
from dataclasses import replace

from ai_edge_litert import schema_py_generated as schema

from toolkit.ops.concatenation import MAX_INPUTS
from toolkit.ops.parts.window import PADDING_VALID
from toolkit.tflite.draft import Draft
from toolkit.tflite.flatbuffer import RawModel, RawOperator

_WINDOWED = ("CONV_2D", "DEPTHWISE_CONV_2D")


def grouped(draft: Draft, op: RawOperator) -> bool:
    """CONV_2D whose weights take a part of the channels: one of each part, side by side."""
    source, weights, *bias = op.inputs
    (output,) = op.outputs
    x, w = draft.shape(source), draft.shape(weights)
    if len(x) != 4 or len(w) != 4 or not 0 < w[3] < x[3]:
        return False
    groups = x[3] // w[3]
    if x[3] % w[3] or w[0] % groups:
        raise ValueError(f"{w} for {x[3]} channels")
    outputs, parts = w[0] // groups, []
    for group in range(groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        part = draft.like(source, [*x[:3], w[3]])
        begin, end = [0, 0, 0, group * w[3]], [*x[:3], (group + 1) * w[3]]
        draft.slice(source, part, begin, end)
        made = draft.like(output, [*draft.shape(output)[:3], outputs])
        inputs = [part, draft.part(weights, 0, rows)]
        inputs += [i if i < 0 else draft.part(i, 0, rows) for i in bias]
        draft.operators.append(replace(op, inputs=tuple(inputs), outputs=(made,)))
        parts.append(made)
    draft.concatenate(parts, output, 3, MAX_INPUTS)
    return True


def join_dilated(model: RawModel) -> RawModel:
    """The model with a dilated convolution, and a PAD before it, for every convolution between
    SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND."""
    if not any(op.name == "SPACE_TO_BATCH_ND" for op in model.operators):
        return model
    draft = Draft(model)
    readers: dict[int, list[RawOperator]] = {}
    for op in model.operators:
        for index in op.inputs:
            readers.setdefault(index, []).append(op)
    done: list[RawOperator] = []
    for op in model.operators:
        chain = _chain(op, readers, model)
        if any(op is other for other in done):
            continue
        if chain and _joined(draft, *chain):
            done += chain
        else:
            draft.operators.append(op)
    return draft.finished()


def _chain(
    op: RawOperator, readers: dict[int, list[RawOperator]], model: RawModel
) -> tuple[RawOperator, RawOperator, RawOperator] | None:
    """The convolution and what stands behind it, where nothing else reads what is between."""
    if op.name != "SPACE_TO_BATCH_ND" or op.custom:
        return None
    chain = [op]
    for wanted in (_WINDOWED, ("BATCH_TO_SPACE_ND",)):
        (between,) = chain[-1].outputs
        behind = readers.get(between, [])
        if len(behind) != 1 or between in model.outputs or behind[0].name not in wanted:
            return None
        chain.append(behind[0])
    first, middle, last = chain
    return first, middle, last


def _joined(draft: Draft, space: RawOperator, conv: RawOperator, batch: RawOperator) -> bool:
    """Append the dilated form; False where there is none."""
    source, *sizes = space.inputs
    block, pads, crops = (draft.integers(index) for index in (*sizes, batch.inputs[2]))
    options = conv.options
    plain = (options.strideH, options.strideW, options.dilationHFactor, options.dilationWFactor)
    shape = draft.shape(source)
    if (
        len(shape) != 4
        or len(block) != 2
        or block != draft.integers(batch.inputs[1])
        or plain != (1, 1, 1, 1)
        or options.padding != PADDING_VALID
        or crops[0]
        or crops[2]
        or shape[0] != 1
    ):
        return False
    after = [pads[1] - crops[1], pads[3] - crops[3]]
    if min(after) < 0:
        return False
    edges = [0, 0, pads[0], after[0], pads[2], after[1], 0, 0]
    height, width = (shape[i + 1] + edges[2 * i + 2] + edges[2 * i + 3] for i in range(2))
    padded = draft.like(source, [1, height, width, shape[3]])
    table = draft.constant(edges, (4, 2))
    draft.emit("PAD", [source, table], [padded], schema.PadOptionsT())
    dilated = copy.copy(options)
    dilated.dilationHFactor, dilated.dilationWFactor = block
    inputs = (padded, *conv.inputs[1:])
    draft.operators.append(replace(conv, inputs=inputs, outputs=batch.outputs, options=dilated))
    return True
