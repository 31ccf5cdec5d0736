"""Folders as users have them: noise in front, silence between, long stereo; and what is refused.

The speech is what the repository ships, at other rates; real corpora where $TOOLKIT_DATA has them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from tests.support.cli import COMMAND, Run, refused, toolkit
from toolkit.model.source import demo_clip

RATE = 16_000
CLIPS = Path(__file__).parents[2] / "ci/test_clips"
SECONDS = ("--seconds", "0.5")
#: How far below a clean folder one that is not may end.
LOSS_DB = 1.0
MEMORY_LIMIT_KB = 400_000

Sound = NDArray[np.float64]


def voices(*factors: float) -> dict[str, Sound]:
    """Both words of the repository, spoken faster and higher, or slower and lower."""
    found = {}
    for name, path in (("yes", demo_clip()), ("no", CLIPS / "no_1000ms.wav")):
        clip, _ = soundfile.read(path)
        for factor in factors:
            found[f"{name}_{factor}"] = soxr.resample(clip, RATE, round(RATE / factor))
    return found


def write(folder: Path, sounds: Mapping[str, Sound], rate_hz: int = RATE) -> Path:
    folder.mkdir()
    for name, sound in sounds.items():
        soundfile.write(folder / f"{name}.wav", sound, rate_hz)
    return folder


def hiss(seconds: float, level: float, seed: int) -> Sound:
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


SPEECH = voices(*np.linspace(0.78, 1.27, 12).round(3))


def convert(folder: Path, calib: Path, *options: str) -> Run:
    arguments = ("-o", "m.tflite", *SECONDS, "--calib", calib, *options, "--json")
    return toolkit("convert", "wav2small", *arguments, cwd=folder)


def snr_db(run: Run) -> float:
    assert (run.exit_code, run.stderr) == (0, "")
    (snr,) = (row["value"] for row in run.json["measurements"] if row["name"] == "int8_snr_db")
    return float(snr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calibration")
    write(path / "test", voices(0.8, 0.9, 0.95, 1.05, 1.1, 1.2))
    write(path / "clean", SPEECH)
    return path


@cache
def clean_db(folder: Path) -> float:
    return snr_db(convert(folder, folder / "clean", "--test", "test"))


def messages(run: Run) -> list[str]:
    return [row["message"] for row in run.json["issues"]]


def test_two_seconds_of_room_noise_in_front(folder: Path) -> None:
    late = {
        name: np.concatenate([hiss(2, 1e-4, n), sound])
        for n, (name, sound) in enumerate(SPEECH.items())
    }
    run = convert(folder, write(folder / "lead", late), "--test", "test")
    assert snr_db(run) > clean_db(folder) - LOSS_DB
    assert messages(run)[0].startswith("lead: ") and "silent skipped" in messages(run)[0]
    assert (
        messages(run)[1].startswith("test: ")
        and "windows of 0.5 s from 12 files" in messages(run)[1]
    )


def test_silence_mixed_in(folder: Path) -> None:
    mixed = dict(SPEECH)
    for n in range(6):
        mixed[f"silence_{n}"] = hiss(2, (0.0, 1e-5, 1e-4)[n % 3], n)
    run = convert(folder, write(folder / "mixed", mixed), "--test", "test")
    assert snr_db(run) > clean_db(folder) - LOSS_DB


def test_nothing_but_silence(folder: Path) -> None:
    silence = {str(n): hiss(1, 1e-4, n) for n in range(3)}
    message = refused(convert(folder, write(folder / "silence", silence)))
    assert "6 of 6 windows of 0.5 s are silent" in message
    message = refused(convert(folder, folder / "clean", "--test", "silence"))
    assert "silent" in message


def test_floats_in_units_of_integers(folder: Path) -> None:
    path = folder / "scaled"
    path.mkdir()
    for name, sound in SPEECH.items():
        soundfile.write(path / f"{name}.wav", 32768 * sound, RATE, subtype="FLOAT")
    message = refused(convert(folder, path))
    assert "no_" in message and "floating-point samples up to" in message
    assert "from -1 to 1" in message and "32768" in message


def quarter_hour(path: Path) -> None:
    """48 kHz stereo: the voices, each behind some seconds of room noise, over and over."""
    rng = np.random.default_rng(0)
    sounds = [soxr.resample(sound, RATE, 48_000) for sound in SPEECH.values()]
    with soundfile.SoundFile(path, "w", 48_000, 2, "PCM_16") as file:
        for n in range(300):
            room = 1e-4 * rng.standard_normal((96_000, 2))
            file.write(np.concatenate([room, np.stack([sounds[n % len(sounds)]] * 2, axis=1)]))


_MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(done.stdout + done.stderr, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, sep="")
sys.exit(done.returncode)
"""


