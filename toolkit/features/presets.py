"""Front-ends by name, and the ``--features`` argument: a name, or a .toml or .json file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import InputError
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    FeatureSpec,
)
from toolkit.features.text import read_spec

SPEC_SUFFIXES = (".toml", ".json")


@dataclass(frozen=True)
class Preset:
    """A specification, and the call or project whose features it has."""

    spec: FeatureSpec
    about: str


PRESETS: Mapping[str, Preset] = {
    "wav2small": Preset(WAV2SMALL_RUNNING, "this zoo's Wav2Small: a level that streams"),
    "wav2small-published": Preset(WAV2SMALL, "the published Wav2Small: level of the whole clip"),
    "keyword-mfcc": Preset(KEYWORD_MFCC, "MLPerf Tiny's keyword spotting, by TensorFlow"),
    "micro-speech": Preset(MICRO_SPEECH, "TFLM's micro_speech: its integer front-end"),
}


def preset(name: str) -> Preset:
    """The preset of that name; InputError naming all there are."""
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        raise InputError(
            f"--features: '{name}' is neither a preset nor a .toml or .json file.",
            hint=f"{meant}Presets: {', '.join(PRESETS)}.",
        )
    return PRESETS[name]


def chosen_features(argument: str | None) -> FeatureSpec | None:
    """The specification that ``--features`` names; InputError for one that cannot be used."""
    if argument is None:
        return None
    if Path(argument).suffix.lower() in SPEC_SUFFIXES:
        return read_spec(Path(argument))
    return preset(argument).spec
