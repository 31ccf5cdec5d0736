"""Teachers, and which one a folder, a file or a name stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.errors import ModelError, ToolMissingError
from toolkit.training.run import WEIGHTS
from toolkit.training.teachers.base import SAMPLE_RATE_HZ, Teacher, Together, digest_of
from toolkit.training.teachers.students import open_student

#: How far the published weights' own answer may lie from the stated one.
_SELF_CHECK_TOLERANCE = 1e-3


def open_teacher(sources: Sequence[str]) -> Teacher:
    """The teacher that ``sources`` stand for; of several, all together.

    A source is a ``.safetensors`` or folder of `toolkit train`, the folder of a dual encoder, or a
    checkpoint of transformers (a folder, or a name on the hub).  Raises ModelError for what is none
    of them, ToolMissingError where a package is missing.
    """
    teachers = tuple(map(_open, sources))
    return teachers[0] if len(teachers) == 1 else Together(teachers)


def _open(source: str) -> Teacher:
    path = Path(source)
    if path.suffix == ".safetensors":
        return open_student(path)
    if (path / WEIGHTS).is_file() and (path / "run.json").is_file():
        return open_student(path / WEIGHTS)
    _require_transformers(source)
    from toolkit.training.teachers.dual import FACTS
    from toolkit.training.teachers.hub import raw_config

    if (path / FACTS).is_file():
        return _dual(source)
    config = raw_config(source)
    kind = str(config.get("model_type"))
    if kind not in KINDS:
        raise ModelError(
            f"'{source}': is of kind '{kind}'; teachers are {', '.join(KINDS)}.",
            "docs/TRAINING.md lists the layouts that are known.",
        )
    return KINDS[kind](source, config)


def _wav2vec2(source: str, raw: dict[str, Any]) -> Teacher:
    from transformers import Wav2Vec2Config

    from toolkit.training.teachers.hub import config_of, pretrained
    from toolkit.training.teachers.speech import SpeechTeacher
    from toolkit.training.teachers.wav2vec2 import SELF_CHECK, Wav2Vec2Emotion

    config = config_of(Wav2Vec2Config, source)
    model = pretrained(Wav2Vec2Emotion, source, config)
    name = Path(source).name
    teacher = SpeechTeacher(name, digest_of(model), model, config.feat_extract_norm == "layer")
    if name in SELF_CHECK:
        said = teacher.rate([np.zeros(SAMPLE_RATE_HZ, np.int16)]).outputs[0]
        if np.abs(said - SELF_CHECK[name]).max() > _SELF_CHECK_TOLERANCE:
            raise ModelError(
                f"'{source}': must rate a second of silence {SELF_CHECK[name]}; said "
                f"{tuple(said.round(4).tolist())}.",
                "Download the checkpoint again.",
            )
    return teacher


def _wavlm(source: str, raw: dict[str, Any]) -> Teacher:
    from transformers import WavLMConfig

    from toolkit.training.teachers.hub import config_of, pretrained
    from toolkit.training.teachers.speech import SpeechTeacher
    from toolkit.training.teachers.wavlm import WavLMEmotion

    # The checkpoint names its encoder, whose own config it does not repeat.
    encoder = str(raw.get("ssl_type", source))
    beside = Path(source) / encoder
    config = config_of(WavLMConfig, str(beside) if beside.is_dir() else encoder)
    model = pretrained(WavLMEmotion, source, config, raw)
    together = config.feat_extract_norm == "layer"
    sha256 = digest_of(model, f"{model.mean} {model.std}")
    return SpeechTeacher(Path(source).name, sha256, model, together)


def _dual(source: str) -> Teacher:
    from toolkit.training.teachers.dual import load_dual
    from toolkit.training.teachers.speech import SpeechTeacher

    model = load_dual(Path(source))
    together = model.wavlm.config.feat_extract_norm == "layer"
    return SpeechTeacher(Path(source).name, digest_of(model), model, together)


#: Layouts by the kind that a checkpoint's config states.
KINDS: dict[str, Callable[[str, dict[str, Any]], Teacher]] = {
    "wav2vec2": _wav2vec2,
    "ser": _wavlm,
}


def _require_transformers(source: str) -> None:
    if find_spec("transformers") is None:
        raise ToolMissingError(
            f"'{source}' is no net of `toolkit train`; teachers of the package transformers need "
            "the extra `teach`.",
            "pip install 'hearing-aid-toolkit[teach]' -c constraints.txt",
        )
