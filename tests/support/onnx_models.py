"""Small ONNX models with seeded weights, built node by node, and onnxruntime as their oracle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.ir.tensor import Array


class ModelMaker:
    """Appends nodes to an ONNX graph; each method returns the name of its output."""

    def __init__(self, *shape: int | str, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.inputs: dict[str, tuple[int | str, ...]] = {"x": shape}
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def input(self, name: str, *shape: int | str) -> str:
        """A further input beside ``x``."""
        self.inputs[name] = shape
        return name

    def constant(self, values: Array) -> str:
        name = f"w{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def weights(self, *shape: int) -> str:
        fan_in = max(1, int(np.prod(shape[1:])))
        return self.constant(
            (self.rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)).astype(np.float32)
        )

    def op(self, kind: str, *inputs: str, **attrs: Any) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, inputs, [output], name=f"{kind}_{len(self.nodes)}", **attrs)
        )
        return output

    def conv(self, x: str, channels: tuple[int, int], kernel: Sequence[int], **attrs: Any) -> str:
        group = attrs.get("group", 1)
        weights = self.weights(channels[1], channels[0] // group, *kernel)
        return self.op("Conv", x, weights, self.weights(channels[1]), **attrs)

    def batch_norm(self, x: str, channels: int) -> str:
        def uniform(low: float, high: float) -> str:
            return self.constant(self.rng.uniform(low, high, channels).astype(np.float32))

        parameters = uniform(0.5, 1.5), uniform(-0.5, 0.5), uniform(-0.5, 0.5), uniform(0.5, 2)
        return self.op("BatchNormalization", x, *parameters)

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        return self.op("Gemm", x, self.weights(outputs, inputs), self.weights(outputs), transB=1)

    def model(self, output: str | Sequence[str], opset: int = 17) -> onnx.ModelProto:
        outputs = [output] if isinstance(output, str) else output
        graph = helper.make_graph(
            self.nodes,
            "test",
            [_value(name, shape) for name, shape in self.inputs.items()],
            [_value(name, None) for name in outputs],
            self.initializers,
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8
        )


def _value(name: str, shape: Sequence[int | str] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def ds_cnn() -> onnx.ModelProto:
    """Keyword-spotting shape: a strided 10x4 convolution, depthwise-separable blocks, softmax."""
    m = ModelMaker("batch", 1, 49, 10)
    x = m.conv("x", (1, 16), (10, 4), strides=[2, 2], pads=[4, 1, 5, 1])
    x = m.op("Relu", m.batch_norm(x, 16))
    for _ in range(2):
        x = m.conv(x, (16, 16), (3, 3), pads=[1, 1, 1, 1], group=16)
        x = m.op("Relu", m.batch_norm(x, 16))
        x = m.op("Relu", m.batch_norm(m.conv(x, (16, 16), (1, 1)), 16))
    x = m.op("Flatten", m.op("GlobalAveragePool", x), axis=1)
    return m.model(m.op("Softmax", m.dense(m.op("Dropout", x), 16, 12), axis=-1))


def resnet() -> onnx.ModelProto:
    """Residual blocks, strided padded convolutions, a padded max-pool, an RGB input."""
    m = ModelMaker(1, 3, 20, 18)
    x = m.op("Relu", m.batch_norm(m.conv("x", (3, 8), (3, 3), pads=[1, 1, 1, 1]), 8))
    x = m.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    y = m.op("Relu", m.conv(x, (8, 8), (3, 3), pads=[1, 1, 1, 1]))
    x = m.op("Relu", m.op("Add", m.conv(y, (8, 8), (3, 3), pads=[1, 1, 1, 1]), x))
    y = m.op("Relu", m.conv(x, (8, 12), (3, 3), strides=[2, 2], pads=[1, 1, 1, 1]))
    y = m.batch_norm(m.conv(y, (12, 12), (3, 3), pads=[1, 1, 1, 1]), 12)
    x = m.op("Relu", m.op("Add", y, m.conv(x, (8, 12), (1, 1), strides=[2, 2])))
    x = m.op("AveragePool", x, kernel_shape=[5, 5])
    return m.model(m.dense(m.op("Flatten", x), 12, 10))


def conv_1d() -> onnx.ModelProto:
    """One-dimensional: strided, depthwise and dilated convolutions, residual, pool over time."""
    m = ModelMaker(1, 6, 50)
    x = m.op("Relu", m.batch_norm(m.conv("x", (6, 8), (5,), strides=[2], pads=[2, 2]), 8))
    y = m.op("Relu", m.conv(x, (8, 8), (3,), group=8, pads=[1, 1]))
    x = m.op("Relu", m.op("Add", m.conv(y, (8, 8), (3,), dilations=[2], pads=[2, 2]), x))
    x = m.op("MaxPool", x, kernel_shape=[2], strides=[2])
    x = m.op("ReduceMean", x, axes=[2], keepdims=0)
    return m.model(m.dense(x, 8, 4))


def mobilenet_v2() -> onnx.ModelProto:
    """Inverted residuals with ReLU6, a strided one without its sum, a residual one."""
    m = ModelMaker("batch", 1, 24, 20)

    def conv6(x: str, channels: tuple[int, int], kernel: int, **attrs: Any) -> str:
        edge = kernel // 2
        x = m.conv(x, channels, (kernel, kernel), pads=[edge] * 4, **attrs)
        low, high = (m.constant(np.array(v, np.float32)) for v in (0.0, 6.0))
        return m.op("Clip", m.batch_norm(x, channels[1]), low, high)

    x = conv6("x", (1, 8), 3, strides=[2, 2])
    y = conv6(conv6(x, (8, 24), 1), (24, 24), 3, group=24, strides=[2, 2])
    x = m.batch_norm(m.conv(y, (24, 12), (1, 1)), 12)
    y = conv6(conv6(x, (12, 36), 1), (36, 36), 3, group=36)
    x = m.op("Add", m.batch_norm(m.conv(y, (36, 12), (1, 1)), 12), x)
    x = m.op("Flatten", m.op("GlobalAveragePool", conv6(x, (12, 32), 1)))
    return m.model(m.dense(x, 32, 6))


def mobilenet_v3() -> onnx.ModelProto:
    """Squeeze-and-excite with a hard sigmoid, hard swish as one operator and spelled out."""
    m = ModelMaker("batch", 2, 16, 12)
    three, six = (m.constant(np.array(v, np.float32)) for v in (3.0, 6.0))
    zero = m.constant(np.array(0.0, np.float32))
    x = m.conv("x", (2, 8), (3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    gate = m.op("Div", m.op("Clip", m.op("Add", x, three), zero, six), six)
    x = m.op("Mul", x, gate)
    y = m.conv(x, (8, 16), (3, 3), pads=[1, 1, 1, 1], group=8)
    y = m.op("HardSwish", y)
    s = m.op("GlobalAveragePool", y)
    s = m.conv(m.op("Relu", m.conv(s, (16, 4), (1, 1))), (4, 16), (1, 1))
    y = m.op("Mul", y, m.op("HardSigmoid", s, alpha=1 / 6, beta=0.5))
    x = m.op("Add", x, m.conv(y, (16, 8), (1, 1)))
    s = m.op("Relu", m.dense(m.op("ReduceMean", x, axes=[-1, -2], keepdims=0), 8, 4))
    s = m.op("Sigmoid", m.dense(s, 4, 8))
    axes = m.constant(np.array([2, 3], np.int64))
    x = m.op("Mul", x, m.op("Unsqueeze", s, axes))
    x = m.op("HardSwish", m.op("Flatten", m.op("GlobalMaxPool", x)))
    return m.model(m.dense(x, 8, 4))


def parts() -> onnx.ModelProto:
    """Grouped convolution, a split whose halves gate one another, slices, one index, tanh."""
    m = ModelMaker(1, 4, 12, 10)
    x = m.op("Tanh", m.conv("x", (4, 12), (3, 3), pads=[1, 1, 1, 1], group=2))
    a = m.op("Split", x, m.constant(np.array([6, 6], np.int64)), axis=1)
    m.nodes[-1].output.append("second")
    x = m.op("Mul", a, m.op("Sigmoid", "second"))
    starts, ends, axes, steps = (
        m.constant(np.array(v, np.int64)) for v in ([1, 0], [-1, 10], [2, 3], [1, 2])
    )
    x = m.op("Slice", x, starts, ends, axes, steps)
    x = m.op("Gather", x, m.constant(np.array(3, np.int64)), axis=2)
    return m.model(m.dense(m.op("Flatten", x), 30, 5))


def dense() -> onnx.ModelProto:
    """Matrix products with a bias that stands apart, constants on either side, sigmoid."""
    m = ModelMaker(1, 24)
    shift, scale, divisor = (m.constant(np.full(1, v, np.float32)) for v in (0.5, 1.7, 3.0))
    x = m.op("Div", m.op("Mul", m.op("Sub", shift, "x"), scale), divisor)
    x = m.op("Relu", m.op("Add", m.op("MatMul", x, m.weights(24, 16)), m.weights(16)))
    y = m.op("Sigmoid", m.op("MatMul", x, m.weights(16, 16)))
    x = m.op("Sub", m.op("Mul", x, y), x)
    return m.model(m.dense(x, 16, 5))


def layouts() -> onnx.ModelProto:
    """What the order of axes matters to: concatenated branches, Pad, Clip, Transpose, Flatten."""
    m = ModelMaker(1, 2, 12, 9)
    pads = m.constant(np.array([0, 0, 1, 0, 0, 0, 2, 1], np.int64))
    a = m.conv(m.op("Pad", "x", pads), (2, 4), (3, 3))
    low, high = (m.constant(np.array(v, np.float32)) for v in (0.0, 6.0))
    a = m.op("Clip", a, low, high)
    b = m.op("Relu", m.conv("x", (2, 3), (1, 2)))
    b = m.op("Pad", b, m.constant(np.array([0, 0, 0, 0, 0, 0, 1, 0], np.int64)))
    x = m.op("Concat", a, b, axis=1)
    x = m.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 1, 0, 1],
             count_include_pad=1)  # fmt: skip
    x = m.op("Transpose", x, perm=[0, 1, 3, 2])
    return m.model(m.dense(m.op("Flatten", x), 210, 6))


def dynamic_reshape(opset: int = 17) -> onnx.ModelProto:
    """The shape arithmetic that exporters leave for ``x.view(x.shape[0], -1)``."""
    m = ModelMaker("batch", 1, "rows", 5)
    x = m.op("Relu", m.conv("x", (1, 3), (3, 3), pads=[1, 1, 1, 1]))
    x = m.op("GlobalAveragePool", x)
    first = m.op("Gather", m.op("Shape", x), m.constant(np.array(0, np.int64)), axis=0)
    if opset >= 13:
        first = m.op("Unsqueeze", first, m.constant(np.array([0], np.int64)))
        x = m.op("Squeeze", x, m.constant(np.array([3], np.int64)))
    else:
        first = m.op("Unsqueeze", first, axes=[0])
        x = m.op("Squeeze", x, axes=[3])
    rest = m.constant(np.array([-1], np.int64))
    x = m.op("Reshape", x, m.op("Concat", first, rest, axis=0))
    return m.model(m.dense(x, 3, 2), opset)


def attention(sum_first: bool = False) -> onnx.ModelProto:
    """A small network of Wav2Small's shape: attention pooling over rows, Gram product, dense."""
    m = ModelMaker(1, 1, "rows", 7)
    x = m.op("Relu", m.conv("x", (1, 4), (3, 3), pads=[1, 1, 1, 1]))
    x = m.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    calm = m.op("Mul", m.conv(x, (4, 4), (1, 1)), m.constant(np.full(1, 0.4, np.float32)))
    weights = m.op("Softmax", calm, axis=2)
    lin = m.conv(x, (4, 4), (1, 1))
    product = m.op("Mul", *((weights, lin) if sum_first else (lin, weights)))
    axes = m.constant(np.array([2], np.int64))
    x = m.op("ReduceSum", product, axes, keepdims=0)
    gram = m.op("MatMul", x, m.op("Transpose", x, perm=[0, 2, 1]))
    x = m.op("Flatten", m.op("Concat", x, gram, axis=1))
    return m.model(m.dense(x, 32, 3))


def softmax_over_rows() -> onnx.ModelProto:
    """Softmax over rows that feeds a convolution along them: int16 between int8 operators."""
    m = ModelMaker(1, 1, "rows", 6)
    x = m.op("Softmax", m.conv("x", (1, 4), (3, 3), pads=[1, 1, 1, 1]), axis=2)
    x = m.op("GlobalAveragePool", m.op("Relu", m.conv(x, (4, 8), (3, 3), pads=[1, 1, 1, 1])))
    return m.model(m.dense(m.op("Flatten", x), 8, 3))


def save(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def onnxruntime_output(model: onnx.ModelProto, x: Array) -> Array:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {model.graph.input[0].name: x})[0])
