"""Configs and manifests: what is read, and one line for whatever is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from tests.support import outside  # noqa: E402
from tests.support.corpus import CLASSES, config_text, write_corpus  # noqa: E402
from toolkit.errors import InputError, ToolMissingError  # noqa: E402
from toolkit.training.config import Config, config_data, load_config, parse_config  # noqa: E402
from toolkit.training.data import EMODB_SPLIT, load_emodb, load_emotale, of_speakers  # noqa: E402
from toolkit.training.manifest import load_manifest  # noqa: E402
from toolkit.training.nets import NETS  # noqa: E402
from toolkit.training.targets import PAD_NORMS, pad_target  # noqa: E402


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"), seconds=0.1)


def config(labels: Path, folder: Path, **parts: str) -> Config:
    path = folder / "c.toml"
    path.write_text(config_text(labels, **parts), encoding="utf-8")
    return load_config(path)


def test_a_config_survives_its_own_data(labels: Path, tmp_path: Path) -> None:
    first = config(labels, tmp_path, top="seed = 3")
    again = parse_config(json.loads(json.dumps(config_data(first))), tmp_path / "run.json")
    assert again == first
    assert (first.name, first.seed, first.spec.hop_samples) == ("c", 3, 256)
    assert first.spec.frame_samples == NETS["wav2small_ha"].spec.frame_samples


def test_the_hash_is_that_of_what_decides_the_outcome(labels: Path, tmp_path: Path) -> None:
    def hashed(top: str) -> str:
        return config(labels, tmp_path, top=top).sha256

    assert hashed("") == hashed("") != hashed("seed = 1")
    assert config(tmp_path / "moved" / "labels.csv", tmp_path).sha256 == hashed("")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"top": "sed = 1"}, "'sed' is unknown; did you mean 'seed'?"),
        ({"top": 'seed = "x"'}, "'seed' must be a whole number; got 'x'"),
        ({"top": "seed = true"}, "'seed' must be a whole number"),
        ({"top": "ema = 2"}, "'ema' must be in 0..1; got 2"),
        ({"top": 'keep = "first"'}, "'keep' must be last or best"),
        ({"top": "loss = 3"}, "'loss' must be a table; got 3"),
        ({"rest": "[loss]\nccc = 0\nmse = 0"}, "'loss' needs ccc or mse above 0"),
        ({"rest": "noise_db = [1]"}, "'augment.noise_db' must be a list of 2"),
        ({"rest": "speeds = [9]"}, "'augment.speeds' must lie in 0.5..2"),
        ({"rest": "gain = 1"}, "'augment.gain' is unknown; did you mean 'gain_db'?"),
        ({"corpus": 'targets = "teachers"'}, "must be ratings or norms or teacher"),
        ({"corpus": "columns = {sex = 'g'}"}, "'columns' may have path, speaker"),
        ({"corpus": "split = {dev = ['a']}"}, "'split' may have train, validation, test"),
        ({"rest": "[features.level]\nmode = 'x'"}, "feature spec: level.mode"),
        ({"top": 'device = "tpu"'}, "'device' must be auto or cpu or cuda"),
    ],
)
def test_a_wrong_config_is_one_line(
    parts: dict[str, str], words: str, labels: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as error:
        config(labels, tmp_path, **parts)
    assert words in error.value.message and "c.toml" in error.value.message
    assert "\n" not in str(error.value) and error.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'net' is missing"),
        ("net = [", "is no TOML"),
        ('net = "wav2small_ha"\ncorpus = []', "at least one [[corpus]]"),
        ('net = "x"\n[[corpus]]\nname = "a"\nmanifest = "b"', "'net' must be wav2small or"),
        ('net = "wav2small"\n[[corpus]]\nmanifest = "b"', "'corpus 1.name' is missing"),
        (
            'net = "wav2small"\n[[corpus]]\nname = "a"\nmanifest = "b"\n[features]\nn_mels = 20',
            "takes 26 bands; 'features' gives 20",
        ),
        (
            'net = "wav2small"\n[[corpus]]\nname = "a"\nmanifest = "$NOT_SET_HERE/b"',
            "names $NOT_SET_HERE, which is not set",
        ),
    ],
)
def test_a_wrong_file_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_config(tmp_path / "c.toml")
    assert words in error.value.message and "\n" not in str(error.value)


def test_a_manifest_gives_targets_classes_and_splits(labels: Path, tmp_path: Path) -> None:
    (corpus,) = config(labels, tmp_path).corpus
    recordings = load_manifest(corpus)
    assert len(recordings) == 4 * len(CLASSES) * 3
    first = recordings[0]
    assert (first.speaker, first.split, first.emotion, first.weight) == ("a", "train", "anger", 1.0)
    np.testing.assert_allclose(first.target, [0, 1, 0], atol=1e-6)


def test_listed_speakers_override_the_column(labels: Path, tmp_path: Path) -> None:
    (corpus,) = config(labels, tmp_path, corpus="split = {train = ['d']}").corpus
    assert {(r.speaker, r.split) for r in load_manifest(corpus)} == {("d", "train")}


def test_a_class_can_be_left_out(labels: Path, tmp_path: Path) -> None:
    (corpus,) = config(labels, tmp_path, corpus="classes = {anger = '', sadness = 'blue'}").corpus
    assert {r.emotion for r in load_manifest(corpus)} == {"boredom", "happiness", "blue"}


@pytest.mark.parametrize(
    ("corpus", "words"),
    [
        ("split = {train = ['a', 'b'], test = ['b']}", "speaker 'b' is in test and train"),
        ("split = {train = ['a', 'z']}", "'split' names speaker 'z', who is not there"),
        ("columns = {arousal = 'x'}", "must have a column 'x' for the arousal"),
        ("columns = {arousal = 'emotion'}", "line 2: 'arousal' must be a number; found 'anger'"),
        (
            "columns = {class = 'A'}\ntargets = 'norms'",
            "line 2: class '1.0' has no published norms",
        ),
        ("columns = {path = 'emotion'}", "48 of 48 recordings are not there"),
        ("columns = {split = 'emotion'}", "line 2: split must be train, validation, test"),
        ("columns = {weight = 'emotion'}", "line 2: could not convert"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_one_line(
    corpus: str, words: str, labels: Path, tmp_path: Path
) -> None:
    (read,) = config(labels, tmp_path, corpus=corpus).corpus
    with pytest.raises(InputError) as error:
        load_manifest(read)
    assert words in error.value.message and "\n" not in str(error.value)


def test_a_speaker_whom_the_column_puts_in_two_splits(labels: Path, tmp_path: Path) -> None:
    text = labels.read_text(encoding="utf-8").replace(
        "a_anger_0.flac,a,train", "a_anger_0.flac,a,test"
    )
    bad = labels.with_name("bad.csv")
    bad.write_text(text, encoding="utf-8")
    (corpus,) = config(bad, tmp_path).corpus
    with pytest.raises(InputError, match="speaker 'a' is in test and train; a speaker belongs to"):
        load_manifest(corpus)


def test_parquet_is_read_or_says_what_it_needs(labels: Path, tmp_path: Path) -> None:
    path = labels.with_suffix(".parquet")
    (corpus,) = config(path, tmp_path).corpus
    try:
        import pyarrow.csv
        import pyarrow.parquet
    except ModuleNotFoundError:
        path.write_bytes(b"")
        with pytest.raises(ToolMissingError, match="pyarrow"):
            load_manifest(corpus)
        return
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(labels), path)
    (same,) = config(labels, tmp_path).corpus
    for found, expected in zip(load_manifest(corpus), load_manifest(same), strict=True):
        assert (found.path, found.speaker) == (expected.path, expected.speaker)
        np.testing.assert_allclose(found.target, expected.target)


def test_targets_follow_the_norms() -> None:
    # Happiness: arousal .51, dominance .46, pleasure .81 on -1..1, in the order A, D, V on 0..1.
    np.testing.assert_allclose(pad_target("happiness"), [0.755, 0.73, 0.905], atol=1e-6)
    np.testing.assert_allclose(pad_target("neutral"), [0.5, 0.5, 0.5])
    assert all(0.0 <= pad_target(name).min() <= pad_target(name).max() <= 1.0 for name in PAD_NORMS)


def test_real_corpora() -> None:
    root = outside.file(outside.DATA, "emodb/labels.csv").parents[1]
    clips = load_emodb(root / "emodb")
    assert len(clips) == 535
    parts = {part: of_speakers(clips, who) for part, who in EMODB_SPLIT.items()}
    assert sum(map(len, parts.values())) == 535
    assert all(
        {c.emotion for c in part} == set(PAD_NORMS) - {"surprise"} for part in parts.values()
    )
    rated = np.stack([clip.target for clip in load_emotale(root / "emotale")])
    assert rated.shape == (525, 3)
    assert 0.0 <= rated.min() < 0.2 < 0.8 < rated.max() <= 1.0
