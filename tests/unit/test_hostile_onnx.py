"""Damaged, malformed and hostile ONNX files end in one clear line, never in another exception."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.support import onnx_models
from tests.support.onnx_models import ModelMaker, save
from toolkit.errors import InputError, ModelError, UnsupportedError
from toolkit.frontend.load import load_onnx
from toolkit.passes.optimize import optimize

ROWS = 21


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def assert_refused(
    model: onnx.ModelProto, folder: Path, kind: type[InputError], *words: str
) -> None:
    with pytest.raises(kind) as caught:
        load_onnx(save(model, folder), rows=ROWS)
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_truncated_files_are_refused_wherever_they_end(tmp_path: Path) -> None:
    content = onnx_models.attention().SerializeToString()
    for length in range(0, len(content), 37):
        path = write(tmp_path / "cut.onnx", content[:length])
        with pytest.raises(InputError) as caught:
            load_onnx(path, rows=ROWS)
        assert "\n" not in str(caught.value)


def test_flipped_bytes_never_crash_the_importer(tmp_path: Path) -> None:
    content = onnx_models.attention().SerializeToString()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        damaged = bytearray(content)
        for position in rng.integers(0, len(damaged), 3):
            damaged[position] = rng.integers(0, 256)
        try:
            optimize(load_onnx(write(tmp_path / "damaged.onnx", bytes(damaged)), rows=ROWS))
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 100


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"not a model", b"\xff" * 1000])
def test_garbage_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        load_onnx(write(tmp_path / "garbage.onnx", content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent.onnx: cannot be read"):
        load_onnx(tmp_path / "absent.onnx")


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_broken_weights_are_named_and_counted(poison: float, tmp_path: Path) -> None:
    model = onnx_models.ds_cnn()
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights.reshape(-1)[[3, 5]] = poison
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "bad 'one'\n"))
    model.graph.node[0].input[1] = "bad 'one'\n"
    assert_refused(model, tmp_path, ModelError, "bad 'one'\\n", f"2 of {weights.size}", "NaN")


def test_unsupported_operators_are_all_named_safely(tmp_path: Path) -> None:
    maker = ModelMaker(1, 3, 8, 8)
    x = maker.op("LSTMish", maker.op("Relu", "x"))
    model = maker.model(maker.op("Einsum", x))
    model.graph.node[1].name = '*/ "rm -rf"\n'
    model.graph.node[2].domain = "com.evil"
    assert_refused(
        model,
        tmp_path,
        UnsupportedError,
        "LSTMish",
        '*/ "rm -rf"\\n',
        "com.evil.Einsum",
        "SUPPORTED",
    )


def test_hostile_names_import_and_keep_the_meaning(tmp_path: Path) -> None:
    model = onnx_models.resnet()
    for index, node in enumerate(model.graph.node):
        node.name = "*/ \"'\\\n%s{{x}}" if index % 2 else ""
    graph = optimize(load_onnx(save(model, tmp_path)))
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)


def test_cycles_are_refused(tmp_path: Path) -> None:
    maker = ModelMaker(1, 4)
    output = maker.op("Relu", maker.op("Add", "x", "t1"))
    assert_refused(maker.model(output), tmp_path, ModelError, "Relu_1", "in a circle")


def test_a_tensor_written_twice_is_refused(tmp_path: Path) -> None:
    model = onnx_models.resnet()
    model.graph.node[3].output[0] = model.graph.node[0].output[0]
    assert_refused(model, tmp_path, ModelError, "one maker")


def external() -> onnx.ModelProto:
    model = onnx_models.dense()
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return model


def with_shape(*dims: int) -> Callable[[], onnx.ModelProto]:
    def make() -> onnx.ModelProto:
        model = onnx_models.dense()
        model.graph.initializer[0].dims[:] = dims
        return model

    return make


def with_input(*dims: int | str) -> Callable[[], onnx.ModelProto]:
    def make() -> onnx.ModelProto:
        model = onnx_models.resnet()
        entry = helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)
        model.graph.input[0].CopyFrom(entry)
        return model

    return make


def with_attribute(index: int, name: str, value: object) -> Callable[[], onnx.ModelProto]:
    def make() -> onnx.ModelProto:
        model = onnx_models.resnet()
        node = model.graph.node[index]
        kept = [a for a in node.attribute if a.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])
        return model

    return make


def folding_bomb() -> onnx.ModelProto:
    maker = ModelMaker(1, 4)
    shape = maker.constant(np.array([1 << 14, 1 << 14, 1 << 14], np.int64))
    bomb = maker.op("ConstantOfShape", shape)
    return maker.model(maker.op("Add", "x", bomb))


def broadcast_bomb() -> onnx.ModelProto:
    maker = ModelMaker(1, 4)
    column = maker.op("ConstantOfShape", maker.constant(np.array([1 << 20, 1], np.int64)))
    row = maker.op("ConstantOfShape", maker.constant(np.array([1, 1 << 20], np.int64)))
    return maker.model(maker.op("Add", "x", maker.op("Mul", column, row)))


def nan_constant() -> onnx.ModelProto:
    maker = ModelMaker(1, 4)
    zero = maker.constant(np.zeros(1, np.float32))
    return maker.model(maker.op("Add", "x", maker.op("Div", zero, zero)))


def _old() -> onnx.ModelProto:
    maker = ModelMaker(1, 4)
    return maker.model(maker.op("Relu", "x"), opset=6)


def integer_input() -> onnx.ModelProto:
    model = onnx_models.dense()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    return model


def no_input() -> onnx.ModelProto:
    model = onnx_models.dense()
    del model.graph.input[:]
    return model


def grouped() -> onnx.ModelProto:
    maker = ModelMaker(1, 64, 8, 8)
    return maker.model(maker.conv("x", (64, 64), (3, 3), group=32))


def dilated_pool() -> onnx.ModelProto:
    maker = ModelMaker(1, 1, 8, 8)
    return maker.model(maker.op("MaxPool", "x", kernel_shape=[2, 2], dilations=[2, 2]))


def backwards() -> onnx.ModelProto:
    maker = ModelMaker(1, 8)
    bounds = (maker.constant(np.array([v], np.int64)) for v in (-1, -9, 1, -1))
    return maker.model(maker.op("Slice", "x", *bounds))


def operator_format() -> onnx.ModelProto:
    maker = ModelMaker(1, 8)
    scale, zero = maker.constant(np.float32(0.1)), maker.constant(np.uint8(3))
    quantized = maker.op("QuantizeLinear", "x", scale, zero)
    return maker.model(maker.op("QLinearSigmoid", quantized, scale, zero, scale, zero))


def int16_quantized() -> onnx.ModelProto:
    maker = ModelMaker(1, 8)
    parameters = maker.constant(np.float32(0.1)), maker.constant(np.int16(0))
    quantized = maker.op("QuantizeLinear", "x", *parameters)
    return maker.model(maker.op("Relu", maker.op("DequantizeLinear", quantized, *parameters)), 21)


def scale_of_zero() -> onnx.ModelProto:
    maker = ModelMaker(1, 8)
    parameters = maker.constant(np.float32(0.0)), maker.constant(np.int8(0))
    quantized = maker.op("QuantizeLinear", "x", *parameters)
    return maker.model(maker.op("Relu", maker.op("DequantizeLinear", quantized, *parameters)))


def dequantized_otherwise() -> onnx.ModelProto:
    maker = ModelMaker(1, 8)
    zero = maker.constant(np.int8(0))
    quantized = maker.op("QuantizeLinear", "x", maker.constant(np.float32(0.1)), zero)
    real = maker.op("DequantizeLinear", quantized, maker.constant(np.float32(0.2)), zero)
    return maker.model(maker.op("Relu", real))


def computed_weights() -> onnx.ModelProto:
    maker = ModelMaker(1, 1, 3, 3)
    return maker.model(maker.op("Conv", "x", maker.op("Relu", "x")))


@pytest.mark.parametrize(
    ("make", "kind", "word"),
    [
        (external, UnsupportedError, "external data"),
        (with_shape(24, -16), ModelError, "impossible shape"),
        (with_shape(1 << 40, 1 << 40), ModelError, "impossible shape"),
        (with_shape(24, 17), ModelError, "damaged"),
        (with_input(1, 3, -5, 18), ModelError, "must be positive"),
        (with_input(1, 3, 1 << 60, 18), ModelError, "must be positive"),
        (with_input(1, 3, 20), ModelError, "Conv"),
        (with_input(1, 4, 20, 18), ModelError, "4 input channels"),
        (with_input(1, 3, 2, 2), ModelError, ""),
        (with_input(1, 3, "a", "b"), InputError, "dynamic dimensions"),
        (with_attribute(0, "strides", [0, 1]), ModelError, "must be positive"),
        (with_attribute(0, "strides", "fast"), ModelError, "'strides' must be tuple"),
        (with_attribute(0, "pads", [-1, 0, 0, 0]), UnsupportedError, "padding"),
        (with_attribute(0, "pads", [1 << 40, 0, 0, 0]), ModelError, "padding must be in"),
        (with_attribute(0, "auto_pad", "SAME_SIDEWAYS"), UnsupportedError, "SAME_SIDEWAYS"),
        (with_attribute(0, "group", 2), ModelError, "groups"),
        (with_attribute(3, "kernel_shape", [3]), ModelError, "kernel"),
        (with_attribute(3, "dilations", [2, 2]), UnsupportedError, "dilated pool"),
        (folding_bomb, ModelError, "a constant of shape"),
        (broadcast_bomb, ModelError, "a constant of shape"),
        (nan_constant, ModelError, "not finite"),
        (_old, UnsupportedError, "at least 7; got 6"),
        (integer_input, UnsupportedError, "must be floating point; got int64"),
        (no_input, ModelError, "no inputs"),
        (grouped, UnsupportedError, "depthwise"),
        (dilated_pool, UnsupportedError, "dilated"),
        (backwards, UnsupportedError, "steps must be positive"),
        (operator_format, UnsupportedError, "QDQ format"),
        (int16_quantized, UnsupportedError, "8-bit"),
        (scale_of_zero, ModelError, "scales must be positive"),
        (dequantized_otherwise, UnsupportedError, "those its input was quantised with"),
        (computed_weights, UnsupportedError, "must be a constant"),
    ],
)
def test_what_is_wrong_is_said(
    make: Callable[[], onnx.ModelProto], kind: type[InputError], word: str, tmp_path: Path
) -> None:
    assert_refused(make(), tmp_path, kind, word)


def test_a_shared_constant_keeps_each_readers_own_form(tmp_path: Path) -> None:
    maker = ModelMaker(1, 3, 6, 6)
    weights = maker.weights(3, 3, 3, 3)
    a = maker.op("Conv", "x", weights, pads=[1, 1, 1, 1])
    model = maker.model(maker.op("Conv", a, weights, pads=[1, 1, 1, 1]))
    graph = optimize(load_onnx(save(model, tmp_path)))
    assert math.prod(graph.tensors[graph.outputs[0]].shape) == 108
