"""The model card of a training: what was trained, on whose voices, and what it is not for."""

from __future__ import annotations

import json
from collections.abc import Mapping

from toolkit.features.spec import LogMel
from toolkit.training.batches import Clips
from toolkit.training.config import LABELS, SPLITS, Config, Corpus

INTENDED = (
    "Research on, and prototypes of, listening devices that adapt to the tone of speech as a whole "
    "(arousal first; dominance and valence are weaker), with the knowledge of those who are heard."
)
UNINTENDED = (
    "Judging a person: hiring, education, policing, insurance, credit, health, lie detection, "
    "advertising.  It rates how speech sounds, learned from actors; it does not know what anybody "
    "feels.  Inferring people's emotions is sensitive and regulated (the EU's AI Act forbids it at "
    "work and in schools and restricts it elsewhere; GDPR applies): check before use.  Groups, "
    "languages and ages that were not measured may fare worse."
)
_RULES = {
    "ratings": "human ratings, {0:g}..{1:g} mapped to 0..1",
    "norms": "no ratings: published PAD norms of the acted class's word, (x + 1) / 2; see "
    "toolkit/training/targets.py",
    "teacher": "outputs of a teacher, {0:g}..{1:g} mapped to 0..1",
}


def card_text(
    config: Config, clips: Clips, metrics: Mapping[str, Mapping[str, float]], parameters: int
) -> str:
    """The card as TOML."""
    spec, licences = config.spec, [c.licence for c in config.corpus if c.licence]
    summary = f"Arousal, dominance and valence (about 0..1) from speech; {parameters:,} weights"
    lines = [
        "# Model card, written by `toolkit train`. CCC: Lin's concordance, of the float network.",
        f"name = {_text(config.name)}",
        f"summary = {_text(summary)}",
        f"architecture = {_text(config.net)}",
        f"outputs = {json.dumps(LABELS)}",
        f"weights_licence = {_text(' and '.join(dict.fromkeys(licences)) or 'not stated')}",
        f"intended_use = {_text(INTENDED)}",
        f"unintended_use = {_text(UNINTENDED)}",
        "",
        "[features]",
        f"front_end = {_text(_front_end(config))}",
        f"level_mode = {_text(spec.level.mode)}",
        "",
        "[training]",
        f"seed = {config.seed}",
        f"steps = {config.steps}",
        f"batch = {config.batch}",
        f"recalibrate_bn = {json.dumps(config.recalibrate_bn)}",
        f"kept = {_text(config.keep)}",
    ]
    for corpus in config.corpus:
        lines += ["", "[[training.corpus]]", *_corpus_lines(corpus, clips)]
    for split, values in metrics.items():
        count = len(clips.of(split).recordings)
        lines += ["", "[[ccc]]", f"split = {_text(split)}", f"recordings = {count}"]
        lines += [f"{label} = {values[label]:.3f}" for label in LABELS]
    return "\n".join(lines) + "\n"


def _corpus_lines(corpus: Corpus, clips: Clips) -> list[str]:
    lines = [
        f"name = {_text(corpus.name)}",
        f"targets = {_text(_RULES[corpus.targets].format(*corpus.scale))}",
    ]
    for key, value in (("attribution", corpus.attribution), ("licence", corpus.licence)):
        if value:
            lines.append(f"{key} = {_text(value)}")
    for split in SPLITS:
        part = clips.of(split, corpus.name).recordings
        if part:
            speakers = sorted({r.speaker for r in part})
            lines.append(f"{split} = {json.dumps(speakers)} # {len(part)} recordings")
    return lines


def _front_end(config: Config) -> str:
    spec = config.spec
    assert isinstance(spec, LogMel)  # `Config` sees to it
    return (
        f"{spec.frame_samples}-sample frames, hop {spec.hop_samples}, {spec.n_mels} mel bands "
        f"{spec.f_min_hz:g}..{spec.f_max_hz:g} Hz, {spec.log}, floor {spec.floor:g}"
    )


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
