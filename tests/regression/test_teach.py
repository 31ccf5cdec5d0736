"""`toolkit teach`: nothing is lost or rated twice, and students train on what it leaves."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="needs the extra `train`")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `teach`")

from tests.support.cli import refused, toolkit  # noqa: E402
from tests.support.corpus import config_text, write_corpus  # noqa: E402
from tests.support.quick import ROOT  # noqa: E402
from toolkit.features.audio import load_clip  # noqa: E402
from toolkit.metrics import concordance  # noqa: E402
from toolkit.training.checkpoint import save_checkpoint  # noqa: E402
from toolkit.training.nets import NETS, make_net  # noqa: E402
from toolkit.training.teach import Job, merged, missing, teach  # noqa: E402
from toolkit.training.teachers.students import open_student  # noqa: E402

NET = "wav2small_ha"


def write_teacher(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    save_checkpoint(make_net(NET, NETS[NET].spec).eval(), NETS[NET].spec, path)
    return path


def write_audio(folder: Path, count: int, broken: int) -> None:
    """Tones in noise of different lengths; the broken ones lie between them, of four kinds."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    bad = set(rng.choice(count, broken, replace=False).tolist())
    for n in range(count):
        path = folder / f"{n:04}.wav"
        if n in bad:
            kinds = (b"", b"RIFF", rng.bytes(900), b"RIFF\x24\0\0\0WAVEfmt " + rng.bytes(30))
            path.write_bytes(kinds[n % 4])
            continue
        samples = 0.1 * rng.standard_normal(3000 + 97 * (n % 40))
        soundfile.write(path, samples, 16_000)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a teacher, and recordings of which some are broken."""
    write_teacher(tmp_path / "t.safetensors")
    write_audio(tmp_path / "audio", 150, 6)
    return tmp_path


def run(folder: Path, *options: str):  # type: ignore[no-untyped-def]
    given = ("teach", "audio", "-o", "labels.parquet", "--teacher", "t.safetensors")
    return toolkit(*given, *options, cwd=folder)


def paths(folder: Path, name: str = "labels.parquet") -> list[str]:
    found: list[str] = parquet.read_table(folder / name)["path"].to_pylist()
    return found


def skipped(folder: Path) -> list[str]:
    with (folder / "labels.skipped.csv").open(newline="") as file:
        return [row["path"] for row in csv.DictReader(file)]


def test_labels_are_what_the_teacher_says_of_each_file(place: Path) -> None:
    done = run(place, "--json", "--embeddings")
    assert done.exit_code == 0, done
    figures = {m["name"]: m["value"] for m in done.json["measurements"]}
    assert figures["rated_files"] == 150 and figures["files_per_second"] > 0
    assert done.json["issues"][0]["message"] == (
        "6 of 150 recordings cannot be read: see labels.skipped.csv"
    )
    table = parquet.read_table(place / "labels.parquet")
    assert len(table) == 144 and len(skipped(place)) == 6
    assert sorted(paths(place) + skipped(place)) == [f"audio/{n:04}.wav" for n in range(150)]
    teacher = open_student(place / "t.safetensors")
    for row in table.take([0, 77, 143]).to_pylist():
        rated = teacher.rate([load_clip(place / row["path"], 16_000).samples])
        found = [row[name] for name in ("arousal", "dominance", "valence")]
        np.testing.assert_allclose(found, rated.outputs[0], atol=1e-6)
        np.testing.assert_allclose(row["embedding"], rated.embeddings[0], atol=2e-3, rtol=2e-3)


def test_a_run_that_was_stopped_goes_on(place: Path) -> None:
    """Stopped after its first part: nothing is rated twice, and the labels are the same bytes."""

    class Counting:
        name, heard = "counting", 0

        def __init__(self) -> None:
            self.teacher = open_student(place / "t.safetensors")
            self.sha256 = self.teacher.sha256

        def rate(self, clips):  # type: ignore[no-untyped-def]
            Counting.heard += len(clips)
            return self.teacher.rate(clips)

    def stop(progress: object) -> None:
        raise KeyboardInterrupt

    files = {f"audio/{p.name}": p for p in sorted((place / "audio").iterdir())}
    job = Job(files, place / "parts")
    with pytest.raises(KeyboardInterrupt):
        teach(Counting(), job, stop)
    assert missing(job, Counting()) == 150 - 64
    seen = []
    teach(Counting(), job, seen.append)
    assert Counting.heard == 144 and [p.done for p in seen] == [128, 150]
    assert seen[-1].here == 86 and seen[-1].seconds_left == 0
    assert teach(Counting(), job, stop).here == 0
    labels = merged(job, Counting())
    whole = Job(files, place / "whole")
    teach(Counting(), whole, lambda progress: None)
    assert labels.table.equals(merged(whole, Counting()).table) and len(labels.skipped) == 6


def test_shards_share_the_work_and_the_last_one_merges(place: Path) -> None:
    for number in (2, 0):
        done = run(place, "--shard", f"{number}/3")
        assert done.exit_code == 0 and "are left to other shards" in done.stdout
        assert not (place / "labels.parquet").exists()
    # The third part was done on another machine: its parts come from there.
    (place / "there").mkdir()
    shutil.copytree(place / "audio", place / "there/audio")
    shutil.copy(place / "t.safetensors", place / "there")
    assert run(place / "there", "--shard", "1/3").exit_code == 0
    for part in (place / "there/labels.parquet.parts").iterdir():
        shutil.copy(part, place / "labels.parquet.parts")
    assert "wrote labels.parquet" in run(place, "--shard", "0/3").stdout
    assert len(paths(place)) == len(set(paths(place))) == 144


def test_refusals(place: Path) -> None:
    assert run(place).exit_code == 0
    write_teacher(place / "t.safetensors", seed=1)
    assert "holds labels of another teacher" in refused(run(place))
    assert "must be like 0/4" in refused(run(place, "--shard", "x"))
    assert "the last 3/4" in refused(run(place, "--shard", "4/4"))
    wrong = ("teach", "nothing", "-o", "l.parquet", "--teacher", "t.safetensors")
    assert "nothing: is not there" in refused(toolkit(*wrong, cwd=place))
    wrong = ("teach", "audio", "-o", "l.csv", "--teacher", "t.safetensors")
    assert "labels are a .parquet" in refused(toolkit(*wrong, cwd=place))


def test_a_student_trains_on_labels_alone(tmp_path: Path) -> None:
    """The audio of a corpus, nothing of its labels, by feature distillation."""
    write_corpus(tmp_path / "corpus")
    write_teacher(tmp_path / "t.safetensors")
    audio = ("teach", "corpus/audio", "-o", "labels.parquet", "--teacher", "t.safetensors")
    assert toolkit(*audio, "--embeddings", cwd=tmp_path).exit_code == 0
    loss = "[loss]\nclasses = 0\nfeatures = 1.0\n"
    text = config_text(tmp_path / "labels.parquet", corpus='targets = "teacher"', rest=loss)
    text = text.replace('audio = "audio"\nscale = [1, 5]\n', "")
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    done = toolkit("train", "c.toml", "--out", "run", "--cache", "cache", cwd=tmp_path)
    assert done.exit_code == 0, done
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert facts["recordings"] == {"tones train": 48} and facts["status"] == "finished"


def _children(pid: int) -> list[int]:
    """The processes that a process started."""
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.exhaustive
def test_killed_three_times_in_two_processes_it_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """1,000 files, 20 of them broken; torchrun with two processes, killed as they go."""
    write_teacher(tmp_path / "t.safetensors")
    write_audio(tmp_path / "audio", 1000, 20)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launcher, "-m", "toolkit", "teach", "audio", "-o", "labels.parquet"]
    command += ["--teacher", "t.safetensors"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    parts = tmp_path / "labels.parquet.parts"
    for kills in range(3):
        with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
            while len(list(parts.glob("*.parquet"))) <= 3 * kills and process.poll() is None:
                time.sleep(0.02)
            assert process.poll() is None, "it was done before it could be killed"
            for child in _children(process.pid):
                os.kill(child, signal.SIGKILL)
            process.kill()
            process.wait()
            done = len(list(parts.glob("*.parquet")))
            time.sleep(0.5)
        assert done == len(list(parts.glob("*.parquet"))), "somebody is still at it"
        assert not (tmp_path / "labels.parquet").exists()
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=300)
    assert 6 < done < len(list(parts.glob("*.parquet")))
    rows = [n for p in parts.glob("*.parquet") for n in parquet.read_table(p)["path"].to_pylist()]
    assert sorted(rows) == [f"audio/{n:04}.wav" for n in range(1000)]  # in the parts: each once
    assert len(paths(tmp_path)) == 980 and len(skipped(tmp_path)) == 20
    assert sorted(paths(tmp_path) + skipped(tmp_path)) == sorted(rows)


@pytest.mark.exhaustive
def test_a_dual_encoder_is_trained_and_distilled(tmp_path: Path) -> None:
    """Tiny Whisper and WavLM, their adapters trained on ratings, labels of it, a student of those.

    The teacher must have learned the tones of speakers it was not trained on, and the student must
    have learned that from it.
    """
    pytest.importorskip("transformers", reason="needs the extra `teach`")
    from tests.support.teachers import encoder_folders

    encoder_folders(tmp_path / "encoders")
    labels = write_corpus(tmp_path / "corpus")
    corpus = f'[[corpus]]\nname = "tones"\nmanifest = "{labels}"\naudio = "audio"\nscale = [1, 5]\n'
    text = 'whisper = "encoders/whisper"\nwavlm = "encoders/wavlm"\nrank = 2\nhidden = 16\n'
    text += f"steps = 150\nlearning_rate = 0.01\ncrop_seconds = 1.0\n{corpus}"
    (tmp_path / "dual.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "toolkit.training.teachers.fit", "dual.toml", "--out", "dual"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=300)
    audio = ("teach", "corpus/audio", "-o", "labels.parquet", "--teacher", "dual", "--embeddings")
    done = toolkit(*audio, cwd=tmp_path)
    assert done.exit_code == 0, done
    table = parquet.read_table(tmp_path / "labels.parquet")
    said = {Path(row["path"]).name: row for row in table.to_pylist()}
    with labels.open(newline="") as file:
        tested = [row for row in csv.DictReader(file) if row["split"] == "test"]
    rated = np.array([(float(row["A"]) - 1) / 4 for row in tested])
    heard = np.array([said[row["file"]]["arousal"] for row in tested])
    assert np.corrcoef(rated, heard)[0, 1] > 0.7
    taught = '[[corpus]]\nname = "taught"\nmanifest = "labels.parquet"\ntargets = "teacher"\n'
    test = f'{corpus}[corpus.split]\ntest = ["d"]\n'
    config = 'net = "wav2small_ha"\nsteps = 120\nbatch = 8\n'
    config += "[augment]\ncrop_seconds = [0.8, 0.8]\n[loss]\nclasses = 0\nnd = 1.0\n"
    (tmp_path / "c.toml").write_text(config + taught + test, encoding="utf-8")
    done = toolkit("train", "c.toml", "--out", "run", "--cache", "cache", cwd=tmp_path)
    assert done.exit_code == 0, done
    # How far the tiny teacher itself gets bounds what can be learned from it.
    learned = json.loads((tmp_path / "run/run.json").read_text())["ccc"]["test"]["arousal"]
    taught_ccc = concordance(heard, rated)
    assert taught_ccc > 0.3 and learned > 0.7 * taught_ccc
