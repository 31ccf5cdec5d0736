"""`toolkit eval`: parts, intervals, lengths, several models and several corpora."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soundfile

from tests.support.cli import Run, refused, speech_model, toolkit
from tests.support.onnx_models import onnxruntime_output
from toolkit.features.extract import extract
from toolkit.features.spec import WAV2SMALL_RUNNING

NAMES = ("calm", "loud", "high")
RATE_HZ = 16_000
CLIPS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, and noises of six speakers, each louder than the last, in two label files."""
    path = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(0)
    model = speech_model(labels=json.dumps(NAMES))
    onnx.save(model, path / "one.onnx")
    other = speech_model(labels=json.dumps(NAMES))
    for tensor in other.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            values = values * rng.uniform(0.9, 1.1, values.shape).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(other, path / "two.onnx")
    for corpus in ("first", "second"):
        (path / corpus / "audio").mkdir(parents=True)
        lines = ["file,speaker," + ",".join(NAMES)]
        for number in range(CLIPS):
            tone = 0.1 * np.sin(np.arange(round(0.3 * RATE_HZ)) * (0.05 + 0.03 * number))
            noise = tone + 0.005 * (1 + number) * rng.standard_normal(tone.size)
            soundfile.write(path / corpus / "audio" / f"{number}.wav", noise, RATE_HZ)
            features = extract(noise, WAV2SMALL_RUNNING).astype(np.float32)
            predicted = onnxruntime_output(model, features[None, None]).ravel()
            truth = ",".join(f"{v:.4f}" for v in predicted + 0.05 * rng.standard_normal(3))
            lines.append(f"{number}.wav,s{number % 6},{truth}")
        (path / corpus / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def evaluate(folder: Path, *options: str, models: tuple[str, ...] = ("one.onnx",)) -> Run:
    first = ("--data", "first/labels.csv", "--audio", "first/audio")
    return toolkit("eval", *models, *first, *options, cwd=folder)


def figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {row["name"]: row["value"] for row in rows}


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    """Of two models on two corpora, by speaker and corpus, at two lengths."""
    second = ("--data", "second/labels.csv", "--audio", "second/audio")
    parts = ("--by", "speaker", "--by", "corpus", "--lengths", "0.3,0.9", "--json")
    run = evaluate(folder, *second, *parts, models=("one.onnx", "two.onnx"))
    assert run.exit_code == 0, run
    found: dict[str, Any] = run.json
    return found


def of(report: dict[str, Any], by: str) -> dict[str, dict[str, float]]:
    return {
        g["value"]: {"recordings": g["recordings"], **figures(g["measurements"])}
        for g in report["groups"]
        if g["by"] == by
    }


def test_several_models_are_mean_and_deviation(report: dict[str, Any]) -> None:
    main, models = figures(report["measurements"]), of(report, "model")
    assert list(models) == ["1 one", "2 two"]
    assert "ccc_calm" not in main and "c_max_deviation" not in main
    for name in NAMES:
        values = [model[f"ccc_{name}"] for model in models.values()]
        assert main[f"mean_ccc_{name}"] == pytest.approx(np.mean(values), abs=2e-6)
        assert main[f"sd_ccc_{name}"] == pytest.approx(np.std(values, ddof=1), abs=2e-6)
        low, high = main[f"low_ccc_{name}"], main[f"high_ccc_{name}"]
        assert low < high and low - 0.05 < main[f"mean_ccc_{name}"] < high + 0.05


def test_parts_are_whole_and_apart(report: dict[str, Any]) -> None:
    speakers, corpora = of(report, "speaker"), of(report, "corpus")
    assert list(speakers) == [f"s{n}" for n in range(6)] and list(corpora) == ["first", "second"]
    for parts in (speakers, corpora):
        assert sum(part["recordings"] for part in parts.values()) == 2 * CLIPS
    (basis,) = {m["basis"] for m in report["measurements"] if m["name"] == "low_ccc_calm"}
    assert "6 speakers" in basis


def test_a_part_is_an_evaluation_of_its_own(folder: Path, report: dict[str, Any]) -> None:
    alone = figures(
        evaluate(folder, "--json", models=("one.onnx", "two.onnx")).json["measurements"]
    )
    part = of(report, "corpus")["first"]
    for name in NAMES:
        assert part[f"mean_ccc_{name}"] == alone[f"mean_ccc_{name}"]


def test_the_recordings_own_length_gives_the_plain_figures(report: dict[str, Any]) -> None:
    lengths, main = of(report, "seconds"), figures(report["measurements"])
    assert list(lengths) == ["0.3", "0.9"]
    for name in NAMES:
        assert lengths["0.3"][f"mean_ccc_{name}"] == main[f"mean_ccc_{name}"]
    assert lengths["0.9"] != lengths["0.3"]


def test_few_clips_are_marked(folder: Path) -> None:
    lines = (folder / "first/labels.csv").read_text().splitlines()
    (folder / "first/few.csv").write_text("\n".join(lines[:5]) + "\n")
    run = toolkit("eval", "one.onnx", "--data", "first/few.csv", "--audio", "first/audio",
                  "--by", "speaker", cwd=folder)  # fmt: skip
    text = " ".join(run.stdout.split())
    assert run.exit_code == 0
    assert "4 clips: not meaningful" in text
    assert text.count("not meaningful") == 1 + 4  # every speaker has one


def test_the_interval_holds_the_figure(folder: Path) -> None:
    run = evaluate(folder)
    assert "95 %" in run.stdout and "…" in run.stdout
    assert "draws of 6 speakers" in run.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--by", "mood"), "no such column; found 'speaker'"),
        (("--lengths", "1,x"), "must be seconds between commas"),
        (("--lengths", "0.01"), "must lie in 0.2..60 seconds"),
        (("--data", "second/labels.csv"), "give one for each --data; got 1 and 2"),
        (
            ("--data", "first/labels.csv", "--audio", "first/audio"),
            "must lie in folders of other names",
        ),
        (("--label-range", "0", "1") * 2, "give one for all, or one for each"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    folder: Path, options: tuple[str, ...], words: str
) -> None:
    assert words in refused(evaluate(folder, *options))


def test_models_with_other_outputs_are_no_seeds(folder: Path) -> None:
    onnx.save(speech_model(labels=json.dumps(["a", "b", "c"])), folder / "other.onnx")
    run = evaluate(folder, models=("one.onnx", "other.onnx"))
    assert "has other outputs than one" in refused(run)
