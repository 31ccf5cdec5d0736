"""Convolutions that TensorFlow spells otherwise than ours: in groups, transposed, and dilated ones
as SPACE_TO_BATCH_ND, CONV_2D, BATCH_TO_SPACE_ND."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.ops.concatenation import MAX_INPUTS
from toolkit.ops.parts.phases import dense_kernel, phases
from toolkit.ops.parts.window import PADDING_SAME, PADDING_VALID
from toolkit.tflite.draft import Draft
from toolkit.tflite.flatbuffer import RawModel, RawOperator

#: How weights are stored.
_WEIGHTS = {int(schema.TensorType.INT8): np.int8, int(schema.TensorType.FLOAT32): np.float32}
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


def transposed(draft: Draft, op: RawOperator) -> bool:
    """TRANSPOSE_CONV: a dense convolution of all phases, which a reshape lines up."""
    _, weights, source, *bias = op.inputs
    (output,), options = op.outputs, op.options
    x, made, w = draft.shape(source), draft.shape(output), draft.shape(weights)
    if x[0] != 1 or len(w) != 4 or draft.tensor(weights).data is None:
        return False
    axes = []
    for i, stride in ((1, options.strideH), (2, options.strideW)):
        missing = (x[i] - 1) * stride + w[i] - made[i]
        start = max(missing, 0) // 2 if options.padding == PADDING_SAME else 0
        axes.append(phases(x[i], made[i], w[i], stride, start=start))
    height, width = axes
    stored = draft.tensor(weights)
    values = np.asarray(stored.data).view(_WEIGHTS[stored.type_code]).reshape(w)
    kernel = dense_kernel(values.transpose(3, 0, 1, 2), height, width)
    ph, pw, taps = height.phases, width.phases, kernel.shape[4:]
    matrix = kernel.transpose(2, 3, 1, 4, 5, 0).reshape(ph * pw * w[0], *taps, w[3])
    edges = [0, 0, height.before, height.after, width.before, width.after, 0, 0]
    rows, columns = (x[i] + edges[2 * i] + edges[2 * i + 1] for i in (1, 2))
    if max(edges):
        padded = draft.like(source, [1, rows, columns, x[3]])
        draft.emit("PAD", [source, draft.constant(edges, (4, 2))], [padded], schema.PadOptionsT())
        source = padded
    inputs = [source, draft.repeated(weights, matrix, ph * pw)]
    inputs += [i if i < 0 else draft.repeated(i, None, ph * pw) for i in bias]
    rows, columns = rows - taps[0] + 1, columns - taps[1] + 1
    dense = draft.like(output, [1, rows, columns, ph * pw * w[0]])
    conv = schema.Conv2DOptionsT(
        padding=PADDING_VALID, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1,
        fusedActivationFunction=options.fusedActivationFunction,
    )  # fmt: skip
    draft.emit("CONV_2D", inputs, [dense], conv)
    if ph > 1:
        apart = draft.like(output, [rows, columns, ph, pw * w[0]])
        turned = draft.like(output, [rows, ph, columns, pw * w[0]])
        draft.reshape(dense, apart)
        order = draft.constant([0, 2, 1, 3])
        draft.emit("TRANSPOSE", [apart, order], [turned], schema.TransposeOptionsT())
        dense = turned
    whole = [1, rows * ph, columns * pw, w[0]]
    if whole == made:
        draft.reshape(dense, output)
    else:
        lined = draft.like(output, whole)
        draft.reshape(dense, lined)
        draft.slice(lined, output, [0] * 4, made)
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
