"""The layers to calibrate predictions with, as graphs of a moderate size.

Shapes are like those of published networks but none of theirs, so that a network's own cycles stay
a test of what is fitted here.
"""

from __future__ import annotations

from benchmarks.calibration.further_layers import further_graph
from benchmarks.calibration.layers import (
    AFTER_RELU,
    INT8,
    INT16,
    WIDER,
    Layers,
    arithmetic,
    attention,
    conv,
    dense,
    depthwise,
    join,
    matmul,
    pool,
    same,
    unary,
)
from benchmarks.calibration.recurrent import recurrent_graph
from toolkit.ir import DType, Graph, QuantParams, Shape, Tensor
from toolkit.ops.pad import PadAttrs
from toolkit.ops.parts.reduction import ReductionAttrs
from toolkit.ops.parts.window import Padding, Window
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.strided_slice import StridedSliceAttrs
from toolkit.ops.transpose import TransposeAttrs

_ONE = Window(1, 1)
_HALF = Window(2, 2, 2, 2)
_POOL = Window(3, 3, 2, 2, padding=Padding(1, 1, 1, 1))

#: Height, width, input channels and output channels of 3x3 convolutions of stride 1.
_CONV_3X3 = (
    *((16, 20, 1, 8), (12, 24, 1, 16), (20, 14, 2, 12), (14, 20, 3, 16), (12, 20, 8, 8)),
    *((10, 24, 12, 12), (11, 25, 14, 14), (8, 26, 15, 11), (8, 12, 10, 14), (10, 16, 16, 20)),
    *((7, 9, 24, 24), (6, 10, 32, 24), (5, 6, 48, 40), (4, 12, 20, 64), (10, 30, 6, 10)),
    *((9, 12, 28, 28), (8, 14, 32, 20), (6, 12, 40, 32), (5, 8, 64, 48), (10, 14, 18, 20)),
)
#: The same of 1x1 convolutions.
_CONV_1X1 = (
    *((8, 16, 16, 32), (6, 11, 24, 24), (10, 13, 12, 14), (9, 10, 15, 15), (5, 6, 48, 56)),
    *((4, 5, 96, 40), (20, 12, 8, 20), (5, 7, 40, 64), (3, 9, 72, 72), (12, 12, 4, 16)),
)
#: Input, output channels, kernel, stride, dilation of the others.
_CONV_OTHER: tuple[tuple[Shape, int, Shape, Shape, int], ...] = (
    ((24, 12, 1), 24, (8, 6), (2, 2), 1),
    ((20, 10, 1), 40, (10, 3), (2, 1), 1),
    ((20, 20, 1), 16, (5, 5), (1, 1), 1),
    ((30, 10, 1), 16, (9, 5), (2, 2), 1),
    ((40, 12, 1), 24, (10, 5), (2, 2), 1),
    ((36, 12, 1), 20, (12, 4), (2, 1), 1),
    ((24, 16, 1), 16, (8, 4), (2, 2), 1),
    ((20, 22, 3), 12, (3, 3), (2, 2), 1),
    ((20, 16, 1), 14, (3, 3), (2, 2), 1),
    ((64, 1, 12), 24, (5, 1), (1, 1), 1),
    ((56, 1, 20), 28, (5, 1), (2, 1), 1),
    ((60, 1, 28), 20, (7, 1), (1, 1), 1),
    ((12, 12, 8), 12, (5, 5), (1, 1), 1),
    ((16, 10, 12), 20, (3, 5), (1, 1), 1),
    ((16, 16, 16), 24, (3, 3), (2, 2), 1),
    ((14, 18, 10), 16, (3, 3), (2, 2), 1),
    ((12, 12, 24), 32, (3, 3), (2, 1), 1),
    ((16, 16, 20), 40, (1, 1), (2, 2), 1),
    ((10, 16, 24), 36, (1, 1), (2, 2), 1),
    ((64, 1, 16), 24, (3, 1), (1, 1), 1),
    ((60, 1, 20), 20, (9, 1), (1, 1), 1),
    ((1, 64, 16), 24, (1, 5), (1, 1), 1),
    ((1, 60, 12), 32, (1, 9), (1, 2), 1),
    ((64, 1, 24), 24, (3, 1), (1, 1), 2),
)
_DEPTHWISE: tuple[tuple[Shape, Shape, Shape], ...] = (
    ((12, 10, 16), (3, 3), (1, 1)),
    ((14, 8, 24), (3, 3), (1, 1)),
    ((10, 12, 13), (3, 3), (1, 1)),
    ((8, 6, 48), (3, 3), (1, 1)),
    ((5, 7, 72), (3, 3), (1, 1)),
    ((14, 14, 32), (3, 3), (2, 2)),
    ((12, 10, 24), (5, 5), (1, 1)),
    ((64, 1, 24), (5, 1), (1, 1)),
    ((48, 1, 40), (9, 1), (1, 1)),
    ((1, 64, 16), (1, 9), (1, 1)),
)
#: Input, kernel, dilation along the height and multiplier of the others, of step 1.
_DEPTHWISE_OTHER: tuple[tuple[Shape, Shape, int, int], ...] = (
    ((64, 1, 24), (3, 1), 2, 1),
    ((56, 1, 16), (5, 1), 4, 1),
    ((60, 2, 12), (3, 1), 8, 1),
    ((16, 12, 14), (3, 3), 2, 1),
    ((14, 10, 6), (3, 3), 1, 2),
    ((10, 12, 5), (3, 3), 1, 4),
    ((12, 10, 8), (5, 5), 1, 2),
)
_GRIDS: tuple[Shape, ...] = ((12, 13, 13), (8, 10, 24), (6, 20, 16), (5, 5, 48))
#: Height (time), width and channels of streamed inputs.
_STREAMED: tuple[Shape, ...] = ((40, 20, 12), (40, 12, 15), (40, 10, 32), (40, 24, 1))
#: Batches, inputs and outputs of dense layers; batches, rows, depth and columns of products.
_DENSE = ((1, 72, 10), (1, 128, 12), (1, 300, 4), (1, 256, 48), (8, 40, 40), (1, 35, 7))
_PRODUCTS: tuple[Shape, ...] = ((1, 14, 14, 14), (1, 12, 40, 10), (4, 9, 16, 20), (1, 33, 24, 17))


