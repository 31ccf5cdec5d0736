"""Published Wav2Small checkpoints against a module written from the description alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra `dev`")

import soundfile  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch import Tensor  # noqa: E402

import toolkit  # noqa: E402
from tests.support.published_wav2small import (  # noqa: E402
    SAMPLE_RATE_HZ,
    PublishedWav2Small,
    modulated_noise,
    random_wav2small,
)
from toolkit.errors import ModelError  # noqa: E402
from toolkit.model.load import load_source  # noqa: E402
from toolkit.ops.execute import run_graph  # noqa: E402
from toolkit.passes.absorb_layout import to_graph_layout  # noqa: E402
from toolkit.quantize.snr import int8_snr_db  # noqa: E402
from toolkit.resources import data_dir  # noqa: E402
from toolkit.training.checkpoint import load_checkpoint, reorder_head  # noqa: E402
from toolkit.training.export import export_checkpoint  # noqa: E402

TOLERANCE = 1e-4  # outputs are about 1 in size
REAL, IMAGINARY, MEL, FLOOR = (
    f"vgg7.{name}"
    for name in (
        "spectrogram_extractor.conv_real.weight",
        "spectrogram_extractor.conv_imag.weight",
        "logmel_extractor.melW",
        "logmel_extractor.amin",
    )
)


@pytest.fixture(scope="module")
def published() -> PublishedWav2Small:
    return random_wav2small(5)


@pytest.fixture(scope="module")
def checkpoint(published: PublishedWav2Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "published.safetensors"
    save_file(published.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def exported(checkpoint: Path) -> Path:
    path = checkpoint.with_suffix(".onnx")
    export_checkpoint(checkpoint, path)
    return path


def waveform(seconds: float, seed: int) -> Tensor:
    return torch.from_numpy(modulated_noise(seconds, seed))[None]


def by_onnx(path: Path, features: Tensor) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options)
    (found,) = session.run(None, {session.get_inputs()[0].name: features.numpy()})
    return np.asarray(found)


def by_graph(path: Path, seconds: float, features: Tensor) -> np.ndarray:
    graph = load_source(str(path), seconds).float_graph
    assert graph is not None
    (name,) = graph.inputs
    values = run_graph(graph, to_graph_layout(graph, {name: features.numpy()}))
    return values[graph.outputs[0]]


@pytest.mark.parametrize("seconds", [0.02, 0.127, 1.0, 1.63])
def test_a_published_checkpoint_gives_the_published_outputs(
    published: PublishedWav2Small, checkpoint: Path, exported: Path, seconds: float
) -> None:
    """As ONNX and as the graph that is quantised, on the module's own features."""
    clip = waveform(seconds, 30)
    with torch.inference_mode():
        features = published.features(clip)
        expected = published.trunk(features).numpy()
        whole = load_checkpoint(checkpoint)[0](clip).numpy()
    onnx = by_onnx(exported, features)
    graph = by_graph(checkpoint, seconds, features)
    for found in (onnx, graph, whole):
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_another_order_of_the_head_would_be_seen(published: PublishedWav2Small) -> None:
    """Products are symmetric, x xT: all else that can change places moves the outputs."""
    with torch.inference_mode():
        features = published.features(waveform(1.0, 30))
        right = published.trunk(features)
        x = published.vgg7(features)
        gram = x @ x.mT
        wrong = [
            torch.cat([x, gram], dim=1),
            torch.cat([gram, x], dim=2),
            torch.cat([x.mT, gram], dim=2),
            torch.cat([x, gram], dim=2).mT,
            torch.cat([x, x.mT @ x], dim=2),
            torch.stack([x, gram], dim=3),
        ]
        for order in wrong:
            moved = published.adv(order.reshape(1, 338)) - right
            assert moved.abs().max() > 1000 * TOLERANCE


def test_the_zoo_has_the_published_head() -> None:
    """Its weights in the published module give what its ONNX gives."""
    folder = data_dir("models") / "wav2small"
    module = PublishedWav2Small()
    tensors = load_file(folder / "model.safetensors")
    module.load_state_dict({**tensors, FLOOR: tensors[FLOOR].reshape(1)})
    features = module.features(waveform(1.0, 3)).detach()
    with torch.inference_mode():
        expected = module.eval().trunk(features).numpy()
    found = by_onnx(folder / "model.onnx", features)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_a_checkpoint_that_others_wrote(cases_dir: Path) -> None:
    path = cases_dir / "audio" / "wav2small_published_order.safetensors"
    module = PublishedWav2Small()
    module.load_state_dict(load_file(path))
    features = module.features(waveform(1.0, 3)).detach()
    with torch.inference_mode():
        expected = module.eval().trunk(features).numpy()
    np.testing.assert_allclose(by_graph(path, 1.0, features), expected, rtol=0, atol=1e-6)


