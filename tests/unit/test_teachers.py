"""Teachers with tiny random weights of the real classes: layouts, batches, refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
transformers = pytest.importorskip("transformers", reason="needs the extra `teach`")

from safetensors.torch import load_file, save_file  # noqa: E402

from tests.support.teachers import (  # noqa: E402
    encoder_folders,
    wav2vec2_folder,
    wavlm_folder,
)
from toolkit.errors import ModelError  # noqa: E402
from toolkit.features.extract import extract  # noqa: E402
from toolkit.training.checkpoint import save_checkpoint  # noqa: E402
from toolkit.training.nets import NETS, make_net  # noqa: E402
from toolkit.training.teachers import open_teacher  # noqa: E402
from toolkit.training.teachers.base import rate_whole  # noqa: E402
from toolkit.training.teachers.dual import DualSpec, load_dual, make_dual, save_dual  # noqa: E402
from toolkit.training.teachers.speech import SpeechTeacher  # noqa: E402

RNG = np.random.default_rng(0)
#: A second, a bit more than half a second, and less than the encoders' first window and a half.
CLIPS = [(9000 * RNG.standard_normal(n)).clip(-32768, 32767).astype(np.int16)
         for n in (16_000, 9_217, 500)]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teachers")
    wav2vec2_folder(path / "wav2vec2")
    wavlm_folder(path / "wavlm-ser")
    whisper, wavlm = encoder_folders(path)
    torch.manual_seed(4)
    save_dual(make_dual(DualSpec(whisper, wavlm, rank=2, hidden=8)), path / "dual")
    return path


def rated(folder: Path, name: str, clips: list) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    found = open_teacher([str(folder / name)]).rate(clips)
    return found.outputs, found.embeddings


@pytest.mark.parametrize(
    ("name", "width"), [("wav2vec2", 16), ("wavlm-ser", 32), ("dual", 8)], ids=lambda x: str(x)
)
def test_a_clip_is_rated_the_same_in_any_company(folder: Path, name: str, width: int) -> None:
    """Padding reaches no answer: a batch of different lengths, and each alone."""
    outputs, embeddings = rated(folder, name, CLIPS)
    assert outputs.shape == (3, 3) and embeddings.shape == (3, width)
    assert np.ptp(outputs, axis=0).min() > 1e-4  # it does listen
    for n, clip in enumerate(CLIPS):
        alone, seen = rated(folder, name, [clip])
        np.testing.assert_allclose(alone[0], outputs[n], atol=2e-6)
        np.testing.assert_allclose(seen[0], embeddings[n], atol=2e-6)


def test_wav2vec2_by_hand(folder: Path) -> None:
    """The package's own encoder, and the head in numpy."""
    clip = CLIPS[0] / 32768
    heard = (clip - clip.mean()) / np.sqrt(clip.var() + 1e-7)
    config = transformers.Wav2Vec2Config.from_pretrained(folder / "wav2vec2")
    tensors = load_file(folder / "wav2vec2/model.safetensors")
    encoder = transformers.Wav2Vec2Model(config).eval()
    own = {k.removeprefix("wav2vec2."): v for k, v in tensors.items() if k.startswith("wav2vec2.")}
    encoder.load_state_dict(own)
    with torch.inference_mode():
        hidden = encoder(torch.from_numpy(heard[None]).float()).last_hidden_state[0].numpy()
    w = {k: v.numpy() for k, v in tensors.items() if k.startswith("classifier.")}
    mean = hidden.mean(axis=0)
    dense = np.tanh(w["classifier.dense.weight"] @ mean + w["classifier.dense.bias"])
    expected = w["classifier.out_proj.weight"] @ dense + w["classifier.out_proj.bias"]
    outputs, embeddings = rated(folder, "wav2vec2", CLIPS[:1])
    np.testing.assert_allclose(outputs[0], expected, atol=1e-5)
    np.testing.assert_allclose(embeddings[0], mean, atol=1e-5)


def test_wavlm_by_hand(folder: Path) -> None:
    heard = (CLIPS[0] / 32768 - 0.01) / (0.5 + 1e-6)
    config = transformers.WavLMConfig.from_pretrained(folder / "wavlm-ser/encoder")
    tensors = load_file(folder / "wavlm-ser/model.safetensors")
    encoder = transformers.WavLMModel(config).eval()
    own = {k.removeprefix("ssl_model."): v for k, v in tensors.items() if k.startswith("ssl_")}
    encoder.load_state_dict(own)
    with torch.inference_mode():
        hidden = encoder(torch.from_numpy(heard[None]).float()).last_hidden_state[0].numpy()
    w = {k: v.numpy().astype(float) for k, v in tensors.items() if not k.startswith("ssl_")}
    linear = hidden @ w["pool_model.sap_linear.weight"].T + w["pool_model.sap_linear.bias"]
    scores = np.exp(np.tanh(linear) @ w["pool_model.attention"])
    weights = scores / scores.sum()
    mean = (weights * hidden).sum(axis=0)
    deviation = np.sqrt(np.maximum((weights * hidden**2).sum(axis=0) - mean**2, 1e-5))
    x = np.concatenate([mean, deviation])
    outputs, embeddings = rated(folder, "wavlm-ser", CLIPS[:1])
    np.testing.assert_allclose(embeddings[0], x, atol=1e-5)
    for n in range(2):
        x = w[f"ser_model.fc.{n}.0.weight"] @ x + w[f"ser_model.fc.{n}.0.bias"]
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
        x = x * w[f"ser_model.fc.{n}.1.weight"] + w[f"ser_model.fc.{n}.1.bias"]
        x = np.maximum(x, 0)
    expected = w["ser_model.out.0.weight"] @ x + w["ser_model.out.0.bias"]
    np.testing.assert_allclose(outputs[0], expected, atol=1e-5)


