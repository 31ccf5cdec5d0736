"""Layouts of packed weights: what Python packs, C reads by the words of the kernels' headers alone.

One vector a layout: weights that all differ, of an odd number of channels and of values that are
filled up.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from tests.support.compilers import compile_c, host_compiler
from toolkit.ir.tensor import Array
from toolkit.ops.parts.recurrent_words import pack_words
from toolkit.ops.variants.conv_2d_s8_dsp import pack_weights, patch_weights
from toolkit.ops.variants.conv_2d_s8_short import short_pairs, short_stream
from toolkit.ops.variants.conv_2d_s8_winograd2 import chunks, packed, transformed

SOURCE = Path(__file__).with_name("layouts_driver.c")
#: Channels; values under a window (a 1x1 one, and so of a run), which four divides not.
CHANNELS, VALUES, FILLED = 5, 6, 8


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("layouts")
    flags = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared")
    compile_c([*host_compiler(), *flags, str(SOURCE), "-o", "layouts.so"], folder)
    return ctypes.CDLL(str(folder / "layouts.so"))


def read(
    reader: ctypes.CDLL, name: str, words: Array, shape: tuple[int, ...], *sizes: int
) -> Array:
    """What the C function makes of the words: int32 of a shape."""
    out, data = np.full(shape, 999, np.int32), np.ascontiguousarray(words)
    pointers = (array.ctypes.data_as(ctypes.c_void_p) for array in (data, out))
    given, to = pointers
    getattr(reader, f"read_{name}")(given, *map(ctypes.c_int32, sizes), to)
    return out


def ramp(*shape: int) -> Array:
    """int8 weights from -15 on, no two equal."""
    return (np.arange(np.prod(shape)) - 15).astype(np.int8).reshape(shape)


def filled(weights: Array) -> Array:
    """The same with zeros up to a multiple of four."""
    return np.pad(weights, ((0, 0), (0, FILLED - VALUES)))


@pytest.mark.parametrize("bits", [8, 16])
def test_patches_of_int8(reader: ctypes.CDLL, bits: int) -> None:
    weights = ramp(CHANNELS, VALUES)
    words = pack_weights(patch_weights(weights.reshape(CHANNELS, 1, 1, VALUES), True), bits)
    found = read(reader, f"patch_w{bits}", words, (CHANNELS, FILLED), CHANNELS, FILLED)
    assert found[:, [0, 2, 1, 3, 4, 6, 5, 7]].tolist() == filled(weights).tolist()


def test_patches_of_int16(reader: ctypes.CDLL) -> None:
    weights = ramp(CHANNELS, VALUES)
    order = (0, 1, 2, 3)
    words = pack_weights(patch_weights(weights.reshape(CHANNELS, 1, 1, VALUES), True, order), 8)
    found = read(reader, "patch_w8", words, (CHANNELS, FILLED), CHANNELS, FILLED)
    assert found.tolist() == filled(weights).tolist()


def test_short_stream(reader: ctypes.CDLL) -> None:
    weights, records = ramp(CHANNELS, VALUES), 1000 + np.arange(4 * CHANNELS).reshape(-1, 4)
    words, threes_words = short_stream(weights, records.astype(np.int32))
    pairs = short_pairs(VALUES)
    assert threes_words == 3 * (4 + pairs) and len(words) == 5 * (4 + pairs)
    found = read(reader, "short", words, (CHANNELS, 2 * pairs + 4), CHANNELS, pairs)
    in_pairs = filled(weights)[:, [0, 2, 1, 3, 4, 6, 5, 7]]
    assert found[:, : 2 * pairs].tolist() == in_pairs[:, : 2 * pairs].tolist()
    assert found[:, 2 * pairs :].tolist() == records.tolist()


def test_winograd(reader: ctypes.CDLL) -> None:
    """19 input channels: ten pairs, in two chunks of five."""
    given = transformed(np.random.default_rng(0).integers(-127, 128, (CHANNELS, 3, 3, 19), np.int8))
    assert chunks(10) == [5, 5]
    found = read(reader, "winograd", packed(given), (16, CHANNELS, 20), CHANNELS, 10, 5)
    assert found[..., :19].tolist() == given.tolist()
    assert not found[..., 19].any()


def test_recurrent(reader: ctypes.CDLL) -> None:
    weights = ramp(2, 3, VALUES)
    found = read(reader, "recurrent", pack_words(weights), (2, 3, FILLED), 2, 3, FILLED)
    assert found[..., :VALUES].tolist() == weights.tolist()
    assert not found[..., VALUES:].any()
