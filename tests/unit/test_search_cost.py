"""What a genome will cost, against `toolkit profile` of the network that it becomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

import toolkit  # noqa: E402
from toolkit.deploy.model import load  # noqa: E402
from toolkit.errors import InputError  # noqa: E402
from toolkit.features.spec import LogMel  # noqa: E402
from toolkit.search.genome import FEATURES, Genome  # noqa: E402
from toolkit.search.space import Space  # noqa: E402
from toolkit.training.config import parse_config  # noqa: E402
from toolkit.training.layers import DEFAULT_LAYERS, Layer  # noqa: E402
from toolkit.training.nets import NETS, make_net  # noqa: E402
from toolkit.training.nets.base import Shape, Student  # noqa: E402
from toolkit.training.tables import read_table  # noqa: E402
from toolkit.verbs.export import write_model  # noqa: E402

SPACE = Space(
    widths=(8, 13, 16),
    kernels=((3, 3), (5, 3), (3, 1), (1, 3)),
    front_end=({}, {"frame_samples": 512, "hop_samples": 320, "n_mels": 40}),
)


def settled(genome: Genome) -> Student:
    """A net whose statistics are those of its inputs, as training leaves them: no dead channel."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    shape = read_table(Shape, genome.config["shape"], Path())
    net = make_net("layered", genome.features, shape)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.bias.uniform_(0.1, 0.5)
        for _ in range(8):
            net.trunk(10 * torch.randn(4, 1, 60, genome.features.row_values) - 20)
    return net.eval()


@pytest.mark.parametrize("seed", range(4))
def test_a_cost_is_what_profile_says_of_the_network(seed: int, tmp_path: Path) -> None:
    genome = SPACE.genome(SPACE.draw(np.random.default_rng(seed)))
    rng = np.random.default_rng(0)
    shape = (80, genome.features.row_values)
    clips = [(10 * rng.standard_normal(shape) - 20).astype(np.float32) for _ in range(3)]
    write_model(settled(genome), genome.features, clips, tmp_path / "m.onnx")
    model = load(tmp_path / "m.onnx")
    for target in ("hearing-aid", "cortex-m0plus"):
        report, found = model.deploy(target).estimate(), toolkit.cost(genome, target)
        assert report.find("dead_channels") is None and found.schedule == "stream"
        expected = {m.name: m.value for m in report.measurements}
        for m in found.measurements:
            assert m.value == pytest.approx(expected[m.name], rel=1e-9), (genome.words, m.name)


def test_the_network_for_hearing_aids_is_a_genome() -> None:
    report = load("wav2small-ha").deploy("hearing-aid").estimate()
    found = toolkit.cost(toolkit.Genome(DEFAULT_LAYERS), "hearing-aid")
    for name in ("ram_static_bytes", "cycles_per_audio_second", "cycles_per_frame_worst"):
        ours, theirs = found.find(name), report.find(name)
        assert ours and theirs and ours.value == theirs.value, name
    flash, trained = found.find("flash_bytes"), report.find("flash_bytes")
    assert flash and trained and flash.value == pytest.approx(trained.value, rel=0.01)
    assert found.find("no_such_figure") is None


def test_a_layered_net_is_by_default_the_one_for_hearing_aids() -> None:
    assert NETS["wav2small_ha"].spec == NETS["layered"].spec == FEATURES
    torch.manual_seed(0)
    ours = make_net("layered", FEATURES).eval()
    theirs = make_net("wav2small_ha", FEATURES).eval()
    named = zip(theirs.state_dict(), ours.state_dict().values(), strict=True)
    theirs.load_state_dict(dict(named))
    x = torch.randn(2, 1, 40, FEATURES.row_values)
    torch.testing.assert_close(ours.trunk(x), theirs.trunk(x), rtol=0, atol=0)


def test_a_genome_is_a_config_of_train() -> None:
    genome = Genome((Layer(8, (5, 3), (2, 2)), Layer(12, kind="depthwise")), pool="mean")
    corpus = {"name": "x", "manifest": "labels.csv"}
    config = parse_config({**genome.config, "corpus": [corpus]}, Path("c.toml"))
    assert (config.shape.layers, config.shape.pool) == (genome.layers, "mean")
    plain = parse_config({"net": "layered", "corpus": [corpus]}, Path("c.toml"))
    assert config.sha256 != plain.sha256


def test_what_has_no_effect_has_no_name() -> None:
    genes = dict.fromkeys(SPACE.choices, 0)
    first = SPACE.genome(genes)
    assert first == SPACE.genome({**genes, "stage4.width": 2, "stage1.kind": 1})
    assert first.key == SPACE.genome({**genes, "stage1.reduce": 1}).key
    assert first.key != SPACE.genome({**genes, "front_end": 1}).key
    assert isinstance(first.features, LogMel)


@pytest.mark.parametrize(
    ("layers", "pool", "words"),
    [
        ((), "mean", "at least one layer"),
        ((Layer(kernel=(2, 3)),), "mean", "must be odd"),
        ((Layer(),), "sum", "'pool' must be attention or mean"),
    ],
)
def test_what_no_network_can_be_is_refused(
    layers: tuple[Layer, ...], pool: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        Genome(layers, pool=pool)