def batch_graphs() -> tuple[Graph, ...]:
    """Every layer, as graphs of a moderate size whose layers are independent of each other."""
    windows = (_conv_3x3(), _conv_others(), _depthwise())
    recurrent = (recurrent_graph(), recurrent_graph(DType.INT16))
    further = further_graph(_GRIDS)
    return (*windows, _elementwise(), _sums(), further, *_int16(), *recurrent)


def stream_graphs() -> tuple[Graph, ...]:
    """Layers that are run row by row; all of a graph read its one input, time first."""
    return (
        *(_streamed(shape) for shape in _STREAMED),
        *(_streamed(shape, dtype=DType.INT16) for shape in _STREAMED[1:3]),
    )


def twin_graphs() -> tuple[tuple[Graph, ...], tuple[Graph, ...]]:
    """The same layers, batch and streamed, where kernels are specialised: each twice, with other
    weights, so that the two share code."""
    halves = (_CONV_3X3[::2], _CONV_3X3[1::2])  # all together outgrow the smallest board
    batch = (*(_conv_3x3(2, half) for half in halves), _conv_others(2), _depthwise(2))
    return batch, tuple(_streamed(shape, 2) for shape in _STREAMED)


def _conv_3x3(times: int = 1, shapes: tuple[Shape, ...] = _CONV_3X3) -> Graph:
    layers = Layers("conv_3x3")
    for *shape, out_c in shapes * times:
        conv(layers, tuple(shape), out_c, same(tuple(shape), (3, 3)))
    return layers.builder.build()


def _conv_others(times: int = 1) -> Graph:
    layers = Layers("conv_others")
    for *shape, out_c in _CONV_1X1 * times:
        conv(layers, tuple(shape), out_c, _ONE)
    for size, out_c, kernel, stride, dilation in _CONV_OTHER * times:
        conv(layers, size, out_c, same(size, kernel, stride, dilation))
    return layers.builder.build()


def _depthwise(times: int = 1) -> Graph:
    layers = Layers("depthwise")
    for shape, kernel, stride in _DEPTHWISE * times:
        depthwise(layers, shape, same(shape, kernel, stride))
    for shape, kernel, dilation, multiplier in _DEPTHWISE_OTHER * times:
        depthwise(layers, shape, same(shape, kernel, dilation=dilation), multiplier)
    depthwise(layers, (16, 10, 1), same((16, 10, 1), (3, 3)), 16)
    depthwise(layers, (10, 8, 4), same((10, 8, 4), (5, 3), (2, 2)), 8)
    return layers.builder.build()


def _elementwise() -> Graph:
    """What handles values one by one, and pools."""
    layers, narrow, wide = Layers("elementwise"), DType.INT8, DType.INT16
    for height, width, channels in _GRIDS:
        grid = (height, width, channels)
        for op in ("max_pool_2d", "average_pool_2d"):
            pool(layers, op, grid, _HALF)
            pool(layers, op, grid, _POOL)
            pool(layers, op, grid, Window(height, width))
        for op in ("add", "sub", "mul"):
            arithmetic(layers, op, grid, vector=False)
            arithmetic(layers, op, grid, vector=True)
        shape = (1, *grid)
        unary(layers, "relu", shape)
        unary(layers, "tanh", shape, quants=(INT8, QuantParams.per_tensor(1 / 128, 0)))
        unary(layers, "quantize", shape, quants=(INT8, AFTER_RELU))
        unary(layers, "quantize", shape, None, (INT8, INT16), (narrow, wide))
        unary(layers, "quantize", shape, None, (INT16, INT8), (wide, narrow))
        unary(layers, "quantize", shape, None, (INT16, WIDER), (wide, wide))
        unary(layers, "pad", shape, PadAttrs(((0, 0), (1, 1), (1, 1), (0, 0))))
        unary(layers, "transpose", shape, TransposeAttrs((0, 3, 1, 2)))
        join(layers, [shape, shape], 3)
        join(layers, [shape, shape, shape], 1)
        unary(layers, "strided_slice", shape, _every_other(shape))
    return layers.builder.build()