def peak_kb(*command: str | Path, cwd: Path) -> int:
    """The largest memory that a command, which must succeed, had."""
    arguments = [sys.executable, "-c", _MEASURED, *map(str, command)]
    done = subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return int(done.stdout.splitlines()[-1])


@pytest.mark.exhaustive
def test_a_quarter_hour_of_stereo(folder: Path) -> None:
    (folder / "long").mkdir()
    quarter_hour(folder / "long" / "a.wav")
    options = ("-o", "long.tflite", *SECONDS, "--calib", "long", "--test", "test")
    peak = peak_kb(*COMMAND, "convert", "wav2small", *options, cwd=folder)
    assert peak < MEMORY_LIMIT_KB
    run = convert(folder, folder / "long", "--test", "test")
    assert snr_db(run) > clean_db(folder) - LOSS_DB
    assert "of 1 file 1 mixed down to one channel, 1 resampled" in messages(run)[1]


@pytest.mark.exhaustive
def test_a_labelled_quarter_hour(folder: Path) -> None:
    """`eval` takes its first second, as it is told to, and says so."""
    (folder / "labelled").mkdir()
    quarter_hour(folder / "labelled" / "a.wav")
    clip = next(iter(SPEECH.values()))
    soundfile.write(folder / "labelled" / "b.wav", clip, RATE)
    lines = ["file,arousal,dominance,valence", "a.wav,0.5,0.5,0.5", "b.wav,0.4,0.6,0.5"]
    (folder / "labels.csv").write_text("\n".join(lines))
    options = ("--data", "labels.csv", "--audio", "labelled", "--seconds", "1")
    assert peak_kb(*COMMAND, "eval", "wav2small", *options, cwd=folder) < MEMORY_LIMIT_KB
    run = toolkit("eval", "wav2small", *options, "--json", cwd=folder)
    assert "of 2 recordings 1 mixed down to one channel, 1 resampled, 2 cropped" in messages(run)


# --- real speech: calibrated on Emo-DB, tested on EmoTale -----------------------------------------
def some(folder: Path, path: Path, count: int) -> Path:
    path.mkdir()
    files = sorted(folder.iterdir())
    for file in files[:: len(files) // count][:count]:
        (path / file.name).symlink_to(file)
    return path


@pytest.mark.exhaustive
@pytest.mark.parametrize("target_db", ["28", "36"])
def test_int16_by_search_is_not_below_the_head_on_other_speakers(
    data_dir: Path, tmp_path: Path, target_db: str
) -> None:
    calib = some(data_dir / "emodb/audio", tmp_path / "calib", 14)
    test = some(data_dir / "emotale/audio", tmp_path / "test", 15)
    options = ("-o", "m.tflite", "--calib", calib, "--test", test, "--json")
    head = snr_db(toolkit("convert", "wav2small", *options, cwd=tmp_path))
    auto = ("--mixed", "auto", "--target-snr-db", target_db)
    run = toolkit("convert", "wav2small", *options, *auto, cwd=tmp_path)
    assert snr_db(run) >= head
    figures = {row["name"]: row["value"] for row in run.json["measurements"]}
    assert figures["mixed_snr_db"] >= figures["head_snr_db"] > figures["all_int8_snr_db"]


@pytest.mark.exhaustive
def test_quiet_speech_of_real_speakers_is_heard(data_dir: Path) -> None:
    """EmoTale's speakers differ by 40 dB: of its windows, next to none count as silent."""
    from toolkit.model.inputs import audio_files
    from toolkit.model.windows import load_windows

    for corpus, most in (("emodb", 0), ("emotale", 3), ("nemo", 0)):
        folder = data_dir / corpus / "audio"
        if folder.is_dir():
            windows = load_windows(audio_files(folder), RATE, RATE)
            text = windows.notes[0].partition(" silent skipped")
            skipped = int(text[0].rpartition(", ")[2]) if text[1] else 0
            assert skipped <= most, windows.notes
