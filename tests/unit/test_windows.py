"""Folders of recordings as windows: all of every file, no silence, bounded in number and memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.ir import DType, Tensor
from toolkit.model.inputs import audio_files, window_cases
from toolkit.model.windows import MOST_IN_ALL, MOST_OF_A_FILE, Windows, load_windows

RATE = 16_000
MEMORY_LIMIT_KB = 400_000
QUARTER_HOUR_S = 900

Sound = NDArray[np.float64]


def tone(seconds: float, level: float = 0.1, rate: int = RATE) -> Sound:
    """Something that is not silent: 440 Hz of that amplitude."""
    return level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def steps(count: int, seconds: float = 1.0) -> Sound:
    """A tone whose amplitude tells the window: 0.1, 0.101, 0.102, ..."""
    return np.concatenate([tone(seconds, 0.1 + 0.001 * n) for n in range(count)])


def hiss(seconds: float, level: float) -> Sound:
    return level * np.random.default_rng(0).standard_normal(round(seconds * RATE))


def heard(folder: Path, size: int = RATE, **sounds: Sound) -> Windows:
    folder.mkdir(exist_ok=True)
    for name, sound in sounds.items():
        soundfile.write(folder / f"{name}.wav", sound, RATE, subtype="FLOAT")
    return load_windows(audio_files(folder), RATE, size)


def numbers(windows: Windows) -> list[int]:
    """Which of `steps` the windows are."""
    peaks = windows.clips.astype(np.float64).max(axis=1) / 32768
    return np.rint((peaks - 0.1) / 0.001).astype(int).tolist()


def test_every_second_of_every_file_is_heard_once(tmp_path: Path) -> None:
    windows = heard(tmp_path, a=steps(5), b=tone(0.4), c=tone(2.2))
    assert numbers(windows)[:5] == [0, 1, 2, 3, 4]
    assert windows.files == (0, 0, 0, 0, 0, 1, 2, 2)
    assert windows.notes == (
        f"{tmp_path.name}: 8 windows of 1 s from 3 files",
        f"{tmp_path.name}: of 3 files 1 padded with silence",
    )
    short = windows.clips[5]
    assert short[:6400].any() and not short[6400:].any()


def test_a_rest_of_a_quarter_of_a_window_is_heard_to_the_end_of_the_file(tmp_path: Path) -> None:
    sound = tone(2.25) * np.linspace(0.2, 1, 36_000)
    windows = heard(tmp_path, a=sound)
    want = np.round(sound.astype(np.float32).astype(np.float64) * 32768).astype(np.int16)
    assert np.array_equal(windows.clips, np.stack([want[:16000], want[16000:32000], want[-16000:]]))


def test_long_files_are_heard_evenly_and_the_number_is_bounded(tmp_path: Path) -> None:
    size = RATE // 10
    windows = heard(tmp_path / "one", size, a=steps(4 * MOST_OF_A_FILE, 0.1))
    assert numbers(windows) == [4 * n + 2 for n in range(MOST_OF_A_FILE)]
    assert windows.notes[0] == "one: 64 windows of 0.1 s from 1 file, spread evenly over 256"
    many = {f"f{n:02}": steps(MOST_OF_A_FILE, 0.1) for n in range(20)}
    windows = heard(tmp_path / "many", size, short=tone(0.1), **many)
    assert len(windows.clips) <= MOST_IN_ALL
    counts = np.bincount(windows.files)
    assert set(counts[:-1]) == {25} and counts[-1] == 1, "short files give all they have"


def test_of_more_files_than_windows_some_are_heard(tmp_path: Path) -> None:
    size = 160
    files = {f"{n:04}": tone(size / RATE) for n in range(MOST_IN_ALL + 88)}
    windows = heard(tmp_path, size, **files)
    assert len(windows.clips) == MOST_IN_ALL
    assert np.diff(windows.files).max() == 2 and windows.files[-1] >= MOST_IN_ALL + 86


@pytest.mark.parametrize("level", [0.0, 1e-4])
def test_silence_before_and_between_is_skipped_and_counted(tmp_path: Path, level: float) -> None:
    sound = np.concatenate([hiss(2, level), steps(2), hiss(1, level), steps(1)])
    windows = heard(tmp_path, a=sound, b=hiss(2, level), c=steps(1))
    assert numbers(windows) == [0, 1, 0, 0]
    name = tmp_path.name
    assert windows.notes == (f"{name}: 4 windows of 1 s from 3 files, 5 silent skipped",)


def test_quiet_speech_beside_loud_speech_is_heard(tmp_path: Path) -> None:
    """45 dB apart: each is measured against the loudest of its own file."""
    loud, quiet = tone(2, 0.5), tone(2, 0.5 * 10 ** (-45 / 20))
    assert len(heard(tmp_path / "files", a=loud, b=quiet).clips) == 4
    windows = heard(tmp_path / "in_one", a=np.concatenate([loud, quiet]))
    assert len(windows.clips) == 2


def test_one_overdriven_file_does_not_make_the_others_silent(tmp_path: Path) -> None:
    loud = np.sign(tone(1, 1.0))
    windows = heard(tmp_path, a=loud, b=tone(2, 10 ** (-55 / 20)))
    assert windows.files == (0, 1, 1)
    assert windows.notes[-1].endswith(
        "1 of 3 windows are clipped: more than 1 % of their samples are at full scale"
    )


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-4])
def test_nothing_but_silence_is_refused(tmp_path: Path, level: float) -> None:
    with pytest.raises(InputError, match="4 of 4 windows of 1 s are silent: none is louder") as e:
        heard(tmp_path, a=hiss(3, level), b=hiss(1, level))
    assert "recordings of what the device will hear" in e.value.hint


@pytest.mark.parametrize("gain", [20.0, 150.0])
def test_mostly_clipped_recordings_are_refused(tmp_path: Path, gain: float) -> None:
    """Floats beyond full scale."""
    with pytest.raises(InputError, match="3 of 4 windows of 1 s are clipped: more than 1 %") as e:
        heard(tmp_path, a=gain * tone(3), b=tone(1))
    assert "from -1 to 1" in e.value.hint


def test_notes_count_files_and_hidden_files_are_none(tmp_path: Path) -> None:
    stereo = np.stack([tone(1, rate=48_000)] * 2, axis=1)
    soundfile.write(tmp_path / "s.wav", stereo, 48_000)
    (tmp_path / "._s.wav").write_bytes(b"\0\5\x16\7")
    hot = tone(1)
    hot[:50] = 1.5
    windows = heard(tmp_path, a=hot, b=tone(1))
    assert windows.notes == (
        f"{tmp_path.name}: 3 windows of 1 s from 3 files",
        f"{tmp_path.name}: of 3 files 1 clipped, 1 mixed down to one channel, 1 resampled",
    )


def test_a_window_is_a_clip_of_its_own(tmp_path: Path) -> None:
    """The running level begins afresh, as on the device in clip mode."""
    spec = WAV2SMALL_RUNNING
    rows = 49
    size = spec.samples_for_rows(rows)
    sound = np.concatenate([tone(size / RATE, 0.5), tone(size / RATE, 0.02)])
    soundfile.write(tmp_path / "a.wav", sound, RATE)
    soundfile.write(tmp_path / "cut.WAV", sound[size:], RATE)
    cases = window_cases(tmp_path, Tensor("x", (1, rows, 26, 1), DType.FLOAT32), spec)
    assert cases.recordings == (0, 0, 1)
    clip = load_clip(tmp_path / "cut.WAV", RATE).samples
    assert np.array_equal(cases.values[1].reshape(rows, 26), extract(clip, spec))
    assert np.array_equal(cases.values[1], cases.values[2])


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100, 48_000])
def test_blocks_give_what_soundfile_and_soxr_give_of_the_whole(
    tmp_path: Path, rate_hz: int
) -> None:
    noise = 0.2 * np.random.default_rng(1).standard_normal((5 * rate_hz + 17, 2))
    soundfile.write(tmp_path / "a.wav", noise, rate_hz, subtype="PCM_24")
    audio, _ = soundfile.read(tmp_path / "a.wav", dtype="float64")
    whole = audio.mean(axis=1)
    if rate_hz != RATE:
        whole = soxr.resample(whole, rate_hz, RATE, quality="HQ")
    want = np.clip(np.round(whole * 32768), -32768, 32767).astype(np.int16)
    assert np.array_equal(load_clip(tmp_path / "a.wav", RATE).samples, want)
    windows = load_windows([tmp_path / "a.wav"], RATE, 8000)
    assert np.array_equal(windows.clips[:10].ravel(), want[:80_000])


def quarter_hour(path: Path, clip: Sound) -> None:
    """48 kHz stereo of ``clip`` over and over, at levels that change."""
    speech = np.stack([soxr.resample(clip, RATE, 48_000)] * 2, axis=1)
    with soundfile.SoundFile(path, "w", 48_000, 2, "PCM_16") as file:
        for n in range(QUARTER_HOUR_S * 48_000 // len(speech)):
            file.write(speech * (0.5 + 0.05 * (n % 10)))


_LOAD = r"""
import re, sys
from pathlib import Path
from toolkit.model.cases import model_cases
from toolkit.model.load import load_source
cases = model_cases(Path(sys.argv[1]), load_source("wav2small").float_graph)
print(cases.notes, len(cases.recordings))
# Not ru_maxrss, which has what the parent's process took.
print(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""


def test_a_quarter_hour_of_stereo_takes_little_memory(tmp_path: Path) -> None:
    quarter_hour(tmp_path / "a.wav", tone(1, 0.3))
    run = subprocess.run(
        [sys.executable, "-c", _LOAD, tmp_path], capture_output=True, text=True, check=True
    )
    notes, peak_kb = run.stdout.splitlines()
    assert "64 windows of 1 s from 1 file, spread evenly over 900" in notes
    assert int(peak_kb) < MEMORY_LIMIT_KB