def _sums() -> Graph:
    """Dense layers, matrix products, softmax, means and sums."""
    layers, narrow, wide = Layers("sums"), DType.INT8, DType.INT16
    for batches, inputs, outputs in _DENSE:
        dense(layers, batches, inputs, outputs, narrow)
        dense(layers, batches, inputs, outputs, wide)
    for sizes in _PRODUCTS:
        for adj_y in (False, True):
            matmul(layers, sizes, narrow, adj_y)
            matmul(layers, sizes, wide, adj_y)
    for rows, depth in ((1, 12), (10, 24), (26, 100), (4, 400)):
        out8, out16 = QuantParams.per_tensor(1 / 256, -128), QuantParams.per_tensor(1 / 32768, 0)
        unary(layers, "softmax", (rows, depth), SoftmaxAttrs(), (INT8, out8))
        unary(layers, "softmax", (rows, depth), SoftmaxAttrs(), (INT16, out16), (wide, wide))
    for grid in _GRIDS:
        for op in ("mean", "sum"):
            unary(layers, op, (1, *grid), ReductionAttrs((1, 2)))
            unary(layers, op, (1, *grid), ReductionAttrs((1,)))
        attention(layers, grid, narrow)
        attention(layers, grid, wide)
    return layers.builder.build()


def _int16_windows() -> Graph:
    """Convolutions of int16 activations."""
    wide, layers = DType.INT16, Layers("int16_windows")
    for sizes, taps in ((_CONV_3X3[3:8], (3, 3)), (_CONV_1X1[:4], (1, 1))):
        for *size, out_c in sizes:
            conv(layers, tuple(size), out_c, same(tuple(size), taps), wide)
    for shape, out_c, kernel, stride, dilation in (*_CONV_OTHER[:3], *_CONV_OTHER[-5:]):
        conv(layers, shape, out_c, same(shape, kernel, stride, dilation), wide)
    for shape, kernel, stride in _DEPTHWISE:
        depthwise(layers, shape, same(shape, kernel, stride), dtype=wide)
    for shape, kernel, dilation, multiplier in _DEPTHWISE_OTHER:
        window = same(shape, kernel, dilation=dilation)
        depthwise(layers, shape, window, multiplier, dtype=wide)
    return layers.builder.build()


def _int16() -> tuple[Graph, ...]:
    """Layers of int16 activations."""
    wide = DType.INT16
    values = Layers("int16_values")
    for grid in _GRIDS:
        for op in ("max_pool_2d", "average_pool_2d"):
            for window in (_HALF, _POOL, Window(grid[0], grid[1])):
                pool(values, op, grid, window, wide)
        for op in ("add", "sub", "mul"):
            arithmetic(values, op, grid, vector=False, dtype=wide)
            arithmetic(values, op, grid, vector=True, dtype=wide)
        shape, same_type = (1, *grid), ((INT16, INT16), (wide, wide))
        pads = PadAttrs(((0, 0), (1, 1), (1, 1), (0, 0)))
        unary(values, "pad", shape, pads, *same_type)
        unary(values, "transpose", shape, TransposeAttrs((0, 3, 1, 2)), *same_type)
        unary(values, "strided_slice", shape, _every_other(shape), *same_type)
        for op in ("mean", "sum"):
            unary(values, op, shape, ReductionAttrs((1, 2)), *same_type)
            unary(values, op, shape, ReductionAttrs((1,)), *same_type)
        join(values, [shape, shape], 3, wide)
        join(values, [shape, shape, shape], 1, wide)
    return _int16_windows(), values.builder.build()


def _every_other(shape: Shape) -> StridedSliceAttrs:
    """The first half of the rows, every other column."""
    return StridedSliceAttrs(((0, None, 1), (0, shape[1] // 2, 1), (0, None, 2), (0, None, 1)))


def _streamed(shape: Shape, times: int = 1, dtype: DType = DType.INT8) -> Graph:
    entry = Tensor("x", (1, *shape), DType.INT8, AFTER_RELU)
    layers = Layers("streamed", entry, dtype is DType.INT16)
    channels = shape[2]
    for out_c in (8, channels + 3) * times:
        conv(layers, shape, out_c, same(shape, (3, 3)), dtype)
        conv(layers, shape, out_c, _ONE, dtype)
    for kernel, stride in (((5, 3), (2, 2)), ((5, 1), (1, 1))) * times:
        conv(layers, shape, 16, same(shape, kernel, stride), dtype)
    for kernel, stride in (((3, 3), (1, 1)), ((5, 3), (2, 2))) * times:
        depthwise(layers, shape, same(shape, kernel, stride), dtype=dtype)
    pool(layers, "max_pool_2d", shape, _POOL, dtype)
    pool(layers, "average_pool_2d", shape, _HALF, dtype)
    for op in ("add", "mul"):
        arithmetic(layers, op, shape, vector=True, dtype=dtype)
    if dtype is DType.INT8:
        attention(layers, shape, DType.INT8)
    return layers.builder.build()
