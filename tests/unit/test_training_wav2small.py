"""Wav2Small in torch: the published names, the front end, checkpoints and the ONNX export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra `dev`")

import onnx  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from toolkit.errors import ModelError  # noqa: E402
from toolkit.features.extract import extract  # noqa: E402
from toolkit.features.spec import (  # noqa: E402
    METADATA_KEY,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    from_json,
)
from toolkit.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from toolkit.training.export import LABELS_KEY, export_checkpoint, export_onnx  # noqa: E402
from toolkit.training.nets.wav2small import Wav2Small  # noqa: E402

MEL_WEIGHTS = "vgg7.logmel_extractor.melW"
FLOOR = "vgg7.logmel_extractor.amin"


def published_shapes() -> dict[str, list[int]]:
    """Names and shapes of the published checkpoint, spelled out independently of the module."""
    shapes: dict[str, list[int]] = {
        "vgg7.spectrogram_extractor.conv_real.weight": [33, 1, 64],
        "vgg7.spectrogram_extractor.conv_imag.weight": [33, 1, 64],
        MEL_WEIGHTS: [33, 26],
        FLOOR: [],
        "adv.weight": [3, 338],
        "adv.bias": [3],
    }
    for layer in range(1, 8):
        shapes[f"vgg7.l{layer}.conv.weight"] = [13, 1 if layer == 1 else 13, 3, 3]
        for name in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"vgg7.l{layer}.norm.{name}"] = [13]
        shapes[f"vgg7.l{layer}.norm.num_batches_tracked"] = []
    for name in ("lin", "sof"):
        shapes[f"vgg7.{name}.weight"] = [13, 13, 1, 1]
        shapes[f"vgg7.{name}.bias"] = [13]
    return shapes


def random_tensors(seed: int) -> dict[str, torch.Tensor]:
    """A checkpoint with random trainable weights and the real front end."""
    generator = torch.Generator().manual_seed(seed)
    front_end = Wav2Small().state_dict()
    tensors = {}
    for name, shape in published_shapes().items():
        if name.endswith("num_batches_tracked"):
            tensors[name] = torch.tensor(7)
        elif "extractor" in name:
            tensors[name] = front_end[name].clone()
        elif name.endswith("running_var"):  # as the random weights and features in dB give it
            typical = 1000.0 if ".l1." in name else 3.0
            tensors[name] = typical * (0.5 + torch.rand(shape, generator=generator))
        elif name.endswith("norm.weight"):
            tensors[name] = 0.5 + torch.rand(shape, generator=generator)
        else:
            tensors[name] = 0.2 * torch.randn(shape, generator=generator)
    return tensors


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "published.safetensors"
    save_file(random_tensors(1), path)
    return path


def speech_like(seconds: float, seed: int = 0) -> np.ndarray:
    """Amplitude-modulated noise at a tenth of full scale, with an offset; float64 [n]."""
    rng = np.random.default_rng(seed)
    n = int(16_000 * seconds)
    envelope = 1.0 + np.sin(2 * np.pi * 3.0 * np.arange(n) / 16_000)
    return 0.1 * envelope * rng.standard_normal(n) + 0.01


def numpy_trunk(tensors: dict[str, torch.Tensor], features: np.ndarray) -> np.ndarray:
    """The published description once more, in float64 numpy: [T, 26] to A/D/V [3]."""
    w = {name: value.double().numpy() for name, value in tensors.items()}
    x = features.astype(np.float64)[None]
    for layer in range(1, 8):
        prefix = f"vgg7.l{layer}"
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        x = np.einsum("ctfij,ocij->otf", windows, w[f"{prefix}.conv.weight"])
        scale = w[f"{prefix}.norm.weight"] / np.sqrt(w[f"{prefix}.norm.running_var"] + 1e-5)
        offset = w[f"{prefix}.norm.bias"] - scale * w[f"{prefix}.norm.running_mean"]
        x = np.maximum(0.0, x * scale[:, None, None] + offset[:, None, None])
        if layer == 3:
            padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
            x = windows[:, ::2, ::2].max(axis=(3, 4))

    def one_by_one(name: str) -> np.ndarray:
        weight, bias = w[f"vgg7.{name}.weight"][:, :, 0, 0], w[f"vgg7.{name}.bias"]
        return np.einsum("ctf,oc->otf", x, weight) + bias[:, None, None]

    logits = one_by_one("sof")
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    pooled = (one_by_one("lin") * exponentials).sum(axis=1) / exponentials.sum(axis=1)
    rows = np.concatenate([pooled, pooled @ pooled.T], axis=1)
    return w["adv.weight"] @ rows.ravel() + w["adv.bias"]


def test_names_and_shapes_are_the_published_ones() -> None:
    state = {name: list(value.shape) for name, value in Wav2Small().state_dict().items()}
    assert state == published_shapes()
    trainable = [p.numel() for p in Wav2Small().parameters() if p.requires_grad]
    assert sum(trainable) == 10_806


def test_published_checkpoint_loads_unchanged(checkpoint: Path) -> None:
    model, spec = load_checkpoint(checkpoint)
    assert spec == WAV2SMALL
    for name, value in random_tensors(1).items():
        assert torch.equal(model.state_dict()[name], value), name


def test_trunk_follows_the_description(checkpoint: Path) -> None:
    model, spec = load_checkpoint(checkpoint)
    features = extract(speech_like(0.3), spec)
    with torch.inference_mode():
        got = model.trunk(torch.from_numpy(features)[None, None])[0].numpy()
    np.testing.assert_allclose(got, numpy_trunk(random_tensors(1), features), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seconds", [1.0, 2.37])
def test_front_end_equals_the_feature_reference(checkpoint: Path, seconds: float) -> None:
    model, spec = load_checkpoint(checkpoint)
    samples = speech_like(seconds)
    reference = extract(samples, spec)
    waveform = torch.from_numpy(samples).float()[None]
    with torch.inference_mode():
        centred = waveform - waveform.mean()
        features = model.vgg7.features(centred / (centred.square().mean() + 1e-7).sqrt())
        whole = model(waveform)
        trunk = model.trunk(torch.from_numpy(reference)[None, None])
    assert features.shape == (1, 1, spec.rows_for_samples(len(samples)), 26)
    np.testing.assert_allclose(features[0, 0].numpy(), reference, atol=0.01)  # dB, float32 DFT
    np.testing.assert_allclose(whole.numpy(), trunk.numpy(), rtol=1e-3, atol=1e-3)


def test_other_layouts_of_the_front_end_load(tmp_path: Path, checkpoint: Path) -> None:
    tensors = load_file(checkpoint)
    tensors[MEL_WEIGHTS] = tensors[MEL_WEIGHTS].T.contiguous()
    tensors[FLOOR] = tensors[FLOOR].reshape(1)
    path = tmp_path / "transposed.safetensors"
    save_file(tensors, path)
    got, expected = load_checkpoint(path)[0].state_dict(), load_checkpoint(checkpoint)[0]
    for name, value in expected.state_dict().items():
        assert torch.equal(got[name], value), name


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.pop("vgg7.l3.norm.bias"), "missing vgg7.l3.norm.bias"),
        (lambda t: t.update({"head.x": torch.zeros(1)}), "unknown head.x"),
        (
            lambda t: t.update({"adv.weight": torch.zeros(3, 169)}),
            "adv.weight must have shape [3, 338], found [3, 169]",
        ),
        (
            lambda t: t.update({"adv.bias": torch.tensor([0.0, float("nan"), 0.0])}),
            "adv.bias must be finite",
        ),
    ],
)
def test_wrong_checkpoints_are_named(tmp_path: Path, change: object, expected: str) -> None:
    tensors = random_tensors(2)
    change(tensors)  # type: ignore[operator]
    path = tmp_path / "wrong.safetensors"
    save_file(tensors, path)
    with pytest.raises(ModelError) as error:
        load_checkpoint(path)
    assert expected in error.value.message
    assert "\n" not in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 64])
def test_damaged_files_are_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="must be a safetensors file") as error:
        load_checkpoint(path)
    assert "\n" not in str(error.value)


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="must be a safetensors file"):
        load_checkpoint(tmp_path / "absent.safetensors")


def test_own_checkpoint_round_trip(tmp_path: Path, checkpoint: Path) -> None:
    model, _ = load_checkpoint(checkpoint)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_checkpoint(model, WAV2SMALL_RUNNING, first)
    again, spec = load_checkpoint(first)
    assert spec == WAV2SMALL_RUNNING
    save_checkpoint(again, spec, second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("rows", [8, 61, 499, 1499])
def test_onnx_equals_torch_at_every_length(tmp_path: Path, checkpoint: Path, rows: int) -> None:
    path = tmp_path / "model.onnx"
    export_checkpoint(checkpoint, path)
    model, spec = load_checkpoint(checkpoint)
    features = extract(speech_like((64 + 32 * (rows - 1)) / 16_000), spec)[None, None]
    assert features.shape == (1, 1, rows, 26)
    (got,) = onnxruntime.InferenceSession(path).run(["adv"], {"features": features})
    with torch.inference_mode():
        expected = model.trunk(torch.from_numpy(features)).numpy()
    assert got.shape == (1, 3)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_onnx_graph_is_canonical_and_says_what_it_is(tmp_path: Path, checkpoint: Path) -> None:
    path = tmp_path / "model.onnx"
    model, _ = load_checkpoint(checkpoint)
    export_onnx(model, WAV2SMALL_RUNNING, path)
    proto = onnx.load(path)
    convolutions = [op for _ in range(3) for op in ("Conv", "Relu")]
    assert [node.op_type for node in proto.graph.node if node.op_type != "Constant"] == [
        *convolutions,
        "MaxPool",
        *convolutions,
        *("Conv", "Relu", "Conv", "Softmax", "Conv", "Mul", "ReduceSum"),
        *("Transpose", "MatMul", "Concat", "Flatten", "Gemm"),
    ]
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    assert from_json(metadata[METADATA_KEY]) == WAV2SMALL_RUNNING
    assert json.loads(metadata[LABELS_KEY]) == ["arousal", "dominance", "valence"]
    again = tmp_path / "again.onnx"
    export_onnx(model, WAV2SMALL_RUNNING, again)
    assert again.read_bytes() == path.read_bytes()


def test_foreign_front_end_is_refused(tmp_path: Path) -> None:
    tensors = random_tensors(3)
    tensors[MEL_WEIGHTS] = tensors[MEL_WEIGHTS] * 1.01
    path = tmp_path / "foreign.safetensors"
    save_file(tensors, path)
    load_checkpoint(path)  # usable in torch
    with pytest.raises(ModelError, match=r"melW must be the published front end .* 0\.01"):
        export_checkpoint(path, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
