"""The generated features.h and features.c."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.mel import mel_filterbank
from toolkit.features.spec import KEYWORD_MFCC, WAV2SMALL, WAV2SMALL_RUNNING, LevelSpec, Raw
from toolkit.features.tables import (
    FeatureContext,
    feature_context,
    kernel_files,
    render_features,
)
from toolkit.features.window import window
from toolkit.resources import feature_path


def floats(literals: tuple[str, ...]) -> NDArray[np.float32]:
    for literal in literals:
        assert re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?F", literal), literal
        assert re.search(r"[.e]", literal), f"{literal} would be an integer with a bad suffix"
    return np.array([np.float32(literal[:-1]) for literal in literals])


def table(context: FeatureContext, name: str) -> tuple[str, ...]:
    (found,) = (table for table in context.tables if table.name == name)
    return found.values


def test_literals_read_back_to_the_same_float32() -> None:
    context = feature_context(WAV2SMALL, 0.5, 0)
    expected = (window(WAV2SMALL) / 65536.0).astype(np.float32)
    np.testing.assert_array_equal(floats(table(context, "tk_window")), expected)


@pytest.mark.parametrize(
    ("frame_samples", "n_mels", "straight"), [(512, 64, False), (64, 26, True)]
)
def test_sparse_bands_hold_the_whole_filter_bank(
    frame_samples: int, n_mels: int, straight: bool
) -> None:
    spec = replace(WAV2SMALL, frame_samples=frame_samples, n_mels=n_mels)
    context = feature_context(spec, 0.5, 0)
    dense = np.zeros((n_mels, frame_samples // 2 + 1), np.float32)
    weights = floats(table(context, "mel_weights"))
    used = 0
    if straight:
        for text, row in zip(context.mel_sums, dense, strict=True):
            for weight, twice_bin in re.findall(r"w\[(\d+)\] \* s\[(\d+)\]", text):
                row[int(twice_bin) // 2] += weights[int(weight)]
                used += 1
    else:
        for band, row in zip(table(context, "mel_bands"), dense, strict=True):
            first, count = map(int, re.findall(r"(\d+)", band))
            row[first : first + count] = weights[used : used + count]
            used += count
    assert used == len(weights)
    np.testing.assert_array_equal(dense, mel_filterbank(spec).astype(np.float32))


def complexes(literals: tuple[str, ...]) -> NDArray[np.complex128]:
    pairs = floats(tuple(part for text in literals for part in text.strip("{}").split(", ")))
    return pairs[::2].astype(np.float64) + 1j * pairs[1::2]


@pytest.mark.parametrize("frame_samples", [32, 64, 128, 4096])
def test_twiddles_make_a_fourier_transform(frame_samples: int) -> None:
    """The passes as documented, in numpy, against numpy's own transform."""
    context = feature_context(replace(WAV2SMALL, frame_samples=frame_samples), 0.5, 0)
    points = frame_samples // 2
    rng = np.random.default_rng(0)
    x = rng.normal(size=points) + 1j * rng.normal(size=points)
    first = int(dict(context.defines)["FFT_FIRST"])
    assert first in (4, 8)

    def transform(values: NDArray[np.complex128]) -> NDArray[np.complex128]:
        if len(values) == first:
            return np.fft.fft(values)
        parts = np.stack([transform(values[j::4]) for j in range(4)])
        length = parts.shape[1]
        start = (length - first) // 3 * 3  # every pass before took 3 for each of its points
        factors = twiddles[start : start + 3 * length].reshape(length, 3).T
        parts[1:] *= factors
        return np.concatenate([np.fft.fft(parts, axis=0)[q] for q in range(4)])

    twiddles = complexes(table(context, "tk_twiddles"))
    np.testing.assert_allclose(transform(x), np.fft.fft(x), rtol=2e-6, atol=1e-5)
    roots = np.exp(-2j * np.pi * np.arange(1, points // 2) / frame_samples)
    np.testing.assert_allclose(complexes(table(context, "tk_roots")), roots, atol=6e-8)


def test_header_has_the_level_mode_and_its_constants_only() -> None:
    headers = {
        mode: render_features(replace(WAV2SMALL, level=LevelSpec(mode, gain=2.0)), 0.5, -3)
        for mode in ("clip", "running", "fixed")
    }
    for mode, files in headers.items():
        header = files["features.h"]
        for other in headers:
            assert (f"FEATURES_LEVEL_{other.upper()} 1" in header) == (other == mode)
        assert ("features_set_level" in header) == (mode == "clip")
        assert ("FEATURES_LEVEL_SMOOTHING" in header) == (mode == "running")
        assert "scale 0.5, zero point -3" in header
    assert "FEATURES_LEVEL_INITIAL 4.0F" in headers["fixed"]["features.h"]


def test_rendering_is_deterministic_and_narrow() -> None:
    first, second = (render_features(WAV2SMALL_RUNNING, 0.4741, 40) for _ in range(2))
    assert first == second
    assert set(first) == {"features.h", "features.c"}
    for text in first.values():
        assert max(map(len, text.splitlines())) <= 100
        assert text.endswith("\n")


def test_kernel_files_exist() -> None:
    raw = Raw(16_000, 100, 100)
    for spec in (WAV2SMALL, KEYWORD_MFCC, raw):
        assert all(feature_path(name).is_file() for name in kernel_files(spec))


@pytest.mark.parametrize(
    ("scale", "zero_point"), [(0.0, 0), (float("nan"), 0), (-1.0, 0), (1.0, 128)]
)
def test_bad_quantisation_is_refused(scale: float, zero_point: int) -> None:
    with pytest.raises(InputError, match="model input"):
        feature_context(WAV2SMALL, scale, zero_point)


def test_bands_without_any_bin_are_refused() -> None:
    spec = replace(WAV2SMALL, n_mels=1, f_min_hz=10.0, f_max_hz=200.0)
    with pytest.raises(InputError, match="no FFT bin"):
        render_features(spec, 1.0, 0)
