"""Training with the device's rounding: by hand, against the integer reference, and its export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from torch.nn.functional import hardswish  # noqa: E402

from tests.support.cli import toolkit  # noqa: E402
from tests.support.corpus import config_text, write_corpus  # noqa: E402
from toolkit.deploy.model import load  # noqa: E402
from toolkit.errors import ModelError  # noqa: E402
from toolkit.model.reference import run_case  # noqa: E402
from toolkit.training.export import export_onnx  # noqa: E402
from toolkit.training.fake_quant import ActivationRounding, HardGate, rounded_weight  # noqa: E402
from toolkit.training.nets import NETS, make_net  # noqa: E402
from toolkit.training.nets.base import Shape, Student  # noqa: E402
from toolkit.training.nets.mobilenet import ConvBlock, InvertedResidual  # noqa: E402
from toolkit.training.qat import (  # noqa: E402
    Rounded,
    load_rounded,
    save_rounded,
    settle,
    train_rounded,
    with_rounding,
)

torch.set_num_threads(1)  # as trainings do


def clips(bands: int, count: int = 4, rows: int = 40) -> list:  # type: ignore[type-arg]
    shape, rng = (count, 1, 1, rows, bands), np.random.default_rng(0)
    return list(torch.from_numpy(rng.normal(-8, 6, shape).astype(np.float32)))


def settled_in(name: str, excite: str = "clip") -> Student:
    """A net whose normalisations have seen something: its activations are of ordinary sizes."""
    torch.manual_seed(0)
    kind = NETS[name]
    net = make_net(name, kind.spec, Shape(0.25, 32, excite) if kind.sized else Shape())
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        for x in clips(kind.spec.row_values, 6):
            net.train()
            net.trunk(torch.cat([x, x.flip(2)]))
    return net.eval()


# --- rounding by hand ----------------------------------------------------------------------------
def test_an_activation_is_rounded_as_stated() -> None:
    """Range -1..4.1: scale 0.02, zero point -78."""
    rounding = ActivationRounding()
    x = torch.tensor([-1.0, 0.0, 0.029, 0.031, 4.1])
    assert torch.equal(rounding(x), x)  # it only looks
    rounding.settle()
    scale, zero = rounding.parameters_of()
    assert scale == pytest.approx(0.02, rel=1e-5) and zero == -78
    expected = [-1.0, 0.0, 0.02, 0.04, 4.1]
    np.testing.assert_allclose(rounding(x).detach(), expected, atol=1e-5)
    np.testing.assert_allclose(rounding(torch.tensor([-3.0, 9.0])).detach(), [-1, 4.1], atol=1e-5)


def test_gradients_pass_where_nothing_is_clipped() -> None:
    rounding = ActivationRounding()
    rounding(torch.tensor([-1.0, 4.1]))
    rounding.settle()
    x = torch.tensor([0.5, 9.0], requires_grad=True)
    rounding(x).sum().backward()
    np.testing.assert_allclose(x.grad, [1.0, 0.0], atol=1e-5)
    assert rounding.log_scale.grad is not None and float(rounding.log_scale.grad) > 0


def test_weights_are_symmetric_and_by_channel() -> None:
    weight = torch.tensor([[[[1.27, 0.014]]], [[[-12.7, 0.14]]]])
    by_channel = [[[[1.27, 0.01]]], [[[-12.7, 0.1]]]]
    np.testing.assert_allclose(rounded_weight(weight, True), by_channel, atol=1e-6)
    together = [[[[1.3, 0.0]]], [[[-12.7, 0.1]]]]
    np.testing.assert_allclose(rounded_weight(weight, False), together, atol=1e-6)


def test_a_gate_has_the_steps_of_relu6() -> None:
    x = torch.linspace(-4, 4, 101)
    found = HardGate()(x)
    np.testing.assert_allclose(found, torch.nn.functional.hardsigmoid(x), atol=0.5 / 255 + 1e-6)
    assert len(torch.unique(found)) < 101 and float(found.max()) == pytest.approx(1.0)


# --- against the device's integers ---------------------------------------------------------------
def integer_outputs(path: Path, features: list) -> np.ndarray:  # type: ignore[type-arg]
    graph = load(path).int8.graph  # for a second
    (i,), (o,) = graph.inputs, graph.outputs
    took, gave = graph.tensors[i].quant, graph.tensors[o].quant
    assert took is not None and gave is not None
    found = []
    for x in features:
        rows = np.transpose(x.numpy(), (0, 2, 3, 1))
        steps = np.rint(rows / took.tensor_scale) + took.tensor_zero_point
        (said,) = run_case(graph, [steps.clip(-128, 127).astype(np.int8)])
        found.append((said.reshape(-1).astype(float) - gave.tensor_zero_point) * gave.tensor_scale)
    return np.stack(found)


def ratio_db(reference: np.ndarray, other: np.ndarray) -> float:  # type: ignore[type-arg]
    signal = reference - reference.mean(axis=0)
    return float(10 * np.log10((signal**2).mean() / ((reference - other) ** 2).mean()))


@pytest.mark.parametrize(
    ("name", "excite", "wide"),
    [
        ("wav2small_ha", "clip", 1),
        ("wav2small", "clip", 3),
        ("mobilenetv3_small", "bands", 0),
        ("mobilenetv4_conv_small", "clip", 0),
    ],
)
def test_convert_keeps_every_scale_but_those_of_int16(
    name: str, excite: str, wide: int, tmp_path: Path
) -> None:
    """Attention's result and the head behind it are int16 on the device, and in training."""
    net = with_rounding(settled_in(name, excite))
    settle(net, clips(NETS[name].spec.row_values))
    assert sum(rounding.wide for rounding in net.roundings()) == wide
    export_onnx(net, NETS[name].spec, tmp_path / "m.onnx")
    run = toolkit("convert", "m.onnx", "-o", "m.tflite", "--json", cwd=tmp_path)
    assert run.exit_code == 0, run
    kept, *changed = run.json["issues"]
    count = len(net.roundings()) + len(
        [m for m in net.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    )
    assert kept["message"] == (
        f"kept {count - wide} of the {count} scales and zero points of the model"
    )
    assert len(changed) == wide and all("it is int16" in c["message"] for c in changed)


class Little(Student):
    """A stem, a gated block that adds, a mean, a dense layer: what MobileNets are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBlock(1, 8, 3, 2, hardswish)
        self.block = InvertedResidual(8, 24, 8, 3, 1, "bands", hardswish)
        self.adv = torch.nn.Linear(8, 3)

    def embed(self, features):  # type: ignore[no-untyped-def]
        return self.block(self.stem(features)).mean((2, 3))


def test_training_hears_what_the_device_does(tmp_path: Path) -> None:
    """Every output of the integer network lies within two steps of the rounded one; in deep nets
    such a step at the input grows."""
    torch.manual_seed(0)
    net, spec = Little(), NETS["wav2small_ha"].spec
    features = clips(spec.row_values, 12, spec.rows_for_samples(spec.sample_rate_hz))
    for x in features:
        net.trunk(torch.cat([x, x.flip(2)]))
    net.eval()
    rounded = with_rounding(net)
    settle(rounded, features)
    export_onnx(rounded, spec, tmp_path / "m.onnx")
    device = integer_outputs(tmp_path / "m.onnx", features)
    with torch.inference_mode():
        imitated = torch.cat([rounded.trunk(x) for x in features]).numpy()
        real = torch.cat([net.trunk(x) for x in features]).numpy()
    step = rounded.roundings()[-1].parameters_of()[0]
    assert np.abs(imitated - device).max() < 2.1 * step
    assert ratio_db(imitated, device) > ratio_db(real, device)


class Narrow(torch.nn.Module):  # type: ignore[misc]
    """Two layers; what lies between them is as large as its input."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = torch.nn.Conv2d(1, 4, 1), torch.nn.Linear(4, 3)

    def forward(self, x):  # type: ignore[no-untyped-def]
        return self.last(torch.relu(self.first(x)).mean((2, 3)))


def test_steps_with_rounding_bring_the_outputs_back() -> None:
    """One loud clip has stretched every range thirtyfold: the scales shrink again."""
    torch.manual_seed(0)
    net, ordinary = Narrow(), [0.1 * x for x in clips(8, 16)]
    heard = [*ordinary, 30 * ordinary[0]]

    def error(rounded: Rounded) -> float:
        batch = torch.cat(ordinary)
        with torch.inference_mode():
            return float((rounded.trunk(batch) - net(batch)).square().mean())

    def draw(step: int) -> object:
        return torch.cat(ordinary[step % 4 :: 4])

    before = train_rounded(net, heard, draw, 0, 1e-3)
    after = train_rounded(net, heard, draw, 400, 3e-3)
    assert error(after) < 0.2 * error(before)
    stretched, shrunk = (r.roundings()[1].parameters_of()[0] for r in (before, after))
    assert shrunk < 0.8 * stretched


def test_what_was_learned_is_kept(tmp_path: Path) -> None:
    net = settled_in("mobilenetv4_conv_small")
    rounded = train_rounded(net, clips(64), lambda step: clips(64)[0], 1, 1e-3)
    save_rounded(rounded, tmp_path / "r.safetensors")
    again, x = load_rounded(net, tmp_path / "r.safetensors"), clips(64)[0]
    with torch.inference_mode():
        assert torch.equal(again.trunk(x), rounded.trunk(x))
    (tmp_path / "r.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="holds no roundings"):
        load_rounded(net, tmp_path / "r.safetensors")


def test_a_run_with_rounding_leaves_its_scales(tmp_path: Path) -> None:
    labels = write_corpus(tmp_path / "corpus", seconds=0.9)
    rest = "[quantise]\nsteps = 2\n"
    (tmp_path / "c.toml").write_text(config_text(labels, rest=rest), encoding="utf-8")
    run = toolkit("train", "c.toml", "--out", "run", "--cache", "cache", cwd=tmp_path)
    assert run.exit_code == 0, run
    converted = toolkit("convert", "run/model.onnx", "-o", "m.tflite", "--json", cwd=tmp_path)
    assert {i["code"] for i in converted.json["issues"]} == {
        "quantisation.kept",
        "quantisation.changed",
    }
    again = toolkit("export", "run", "-o", "again.onnx", "--cache", "cache", cwd=tmp_path)
    assert again.exit_code == 0, again
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "run/model.onnx").read_bytes()