def test_an_older_checkpoint_is_reordered(
    published: PublishedWav2Small, checkpoint: Path, tmp_path: Path
) -> None:
    """The toolkit's head once took all pooled values, then all products."""
    reorder_head(checkpoint, tmp_path / "new.safetensors")
    with torch.inference_mode():
        features = published.features(waveform(0.5, 3))
        x = published.vgg7(features)
        expected = published.adv(torch.cat([x, x @ x.mT], dim=1).reshape(1, 338))
    found = by_graph(tmp_path / "new.safetensors", 0.5, features)
    np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.update({MEL: t[MEL].T.contiguous()}),
        lambda t: t.update({FLOOR: t[FLOOR].reshape(())}),
        lambda t: t.update({IMAGINARY: -t[IMAGINARY]}),  # exp(+i w t)
    ],
)
def test_other_forms_of_the_front_end_are_the_same(
    change: Callable[[dict[str, Tensor]], None], checkpoint: Path, exported: Path, tmp_path: Path
) -> None:
    tensors = load_file(checkpoint)
    change(tensors)
    other = tmp_path / "other.safetensors"
    save_file(tensors, other)
    export_checkpoint(other, tmp_path / "other.onnx")
    assert (tmp_path / "other.onnx").read_bytes() == exported.read_bytes()
    clip = waveform(0.2, 1)
    with torch.inference_mode():
        found, expected = load_checkpoint(other)[0](clip), load_checkpoint(checkpoint)[0](clip)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (MEL, (26, 34)),
        (MEL, (34, 26)),
        (MEL, (26, 26)),
        (MEL, (33, 33)),
        (MEL, (858,)),
        (MEL, (2, 33, 26)),
        (MEL, ()),
        (FLOOR, (2,)),
        (FLOOR, (0,)),
        (REAL, (33, 64)),
        (IMAGINARY, (33, 1, 63)),
        ("vgg7.l1.norm.num_batches_tracked", (1,)),
        ("vgg7.l4.norm.running_var", (12,)),
        ("vgg7.l1.conv.weight", (13, 13, 3, 3)),
        ("vgg7.sof.weight", (13, 13)),
        ("adv.weight", (338, 3)),
    ],
)
def test_wrong_shapes_are_named(
    name: str, shape: tuple[int, ...], checkpoint: Path, tmp_path: Path
) -> None:
    tensors = load_file(checkpoint)
    tensors[name] = torch.zeros(shape)
    save_file(tensors, tmp_path / "wrong.safetensors")
    with pytest.raises(ModelError) as error:
        export_checkpoint(tmp_path / "wrong.safetensors", tmp_path / "model.onnx")
    assert f"{name} must have shape" in error.value.message
    assert error.value.message.endswith(f"found {list(shape)}.")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (REAL, torch.abs),
        (REAL, lambda t: t.roll(1, dims=2)),
        (IMAGINARY, lambda t: t * torch.tensor([1.0, -1.0]).repeat(32)),
        (IMAGINARY, lambda t: t + torch.eye(33, 64)[:, None]),  # where its sine is nothing, too
        (MEL, torch.neg),
        (MEL, lambda t: t.flip(1)),
        (FLOOR, lambda t: t * 10),
    ],
)
def test_a_front_end_that_the_device_has_not_is_refused(
    name: str, change: Callable[[Tensor], Tensor], checkpoint: Path, tmp_path: Path
) -> None:
    tensors = load_file(checkpoint)
    tensors[name] = change(tensors[name]).contiguous()
    save_file(tensors, tmp_path / "foreign.safetensors")
    with pytest.raises(ModelError, match=f"{name} must be the published front end"):
        export_checkpoint(tmp_path / "foreign.safetensors", tmp_path / "model.onnx")


def test_the_device_gives_the_published_outputs(
    published: PublishedWav2Small, checkpoint: Path, tmp_path: Path
) -> None:
    """Checkpoint to compiled int8 C, from samples, within what eight bits cost random
    layers; the bytes in another order would be noise."""
    (tmp_path / "calib").mkdir()
    for seed in range(8):
        clip = modulated_noise(0.5, 100 + seed)
        soundfile.write(tmp_path / "calib" / f"{seed}.wav", clip, SAMPLE_RATE_HZ, "FLOAT")
    model = toolkit.load(checkpoint, 0.5).quantize(tmp_path / "calib")
    firmware = model.deploy("cortex-m4").compile()
    found, expected, reordered = [], [], []
    for seed in range(4):
        path = tmp_path / f"{seed}.wav"
        soundfile.write(path, modulated_noise(0.5, 200 + seed), SAMPLE_RATE_HZ, "PCM_16")
        samples, _ = soundfile.read(path, dtype="float32")
        with torch.inference_mode():
            features = published.features(torch.from_numpy(samples)[None])
            expected.append(published.trunk(features)[0].numpy())
            x = published.vgg7(features)
            blocks = torch.cat([x, x @ x.mT], dim=1).reshape(1, 338)
            reordered.append(published.adv(blocks)[0].numpy())
        found.append(firmware.run(path, simulator="host").values)
    right, wrong = np.stack(expected), np.stack(reordered)
    assert int8_snr_db(right, np.stack(found)) > 15.0
    assert int8_snr_db(wrong, np.stack(found)) < 3.0
