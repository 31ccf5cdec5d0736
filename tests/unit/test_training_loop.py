"""Features, augmentation, losses and the loop: the same bytes however often it is interrupted."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from tests.support.corpus import config_text, write_corpus  # noqa: E402
from toolkit.features.audio import load_clip  # noqa: E402
from toolkit.features.extract import extract  # noqa: E402
from toolkit.features.spec import WAV2SMALL_RUNNING  # noqa: E402
from toolkit.frontend.load import load_onnx  # noqa: E402
from toolkit.metrics import bootstrap_counts, concordance, resampled_concordance  # noqa: E402
from toolkit.passes.optimize import optimize  # noqa: E402
from toolkit.plan.time_axis import find_time_axis  # noqa: E402
from toolkit.training.augment import augmented  # noqa: E402
from toolkit.training.batches import Batches, Clips, load_clips  # noqa: E402
from toolkit.training.cache import cached_features  # noqa: E402
from toolkit.training.config import Augment, Config, load_config  # noqa: E402
from toolkit.training.export import export_onnx  # noqa: E402
from toolkit.training.loop import Trainer, one_cycle, predict  # noqa: E402
from toolkit.training.losses import ccc_loss, class_loss, mse_loss  # noqa: E402
from toolkit.training.manifest import digest, load_manifest  # noqa: E402
from toolkit.training.nets import NETS, net_name  # noqa: E402
from toolkit.training.parallel import World  # noqa: E402
from toolkit.training.run import Board  # noqa: E402

ALONE = World(0, 1, torch.device("cpu"))
STILL = Augment(gain_db=0, tilt_db=0, noise=0, mask_rows=0, mask_bands=0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def loaded(corpus: Path, folder: Path, **parts: str) -> tuple[Config, Clips]:
    (folder / "c.toml").write_text(config_text(corpus, **parts), encoding="utf-8")
    config = load_config(folder / "c.toml")
    return config, load_clips(config, corpus.parent / "cache")[0]


# --- features ------------------------------------------------------------------------------------
def test_cached_features_are_the_devices_reference(corpus: Path, tmp_path: Path) -> None:
    """Twice: computed, and read back."""
    config, _ = loaded(corpus, tmp_path)
    recordings = load_manifest(config.corpus[0])[:6]
    for _ in range(2):
        found = cached_features(recordings, digest(recordings), config.spec, 1.0, tmp_path)
        assert len(list(tmp_path.glob("*.npz"))) == 1
        for recording, rows in zip(recordings, found, strict=True):
            expected = extract(load_clip(recording.path, 16_000).samples, config.spec)
            np.testing.assert_array_equal(rows, expected)


def test_another_speed_is_another_length(corpus: Path, tmp_path: Path) -> None:
    config, _ = loaded(corpus, tmp_path)
    recordings = load_manifest(config.corpus[0])[:2]
    slow, fast = (
        cached_features(recordings, digest(recordings), config.spec, speed, tmp_path)[0]
        for speed in (0.8, 1.25)
    )
    assert len(slow) == pytest.approx(1.25**2 * len(fast), abs=2)


# --- augmentation --------------------------------------------------------------------------------
@pytest.mark.parametrize("rows", [10, 75, 200])
def test_augmented_features_have_their_shape_whatever_the_clip(rows: int) -> None:
    clip = np.random.default_rng(1).normal(-20, 12, (75, 26)).astype(np.float32)
    drawn = [
        augmented(clip, rows, WAV2SMALL_RUNNING, Augment(), np.random.default_rng(seed))
        for seed in (5, 5, 6)
    ]
    assert drawn[0].shape == (rows, 26) and drawn[0].dtype == np.float32
    assert np.isfinite(drawn[0]).all()
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_without_distortions_it_is_a_crop() -> None:
    clip = np.random.default_rng(1).normal(-20, 12, (75, 26)).astype(np.float32)
    crop = augmented(clip, 40, WAV2SMALL_RUNNING, STILL, np.random.default_rng(0))
    assert any(np.allclose(crop, clip[s : s + 40], atol=1e-4) for s in range(36))


def test_distortions_are_the_same_whatever_the_unit() -> None:
    """Decibels and natural logarithms of power are 10 / ln 10 apart."""
    clip = np.random.default_rng(1).normal(-20, 12, (75, 26)).astype(np.float32)
    nepers = replace(WAV2SMALL_RUNNING, log="ln")
    unit = np.float32(np.log(10.0) / 10.0)
    decibels, other = (
        augmented(x, 60, spec, Augment(), np.random.default_rng(3))
        for x, spec in ((clip, WAV2SMALL_RUNNING), (clip * unit, nepers))
    )
    np.testing.assert_allclose(other / unit, decibels, atol=1e-3)


def test_gain_and_tilt_keep_to_their_limits() -> None:
    flat = np.zeros((40, 26), np.float32)
    how = replace(STILL, gain_db=3, tilt_db=2)
    for seed in range(20):
        x = augmented(flat, 40, WAV2SMALL_RUNNING, how, np.random.default_rng(seed))
        assert 0 < np.abs(x).max() <= 3 + 2 + 2 * 2 / 3 + 1e-5
        np.testing.assert_array_equal(x[0], x[-1])


def test_colour_is_smooth_and_without_gain() -> None:
    how = replace(STILL, colour_db=5)
    flat = np.zeros((40, 26), np.float32)
    for seed in range(20):
        (row, *_) = augmented(flat, 40, WAV2SMALL_RUNNING, how, np.random.default_rng(seed))
        assert 1 < np.abs(row).max() <= 4 * 5
        assert abs(row.mean()) < 1e-4 and np.abs(np.diff(row)).max() < 5


# --- losses --------------------------------------------------------------------------------------
def test_concordance_by_hand() -> None:
    x = np.array([1.0, 2.0, 3.0])
    assert concordance(x, x) == 1.0
    assert concordance(x, -x + 4.0) == -1.0
    # cov = var = 2/3, means differ by 1: 2 * 2/3 / (4/3 + 1) = 4/7
    assert concordance(x, x + 1.0) == pytest.approx(4 / 7)
    assert concordance(np.full(3, 0.5), x) == 0.0
    assert concordance(np.full(3, 0.5), np.full(3, 0.5)) == 0.0


def test_loss_is_one_minus_mean_concordance() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 40, 3))
    expected = 1.0 - np.mean([concordance(x[:, i], y[:, i]) for i in range(3)])
    loss = ccc_loss(torch.from_numpy(x), torch.from_numpy(y))
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_a_weight_counts_like_so_many_clips() -> None:
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(a) for a in rng.standard_normal((2, 5, 3)))
    weights, places = torch.tensor([0.0, 1.0, 2.0, 1.0, 3.0]), [1, 2, 2, 3, 4, 4, 4]
    ones = torch.ones(7)
    for loss in (ccc_loss, mse_loss):
        assert loss(x, y, weights).item() == pytest.approx(loss(x[places], y[places], ones).item())


def test_unknown_classes_count_nothing() -> None:
    scores, weight = torch.randn(4, 3), torch.ones(4)
    some = class_loss(scores, torch.tensor([0, -1, 2, -1]), weight)
    assert some.item() == pytest.approx(
        class_loss(scores[[0, 2]], torch.tensor([0, 2]), weight[:2]).item()
    )
    assert class_loss(scores, torch.full((4,), -1), weight).item() == 0.0


def test_resampled_concordance_is_that_of_the_drawn_cases() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 12))
    groups = [*"aaabbbcccddd"]
    counts = bootstrap_counts(groups, 50)
    assert (counts.reshape(50, 4, 3) == counts.reshape(50, 4, 3)[..., :1]).all()
    found = resampled_concordance(x, y, counts)
    for row, value in zip(counts, found, strict=True):
        places = np.repeat(np.arange(12), row)
        assert value == pytest.approx(concordance(x[places], y[places]), abs=1e-9)


# --- the loop ------------------------------------------------------------------------------------
def test_one_cycle_is_torchs(corpus: Path, tmp_path: Path) -> None:
    how = loaded(corpus, tmp_path)[0].optimiser
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.AdamW([parameter])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=how.learning_rate, total_steps=40, pct_start=how.warmup
    )
    for step in range(40):
        (group,) = optimiser.param_groups
        rate, momentum = one_cycle(step, 40, how)
        assert rate == pytest.approx(group["lr"], abs=1e-6)
        assert momentum == pytest.approx(group["betas"][0], abs=1e-6)
        optimiser.step()
        if step < 39:
            schedule.step()


def test_a_batch_has_its_classes_and_its_length(corpus: Path, tmp_path: Path) -> None:
    config, clips = loaded(corpus, tmp_path, top='balance = "classes"')
    batches = Batches(config, clips)
    first, again, other = batches.draw(3), batches.draw(3), batches.draw(4)
    assert torch.equal(first.features, again.features)
    assert not torch.equal(first.features, other.features)
    assert sorted(first.classes.tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert 0.5 <= first.features.shape[2] * 0.016 <= 0.82
    halves = [batches.draw(3, slice(rank, None, 2)) for rank in range(2)]
    for rank, half in enumerate(halves):
        assert torch.equal(half.features, first.features[rank::2])


def test_a_resumed_training_gives_the_same_bits(corpus: Path, tmp_path: Path) -> None:
    config, clips = loaded(corpus, tmp_path, top='keep = "best"')
    whole = Trainer(config, clips, ALONE)
    for _ in range(2):
        whole.advance()
    whole.note_score(1.0)
    torch.save(whole.state(), tmp_path / "state.pt")
    losses = [whole.advance() for _ in range(2)]
    resumed = Trainer(config, clips, ALONE)
    resumed.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert [resumed.advance() for _ in range(2)] == losses
    for trainer in (resumed, whole):
        trainer.note_score(0.5)
    for name in ("average", "best"):
        for key, value in whole.state()[name].items():
            assert torch.equal(value, resumed.state()[name][key]), key


def test_training_learns(corpus: Path, tmp_path: Path) -> None:
    config, clips = loaded(corpus, tmp_path, top="ema = 0.8")
    trainer = Trainer(replace(config, steps=40), clips, ALONE)
    losses = [trainer.advance() for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_recalibration_changes_statistics_alone(corpus: Path, tmp_path: Path) -> None:
    config, clips = loaded(corpus, tmp_path)
    trainer = Trainer(config, clips, ALONE)
    trainer.advance()
    plain = trainer.finished()
    trainer.config = replace(config, recalibrate_bn=True)
    other = trainer.finished().state_dict()
    for key, value in plain.state_dict().items():
        same = torch.equal(value, other[key])
        assert same == ("running" not in key and "batches" not in key), key


@pytest.mark.parametrize("name", NETS)
def test_every_net_takes_any_length_and_knows_its_name(name: str) -> None:
    kind = NETS[name]
    net = kind.make(kind.spec, 3)
    assert net_name(net) == name
    clips = [np.zeros((n, kind.spec.row_values), np.float32) for n in (20, 33)]
    assert predict(net, clips).shape == (2, 3)
    features = torch.zeros(1, 1, 20, kind.spec.row_values)
    assert net.embed(features).shape == (1, net.adv.in_features)


def test_sizes_are_those_of_the_documents() -> None:
    sizes = {
        name: sum(p.numel() for p in kind.make(kind.spec, 3).parameters() if p.requires_grad)
        for name, kind in NETS.items()
    }
    small = {"wav2small": 10_806, "wav2small_72k": 67_902, "wav2small_ha": 29_383}
    assert {name: sizes[name] for name in small} == small


def test_tensorboard_hears_of_every_figure_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            heard.append(folder)

        def add_scalar(self, name: str, value: float, step: int) -> None:
            heard.append((name, value, step))

        def flush(self) -> None:
            pass

    board = SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    Board(tmp_path).write({"step": 2, "loss": 0.5})
    assert heard == [str(tmp_path / "tensorboard"), ("step", 2, 2), ("loss", 0.5, 2)]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    Board(tmp_path).write({"step": 2, "loss": 0.5})
    assert len(heard) == 3


@pytest.mark.parametrize("name", ["wav2small", "wav2small_72k", "wav2small_ha"])
def test_every_net_streams_with_its_attention_as_one_operator(name: str, tmp_path: Path) -> None:
    kind = NETS[name]
    export_onnx(kind.make(kind.spec, 3).eval(), kind.spec, tmp_path / "m.onnx")
    graph = optimize(load_onnx(tmp_path / "m.onnx", rows=64))
    assert [node.op for node in graph.nodes].count("attention_pool") == 1
    assert find_time_axis(graph)  # raises where it cannot stream
