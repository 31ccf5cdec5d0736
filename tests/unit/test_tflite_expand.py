"""Operators of a ``.tflite`` that become others on the way in: bits equal TFLM's, which runs the
file as it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.support.oracle import random_inputs, run_numpy, run_tflm
from tests.support.outside import CASES, files
from tests.support.tflite_maker import TfliteMaker
from toolkit.errors import ModelError, UnsupportedError
from toolkit.tflite.read import read_tflite


def pack(axis: int, count: int) -> bytes:
    maker = TfliteMaker()
    main, shape = maker.main, [1, 4, 3]
    inputs = [main.tensor(shape) for _ in range(count)]
    at = axis % 4
    output = main.tensor([*shape[:at], count, *shape[at:]])
    main.op("PACK", inputs, [output], schema.PackOptionsT(valuesCount=count, axis=axis))
    return maker.data(inputs, [output])


def unpack(axis: int) -> bytes:
    maker = TfliteMaker()
    main, shape = maker.main, [1, 3, 4]
    x, at = main.tensor(shape), axis % 3
    outputs = [main.tensor([*shape[:at], *shape[at + 1 :]]) for _ in range(shape[at])]
    main.op("UNPACK", [x], outputs, schema.UnpackOptionsT(num=shape[at], axis=axis))
    return maker.data([x], outputs)


def gather(axis: int, *indices: int, scalar: bool = False) -> bytes:
    maker = TfliteMaker()
    main, shape = maker.main, [1, 5, 6]
    x = main.tensor(shape)
    kept = [] if scalar else [len(indices)]
    output = main.tensor([*shape[:axis], *kept, *shape[axis + 1 :]])
    at = main.integers(*indices, scalar=scalar)
    main.op("GATHER", [x, at], [output], schema.GatherOptionsT(axis=axis))
    return maker.data([x], [output])


def one_row(begin: int, mask: int = 0b010) -> bytes:
    """x[:, begin, 1:5:2], or one value of it."""
    maker = TfliteMaker()
    main = maker.main
    x, kept = main.tensor([1, 4, 6]), [1] if mask & 0b100 else [1, 2]
    output = main.tensor(kept)
    bounds = [main.integers(*v) for v in ((0, begin, 1), (1, begin + 1, 5), (1, 1, 2))]
    options = schema.StridedSliceOptionsT(beginMask=1, endMask=1, shrinkAxisMask=mask)
    main.op("STRIDED_SLICE", [x, *bounds], [output], options)
    return maker.data([x], [output])


def part() -> bytes:
    maker = TfliteMaker()
    main = maker.main
    x, output = main.tensor([1, 4, 6]), main.tensor([1, 2, 5])
    bounds = [main.integers(0, 2, 1), main.integers(1, 2, -1)]
    main.op("SLICE", [x, *bounds], [output], schema.SliceOptionsT())
    return maker.data([x], [output])


def concatenation(count: int) -> bytes:
    maker = TfliteMaker()
    main = maker.main
    inputs = [main.tensor([1, n + 1, 3]) for n in range(count)]
    output = main.tensor([1, count * (count + 1) // 2, 3])
    main.op("CONCATENATION", inputs, [output], schema.ConcatenationOptionsT(axis=1))
    return maker.data(inputs, [output])


def mirrored(mode: int, *pads: int) -> bytes:
    maker = TfliteMaker()
    main, shape = maker.main, [1, 4, 3, 2]
    made = [n + pads[2 * i] + pads[2 * i + 1] for i, n in enumerate(shape)]
    x, output = main.tensor(shape), main.tensor(made)
    table = main.tensor([4, 2], "int32", data=np.array(pads, np.int32))
    main.op("MIRROR_PAD", [x, table], [output], schema.MirrorPadOptionsT(mode=mode))
    return maker.data([x], [output])


def blocks(name: str) -> bytes:
    maker = TfliteMaker()
    main, shapes = maker.main, ([1, 2, 3, 8], [1, 4, 6, 2])
    first, second = shapes if name == "DEPTH_TO_SPACE" else shapes[::-1]
    x, output = main.tensor(first), main.tensor(second)
    deep = schema.DepthToSpaceOptionsT if first is shapes[0] else schema.SpaceToDepthOptionsT
    main.op(name, [x], [output], deep(blockSize=2))
    return maker.data([x], [output])


def transposed(
    padding: int, kernel: tuple[int, int], strides: tuple[int, int], size: tuple[int, int]
) -> bytes:
    """Of a bias and of one scale for each of five channels."""
    maker = TfliteMaker()
    main, rng = maker.main, np.random.default_rng(0)
    x, output = main.tensor([1, 4, 5, 3]), main.tensor([1, *size, 5], scale=0.4)
    scales = np.array([0.01, 0.02, 0.005, 0.03, 0.01], np.float32)
    weights = main.tensor(
        [5, *kernel, 3], data=rng.integers(-127, 128, (5, *kernel, 3)).astype(np.int8)
    )
    bias = main.tensor([5], "int32", data=rng.integers(-900, 900, 5).astype(np.int32))
    for index, of in ((weights, scales), (bias, 0.05 * scales)):
        main.table.tensors[index].quantization = schema.QuantizationParametersT(
            scale=of.astype(np.float32), zeroPoint=np.zeros(5, np.int64), quantizedDimension=0
        )
    options = schema.TransposeConvOptionsT(
        padding=padding, strideH=strides[0], strideW=strides[1], fusedActivationFunction=0
    )
    shape = main.integers(1, *size, 5)
    main.op("TRANSPOSE_CONV", [shape, weights, x, bias], [output], options)
    return maker.data([x], [output])


def resized(
    name: str, size: tuple[int, int], aligned: bool = False, half: bool = False, kind: str = "int8"
) -> bytes:
    maker = TfliteMaker()
    main = maker.main
    zero = 3 if kind == "int8" else 0
    x = main.tensor([1, 5, 4, 3], kind, zero=zero)
    output = main.tensor([1, *size, 3], kind, zero=zero)
    options = {
        "RESIZE_BILINEAR": schema.ResizeBilinearOptionsT,
        "RESIZE_NEAREST_NEIGHBOR": schema.ResizeNearestNeighborOptionsT,
    }[name](alignCorners=aligned, halfPixelCenters=half)
    main.op(name, [x, main.integers(*size)], [output], options)
    return maker.data([x], [output])


def function(name: str, x: tuple[float, int], out: tuple[float, int], kind: str = "int8") -> bytes:
    """Of 256 values, of which RSQRT takes what is not negative."""
    maker = TfliteMaker()
    source = maker.main.tensor([1, 256], kind, *x)
    output = maker.main.tensor([1, 256], kind, *out)
    maker.main.op(name, [source], [output])
    return maker.data([source], [output])


FUNCTIONS = [
    (name, x, out)
    for name, scales in (
        ("ABS", ((0.05, 0.05), (0.05, 0.03), (0.01, 0.5))),
        ("ELU", ((0.05, 0.05), (0.03, 0.02), (0.2, 0.1))),
        ("RSQRT", ((0.05, 0.05), (0.9, 0.004), (0.0003, 0.5), (7.0, 0.002))),
    )
    for x, out in (
        ((x_scale, x_zero), (out_scale, out_zero))
        for x_scale, out_scale in scales
        for x_zero, out_zero in ((-128, -128), (5, -7), (127, 127))
    )
]


FILES: dict[str, Callable[[], bytes]] = {
    "pack 1 of 2": lambda: pack(1, 2),
    "pack last of 6": lambda: pack(-1, 6),
    "unpack 1": lambda: unpack(1),
    "unpack last": lambda: unpack(-1),
    "gather some": lambda: gather(2, 1, 2, 5, 0, 3),
    "gather one": lambda: gather(1, 3, scalar=True),
    "gather all turned": lambda: gather(1, 4, 3, 2, 1, 0),
    "one row": lambda: one_row(2),
    "the last row": lambda: one_row(-1),
    "one value of a row": lambda: one_row(1, 0b110),
    "slice": part,
    "transposed, same": lambda: transposed(0, (3, 3), (2, 2), (8, 10)),
    "transposed, valid": lambda: transposed(1, (3, 4), (2, 3), (9, 16)),
    "transposed, wide alone": lambda: transposed(0, (3, 4), (1, 2), (4, 10)),
    "transposed, window within its stride": lambda: transposed(0, (2, 1), (3, 2), (12, 10)),
    "reflected": lambda: mirrored(0, 0, 0, 2, 1, 1, 2, 0, 0),
    "symmetric": lambda: mirrored(1, 0, 0, 3, 0, 1, 2, 0, 0),
    "depth to space": lambda: blocks("DEPTH_TO_SPACE"),
    "space to depth": lambda: blocks("SPACE_TO_DEPTH"),
    **{
        f"{name} to {size}{' aligned' * aligned}{' half' * half}": partial(
            resized, name, size, aligned, half
        )
        for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
        for size in ((10, 8), (5, 12), (7, 3), (5, 4), (1, 9), (13, 1))
        for aligned, half in ((False, False), (True, False), (False, True))
    },
    "nearest in 16 bits": lambda: resized("RESIZE_NEAREST_NEIGHBOR", (10, 9), kind="int16"),
    "concatenation of 7": lambda: concatenation(7),
}


def equals_tflm(data: bytes) -> None:
    graph = read_tflite(data, "m")
    inputs = random_inputs(graph, 5)
    theirs = run_tflm(data, inputs).outputs
    for ours, want in zip(run_numpy(graph, inputs), theirs, strict=True):
        np.testing.assert_array_equal(ours.reshape(want.shape), want)


@pytest.mark.parametrize("name", FILES)
def test_bits_are_tflm_s(name: str) -> None:
    equals_tflm(FILES[name]())


@pytest.mark.parametrize(("name", "x", "out"), FUNCTIONS)
def test_every_value_of_a_function_is_tflm_s(
    name: str, x: tuple[float, int], out: tuple[float, int]
) -> None:
    data, values = function(name, x, out), np.arange(-128, 128)
    if name == "RSQRT":  # TFLM stops at what is negative
        values = np.maximum(values, x[1])
    inputs = [values.astype(np.int8)[None, None]]
    (ours,), (theirs,) = run_numpy(read_tflite(data, "m"), inputs), run_tflm(data, inputs).outputs
    np.testing.assert_array_equal(ours.reshape(theirs.shape), theirs)


@pytest.mark.parametrize("name", ["ABS", "ELU", "RSQRT"])
def test_functions_of_16_bits_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match=f"unsupported operator '{name}' of INT16") as error:
        read_tflite(function(name, (0.05, 0), (0.05, 0), "int16"), "m")
    assert "int8" in error.value.hint


@pytest.mark.parametrize(
    "path",
    files(CASES, "models/tf_[cdgk]*.tflite"),
    ids=lambda path: path.stem,
)
def test_handed_files_are_tflm_s(path) -> None:  # type: ignore[no-untyped-def]
    equals_tflm(path.read_bytes())


@pytest.mark.parametrize("data", [gather(1, 5), gather(1, 7, scalar=True)])
def test_a_malformed_one_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="GATHER with malformed inputs"):
        read_tflite(data, "m")
