"""Losses that hear a teacher's embeddings, by hand, and what is made of the embeddings before."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from tests.support.corpus import config_text, write_corpus  # noqa: E402
from toolkit.errors import InputError  # noqa: E402
from toolkit.training.batches import Batches, Clips, load_clips  # noqa: E402
from toolkit.training.config import Config, Loss, load_config  # noqa: E402
from toolkit.training.guide import binned, make_guide  # noqa: E402
from toolkit.training.loop import Trainer  # noqa: E402
from toolkit.training.losses import feature_loss, nd_loss  # noqa: E402
from toolkit.training.manifest import Recording, load_manifest  # noqa: E402
from toolkit.training.parallel import World  # noqa: E402

ALONE = World(0, 1, torch.device("cpu"))


def recording(target: tuple[float, ...], embedding: tuple[float, ...] | None) -> Recording:
    told = None if embedding is None else np.array(embedding, np.float32)
    values = np.array(target, np.float32)
    return Recording(Path("x.wav"), "c", "", "train", values, "", 1.0, told)


# --- losses --------------------------------------------------------------------------------------
def test_norm_and_direction_by_hand() -> None:
    """Three cases: short and right, long and askew, long and opposed."""
    student = torch.tensor([[1.0, 0.0], [3.0, 4.0], [-4.0, 0.0]])
    teacher = torch.tensor([[2.0, 0.0], [0.0, 4.0], [1.0, 0.0]])
    direction = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    each = [1 - 1 / 2, 1 - 4 / 5, 1 + 4 / 4]
    for n, expected in enumerate(each):
        weight = torch.nn.functional.one_hot(torch.tensor(n), 3).float()
        assert nd_loss(student, teacher, direction, weight).item() == pytest.approx(expected)
    loss = nd_loss(student, teacher, direction, torch.tensor([1.0, 2.0, 1.0]))
    assert loss.item() == pytest.approx((each[0] + 2 * each[1] + each[2]) / 4)


def test_norm_and_direction_asks_for_length_only_up_to_the_teachers() -> None:
    direction = torch.tensor([[0.6, 0.8]])
    teacher, ones = 5 * direction, torch.ones(1)
    losses = [nd_loss(r * direction, teacher, direction, ones).item() for r in (1, 2, 5, 50)]
    assert losses == pytest.approx([0.8, 0.6, 0.0, 0.0], abs=1e-6)


def test_feature_loss_by_hand() -> None:
    student, teacher = (
        torch.tensor([[1.0, 2.0], [0.0, 0.0]]),
        torch.tensor([[0.0, 4.0], [3.0, 1.0]]),
    )
    assert feature_loss(student, teacher, torch.ones(2)).item() == pytest.approx((2.5 + 5.0) / 2)
    assert feature_loss(student, teacher, torch.tensor([1.0, 0.0])).item() == pytest.approx(2.5)
    assert feature_loss(student, teacher, torch.zeros(2)).item() == 0.0


# --- the guide -----------------------------------------------------------------------------------
def test_embeddings_are_centred_and_directions_are_their_own() -> None:
    told = [(1.0, 5.0), (3.0, 5.0), (5.0, 5.0)]
    recordings = [recording((0, 0, 0), e) for e in told] + [recording((0, 0, 0), None)]
    guide = make_guide(recordings, Loss(nd=1.0))
    # The first column is -2, 0, 2, the second nothing: their mean square is 8 / 6.
    size = 2 / math.sqrt(8 / 6)
    expected = [[-size, 0], [0, 0], [size, 0], [0, 0]]
    np.testing.assert_allclose(guide.embeddings, expected, atol=1e-6)
    np.testing.assert_allclose(guide.directions, np.sign(expected), atol=1e-6)
    assert guide.known.tolist() == [1, 1, 1, 0]


def test_directions_of_bins_are_those_of_their_means() -> None:
    """Two halves of arousal; the embeddings of each half point two ways, their means one."""
    told = [(0.1, (0.0, 3.0)), (0.2, (0.0, -1.0)), (0.8, (4.0, 0.0)), (0.9, (4.0, 6.0))]
    recordings = [recording((a, 0.5, 0.5), e) for a, e in told]
    guide = make_guide(recordings, Loss(nd=1.0, direction="bins", bins=2))
    # Means (0, 1) and (4, 3), less the mean of all (2, 2): along (-2, -1) and (2, 1).
    along = np.array([2.0, 1.0]) / math.sqrt(5)
    np.testing.assert_allclose(guide.directions, [-along, -along, along, along], atol=1e-6)


def test_bins_are_equally_full_and_of_all_three_outputs() -> None:
    rng = np.random.default_rng(0)
    targets = rng.uniform(size=(900, 3)).astype(np.float32)
    classes = binned(targets, np.ones(900, bool), 3)
    assert set(classes.tolist()) == set(range(27))
    for output in range(3):
        part = classes // 3**output % 3
        assert np.bincount(part).tolist() == [300, 300, 300]
        assert targets[part == 0, output].max() < targets[part == 2, output].min()


@pytest.mark.parametrize(
    ("told", "words"), [([None, None], "none has one"), ([(1.0,), (1.0, 2.0)], "widths [1, 2]")]
)
def test_embeddings_that_are_not_there_are_missed(told: list, words: str) -> None:  # type: ignore[type-arg]
    recordings = [recording((0, 0, 0), e) for e in told]
    with pytest.raises(InputError) as caught:
        make_guide(recordings, Loss(features=1.0))
    assert words in caught.value.message and "teach" in caught.value.hint


# --- in the loop ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Teacher's labels of `write_corpus`: targets of its own, and embeddings that say the class."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `teach`")
    import pyarrow

    folder = tmp_path_factory.mktemp("taught")
    labels = write_corpus(folder)
    rows = [line.split(",") for line in labels.read_text().splitlines()[1:]]
    rng = np.random.default_rng(1)
    columns = {
        "path": [f"audio/{r[0]}" for r in rows],
        "speaker": ["" for _ in rows],
        "split": ["train" for _ in rows],
        **{
            name: [(float(r[4 + n]) - 1) / 4 * 1.2 - 0.1 for r in rows]
            for n, name in enumerate(("arousal", "dominance", "valence"))
        },
        "embedding": [
            np.array([float(r[4]), float(r[6]), *rng.normal(size=2)], np.float32) for r in rows
        ],
    }
    parquet.write_table(pyarrow.table(columns), folder / "labels.parquet")
    return folder / "labels.parquet"


def loaded(labels: Path, folder: Path, loss: str) -> tuple[Config, Clips]:
    text = config_text(labels, corpus='targets = "teacher"', rest=loss)
    text = text.replace('audio = "audio"', "").replace("scale = [1, 5]", "")
    (folder / "c.toml").write_text(text, encoding="utf-8")
    config = load_config(folder / "c.toml")
    return config, load_clips(config, folder / "cache")[0]


def test_targets_of_a_teacher_are_not_clipped(taught: Path, tmp_path: Path) -> None:
    config, _ = loaded(taught, tmp_path, "")
    targets = np.stack([r.target for r in load_manifest(config.corpus[0])])
    assert targets.min() == pytest.approx(-0.1) and targets.max() == pytest.approx(1.1)


@pytest.mark.parametrize(
    "loss",
    ["features = 1.0", "nd = 2.0", 'nd = 2.0\ndirection = "bins"\nbins = 2'],
    ids=["features", "nd", "nd-bins"],
)
def test_a_student_learns_what_the_teacher_says(taught: Path, tmp_path: Path, loss: str) -> None:
    rest = f"mixup = 0.5\n[loss]\nclasses = 0\n{loss}"
    config, clips = loaded(taught, tmp_path, rest)
    batch = Batches(config, clips).draw(1)
    assert batch.embeddings.shape == batch.directions.shape == (8, 4)
    assert torch.allclose(batch.directions.norm(dim=1), torch.ones(8), atol=1e-5)
    trainer = Trainer(replace(config, steps=40), clips, ALONE)
    losses = [trainer.advance() for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])
    assert not [name for name in trainer.average.state_dict() if "map" in name]
