"""Networks in which time is found, each a form that exporters write, by name.

Every form takes frames of 8 values, in the layout ``[1, T, 8]``, ``[1, 8, T]`` or ``[1, 1, T, 8]``,
and ends in 3 values: what lies between is built node by node as PyTorch's exporter writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from tests.support.onnx_models import ModelMaker

VALUES, WIDTH = 8, 6
ROWS, CHANNELS, IMAGE = (1, "rows", VALUES), (1, VALUES, "rows"), (1, 1, "rows", VALUES)
LAST = 2**63 - 1


class Net(ModelMaker):
    """A `ModelMaker` with PyTorch's modules."""

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def linear(self, x: str, inputs: int, outputs: int, bias: bool = True) -> str:
        product = self.op("MatMul", x, self.weights(inputs, outputs))
        return self.op("Add", self.weights(outputs), product) if bias else product

    def conv1(self, x: str, inputs: int, outputs: int, kernel: int, **attrs: object) -> str:
        return self.conv(x, (inputs, outputs), (kernel,), **attrs)

    def relu(self, x: str) -> str:
        return self.op("Relu", x)

    def hidden(self, layout: str, kernel: int = 3) -> str:
        """A first layer with time as in the input."""
        if layout == "rows":
            return self.relu(self.linear("x", VALUES, WIDTH))
        pads = [kernel // 2] * 2
        return self.relu(self.conv1("x", VALUES, WIDTH, kernel, pads=pads))

    def cut(self, x: str, axis: int, start: int, end: int | str = LAST, step: int = 1) -> str:
        stop = self.ints(end) if isinstance(end, int) else end
        return self.op("Slice", x, self.ints(start), stop, self.ints(axis), self.ints(step))

    def swap(self, x: str) -> str:
        return self.op("Transpose", x, perm=[0, 2, 1])

    def mean(self, x: str, *axes: int, keep: int = 0) -> str:
        return self.op("ReduceMean", x, axes=list(axes), keepdims=keep)

    def total(self, x: str, axis: int, keep: int = 0) -> str:
        return self.op("ReduceSum", x, self.ints(axis), keepdims=keep)

    def head(self, x: str, values: int = WIDTH) -> str:
        return self.dense(x, values, 3)

    def size(self, x: str, axis: int) -> str:
        """``x.shape[axis]``, as a list of one."""
        index = self.constant(np.array(axis, np.int64))
        size = self.op("Gather", self.op("Shape", x), index, axis=0)
        return self.op("Unsqueeze", size, self.ints(0))


Build = Callable[[Net], str]


@dataclass(frozen=True)
class Form:
    """``build`` gives the name of the output from an input ``x`` of shape ``shape``."""

    build: Build
    shape: tuple[int | str, ...]
    rows: int = 40

    def save(self, folder: Path) -> Path:
        """The form as a file."""
        net = Net(*self.shape, seed=len(self.build.__name__))
        path = folder / f"{self.build.__name__}.onnx"
        onnx.save(net.model(self.build(net)), path)
        return path

    def at(self, rows: int) -> tuple[int, ...]:
        """The input's shape at a clip length."""
        return tuple(rows if isinstance(size, str) else size for size in self.shape)


FORMS: dict[str, Form] = {}


def form(shape: tuple[int | str, ...], rows: int = 40) -> Callable[[Build], Build]:
    """Files a function as the form of its name."""

    def file(build: Build) -> Build:
        FORMS[build.__name__] = Form(build, shape, rows)
        return build

    return file


# --- dense layers a frame, reshapes ---------------------------------------------------------------
@form(ROWS)
def linear_per_frame(m: Net) -> str:
    return m.head(m.mean(m.hidden("rows"), 1))


@form(ROWS)
def linear_without_bias(m: Net) -> str:
    return m.head(m.mean(m.relu(m.linear("x", VALUES, WIDTH, bias=False)), 1))


@form(ROWS)
def frames_as_a_batch(m: Net) -> str:
    """``[1, T, C]`` as ``[T, C]`` between Gemm layers."""
    x = m.op("Reshape", "x", m.ints(-1, VALUES))
    x = m.relu(m.dense(x, VALUES, WIDTH))
    return m.head(m.mean(m.op("Reshape", x, m.ints(1, -1, WIDTH)), 1))


@form(IMAGE)
def channels_into_features(m: Net) -> str:
    """``[1, C, T, F]`` to ``[1, T, C * F]``, then a dense layer, as in CRNNs."""
    x = m.relu(m.conv("x", (1, 4), (3, 3), pads=[1] * 4))
    x = m.op("Transpose", x, perm=[0, 2, 1, 3])
    x = m.op("Reshape", x, m.ints(1, -1, 4 * VALUES))
    return m.head(m.mean(m.relu(m.linear(x, 4 * VALUES, WIDTH)), 1))


@form(IMAGE)
def linear_over_frequency(m: Net) -> str:
    """A dense layer on the bands of ``[1, C, T, F]``."""
    x = m.relu(m.conv("x", (1, WIDTH), (3, 3), pads=[1] * 4))
    return m.head(m.mean(m.relu(m.linear(x, VALUES, 5)), 2, 3))


@form(ROWS)
def regrouped_values(m: Net) -> str:
    x = m.op("Reshape", "x", m.ints(1, -1, 2, 4))
    x = m.op("Transpose", x, perm=[0, 1, 3, 2])
    x = m.op("Reshape", x, m.ints(1, -1, VALUES))
    return m.head(m.mean(m.relu(m.conv1(m.swap(x), VALUES, WIDTH, 3, pads=[1, 1])), 2))


@form(CHANNELS)
def channel_shuffle(m: Net) -> str:
    x = m.op("Reshape", m.conv1("x", VALUES, 8, 1), m.ints(1, 2, 4, -1))
    x = m.op("Reshape", m.op("Transpose", x, perm=[0, 2, 1, 3]), m.ints(1, 8, -1))
    return m.head(m.mean(m.relu(m.conv1(x, 8, 8, 3, pads=[1, 1], group=8)), 2), 8)


@form(IMAGE)
def channel_shuffle_of_images(m: Net) -> str:
    x = m.op("Reshape", m.conv("x", (1, 8), (1, 1)), m.ints(1, 2, 4, -1, VALUES))
    x = m.op("Reshape", m.op("Transpose", x, perm=[0, 2, 1, 3, 4]), m.ints(1, 8, -1, VALUES))
    x = m.conv(x, (8, 8), (3, 3), pads=[1] * 4, group=8)
    return m.head(m.mean(m.relu(x), 2, 3), 8)


@form(ROWS)
def filter_bank_first(m: Net) -> str:
    """A constant matrix times the spectrum."""
    return m.head(m.mean(m.relu(m.op("MatMul", m.weights(WIDTH, VALUES), m.swap("x"))), 2))


# --- attention pooling ----------------------------------------------------------------------------
@form(ROWS)
def attention_tanh(m: Net) -> str:
    h = m.hidden("rows")
    scores = m.linear(m.op("Tanh", m.linear(h, WIDTH, 5)), 5, 1)
    return m.head(m.total(m.op("Mul", m.op("Softmax", scores, axis=1), h), 1))


@form(ROWS)
def attention_product(m: Net) -> str:
    """``softmax(v h)^T h`` as a matrix product."""
    h = m.hidden("rows")
    weights = m.swap(m.op("Softmax", m.linear(h, WIDTH, 1), axis=1))
    return m.head(m.op("Squeeze", m.op("MatMul", weights, h), m.ints(1)))


@form(ROWS)
def attention_product_turned(m: Net) -> str:
    h = m.hidden("rows")
    weights = m.op("Softmax", m.linear(h, WIDTH, 1), axis=1)
    return m.head(m.op("Squeeze", m.op("MatMul", m.swap(h), weights), m.ints(2)))


@form(ROWS)
def attention_squeezed(m: Net) -> str:
    """Scores as ``[1, T]``."""
    h = m.hidden("rows")
    scores = m.op("Squeeze", m.linear(h, WIDTH, 1), m.ints(-1))
    weights = m.op("Unsqueeze", m.op("Softmax", scores, axis=-1), m.ints(1))
    return m.head(m.op("Squeeze", m.op("MatMul", weights, h), m.ints(1)))


@form(ROWS)
def attention_heads(m: Net) -> str:
    """``softmax(W2 tanh(W1 H))^T H``, four heads on all values."""
    h = m.hidden("rows")
    scores = m.linear(m.op("Tanh", m.linear(h, WIDTH, 5)), 5, 4)
    pooled = m.op("MatMul", m.swap(m.op("Softmax", scores, axis=1)), h)
    return m.head(m.op("Flatten", pooled), 4 * WIDTH)


@form(ROWS)
def attention_heads_of_their_own(m: Net) -> str:
    """Two heads, each on three values."""
    h = m.hidden("rows")
    weights = m.op("Unsqueeze", m.op("Softmax", m.linear(h, WIDTH, 2), axis=1), m.ints(-1))
    product = m.op("Mul", weights, m.op("Reshape", h, m.ints(1, -1, 2, 3)))
    return m.head(m.op("Flatten", m.total(product, 1)))


@form(ROWS)
def attention_queries(m: Net) -> str:
    """A learned query for each of two heads: ``softmax(q k^T / s) v``."""
    h = m.hidden("rows")

    def heads(x: str) -> str:
        x = m.op("Reshape", m.linear(x, WIDTH, 8), m.ints(1, -1, 2, 4))
        return m.op("Transpose", x, perm=[0, 2, 1, 3])

    keys = m.op("Transpose", heads(h), perm=[0, 1, 3, 2])
    scores = m.op("Div", m.op("MatMul", m.weights(1, 2, 1, 4), keys), m.number(2.0))
    pooled = m.op("MatMul", m.op("Softmax", scores, axis=-1), heads(h))
    return m.head(m.op("Reshape", pooled, m.ints(1, 8)), 8)


@form(ROWS)
def attention_by_einsum(m: Net) -> str:
    h = m.hidden("rows")
    weights = m.op("Softmax", m.linear(h, WIDTH, 4), axis=1)
    pooled = m.op("Einsum", weights, h, equation="bth,btd->bhd")
    return m.head(m.op("Flatten", pooled), 4 * WIDTH)


@form(ROWS)
def attention_vector(m: Net) -> str:
    """Scores by a vector, ``h @ q``."""
    h = m.hidden("rows")
    weights = m.op("Softmax", m.op("MatMul", m.op("Tanh", h), m.weights(WIDTH)), axis=1)
    return m.head(m.total(m.op("Mul", m.op("Unsqueeze", weights, m.ints(-1)), h), 1))


@form(ROWS)
def attention_of_exponentials(m: Net) -> str:
    """A softmax spelt out: ``e / sum(e)``."""
    h = m.hidden("rows")
    e = m.op("Exp", m.linear(h, WIDTH, 1))
    weights = m.op("Div", e, m.total(e, 1, 1))
    return m.head(m.total(m.op("Mul", weights, h), 1))


@form(ROWS)
def attention_divided(m: Net) -> str:
    """``sum(w h) / sum(w)`` with sigmoid weights."""
    h = m.hidden("rows")
    weights = m.op("Sigmoid", m.linear(h, WIDTH, 1))
    return m.head(m.op("Div", m.total(m.op("Mul", weights, h), 1), m.total(weights, 1)))


@form(ROWS)
def attention_divided_first(m: Net) -> str:
    """``sum(w / sum(w) h)`` with ReLU weights."""
    h = m.hidden("rows")
    weights = m.relu(m.op("Add", m.linear(h, WIDTH, 1), m.number(3.0)))
    weights = m.op("Div", weights, m.op("Add", m.total(weights, 1, 1), m.number(1e-8)))
    return m.head(m.total(m.op("Mul", weights, h), 1))


@form(CHANNELS)
def attention_of_convolutions(m: Net) -> str:
    h = m.hidden("channels")
    scores = m.conv1(m.op("Tanh", m.conv1(h, WIDTH, 4, 1)), 4, WIDTH, 1)
    return m.head(m.total(m.op("Mul", m.op("Softmax", scores, axis=2), h), 2))


@form(CHANNELS)
def attention_one_weight_of_convolutions(m: Net) -> str:
    h = m.hidden("channels")
    weights = m.op("Softmax", m.conv1(h, WIDTH, 1, 1), axis=2)
    return m.head(m.op("Squeeze", m.op("MatMul", h, m.swap(weights)), m.ints(2)))


# --- slices on time -------------------------------------------------------------------------------
@form(CHANNELS)
def chomp(m: Net) -> str:
    """Causal convolutions that cut off what their padding adds at the end."""
    x = m.relu(m.cut(m.conv1("x", VALUES, WIDTH, 3, pads=[2, 2]), 2, 0, -2))
    x = m.cut(m.conv1(x, WIDTH, WIDTH, 3, pads=[4, 4], dilations=[2]), 2, 0, -4)
    return m.head(m.mean(m.relu(x), 2))


@form(CHANNELS)
def chomp_to_the_length(m: Net) -> str:
    """``conv(x)[:, :, : x.shape[2]]``."""
    x = m.conv1("x", VALUES, WIDTH, 3, pads=[2, 2])
    return m.head(m.mean(m.relu(m.cut(x, 2, 0, m.size("x", 2))), 2))


@form(CHANNELS)
def last_frame(m: Net) -> str:
    x = m.relu(m.conv1("x", VALUES, WIDTH, 3, pads=[2, 0]))
    return m.head(m.op("Gather", x, m.constant(np.array(-1, np.int64)), axis=2))


@form(ROWS)
def first_frame(m: Net) -> str:
    x = m.hidden("rows")
    return m.head(m.op("Gather", x, m.constant(np.array(0, np.int64)), axis=1))


@form(ROWS)
def last_frames(m: Net) -> str:
    return m.head(m.mean(m.cut(m.hidden("rows"), 1, -5), 1))


@form(CHANNELS)
def deltas(m: Net) -> str:
    """Differences of neighbouring frames, zeros before the first, beside the frames."""
    delta = m.op("Sub", m.cut("x", 2, 1), m.cut("x", 2, 0, -1))
    delta = m.op("Pad", delta, m.ints(0, 0, 1, 0, 0, 0), m.number(0.0))
    x = m.op("Concat", "x", delta, axis=1)
    return m.head(m.mean(m.relu(m.conv1(x, 2 * VALUES, WIDTH, 3, pads=[1, 1])), 2))


@form(ROWS)
def spliced_context(m: Net) -> str:
    parts = m.cut("x", 1, 0, -2), m.cut("x", 1, 1, -1), m.cut("x", 1, 2)
    x = m.op("Concat", *parts, axis=-1)
    return m.head(m.mean(m.relu(m.linear(x, 3 * VALUES, WIDTH)), 1))


@form(ROWS)
def stride_by_slice(m: Net) -> str:
    return m.head(m.mean(m.relu(m.linear(m.cut("x", 1, 1, LAST, 3), VALUES, WIDTH)), 1))


@form(CHANNELS)
def cropped_residual(m: Net) -> str:
    h = m.hidden("channels")
    y = m.conv1(h, WIDTH, WIDTH, 5)
    return m.head(m.mean(m.relu(m.op("Add", y, m.cut(h, 2, 2, -2))), 2))


@form(CHANNELS)
def causal_zeros(m: Net) -> str:
    """Zeros concatenated in front, a constant."""
    zeros = m.constant(np.zeros((1, VALUES, 2), np.float32))
    x = m.relu(m.conv1(m.op("Concat", zeros, "x", axis=2), VALUES, WIDTH, 3))
    zeros = m.constant(np.zeros((1, WIDTH, 4), np.float32))
    x = m.conv1(m.op("Concat", zeros, x, axis=2), WIDTH, WIDTH, 3, dilations=[2])
    return m.head(m.mean(m.relu(x), 2))


# --- statistics, layers behind reductions ---------------------------------------------------------
def spread(m: Net, h: str, mean: str, axis: int) -> str:
    """Variance about ``mean``."""
    d = m.op("Sub", h, mean)
    return m.mean(m.op("Mul", d, d), axis)


@form(CHANNELS)
def mean_and_deviation(m: Net) -> str:
    """``torch.std``, whose correction the exporter writes as arithmetic on the shape."""
    h = m.hidden("channels")
    variance = spread(m, h, m.mean(h, 2, keep=1), 2)
    n = m.op("Cast", m.op("ReduceProd", m.size(h, 2), keepdims=0), to=1)
    n = m.op("Div", m.op("Mul", variance, n), m.op("Sub", n, m.number(1.0)))
    return m.head(m.op("Concat", m.mean(h, 2), m.op("Sqrt", n), axis=1), 2 * WIDTH)


@form(ROWS)
def deviation_and_epsilon(m: Net) -> str:
    h = m.hidden("rows")
    variance = spread(m, h, m.mean(h, 1, keep=1), 1)
    return m.head(m.op("Sqrt", m.op("Add", variance, m.number(0.01))))


@form(CHANNELS)
def deviation_by_squares(m: Net) -> str:
    """``sqrt(clamp(mean(x^2) - mean(x)^2))``."""
    h = m.hidden("channels")
    mean = m.mean(h, 2)
    variance = m.op("Sub", m.mean(m.op("Pow", h, m.number(2.0)), 2), m.op("Mul", mean, mean))
    bounded = m.op("Clip", variance, m.number(1e-3))
    return m.head(m.op("Concat", mean, m.op("Sqrt", bounded), axis=1), 2 * WIDTH)


@form(CHANNELS)
def attentive_statistics(m: Net) -> str:
    """Mean and deviation by one softmax of weights, the deviation about the mean."""
    h = m.hidden("channels")
    scores = m.conv1(m.op("Tanh", m.conv1(h, WIDTH, 4, 1)), 4, WIDTH, 1)
    weights = m.op("Softmax", scores, axis=2)
    mean = m.total(m.op("Mul", weights, h), 2)
    d = m.op("Sub", h, m.op("Unsqueeze", mean, m.ints(2)))
    variance = m.total(m.op("Mul", weights, m.op("Pow", d, m.number(2.0))), 2)
    bounded = m.op("Clip", variance, m.number(1e-4))
    return m.head(m.op("Concat", mean, m.op("Sqrt", bounded), axis=1), 2 * WIDTH)


@form(ROWS)
def attentive_statistics_by_squares(m: Net) -> str:
    """``sqrt(sum(w x x) - mean^2)``, one weight a frame."""
    h = m.hidden("rows")
    weighted = m.op("Mul", m.op("Softmax", m.linear(h, WIDTH, 1), axis=1), h)
    mean = m.total(weighted, 1)
    squares = m.total(m.op("Mul", weighted, h), 1)
    variance = m.op("Sub", squares, m.op("Mul", mean, mean))
    spread = m.op("Sqrt", m.op("Add", variance, m.number(1e-3)))
    return m.head(m.op("Concat", mean, spread, axis=1), 2 * WIDTH)


@form(CHANNELS)
def layers_behind_reductions(m: Net) -> str:
    mean = m.mean(m.hidden("channels"), 2)
    gate = m.op("Sigmoid", m.dense(mean, WIDTH, WIDTH))
    other = m.relu(m.dense(m.op("Mul", mean, gate), WIDTH, WIDTH))
    return m.head(m.op("Concat", m.op("Sub", other, mean), mean, axis=1), 2 * WIDTH)


@form(CHANNELS)
def largest_and_mean(m: Net) -> str:
    h = m.hidden("channels")
    largest = m.op("ReduceMax", h, axes=[2], keepdims=0)
    return m.head(m.op("Concat", largest, m.mean(h, 2), axis=1), 2 * WIDTH)


@form(IMAGE)
def largest_of_images(m: Net) -> str:
    x = m.relu(m.conv("x", (1, WIDTH), (3, 3)))
    return m.head(m.op("ReduceMax", x, axes=[2, 3], keepdims=0))


# --- windows --------------------------------------------------------------------------------------
@form((1, 1, "rows"), 900)
def kernel_of_64(m: Net) -> str:
    x = m.relu(m.conv("x", (1, 4), (64,), strides=[4]))
    return m.head(m.mean(m.relu(m.conv1(x, 4, WIDTH, 3, strides=[2])), 2))


@form(CHANNELS, 90)
def long_windows(m: Net) -> str:
    """A depthwise kernel and pools beyond 32 frames."""
    x = m.relu(m.conv1("x", VALUES, VALUES, 40, group=VALUES, pads=[20, 19]))
    x = m.op("MaxPool", x, kernel_shape=[35], strides=[2], pads=[17, 17])
    x = m.op("AveragePool", x, kernel_shape=[33], strides=[1], pads=[16, 16])
    return m.head(m.mean(m.relu(m.conv1(x, VALUES, WIDTH, 1)), 2))


def _average_pool(name: str, **attrs: object) -> None:
    def build(m: Net) -> str:
        x = m.op("AveragePool", m.hidden("channels"), **attrs)
        return m.head(m.mean(m.relu(m.conv1(x, WIDTH, WIDTH, 2)), 2))

    build.__name__ = f"average_pool_{name}"
    form(CHANNELS)(build)


_average_pool("padded", kernel_shape=[3], strides=[2], pads=[1, 1], count_include_pad=1)
_average_pool("padding_left_out", kernel_shape=[3], strides=[2], pads=[1, 1])
_average_pool("ceil", kernel_shape=[3], strides=[2], ceil_mode=1, count_include_pad=1)
_average_pool(
    "ceil_padded",
    kernel_shape=[3],
    strides=[2],
    pads=[1, 1],
    ceil_mode=1,
    count_include_pad=1,
)
_average_pool("beyond_its_window", kernel_shape=[2], strides=[3], ceil_mode=1)


@form(CHANNELS, 9)
def windows_over_the_clip(m: Net) -> str:
    """Time is 1 where it is flattened."""
    x = m.relu(m.conv1("x", VALUES, WIDTH, 5))
    x = m.relu(m.conv1(m.relu(m.conv1(x, WIDTH, WIDTH, 3)), WIDTH, WIDTH, 3))
    return m.head(m.op("Flatten", x))