def test_a_pair_is_averaged_and_sees_side_by_side(folder: Path) -> None:
    names = [str(folder / name) for name in ("wav2vec2", "wavlm-ser")]
    pair = open_teacher(names)
    both = pair.rate(CLIPS[:2])
    first, second = (open_teacher([name]).rate(CLIPS[:2]) for name in names)
    np.testing.assert_allclose(both.outputs, (first.outputs + second.outputs) / 2, atol=1e-6)
    assert both.embeddings.shape == (2, 16 + 32)
    assert pair.name == "wav2vec2 + wavlm-ser" and len(pair.sha256) == 64


def test_fresh_adapters_change_nothing_and_trained_ones_are_kept(
    folder: Path, tmp_path: Path
) -> None:
    model = load_dual(folder / "dual")
    trained = model.trained()
    assert {n.rpartition(".")[2] for n in trained if "parametrizations" in n} == {"down", "up"}
    plain = transformers.WavLMModel.from_pretrained(folder / "wavlm").eval()
    x = torch.from_numpy(CLIPS[0][None] / 32768).float()
    model.eval()
    with torch.inference_mode():
        same = model.wavlm(x).last_hidden_state
        assert torch.allclose(same, plain(x).last_hidden_state, atol=1e-6)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1)
        assert not torch.allclose(model.wavlm(x).last_hidden_state, same, atol=1e-3)
    save_dual(model, tmp_path / "dual")
    again = SpeechTeacher("x", "", load_dual(tmp_path / "dual"), True).rate(CLIPS)
    expected = SpeechTeacher("x", "", model, True).rate(CLIPS)
    np.testing.assert_allclose(again.outputs, expected.outputs, atol=1e-6)


def test_students_are_an_ensemble(tmp_path: Path) -> None:
    nets, names = [], ("wav2small_ha", "mobilenetv4_conv_small")
    for seed, name in enumerate(names):
        torch.manual_seed(seed)
        nets.append(make_net(name, NETS[name].spec).eval())
        save_checkpoint(nets[-1], NETS[name].spec, tmp_path / f"{name}.safetensors")
    teacher = open_teacher([str(p) for p in sorted(tmp_path.glob("*.safetensors"))])
    found = teacher.rate(CLIPS[:2])
    with torch.inference_mode():
        rows = [torch.from_numpy(extract(CLIPS[1], NETS[name].spec))[None, None] for name in names]
        said = [net.trunk(x).numpy()[0] for net, x in zip(nets, rows, strict=True)]
    np.testing.assert_allclose(found.outputs[1], np.mean(said, axis=0), atol=1e-6)
    assert found.embeddings.shape == (2, 32 * 4 + 1280)


def test_long_clips_are_heard_in_pieces(folder: Path) -> None:
    teacher = open_teacher([str(folder / "wav2vec2")])
    long = np.concatenate([CLIPS[0]] * 31)  # 31 s: two pieces
    halves = teacher.rate(np.array_split(long, 2)).outputs
    found = rate_whole(teacher, [CLIPS[1], long]).outputs
    np.testing.assert_allclose(found[1], halves.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found[0], teacher.rate(CLIPS[1:2]).outputs[0], atol=1e-6)


# --- refusals ------------------------------------------------------------------------------------
def test_weights_that_claim_to_be_published_are_checked(folder: Path, tmp_path: Path) -> None:
    name = "wav2vec2-large-robust-12-ft-emotion-msp-dim"
    shutil.copytree(folder / "wav2vec2", tmp_path / name)
    with pytest.raises(ModelError, match=r"must rate a second of silence \(0.546"):
        open_teacher([str(tmp_path / name)])


def test_weights_that_lack_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "wav2vec2", tmp_path / "some")
    tensors = load_file(tmp_path / "some/model.safetensors")
    del tensors["classifier.dense.bias"]
    save_file(tensors, tmp_path / "some/model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks the weights classifier\.dense\.bias"):
        open_teacher([str(tmp_path / "some")])


@pytest.mark.parametrize(
    ("config", "words"),
    [(None, "holds no"), ({"model_type": "bert"}, "is of kind 'bert'")],
    ids=["none", "bert"],
)
def test_what_is_no_teacher_is_refused(tmp_path: Path, config: object, words: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match=words):
        open_teacher([str(tmp_path)])
