"""MobileNets: the published sizes and names, and which of them stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from tests.support.onnx_models import onnxruntime_output  # noqa: E402
from toolkit.deploy.model import load  # noqa: E402
from toolkit.errors import NotStreamableError  # noqa: E402
from toolkit.frontend.load import load_onnx  # noqa: E402
from toolkit.passes.optimize import optimize  # noqa: E402
from toolkit.plan.time_axis import find_time_axis  # noqa: E402
from toolkit.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from toolkit.training.export import export_onnx  # noqa: E402
from toolkit.training.nets import NETS, make_net  # noqa: E402
from toolkit.training.nets.base import Shape, Student  # noqa: E402
from toolkit.training.nets.mobilenet import MobileNet, rounded, timm_tensors  # noqa: E402

MOBILE = [name for name, kind in NETS.items() if kind.sized]
#: Weights of the published networks for pictures: three colours in, 1,000 classes out; the widths
#: of the stem and of what the classifier sees.
PUBLISHED = {
    "mobilenetv3_small": (2_542_856, 16, 1024),
    "mobilenetv3_large": (5_483_032, 16, 1280),
    "mobilenetv4_conv_small": (3_774_024, 32, 1280),
    "mobilenetv4_conv_medium": (9_715_512, 32, 1280),
}


def tiny(name: str, **shape: object) -> Student:
    torch.manual_seed(0)
    return make_net(name, NETS[name].spec, Shape(0.35, 64, **shape)).eval()


@pytest.mark.parametrize("name", MOBILE)
def test_sizes_are_the_published_ones(name: str) -> None:
    """Less two colours of the stem and all but three classes."""
    published, stem, seen = PUBLISHED[name]
    expected = published - 2 * 9 * stem - 997 * (seen + 1)
    net = make_net(name, NETS[name].spec)
    assert sum(p.numel() for p in net.parameters()) == expected


@pytest.mark.parametrize(
    ("channels", "multiple"), [(16 * 0.35, 8), (40 * 0.35, 16), (23, 24), (17.7, 16), (12, 16)]
)
def test_channels_are_multiples_of_eight(channels: float, multiple: int) -> None:
    """12 lies in the middle and goes up; 17.7 to 16 is just allowed, a tenth down."""
    assert rounded(channels) == multiple


@pytest.mark.parametrize(
    ("name", "tensors"),
    [
        (
            "mobilenetv3_small",
            "conv_stem.weight bn1.running_mean blocks.0.0.conv_dw.weight blocks.0.0.se.conv_reduce"
            ".bias blocks.0.0.conv_pw.weight blocks.1.0.conv_pwl.weight blocks.2.1.bn3.weight "
            "blocks.4.2.se.conv_expand.weight blocks.5.0.conv.weight blocks.5.0.bn1.weight "
            "conv_head.weight conv_head.bias",
        ),
        (
            "mobilenetv4_conv_medium",
            "blocks.0.0.conv_exp.weight blocks.0.0.bn1.weight blocks.0.0.conv_pwl.weight "
            "blocks.1.0.dw_start.conv.weight blocks.1.0.pw_exp.bn.bias blocks.2.0.dw_mid.conv"
            ".weight blocks.3.8.pw_proj.bn.running_var blocks.4.0.conv.weight norm_head.weight",
        ),
    ],
)
def test_names_are_those_of_timm(name: str, tensors: str) -> None:
    state = tiny(name).state_dict()
    assert set(tensors.split()) <= set(state)
    assert not [n for n in state if n.startswith(("classifier", "blocks.9"))]


def test_weights_for_pictures_are_taken_over() -> None:
    net = tiny("mobilenetv4_conv_small")
    assert isinstance(net, MobileNet)
    published = {
        k: torch.randn_like(v.float()) for k, v in net.state_dict().items() if "adv" not in k
    }
    stem = published["conv_stem.weight"]
    published["conv_stem.weight"] = torch.cat([stem, stem, -stem], dim=1)
    published |= {"classifier.weight": torch.zeros(1000, 64), "classifier.bias": torch.zeros(1000)}
    net.load_state_dict(timm_tensors(published, net))
    assert torch.allclose(net.conv_stem.weight, stem)


@pytest.mark.parametrize("excite", ["clip", "bands"])
@pytest.mark.parametrize("name", MOBILE)
def test_which_of_them_stream(name: str, excite: str, tmp_path: Path) -> None:
    """Those without a gate over the clip; what cannot says that the gate is why."""
    export_onnx(tiny(name, excite=excite), NETS[name].spec, tmp_path / "m.onnx")
    graph = optimize(load_onnx(tmp_path / "m.onnx", rows=64))
    if excite == "clip" and name.startswith("mobilenetv3"):
        with pytest.raises(NotStreamableError, match=r"se/Mul.*squeeze-excite"):
            find_time_axis(graph)
    else:
        assert find_time_axis(graph)


@pytest.mark.parametrize("name", ["mobilenetv3_small", "mobilenetv4_conv_small"])
def test_a_checkpoint_knows_its_size(name: str, tmp_path: Path) -> None:
    net, spec = tiny(name, excite="bands"), NETS[name].spec
    save_checkpoint(net, spec, tmp_path / "m.safetensors")
    again, same = load_checkpoint(tmp_path / "m.safetensors")
    assert again.shape == net.shape and same == spec
    export_onnx(again, spec, tmp_path / "m.onnx")
    x = np.random.default_rng(0).normal(0, 2, (1, 1, 40, 64)).astype(np.float32)
    with torch.inference_mode():
        expected = net.trunk(torch.from_numpy(x)).numpy()
    found = onnxruntime_output(onnx.load(tmp_path / "m.onnx"), x)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "excite"),
    [(name, "bands") for name in MOBILE] + [("mobilenetv3_small", "clip")],
)
def test_each_builds_and_runs_with_its_reference_bits(
    name: str, excite: str, tmp_path: Path
) -> None:
    """Compiled for a cortex-m7, run on the demo clip in the simulator; with a gate over the
    clip the layers before it stream."""
    net = tiny(name, excite=excite)
    net.train()
    with torch.no_grad():  # activations of ordinary sizes
        net.trunk(torch.randn(4, 1, 97, 64) * 6 - 8)
    export_onnx(net.eval(), NETS[name].spec, tmp_path / "m.onnx")
    deployment = load(tmp_path / "m.onnx").deploy("cortex-m7")
    assert deployment.estimate().find("cycles_per_audio_second") is not None
    report = deployment.compile().run().report
    assert report.schedule == "stream"
    (match,) = (check for check in report.checks if check.name == "bit_match")
    assert match.passed, match
