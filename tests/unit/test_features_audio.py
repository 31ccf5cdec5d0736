"""Reading audio files and fitting clips."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from toolkit.errors import AudioError
from toolkit.features.audio import Clip, fit_clip, load_clip
from toolkit.features.spec import WAV2SMALL

TONE = (10_000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 16_000)).astype(np.int16)


def texts(clip: Clip) -> list[str]:
    return [note.text for note in clip.notes]


def test_16_bit_mono_at_the_rate_comes_back_unchanged(tmp_path: Path) -> None:
    extremes = np.array([-32768, 32767, 0, -1, 1] * 100, np.int16)
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, extremes, 16_000)
        clip = load_clip(tmp_path / name, 16_000)
        assert clip.samples.dtype == np.int16
        np.testing.assert_array_equal(clip.samples, extremes)
        assert clip.notes == ()


def test_stereo_is_mixed_down_with_a_note(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([TONE, 0 * TONE], axis=1), 16_000)
    clip = load_clip(tmp_path / "a.wav", 16_000)
    assert np.abs(clip.samples - TONE / 2).max() <= 0.5
    assert texts(clip) == ["mixed 2 channels down to one"]


@pytest.mark.parametrize("rate_hz", [8000, 22_050, 48_000])
def test_other_rates_are_resampled_with_a_note(tmp_path: Path, rate_hz: int) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    soundfile.write(tmp_path / "a.wav", tone, rate_hz, subtype="PCM_24")
    clip = load_clip(tmp_path / "a.wav", 16_000)
    assert texts(clip) == [f"resampled from {rate_hz} Hz to 16000 Hz"]
    assert len(clip.samples) == 16_000
    expected = 0.3 * 32768 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert np.abs(clip.samples - expected)[2000:-2000].max() < 10  # -70 dB: HQ's pass band


def test_floats_beyond_full_scale_are_clipped_with_a_note(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0.5, 1.5, -1.5, -1.0]), 16_000, subtype="FLOAT")
    clip = load_clip(tmp_path / "a.wav", 16_000)
    assert clip.samples.tolist() == [16384, 32767, -32768, -32768]
    assert texts(clip) == ["clipped 2 samples at full scale"]


def test_unusable_files_are_refused_in_one_line(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.int16), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), 16_000, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("not audio")
    (tmp_path / "nothing.wav").write_bytes(b"")
    whole = tmp_path / "whole.flac"
    soundfile.write(whole, TONE, 16_000)
    (tmp_path / "cut.flac").write_bytes(whole.read_bytes()[:30])
    names = ("empty.wav", "nan.wav", "text.wav", "nothing.wav", "cut.flac", "missing.wav", ".")
    for name in names:
        with pytest.raises(AudioError) as error:
            load_clip(tmp_path / name, 16_000)
        assert "\n" not in str(error.value), name
        assert str(error.value).startswith(str(tmp_path / name)), name


def test_fitting_crops_pads_and_says_so() -> None:
    spec, rows = WAV2SMALL, 249
    assert spec.samples_for_rows(rows) == 8000
    same = fit_clip(TONE, spec, rows)
    np.testing.assert_array_equal(same.samples, TONE)
    assert same.notes == ()

    longer = fit_clip(np.tile(TONE, 3), spec, rows)
    np.testing.assert_array_equal(longer.samples, TONE)
    assert texts(longer) == ["cropped from 1.500 s to 0.500 s"]

    shorter = fit_clip(TONE[:4000], spec, rows)
    np.testing.assert_array_equal(shorter.samples, np.concatenate([TONE[:4000], 0 * TONE[4000:]]))
    assert texts(shorter) == ["padded with silence from 0.250 s to 0.500 s"]

    remainder = fit_clip(np.append(TONE, TONE[:31]), spec, rows)
    np.testing.assert_array_equal(remainder.samples, TONE)
    assert remainder.notes == ()


def chunk(name: bytes, data: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(data) if size is None else size) + data


def wav(*chunks: bytes, form: bytes = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)) -> bytes:
    body = b"".join((chunk(b"fmt ", form), *chunks))
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def test_a_wav_that_ends_early_is_read_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(chunk(b"data", TONE.tobytes()))[:10_044])
    clip = load_clip(tmp_path / "a.wav", 16_000)
    np.testing.assert_array_equal(clip.samples, TONE[:5000])
    assert texts(clip) == ["cut off: the header states 0.500 s, the file has 0.312 s"]


def test_an_mp3_that_ends_early_is_read_with_a_note(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.mp3", np.tile(TONE, 4), 16_000)
    assert load_clip(tmp_path / "a.mp3", 16_000).notes == ()
    whole = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "b.mp3").write_bytes(whole[: len(whole) // 2])
    (note,) = texts(load_clip(tmp_path / "b.mp3", 16_000))
    assert note.startswith("cut off: the header states 2.000 s")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (wav(chunk(b"data", TONE.tobytes(), 0)), "never finished; 16000 bytes follow"),
        (wav(*[chunk(b"data", TONE.tobytes())] * 2), "holds 2 data chunks"),
        (wav(chunk(b"data", b"")), "holds no samples"),
        (wav(), "cannot be read as audio"),
        (b"RIFF", "cannot be read as audio"),
        (b"ID3 and then nothing", "cannot be read as audio"),
    ],
)
def test_broken_files_are_refused_by_name(tmp_path: Path, content: bytes, words: str) -> None:
    for name in ("a.wav", "a.mp3"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AudioError, match=rf"{name}: .*") as error:
            load_clip(tmp_path / name, 16_000)
        if name == "a.wav" or "read" in words:
            assert words in error.value.message


def test_a_length_left_open_is_read_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(chunk(b"data", TONE.tobytes(), 0xFFFFFFFF)))
    clip = load_clip(tmp_path / "a.wav", 16_000)
    np.testing.assert_array_equal(clip.samples, TONE)
    assert clip.notes == ()


def test_24_bits_low_in_32_are_noted(tmp_path: Path) -> None:
    pcm = bytes.fromhex("0100000000001000800000aa00389b71")
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16_000, 64_000, 4, 32, 22, 24, 4) + pcm
    for shift, notes in ((8, 1), (16, 0)):
        samples = TONE.astype("<i4") << shift
        (tmp_path / "a.wav").write_bytes(wav(chunk(b"data", samples.tobytes()), form=form))
        found = texts(load_clip(tmp_path / "a.wav", 16_000))
        assert len(found) == notes
        assert all("8 bits low" in text for text in found)


def test_floats_in_units_of_16_bits_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", TONE.astype(np.float64), 16_000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"a\.wav: holds floating-point samples up to") as error:
        load_clip(tmp_path / "a.wav", 16_000)
    assert "32768" in (error.value.hint or "")


def test_hours_are_read_no_further_than_wanted(tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "a.wav", "w", 8000, 1, subtype="PCM_16") as file:
        for _ in range(60):
            file.write(np.ones(60 * 8000, np.int16))
    tracemalloc.start()
    clip = load_clip(tmp_path / "a.wav", 16_000, 160_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(clip.samples) == 160_000
    assert texts(clip)[-1] == "cropped from 3600.000 s to 10.000 s"
    assert peak < 16e6
