"""Folds padding operators into the windowed operators behind them: paddings are explicit in the
graph, where kernels handle them without a copy of the tensor."""

from __future__ import annotations

import math
from dataclasses import replace

from toolkit.ir import DType, Graph, Node, Tensor
from toolkit.ops.pad import PadAttrs
from toolkit.ops.pad_v2 import PadV2Attrs
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs


def fold_pad(graph: Graph) -> Graph:
    """Fold every PAD and PADV2 along height and width whose readers all are windowed operators
    that pad with the same value themselves."""
    readers: dict[str, list[int]] = {}
    for index, node in enumerate(graph.nodes):
        for name in node.inputs:
            if name is not None:
                readers.setdefault(name, []).append(index)
    nodes: list[Node | None] = list(graph.nodes)
    # From the back, so that the last of several paddings in a row folds first.
    for index in reversed(range(len(nodes))):
        pad = graph.nodes[index]
        added = _height_and_width(pad)
        if added is None or pad.outputs[0] in graph.outputs:
            continue
        behind = readers.pop(pad.outputs[0], [])
        folded = [_fold(graph, pad, added, nodes[i]) for i in behind]
        if folded and all(folded):
            nodes[index] = None
            for i, reader in zip(behind, folded, strict=True):
                nodes[i] = reader
            source = pad.inputs[0]
            assert source is not None
            readers[source] = [i for i in readers[source] if i != index] + behind
    return replace(graph, nodes=tuple(node for node in nodes if node is not None)).pruned()


def window_fill(op: str, x: Tensor) -> float | None:
    """The value that operator ``op`` reads in the padding of its input ``x``: zero, or what never
    is the largest.  None for operators whose padding does not count."""
    if op in ("conv_2d", "depthwise_conv_2d"):
        return zero_of(x)
    if op == "max_pool_2d":
        return -math.inf if x.dtype is DType.FLOAT32 else x.dtype.limits[0]
    return None


def zero_of(x: Tensor) -> float:
    """How the real value 0 is stored in ``x``."""
    return 0.0 if x.dtype is DType.FLOAT32 else x.zero_point


def _height_and_width(node: Node) -> Padding | None:
    """What a padding node adds, None when it is not one or pads batch or channels."""
    if not isinstance(node.attrs, PadAttrs) or len(node.attrs.paddings) != 4:
        return None
    batch, (top, bottom), (left, right), channels = node.attrs.paddings
    return Padding(top, bottom, left, right) if batch == channels == (0, 0) else None


def _fold(graph: Graph, pad: Node, added: Padding, reader: Node | None) -> Node | None:
    """``reader`` with the padding made its own, None where that would change its result."""
    assert pad.inputs[0] is not None
    if reader is None or not isinstance(reader.attrs, WindowedAttrs):
        return None
    source, padded = graph.tensors[pad.inputs[0]], graph.tensors[pad.outputs[0]]
    value = pad.attrs.value if isinstance(pad.attrs, PadV2Attrs) else zero_of(padded)
    if value != window_fill(reader.op, source) or source.quant != padded.quant:
        return None
    if pad.outputs[0] in reader.inputs[1:]:
        return None
    own = reader.attrs.window.padding
    window = replace(
        reader.attrs.window,
        padding=Padding(
            own.top + added.top,
            own.bottom + added.bottom,
            own.left + added.left,
            own.right + added.right,
        ),
    )
    if not _every_window_meets_the_input(window):
        return None
    attrs = replace(reader.attrs, window=window)
    return replace(reader, inputs=(pad.inputs[0], *reader.inputs[1:]), attrs=attrs)


def _every_window_meets_the_input(window: Window) -> bool:
    p = window.padding
    return max(p.top, p.bottom) < window.span_h and max(p.left, p.right) < window.span_w
