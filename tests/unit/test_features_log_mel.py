"""The numpy features against librosa, and against the written definition of each level mode."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from fractions import Fraction

import librosa
import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.specs import as_mfcc
from toolkit.compare.features import compare_features
from toolkit.errors import InputError, VerificationError
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.kinds.mfcc import dct_matrix
from toolkit.features.mel import hz_to_mel, mel_filterbank, mel_to_hz
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import (
    KEYWORD_MFCC,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LevelSpec,
    LogMel,
    Raw,
)
from toolkit.resources import data_dir


@st.composite
def specs(draw: st.DrawFn) -> FeatureSpec:
    """Any window, any hop, also beyond a frame; mel, norm, power, logarithm, floor and centre."""
    frame = draw(st.one_of(st.integers(5, 11).map(lambda n: 2**n), st.integers(17, 1500)))
    rate = draw(st.sampled_from([8000, 16_000, 22_050, 44_100, 48_000]))
    return LogMel(
        sample_rate_hz=rate,
        frame_samples=frame,
        hop_samples=draw(st.integers(frame // 8, 2 * frame)),
        n_mels=draw(st.integers(1, 128)),
        f_min_hz=draw(st.sampled_from([0.0, 20.0, 300.0])),
        f_max_hz=draw(st.sampled_from([0.5, 0.45, 0.25])) * rate,
        mel_scale=draw(st.sampled_from(["slaney", "htk"])),
        mel_norm=draw(st.sampled_from(["area", "none"])),
        log=draw(st.sampled_from(["db", "ln"])),
        floor=draw(st.sampled_from([1e-10, 1e-6])),
        power=draw(st.sampled_from([1.0, 2.0])),
        flooring=draw(st.sampled_from(["max", "add"])),
        center=draw(st.booleans()) and frame % 2 == 0,
    )


def librosa_energy(
    y: NDArray[np.float64], spec: FeatureSpec, center: bool = False
) -> NDArray[np.float64]:
    """Floored mel energies [rows, n_mels] of a signal whose level is already right."""
    if not center:
        # librosa puts a window that is shorter than the FFT in its middle; ours is at its start.
        spare = spec.fft_samples - spec.frame_samples
        y = np.pad(y, (spare // 2, spare - spare // 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about bands that hold no FFT bin
        mel = librosa.feature.melspectrogram(
            y=y,
            sr=spec.sample_rate_hz,
            n_fft=spec.fft_samples,
            win_length=spec.frame_samples,
            hop_length=spec.hop_samples,
            center=center,
            power=spec.power,
            n_mels=spec.n_mels,
            fmin=spec.f_min_hz,
            fmax=spec.f_max_hz,
            htk=spec.mel_scale == "htk",
            norm="slaney" if spec.mel_norm == "area" else None,
            dtype=np.float64,
        )
    energy = mel.T + spec.floor if spec.flooring == "add" else np.maximum(mel.T, spec.floor)
    return np.asarray(energy)


def energy_of(features: NDArray[np.float32], spec: FeatureSpec) -> NDArray[np.float64]:
    values = features.astype(np.float64)
    return 10.0 ** (values * spec.power / 20.0) if spec.log == "db" else np.exp(values)


def voice_like(count: int, seed: int) -> NDArray[np.float64]:
    """Harmonics, noise 40 dB below, a DC offset and a changing level; |x| < 1."""
    rng = np.random.default_rng(seed)
    n = np.arange(count)
    tone = sum(np.sin(0.02 * k * n + k) / k for k in range(1, 20))
    level = 0.02 + 0.2 * np.sin(np.pi * n / count) ** 2
    return np.asarray(level * (tone + 0.01 * rng.standard_normal(count)) + 0.03)


@given(specs(), st.integers(0, 1000))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_equals_librosa_on_the_level_normalised_clip(spec: FeatureSpec, seed: int) -> None:
    x = voice_like(5 * spec.frame_samples + 17, seed)
    deviation = np.sqrt(x.var() + spec.level.epsilon)
    y = (np.pad(x, spec.padding_samples) - x.mean()) / deviation
    features = extract(x, spec)
    assert features.dtype == np.float32
    assert features.shape == (spec.rows_for_samples(len(x)), spec.n_mels)
    np.testing.assert_allclose(energy_of(features, spec), librosa_energy(y, spec), rtol=1e-5)


@given(specs(), st.floats(0.01, 100.0))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_fixed_level_equals_librosa_on_the_amplified_clip(spec: FeatureSpec, gain: float) -> None:
    spec = replace(spec, level=LevelSpec("fixed", gain=gain))
    x = voice_like(4 * spec.frame_samples, 1)
    expected = librosa_energy(gain * x, spec, spec.center)
    np.testing.assert_allclose(energy_of(extract(x, spec), spec), expected, rtol=1e-5)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_decibels_are_librosa_s(power: float) -> None:
    spec = replace(WAV2SMALL, level=LevelSpec("fixed"), power=power, floor=1e-5)
    x = voice_like(2000, 2)
    mel = librosa_energy(x, spec)
    to_db = librosa.power_to_db if power == 2.0 else librosa.amplitude_to_db
    expected = to_db(mel, ref=1.0, amin=spec.floor, top_db=None)
    np.testing.assert_allclose(extract(x, spec), expected, atol=1e-4)


@pytest.mark.parametrize("n_mfcc", [1, 13, 26])
def test_mfcc_equals_librosa(n_mfcc: int) -> None:
    spec = as_mfcc(WAV2SMALL, n_mfcc=n_mfcc)
    x = voice_like(3000, 7)
    y = (x - x.mean()) / np.sqrt(x.var() + spec.level.epsilon)
    bands = 10.0 * np.log10(librosa_energy(y, spec))
    expected = librosa.feature.mfcc(S=bands.T, n_mfcc=n_mfcc, dct_type=2, norm="ortho").T
    features = extract(x, spec)
    assert features.shape == (spec.rows_for_samples(3000), n_mfcc)
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-4)


def test_htk_norm_scales_all_coefficients_alike() -> None:
    """sqrt(2 / N) sum x cos: what tf.signal.mfccs_from_log_mel_spectrograms gives."""
    spec = replace(KEYWORD_MFCC, n_mfcc=40)
    bands = np.random.default_rng(0).normal(size=40)
    expected = scipy.fft.dct(bands, type=2, norm=None) / np.sqrt(2.0 * 40)
    np.testing.assert_allclose(dct_matrix(spec) @ bands, expected, rtol=1e-12, atol=1e-12)
    ortho = dct_matrix(replace(spec, mfcc_norm="ortho"))
    np.testing.assert_allclose(ortho @ ortho.T, np.eye(40), atol=1e-12)


def test_slopes_straight_in_mel_follow_their_definition() -> None:
    """Bin by bin: what tf.signal.linear_to_mel_weight_matrix gives."""
    weights = mel_filterbank(KEYWORD_MFCC)
    assert weights.shape == (40, 257)
    edges = np.linspace(mel_of(20.0), mel_of(4000.0), 42)
    for band in range(40):
        for index in range(257):
            mel = mel_of(index * 16_000 / 512)
            rising = (mel - edges[band]) / (edges[band + 1] - edges[band])
            falling = (edges[band + 2] - mel) / (edges[band + 2] - edges[band + 1])
            expected = max(0.0, min(rising, falling))
            assert weights[band, index] == pytest.approx(expected, abs=1e-12)


def mel_of(hz: float) -> float:
    return 1127.0 * math.log1p(hz / 700.0) * 2595.0 / (1127.0 * math.log(10.0))


def test_keyword_spotting_has_49_rows_of_10_a_second() -> None:
    features = extract(voice_like(16_000, 8), KEYWORD_MFCC)
    assert features.shape == (49, 10)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("mode", ["clip", "running", "fixed"])
def test_raw_is_the_waveform_with_its_level(mode: str) -> None:
    level = LevelSpec(mode, gain=2.0)
    spec = Raw(16_000, 160, 160, level=level)
    x = voice_like(1000, 9)
    features = extract(x, spec)
    assert features.shape == (6, 160)
    expected = {
        "clip": (x - x.mean()) / np.sqrt(x.var() + level.epsilon),
        "fixed": 2.0 * x,
        # The first frame of the running level sees only itself.
        "running": (x - x[:160].mean()) / np.sqrt(x[:160].var() + level.epsilon),
    }[mode]
    rows = 1 if mode == "running" else 6
    np.testing.assert_allclose(
        features[:rows].ravel(), expected[: rows * 160], rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("time_constant_s", [0.001, 0.05, 3.0])
def test_running_level_follows_its_definition(time_constant_s: float) -> None:
    level = LevelSpec("running", time_constant_s=time_constant_s)
    spec = replace(WAV2SMALL_RUNNING, level=level)
    x = voice_like(4000, 3)
    decay = 1 - math.exp(-spec.hop_samples / (time_constant_s * spec.sample_rate_hz))
    mean = square = 0.0
    rows = []
    for n in range(spec.rows_for_samples(len(x))):
        frame = x[n * spec.hop_samples :][: spec.frame_samples]
        a = max(1 / (n + 1), decay)
        mean += a * (frame.mean() - mean)
        square += a * (np.mean(frame**2) - square)
        y = (frame - mean) / math.sqrt(max(square - mean**2, 0.0) + level.epsilon)
        rows.append(librosa_energy(y, spec)[0])
    np.testing.assert_allclose(energy_of(extract(x, spec), spec), rows, rtol=1e-5)


@pytest.mark.parametrize("mode", ["running", "fixed"])
def test_streamable_levels_do_not_look_ahead(mode: str) -> None:
    spec = replace(WAV2SMALL, level=LevelSpec(mode))
    x = voice_like(8000, 5)
    whole, part = extract(x, spec), extract(x[:3000], spec)
    np.testing.assert_array_equal(whole[: len(part)], part)


def test_clip_and_running_levels_do_not_depend_on_the_gain_of_the_microphone() -> None:
    x = 0.1 * voice_like(8000, 6)
    for spec in (WAV2SMALL, WAV2SMALL_RUNNING):
        quiet = replace(spec, level=replace(spec.level, epsilon=1e-12))
        np.testing.assert_allclose(extract(8 * x, quiet), extract(x, quiet), atol=1e-3)


def test_int16_is_a_fraction_of_full_scale() -> None:
    clip = load_clip(data_dir("models") / "wav2small" / "demo_clip.wav", 16_000).samples
    features = extract(clip, WAV2SMALL)
    assert features.shape == (499, 26)
    np.testing.assert_array_equal(features, extract(clip / 32768.0, WAV2SMALL))


def test_silence_is_the_floor() -> None:
    silence = np.zeros(640, np.int16)
    for spec in (WAV2SMALL, WAV2SMALL_RUNNING, replace(WAV2SMALL, level=LevelSpec("fixed"))):
        np.testing.assert_allclose(extract(silence, spec), -100.0, atol=1e-4)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(63, np.int16),
        np.zeros(0, np.int16),
        np.zeros((2, 640), np.int16),
        np.full(640, np.nan),
        np.full(640, np.inf),
    ],
)
def test_unusable_samples_are_refused(samples: NDArray[np.float64]) -> None:
    with pytest.raises(InputError, match=r"^features: "):
        extract(samples, WAV2SMALL)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mel_scale_equals_librosa_and_inverts(scale: str) -> None:
    hz = np.linspace(0.0, 24_000.0, 1001)
    mel = hz_to_mel(hz, scale)
    np.testing.assert_allclose(mel, librosa.hz_to_mel(hz, htk=scale == "htk"), rtol=1e-12)
    np.testing.assert_allclose(mel_to_hz(mel, scale), hz, rtol=1e-12, atol=1e-9)


def test_bands_narrower_than_the_bins_are_empty_as_in_librosa() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = librosa.filters.mel(sr=16_000, n_fft=64, n_mels=26, dtype=np.float64)
    weights = mel_filterbank(WAV2SMALL)
    np.testing.assert_allclose(weights, expected, rtol=1e-9, atol=1e-15)
    assert not weights[0].any()


@given(
    st.lists(st.floats(-1000, 1000, width=32), min_size=1),
    st.floats(0.01, 10.0),
    st.integers(-128, 127),
)
def test_quantising_rounds_to_the_nearest_step(
    values: list[float], scale: float, zero_point: int
) -> None:
    features = np.array(values, np.float32)
    quantised = quantise_features(features, scale, zero_point)
    assert quantised.dtype == np.int8
    for value, q in zip(features, quantised, strict=True):
        exact = Fraction(float(value)) / Fraction(scale) + zero_point
        nearest = min(max(exact, Fraction(-128)), Fraction(127))
        slack = Fraction(abs(float(value)) / scale) * Fraction(1, 2**22)  # float32 arithmetic
        assert abs(int(q) - nearest) <= Fraction(1, 2) + slack + Fraction(1, 2**23)


def test_quantising_ties_go_up() -> None:
    ties = np.array([-1.5, -0.5, 0.5, 1.5], np.float32)
    assert quantise_features(ties, 1.0, 0).tolist() == [-1, 0, 1, 2]


def test_comparison_counts_steps() -> None:
    a = np.array([[0, 1, 127, -128]], np.int8)
    b = np.array([[0, 2, -128, 127]], np.int8)
    assert compare_features(a, a) == (1.0, 0)
    assert compare_features(a, b) == (0.25, 255)
    with pytest.raises(VerificationError, match="shape"):
        compare_features(a, b[:, :2])
