"""Random quantised networks that can run frame by frame: strides, dilations, paddings, branches
that meet again, and one to three reductions with small heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.support.graphs import activation, add_conv
from tests.support.random_graphs import SCALE, ZERO_POINT, Choose
from tests.support.windows import add_weights
from toolkit.ir import Graph, GraphBuilder, Node
from toolkit.ops import OPERATORS
from toolkit.ops.attention_pool import AttentionPoolAttrs, weight_table
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.pad import PadAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.parts.reduction import ReductionAttrs
from toolkit.ops.parts.rows import row_window
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs, same_padding
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.strided_slice import WHOLE, StridedSliceAttrs
from toolkit.ops.sum import SumAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.ops.variance import VarianceAttrs
from toolkit.plan.any_length import MAX_FRAMES_KEY
from toolkit.plan.time_axis import RowCount

#: Clip length of the graphs as built; everything else about time follows from the layers.
FRAMES = 48
#: Longest clip that the sums among their reductions say they are made for.
MAX_FRAMES = 5000


@dataclass
class _Net:
    builder: GraphBuilder
    choose: Choose
    rng: np.random.Generator
    counts: dict[str, RowCount]
    builtin: bool

    def shape(self, name: str) -> tuple[int, ...]:
        return self.builder.tensors[name].shape

    def add(
        self,
        op: str,
        inputs: list[str],
        shape: tuple[int, ...],
        attrs: object,
        scale: float = SCALE,
    ) -> str:
        """Append a node; rows of its output are followed here."""
        out = activation("t", shape, scale, ZERO_POINT)
        return self.follow(self.builder.add_node(op, inputs, out, attrs))

    def follow(self, name: str) -> str:
        node: Node = self.builder.nodes[-1]
        node_view = view(_bare(self.builder), node)
        behaviour = OPERATORS[node.op].time_behaviour(node_view, 1)
        source = next(n for n in node.inputs if n in self.counts)
        assert source is not None
        if behaviour is not TimeBehaviour.REDUCING:
            self.counts[name] = self.counts[source].behind(row_window(node_view, behaviour))
        return name


def _bare(builder: GraphBuilder) -> Graph:
    return Graph("", builder.tensors, tuple(builder.nodes), (), ())


def random_stream(choose: Choose, max_layers: int = 8, builtin: bool = False) -> Graph:
    """A network of up to ``max_layers`` layers (and joins) over 48 frames; ``builtin``: of what
    TFLite has a form for, which leaves out attention pooling and padded average pools."""
    rng = np.random.default_rng(choose(0, 10**6))
    builder = GraphBuilder("random stream")
    width, channels = choose(1, 6), choose(1, 5)
    x = builder.add_input(activation("x", (1, FRAMES, width, channels), SCALE, ZERO_POINT))
    net = _Net(builder, choose, rng, {x: RowCount()}, builtin)
    live = [x]
    for _ in range(choose(1, max_layers)):
        source = live[-1] if choose(0, 2) else live[choose(0, len(live) - 1)]
        live.append(_layer(net, source, live))
    used = {name for node in builder.nodes for name in node.inputs}
    ends = [name for name in live if name not in used] or [live[-1]]
    builder.outputs += [_head(net, _reduce(net, name)) for name in ends[-3:]]
    return builder.build().with_metadata(**{MAX_FRAMES_KEY: str(MAX_FRAMES)})


def random_rows(choose: Choose, max_layers: int = 8) -> Graph:
    """A network of one to three inputs whose outputs are rows, laid out in some way, and perhaps
    reductions; at least one is rows."""
    rng = np.random.default_rng(choose(0, 10**6))
    builder = GraphBuilder("random rows")
    width, channels = choose(1, 6), choose(1, 5)
    shape = (1, FRAMES, width, channels)
    count = (1, 1, 2, 3)[choose(0, 3)]
    inputs = [builder.add_input(activation("x", shape, SCALE, ZERO_POINT)) for _ in range(count)]
    net = _Net(builder, choose, rng, dict.fromkeys(inputs, RowCount()), False)
    live = [*inputs]
    for other in inputs[1:]:
        y = net.follow(add_conv(builder, live[-1], Window(1, 1), channels, rng, "as"))
        op = ("add", "mul", "sub")[choose(0, 2)]
        live.append(net.add(op, [y, other], shape, ArithmeticAttrs(Activation(0))))
    for _ in range(choose(1, max_layers)):
        source = live[-1] if choose(0, 2) else live[choose(0, len(live) - 1)]
        live.append(_layer(net, source, live))
    used = {name for node in builder.nodes for name in node.inputs}
    ends = [name for name in live if name not in used] or [live[-1]]
    ends = [*ends[-2:], *([live[choose(len(inputs), len(live) - 1)]] if choose(0, 1) else [])]
    first = _laid_out(net, ends[0])
    outputs = [first, *(_head(net, _reduce(net, name)) for name in ends if choose(0, 1))]
    outputs += [_laid_out(net, name) for name in ends[1:]]
    builder.outputs += dict.fromkeys(outputs[:: 1 - 2 * choose(0, 1)])
    return builder.build().with_metadata(**{MAX_FRAMES_KEY: str(MAX_FRAMES)})


def _laid_out(net: _Net, x: str) -> str:
    """Rows of something computed, as they are or as frameworks have them."""
    if not any(x in node.outputs and node.op != "reshape" for node in net.builder.nodes):
        x = net.add("relu", [x], net.shape(x), None)
    _, rows, width, channels = net.shape(x)
    kind = net.choose(0, 5)
    if kind == 0:
        return net.builder.add_node(
            "transpose",
            [x],
            activation("t", (1, channels, rows, width), SCALE, ZERO_POINT),
            TransposeAttrs((0, 3, 1, 2)),
        )
    if kind == 1:
        shape = (1, 1, rows, width * channels)
        out = activation("t", shape, SCALE, ZERO_POINT)
        return net.builder.add_node("reshape", [x], out, ReshapeAttrs(shape))
    return x


def _layer(net: _Net, x: str, live: list[str]) -> str:
    kind = net.choose(0, 11)
    if kind in (0, 1, 2):
        return _residual(net, x)
    if kind == 3:
        return _join(net, x, live)
    if kind in (4, 5):
        return _rowwise(net, x)
    return _windowed(net, x)


def _windowed(net: _Net, x: str, keep_rows: bool = False) -> str:
    """A convolution or pool with any geometry that fits; ``keep_rows``: as many rows as before."""
    choose, (_, rows, width, channels) = net.choose, net.shape(x)
    ops = ("conv_2d", "conv_2d", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d")
    op = ops[choose(0, 3 if net.builtin else 4)]
    while True:
        window = Window(choose(1, 5), choose(1, 3), choose(1, 3) if choose(0, 2) == 0 else 1)
        if "conv" in op and choose(0, 2) == 0:
            window = Window(window.kernel_h, window.kernel_w, window.stride_h, 1, choose(1, 3))
        padding = Padding()
        rule = 3 if keep_rows else choose(0, 3)
        if rule == 1:
            padding = same_padding(window, rows, width)
            # As files are read: any number of frames gives SAME's ceil(frames / stride) rows.
            padding = Padding(padding.top, window.span_h - 1 - padding.top, *_sides(window, choose))
        elif rule == 2:
            top, bottom = choose(0, window.span_h - 1), choose(0, window.span_h - 1)
            padding = Padding(top, bottom, *_sides(window, choose))
        elif rule == 3:
            if keep_rows and window.stride_h != 1:
                continue
            top = choose(0, window.span_h - 1)
            padding = Padding(top, window.span_h - 1 - top, *_sides(window, choose))
        window = Window(
            window.kernel_h,
            window.kernel_w,
            window.stride_h,
            1 if width < 3 or keep_rows else choose(1, 2),
            window.dilation_h,
            1,
            padding,
        )
        out_h, out_w = window.output_hw(rows, width)
        if out_h >= 6 and out_w >= 1 and not (keep_rows and out_w != width):
            break
    if op == "conv_2d":
        out_channels = channels if keep_rows else choose(1, 6)
        return net.follow(add_conv(net.builder, x, window, out_channels, net.rng, "conv"))
    attrs = WindowedAttrs(window, Activation(choose(0, 3)))
    if op == "depthwise_conv_2d":
        multiplier = 1 if keep_rows or channels > 4 else choose(1, 2)
        shape = (1, window.kernel_h, window.kernel_w, channels * multiplier)
        weights = add_weights(net.builder, net.rng, shape, 3, SCALE, 1e-3, 1e-1)
        inputs = [x, *(w for w in weights if w is not None)]
        return net.add(op, inputs, (1, out_h, out_w, channels * multiplier), attrs)
    return net.add(op, [x], (1, out_h, out_w, channels), attrs)


def _sides(window: Window, choose: Choose) -> tuple[int, int]:
    left = choose(0, window.span_w - 1)
    return left, window.span_w - 1 - left


def _residual(net: _Net, x: str) -> str:
    """Branches of different delay that meet again."""
    y = x
    for _ in range(net.choose(1, 3)):
        y = _windowed(net, y, keep_rows=True)
    if net.shape(y) != net.shape(x):
        return y
    z = _windowed(net, x, keep_rows=True) if net.choose(0, 1) else x
    other = z if net.shape(z) == net.shape(x) else x
    pair = [y, other] if net.choose(0, 1) else [other, y]
    return _joined(net, pair)


def _join(net: _Net, x: str, live: list[str]) -> str:
    """Join with any tensor of the same rows, or with a constant."""
    same = [n for n in live if net.shape(n) == net.shape(x) and net.counts[n] == net.counts[x]]
    if net.choose(0, 1) and len(same) > 1:
        return _joined(net, [x, same[net.choose(0, len(same) - 1)]])
    shape = (1, 1, *net.shape(x)[2:])
    quant = net.builder.tensors[x].quant
    data = net.rng.integers(-128, 128, shape).astype(np.int8)
    constant = net.builder.constant("operand", data, quant)
    op = ("add", "mul", "sub")[net.choose(0, 2)]
    return net.add(op, [x, constant], net.shape(x), ArithmeticAttrs(Activation(net.choose(0, 3))))


def _joined(net: _Net, pair: list[str]) -> str:
    shape, axis = net.shape(pair[0]), net.choose(2, 3)
    if net.choose(0, 2) == 0 and shape[3] <= 6:
        joined = list(shape)
        joined[axis] *= 2
        return net.add("concatenation", pair, tuple(joined), ConcatenationAttrs(axis))
    op = ("add", "mul", "sub")[net.choose(0, 2)]
    return net.add(op, pair, shape, ArithmeticAttrs(Activation(net.choose(0, 3))))


def _rowwise(net: _Net, x: str) -> str:
    """What looks at one row, or pads time by rows of its own."""
    _, rows, width, channels = net.shape(x)
    kind = net.choose(0, 5)
    if kind == 0:
        return net.add("mean", [x], (1, rows, 1, channels), MeanAttrs((2,), True))
    if kind == 5 and rows >= 8:
        start, cut, step = net.choose(0, 2), net.choose(0, 2), net.choose(1, 2)
        left = -(-(rows - start - cut) // step)
        part = StridedSliceAttrs((WHOLE, (start, -cut or None, step), WHOLE, WHOLE))
        return net.add("strided_slice", [x], (1, left, width, channels), part)
    if kind == 1:
        shape = (1, rows, channels, width)
        return net.add("transpose", [x], shape, TransposeAttrs((0, 1, 3, 2)))
    if kind == 2:
        shape = (1, rows, width * channels, 1)
        return net.add("reshape", [x], shape, ReshapeAttrs(shape))
    if kind == 3:
        edges = ((0, 0), (net.choose(0, 3), net.choose(0, 3)), (net.choose(0, 1), 0), (0, 0))
        before_after = [sum(edge) for edge in edges]
        grown = tuple(n + e for n, e in zip(net.shape(x), before_after, strict=True))
        return net.add("pad", [x], grown, PadAttrs(edges))
    return net.add("relu", [x], net.shape(x), None)


def _reduce(net: _Net, x: str) -> str:
    _, rows, width, channels = net.shape(x)
    kind = net.choose(1 if net.builtin else 0, 7 if net.builtin else 8)
    if kind == 0:
        table = net.builder.constant("table", weight_table(SCALE))
        logits = net.follow(add_conv(net.builder, x, Window(1, 1), channels, net.rng, "sof"))
        inputs = [x, logits, table]
        return net.add("attention_pool", inputs, (1, 1, width, channels), AttentionPoolAttrs())
    if kind == 1:
        return net.add("mean", [x], (1, channels), MeanAttrs((1, 2)))
    if kind == 2:
        return net.add("mean", [x], (1, 1, width, channels), MeanAttrs((1,), True))
    if kind in (5, 6):  # at a scale that neither drowns nor always saturates it
        attrs, shape = (
            (SumAttrs((1, 2)), (1, channels))
            if kind == 5
            else (SumAttrs((1,), True), (1, 1, width, channels))
        )
        return net.add("sum", [x], shape, attrs, 30 * SCALE)
    if kind == 7:
        return net.add("reduce_max", [x], (1, channels), ReductionAttrs((1, 2)))
    if kind == 8:
        attrs = VarianceAttrs((1, 2), root=bool(net.choose(0, 1)))
        return net.add("variance", [x], (1, channels), attrs)
    op = "max_pool_2d" if kind == 3 else "average_pool_2d"
    window = Window(rows, width, rows, width)
    return net.add(op, [x], (1, 1, 1, channels), WindowedAttrs(window, Activation(kind % 3)))


def _head(net: _Net, x: str) -> str:
    """Nothing, or a dense layer, perhaps with a softmax."""
    if net.choose(0, 1):
        return x
    builder, values = net.builder, int(np.prod(net.shape(x)))
    scale = builder.tensors[x].scale
    out = activation("flat", (1, values), scale, ZERO_POINT)
    flat = builder.add_node("reshape", [x], out, ReshapeAttrs((1, values)))
    weights = add_weights(builder, net.rng, (3, values), None, scale, 1e-3, 1e-2)
    inputs = [flat, *(w for w in weights if w is not None)]
    dense = activation("dense", (1, 3), SCALE, ZERO_POINT)
    y = builder.add_node("fully_connected", inputs, dense, FullyConnectedAttrs())
    if net.choose(0, 1):
        return y
    return builder.add_node(
        "softmax", [y], activation("p", (1, 3), 1 / 256, -128), SoftmaxAttrs(1.0)
    )
