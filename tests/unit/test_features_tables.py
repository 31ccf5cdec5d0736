"""The generated features.h and features.c."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.log_mel import hann_window
from toolkit.features.mel import mel_filterbank
from toolkit.features.spec import WAV2SMALL, WAV2SMALL_RUNNING, LevelSpec
from toolkit.features.tables import KERNEL_FILES, feature_context, render_features
from toolkit.resources import data_dir


def floats(literals: tuple[str, ...]) -> NDArray[np.float32]:
    for literal in literals:
        assert re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?F", literal), literal
        assert re.search(r"[.e]", literal), f"{literal} would be an integer with a bad suffix"
    return np.array([np.float32(literal[:-1]) for literal in literals])


def test_literals_read_back_to_the_same_float32() -> None:
    context = feature_context(WAV2SMALL, 0.5, 0)
    expected = (hann_window(64) / 32768.0).astype(np.float32)
    np.testing.assert_array_equal(floats(context.window), expected)


def test_sparse_bands_hold_the_whole_filter_bank() -> None:
    spec = replace(WAV2SMALL, frame_samples=512, n_mels=64)
    context = feature_context(spec, 0.5, 0)
    dense = np.zeros((64, 257), np.float32)
    weights = iter(floats(context.mel_weights))
    for band, row in zip(context.mel_bands, dense, strict=True):
        first, count = map(int, re.findall(r"(\d+)u", band))
        row[first : first + count] = [next(weights) for _ in range(count)]
    np.testing.assert_array_equal(dense, mel_filterbank(spec).astype(np.float32))
    assert next(weights, None) is None


def test_twiddles_are_roots_of_unity() -> None:
    pairs = floats(feature_context(WAV2SMALL, 0.5, 0).twiddles).reshape(-1, 2)
    roots = np.exp(-2j * np.pi * np.arange(32) / 64)
    np.testing.assert_allclose(pairs[:, 0] + 1j * pairs[:, 1], roots, atol=6e-8)


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
        assert "#define FEATURES_ZERO_POINT (-3)" in header
        assert "#define FEATURES_INVERSE_SCALE 2.0F" in header
    assert "FEATURES_LEVEL_INITIAL 0.25F" in headers["fixed"]["features.h"]


def test_rendering_is_deterministic_and_narrow() -> None:
    first, second = (render_features(WAV2SMALL_RUNNING, 0.4741, 40) for _ in range(2))
    assert first == second
    assert set(first) == {"features.h", "features.c"}
    for text in first.values():
        assert max(map(len, text.splitlines())) <= 100
        assert text.endswith("\n")


def test_kernel_files_exist() -> None:
    folder = data_dir("firmware_templates") / "features"
    assert {path.name for path in folder.iterdir()} >= set(KERNEL_FILES)


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
