"""What microphones and files really give: formats, rates, offsets, clipping, silence, hum, noise.

Every clip goes through the reader and every kind of features: finite values inside int8, and the
changes that the disturbance may make, no others.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from toolkit.errors import AudioError
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    LevelSpec,
    Raw,
)
from toolkit.resources import data_dir

RATE_HZ = 16_000
SPECS = {
    "clip": WAV2SMALL,
    "running": WAV2SMALL_RUNNING,
    "fixed": replace(WAV2SMALL, level=LevelSpec("fixed", gain=10.0)),
    "centred": replace(WAV2SMALL_RUNNING, frame_samples=400, hop_samples=160, center=True),
    "mfcc": KEYWORD_MFCC,
    "micro_frontend": MICRO_SPEECH,
    "raw": Raw(RATE_HZ, 160, 160, level=LevelSpec("running")),
}


@pytest.fixture(scope="module")
def speech() -> NDArray[np.float64]:
    """One second of real speech, fractions of full scale."""
    clip = load_clip(data_dir("models") / "wav2small" / "demo_clip.wav", RATE_HZ).samples
    return clip / 32768.0


def int16(x: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.clip(np.round(x * 32768.0), -32768, 32767).astype(np.int16)


def disturbed(speech: NDArray[np.float64]) -> dict[str, NDArray[np.int16]]:
    n = np.arange(len(speech))
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(len(speech))
    loudness = np.sqrt(np.mean(speech**2))
    found = {
        "silence": 0 * speech,
        "one count of dither": rng.integers(-1, 2, len(speech)) / 32768.0,
        "offset of a tenth": speech + 0.1,
        "offset of nine tenths": speech + 0.9,
        "offset alone": 0 * speech - 0.25,
        "clipped by 20 dB": 10.0 * speech / np.abs(speech).max(),
        "stuck at the minimum": 0 * speech - 1.0,
        "square wave": np.where(n // 40 % 2, 1.0, -1.0),
        "impulse": np.where(n == 8000, 1.0, 0.0),
        "drop-outs": speech * (n // 800 % 2),
        "very quiet": speech / 1000.0,
        "starts late": speech * (n > 8000),
    }
    for snr_db in (30, 10, 0, -10):
        scale = loudness * 10.0 ** (-snr_db / 20.0)
        hum = np.sqrt(2.0) * (np.sin(2 * np.pi * 50 * n / RATE_HZ))
        found[f"hum at {snr_db} dB"] = speech + scale * hum
        found[f"noise at {snr_db} dB"] = speech + scale * noise
    return {name: int16(x) for name, x in found.items()}


@pytest.mark.parametrize("name", SPECS)
def test_nothing_gives_nan_or_leaves_int8(name: str, speech: NDArray[np.float64]) -> None:
    spec = SPECS[name]
    with np.errstate(all="raise", under="ignore"):
        for title, samples in disturbed(speech).items():
            features = extract(samples, spec)
            assert np.isfinite(features).all(), title
            quantised = quantise_features(features, 1e-3, -128)  # far out of range: clamped
            assert quantised.dtype == np.int8
            assert features.shape == (spec.rows_for_samples(len(samples)), spec.row_values)


@pytest.mark.parametrize("offset", [0.01, 0.1, -0.5])
@pytest.mark.parametrize("name", ["clip", "running"])
def test_an_offset_of_the_microphone_is_removed(
    name: str, offset: float, speech: NDArray[np.float64]
) -> None:
    x = 0.4 * speech / np.abs(speech).max()
    spec = SPECS[name]
    plain = extract(int16(x), spec)
    shifted = extract(int16(x + np.round(offset * 32768.0) / 32768.0), spec)
    assert np.abs(plain - shifted).max() < 1e-3  # dB


@pytest.mark.parametrize("kind", ["hum", "noise"])
def test_more_disturbance_changes_the_features_more(kind: str, speech: NDArray[np.float64]) -> None:
    clean = extract(int16(speech), WAV2SMALL_RUNNING)
    clips = disturbed(speech)
    changes = [
        float(np.abs(extract(clips[f"{kind} at {snr_db} dB"], WAV2SMALL_RUNNING) - clean).mean())
        for snr_db in (30, 10, 0, -10)
    ]
    assert changes == sorted(changes)
    assert changes[0] < changes[-1] / 2


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("suffix", "subtype", "steps"),
    [
        (".wav", "PCM_16", 0),
        (".wav", "PCM_24", 0),
        (".wav", "PCM_32", 0),
        (".wav", "FLOAT", 0),
        (".wav", "DOUBLE", 0),
        (".flac", "PCM_16", 0),
        (".flac", "PCM_24", 0),
        (".wav", "PCM_U8", 255),  # the writer cuts to steps of 256
        (".wav", "ULAW", 1024),
    ],
)
def test_every_format_gives_the_same_samples(
    suffix: str,
    subtype: str,
    steps: int,
    channels: int,
    speech: NDArray[np.float64],
    tmp_path: Path,
) -> None:
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, np.stack([speech] * channels, axis=1), RATE_HZ, subtype=subtype)
    samples = load_clip(path, RATE_HZ).samples
    assert samples.dtype == np.int16
    assert np.abs(samples - 32768.0 * speech).max() <= steps


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_any_rate_gives_close_features(rate_hz: int, subtype: str, tmp_path: Path) -> None:
    """The same tones, recorded at another rate: as loud in their bands after resampling."""
    tones = np.array([300.0, 900.0, 2100.0, 3100.0])
    n = np.arange(rate_hz)
    recording = 0.1 * np.sin(2 * np.pi * tones[:, None] * n / rate_hz + tones[:, None]).sum(axis=0)
    soundfile.write(tmp_path / "a.wav", recording, rate_hz, subtype=subtype)
    clip = load_clip(tmp_path / "a.wav", RATE_HZ)
    assert [note.text for note in clip.notes] == [f"resampled from {rate_hz} Hz to {RATE_HZ} Hz"]
    assert len(clip.samples) == RATE_HZ
    n = np.arange(RATE_HZ)
    direct = 0.1 * np.sin(2 * np.pi * tones[:, None] * n / RATE_HZ + tones[:, None]).sum(axis=0)
    spec = replace(WAV2SMALL, frame_samples=512, hop_samples=160)
    features = extract(clip.samples, spec)[10:-10]
    expected = extract(int16(direct), spec)[10:-10]
    assert len(features) == len(expected)
    loud = expected > expected.max() - 40.0
    assert np.abs(features - expected)[loud].max() < 0.1


def test_silence_is_noted(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), RATE_HZ)
    (note,) = load_clip(tmp_path / "a.wav", RATE_HZ).notes
    assert str(note) == "nothing but digital silence"


@pytest.mark.parametrize("rate_hz", [1, 3_999, 400_000])
def test_rates_that_no_recording_has_are_refused(rate_hz: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), rate_hz)
    with pytest.raises(AudioError, match=rf"a\.wav: the sample rate .* {rate_hz} Hz"):
        load_clip(tmp_path / "a.wav", RATE_HZ)


def test_stereo_of_opposite_sign_cancels_and_says_so(tmp_path: Path) -> None:
    tone = 0.1 * np.sin(np.arange(1000))
    soundfile.write(tmp_path / "a.wav", np.stack([tone, -tone], axis=1), RATE_HZ, subtype="FLOAT")
    clip = load_clip(tmp_path / "a.wav", RATE_HZ)
    assert [note.kind for note in clip.notes] == ["mixed down to one channel", "silent"]
