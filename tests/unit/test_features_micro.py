"""The micro_frontend reference against published values of TensorFlow's and TFLM's front-ends.

Values are from the unit tests of tensorflow/lite/experimental/microfrontend (Apache-2.0): a
1 kHz, 25-sample, two-channel front-end; and from TFLM's micro_speech example (Apache-2.0): its
clips and the features its golden data and audio_preprocessor_test.py state for them.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support import outside
from toolkit.errors import InputError
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.kinds.micro_fft import real_fft
from toolkit.features.kinds.micro_frontend import (
    channel_magnitudes,
    control_gain,
    logarithm,
    reduce_noise,
    square_root,
)
from toolkit.features.kinds.micro_tables import correction_bits, hann_q12, log2_table, mel_channels
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import MICRO_SPEECH, FeatureSpec, LevelSpec, MicroFrontend, MicroSpec

SMALL = MicroFrontend(
    1000, 25, 10, LevelSpec("fixed"), n_mels=2, f_min_hz=8.0, f_max_hz=450.0, micro=MicroSpec()
)
FOUR_TONE = np.array([0, 32767, 0, -32768] * 9, np.int16)
WINDOWED = [0, 1151, 0, -5944, 0, 13311, 0, -21448, 0, 28327, 0, -32256, 0]
WINDOWED += [32255, 0, -28328, 0, 21447, 0, -13312, 0, 5943, 0, -1152, 0]


def as_integers(spec: FeatureSpec) -> FeatureSpec:
    return replace(spec, micro=replace(spec.micro, output_scale=1.0))


def test_window_has_the_published_coefficients() -> None:
    half = [16, 144, 391, 743, 1176, 1664, 2177, 2681, 3145, 3541, 3843, 4032]
    assert hann_q12(25).tolist() == [*half, 4096, *half[::-1]]
    assert ((FOUR_TONE[:25] * hann_q12(25)) >> 12).tolist() == WINDOWED


def test_fft_has_the_published_spectrum() -> None:
    re, im = real_fft(np.array([WINDOWED + [0] * 7]))
    real = [0, -10, -20, -9, 0, -119, -887, 3000, 0, -3000, 886, 118, 0, 9, 19, 9, 0]
    imaginary = [0, 9, 0, -10, 25, 119, 0, 3000, -6401, 3000, 0, 119, 25, -10, 0, 9, 0]
    assert re.tolist() == [real]
    assert im.tolist() == [imaginary]


@given(st.integers(5, 12), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_fft_is_the_fourier_transform_over_n(octaves: int, seed: int) -> None:
    n = 2**octaves
    frame = np.random.default_rng(seed).integers(-32768, 32768, (3, n))
    re, im = real_fft(frame)
    exact = np.fft.rfft(frame) / n
    assert np.abs(re + 1j * im - exact).max() < 8  # roundings of 16-bit passes


def test_filter_bank_has_the_published_weights() -> None:
    channels = mel_channels(SMALL)
    weights = [3277, 2217, 1200, 222, 3376, 2468, 1591, 744, 4020, 3226, 2456, 1708, 983, 277]
    unweights = [819, 1879, 2896, 3874, 720, 1628, 2505, 3352, 76, 870, 1640, 2388, 3113, 3819]
    assert channels.starts.tolist() == [1, 5, 9, 15]
    assert channels.weights.tolist() == [0, *weights, 0, 0]
    assert channels.unweights.tolist() == [0, *unweights, 0, 0]
    energy = [0, 181, 400, 181, 625, 28322, 786769, 18000000, 40972801]
    energy += [18000000, 784996, 28085, 625, 181, 361, 0, 0]
    accumulated = channels.matrix() @ np.array(energy)
    assert accumulated.tolist() == [61162970173, 258694800000]
    assert square_root(accumulated).tolist() == [247311, 508620]


def test_noise_reduction_and_gain_control_have_the_published_values() -> None:
    cleaned, noise = reduce_noise(np.array([[247311, 508620]]), SMALL.micro)
    assert noise.tolist() == [[6321887, 31248341]]
    assert cleaned.tolist() == [[241137, 478104]]
    assert correction_bits(SMALL) == -1
    assert control_gain(cleaned, noise, SMALL).tolist() == [[3578, 1533]]


def test_front_end_has_the_published_features() -> None:
    assert extract(FOUR_TONE, as_integers(SMALL)).tolist() == [[479, 425], [436, 378]]


def test_logarithm_is_within_a_step_of_the_real_one() -> None:
    assert log2_table()[[0, 1, 57, 127, 128]].tolist() == [0, 224, 5641, 142, 0]
    x = np.unique(np.geomspace(1, 2**32 - 1, 5000).astype(np.int64))
    assert np.abs(logarithm(x, 6) - 64 * np.log(x))[x > 1].max() <= 1
    assert logarithm(np.array([0, 1]), 6).tolist() == [0, 0]


def test_square_root_rounds_to_nearest() -> None:
    near = [n * n + d for n in (2, 1000, 65535, 65536, 2**26 - 2) for d in (-1, 0, 1, n, n + 1)]
    roots = square_root(np.array(near)).tolist()
    for x, root in zip(near, roots, strict=True):
        if not 65535 * 65536 < x < 2**32:  # 32-bit roots saturate
            assert (2 * root - 1) ** 2 <= 4 * x <= (2 * root + 1) ** 2, x


def micro_speech_input(features: NDArray[np.float32]) -> NDArray[np.int8]:
    """The example's own quantisation of the integers, its model's input."""
    steps = (features.astype(np.int64) * 256 + 333) // 666 - 128
    return np.asarray(np.clip(steps, -128, 127), dtype=np.int8)


def published_clip(name: str) -> NDArray[np.int16]:
    path = outside.file(outside.DATA, f"tflm_micro_speech/{name}_1000ms.wav")
    return load_clip(path, 16_000).samples


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("yes", "1786ccf8826cdddfdcf11782bbfbc44fedec8c98f2b14910255282245cb0c390"),
        ("no", "719a7f7c5a4396f53421086b666b7699a6d39a97d3a068c3af7b230cde942a74"),
    ],
)
def test_all_49_rows_of_the_published_clips_match(name: str, digest: str) -> None:
    """SHA-256 of the example's golden 49 x 40 int8 features of that clip."""
    features = micro_speech_input(extract(published_clip(name), as_integers(MICRO_SPEECH)))
    assert features.shape == (49, 40)
    assert hashlib.sha256(features.tobytes()).hexdigest() == digest


