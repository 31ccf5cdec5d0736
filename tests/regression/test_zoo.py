"""The zoo's models, recipes and cards agree; the way from a fresh clone to firmware."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from tests.support import outside
from tests.support.cli import toolkit
from tests.support.quick import ROOT
from toolkit.features.spec import METADATA_KEY, from_json
from toolkit.frontend.reader import RANGES_KEY, read_onnx
from toolkit.model.zoo import zoo_model, zoo_models
from toolkit.quantize.ranges import load_ranges

RECIPES = sorted(ROOT.glob("models*/*/train.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.parent.name)
def test_the_recipe_is_that_of_the_model(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs the extra `train`")
    from toolkit.training.config import load_config

    monkeypatch.setenv("TOOLKIT_DATA", str(path.parent))
    config, zoo = load_config(path), zoo_model(path.parent.name)
    assert zoo is not None and config.name == zoo.name
    metadata = read_onnx(zoo.onnx).metadata
    assert from_json(metadata[METADATA_KEY]) == config.spec
    assert metadata[RANGES_KEY] == zoo.ranges.read_text(encoding="utf-8")
    facts = json.loads(path.with_name("run.json").read_text())
    assert facts["config_sha256"] == config.sha256


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.parent.name)
def test_no_weights_that_ship_heard_emotale(path: Path) -> None:
    corpora = [corpus["name"] for corpus in tomllib.loads(path.read_text())["corpus"]]
    facts = json.loads(path.with_name("run.json").read_text())
    assert set(facts["recordings_sha256"]) == set(corpora) <= {"Emo-DB", "nEMO"}
    research = path.parts[-3] == "models_research"
    assert ("nEMO" in corpora) == research
    card = tomllib.loads(path.with_name("card.toml").read_text())
    licence = "CC BY-NC-SA 4.0" if research else "Apache-2.0"
    assert card["weights_licence"] == licence
    assert path.with_name("LICENSE").is_file() == research


@pytest.mark.parametrize("name", zoo_models())
def test_a_card_says_what_it_is_not_for(name: str) -> None:
    zoo = zoo_model(name)
    assert zoo is not None
    card = tomllib.loads(zoo.onnx.with_name("card.toml").read_text(encoding="utf-8"))
    assert card["name"] == name and "regulated" in card["unintended_use"]
    assert card["intended_use"] and card["limits"] and card["ccc"]
    assert load_ranges(zoo.ranges).limits


@pytest.mark.exhaustive
def test_from_recordings_to_firmware(tmp_path: Path) -> None:
    """The example as docs/TRAINING.md has it: two commands, figures of voices not heard."""
    pytest.importorskip("torch", reason="needs the extra `train`")
    outside.file(outside.DATA, "emodb/labels.csv")
    assert os.environ[outside.DATA]
    example = ROOT / "examples/train_emodb.toml"
    run = toolkit("train", example, "--cache", "cache", "--json", cwd=tmp_path)
    assert run.exit_code == 0, run
    found = {m["name"]: m["value"] for m in run.json["measurements"]}
    assert found["test_ccc_arousal"] > 0.7 and found["test_ccc_dominance"] > 0.5
    assert found["cpu_seconds"] < 120
    model = "out/train_emodb/model.onnx"
    run = toolkit("build", model, "--target", "hearing-aid", "--json", cwd=tmp_path)
    assert run.exit_code == 0, run  # bits match, it fits, in real time