def test_first_row_of_a_clip_matches_the_preprocessor_s_test() -> None:
    row = [124, 105, 126, 103, 125, 101, 123, 100, 116, 98, 115, 97, 113, 90, 91, 82, 104, 96]
    row += [117, 97, 121, 103, 126, 101, 125, 104, 126, 104, 125, 101, 116, 90, 81, 74, 80, 71]
    row += [83, 76, 82, 71]
    frame = published_clip("yes")[8000:8480]
    assert micro_speech_input(extract(frame, as_integers(MICRO_SPEECH))).tolist() == [row]


@pytest.mark.parametrize("value", [0, 1, -32768, 32767])
def test_constant_audio_stays_in_range(value: int) -> None:
    features = extract(np.full(16_000, value, np.int16), MICRO_SPEECH)
    assert features.shape == (49, 40)
    assert features.min() >= 0
    assert features.max() <= 26.3
    assert (features == 0).all() or value not in (0, 1)


@pytest.mark.parametrize("frame_samples", [17, 480, 1025, 4096])
@pytest.mark.parametrize("smoothing_bits", ["least", "most"])
@pytest.mark.parametrize("gain_bits", ["least", "most"])
def test_every_number_of_bits_that_is_allowed_can_be_computed(
    frame_samples: int, smoothing_bits: str, gain_bits: str
) -> None:
    correction = (frame_samples - 1).bit_length() - 6
    limits = {
        "smoothing_bits": {"least": max(0, correction), "most": 12},
        "gain_bits": {"least": correction + 12, "most": 30},
    }
    chosen = {
        "smoothing_bits": limits["smoothing_bits"][smoothing_bits],
        "gain_bits": limits["gain_bits"][gain_bits],
    }
    spec = replace(MICRO_SPEECH, frame_samples=frame_samples, micro=MicroSpec(**chosen))
    assert correction_bits(spec) == correction
    loud = np.random.default_rng(0).integers(-32768, 32768, 3 * frame_samples)
    assert np.isfinite(extract(loud.astype(np.int16), spec)).all()
    for name, value in chosen.items():
        step = (
            -1 if {"smoothing_bits": smoothing_bits, "gain_bits": gain_bits}[name] == "least" else 1
        )
        with pytest.raises(InputError, match=rf"micro\.{name} must be a whole number in \["):
            replace(spec, micro=MicroSpec(**{**chosen, name: value + step}))


def test_loudest_audio_fits_the_integers() -> None:
    rng = np.random.default_rng(0)
    n = np.arange(16_000)
    for audio in (
        np.where(rng.integers(0, 2, 16_000) > 0, 32767, -32768),
        np.where(n // 8 % 2, 32767, -32768),
        np.where(n % 2, 32767, -32768),
        32767 * np.sin(0.3 * n),
    ):
        frames = audio[: 480 * 33].reshape(-1, 480).astype(np.int64)
        for spec in (MICRO_SPEECH, replace(MICRO_SPEECH, n_mels=1, f_min_hz=0.0)):
            magnitudes = channel_magnitudes(frames, spec)
            assert magnitudes.min() >= 0
            assert magnitudes.max() < 2**20


def test_the_example_s_quantisation_is_a_scale_of_ours() -> None:
    values = np.arange(700, dtype=np.float32)
    features = (values * MICRO_SPEECH.micro.output_scale).astype(np.float32)
    rows = quantise_features(features, 666 / 6553.6, -128)
    np.testing.assert_array_equal(rows, micro_speech_input(values))
