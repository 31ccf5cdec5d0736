"""Front-ends by name, and the ``--features`` argument: a name, or a .toml or .json file.

What each equals is tested against the library itself where it installs, else against its
definition in plain torch (`tests/unit/test_features_presets.py`).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.errors import InputError
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LevelSpec,
    LogMel,
    Mfcc,
)
from toolkit.features.text import read_spec

SPEC_SUFFIXES = (".toml", ".json")


@dataclass(frozen=True)
class Preset:
    """A specification, and the call or project whose features it has."""

    spec: FeatureSpec
    about: str


def _mfcc(bands: LogMel, n_mfcc: int, deviation: tuple[float, ...] = (1.0,)) -> Mfcc:
    return Mfcc(**{**vars(bands), "deviation": deviation}, n_mfcc=n_mfcc)


_PLAIN = LevelSpec("fixed")

_LIBROSA = LogMel(
    *(22_050, 2048, 512, _PLAIN),
    n_mels=128,
    f_max_hz=11_025.0,
    center=True,
    top_db=80.0,
)
_TORCHAUDIO = LogMel(
    *(16_000, 400, 200, _PLAIN),
    n_mels=128,
    f_max_hz=8000.0,
    n_fft=400,
    center=True,
    padding="reflect",
    mel_scale="htk",
    mel_norm="none",
)
_WHISPER = LogMel(
    *(16_000, 400, 160, _PLAIN),
    n_mels=80,
    f_max_hz=8000.0,
    n_fft=400,
    center=True,
    padding="reflect",
    log="log10",
    top_db=80.0,
    mean=(-4.0,),
    deviation=(4.0,),
)
_KALDI = LogMel(
    *(16_000, 400, 160, LevelSpec("fixed", gain=32768.0)),
    n_mels=80,
    f_min_hz=20.0,
    f_max_hz=8000.0,
    window="povey",
    remove_dc=True,
    pre_emphasis=0.97,
    pre_emphasis_of="frame",
    mel_scale="htk",
    mel_norm="none",
    mel_slopes="mel",
    log="ln",
    floor=2.0**-23,
)
_NEMO = LogMel(
    *(16_000, 512, 160, _PLAIN),
    n_mels=80,
    f_max_hz=8000.0,
    window="hann_symmetric",
    window_samples=400,
    center=True,
    pre_emphasis=0.97,
    log="ln",
    flooring="add",
    floor=2.0**-24,
)
_YAMNET = LogMel(
    *(16_000, 400, 160, _PLAIN),
    n_mels=64,
    f_min_hz=125.0,
    f_max_hz=7500.0,
    power=1.0,
    mel_scale="htk",
    mel_norm="none",
    mel_slopes="mel",
    log="ln",
    flooring="add",
    floor=1e-3,
)
#: What Kaldi multiplies cepstral coefficients by (--cepstral-lifter=22).
_LIFTER = tuple(1.0 / (1.0 + 11.0 * math.sin(math.pi * k / 22.0)) for k in range(13))

PRESETS: Mapping[str, Preset] = {
    "wav2small": Preset(WAV2SMALL_RUNNING, "this zoo's Wav2Small: a level that streams"),
    "wav2small-published": Preset(WAV2SMALL, "the published Wav2Small: level of the whole clip"),
    "keyword-mfcc": Preset(KEYWORD_MFCC, "MLPerf Tiny's keyword spotting, by TensorFlow"),
    "micro-speech": Preset(MICRO_SPEECH, "TFLM's micro_speech: its integer front-end"),
    "librosa": Preset(_LIBROSA, "librosa.power_to_db(librosa.feature.melspectrogram(y=y))"),
    "librosa-streamed": Preset(replace(_LIBROSA, top_db=0.0), "the same with top_db=None"),
    "librosa-mfcc": Preset(_mfcc(_LIBROSA, 20), "librosa.feature.mfcc(y=y)"),
    "torchaudio": Preset(_TORCHAUDIO, "torchaudio MelSpectrogram() and AmplitudeToDB()"),
    "torchaudio-mfcc": Preset(
        _mfcc(replace(_TORCHAUDIO, top_db=80.0), 40), "torchaudio.transforms.MFCC()"
    ),
    "whisper": Preset(_WHISPER, "Whisper's 80 bands, but for the last row, which it drops"),
    "whisper-streamed": Preset(
        replace(_WHISPER, top_db=0.0), "the same without the limit below the clip's largest"
    ),
    "kaldi-fbank": Preset(_KALDI, "Kaldi's fbank, 80 bands of int16-scaled samples, no dither"),
    "kaldi-mfcc": Preset(
        _mfcc(replace(_KALDI, n_mels=23), 13, _LIFTER),
        "Kaldi's mfcc of int16-scaled samples, no dither, --use-energy=false",
    ),
    "ast": Preset(
        replace(
            _KALDI,
            n_mels=128,
            window="hann_symmetric",
            level=_PLAIN,
            mean=(-4.2677393,),
            deviation=(2 * 4.5689974,),
        ),
        "the Audio Spectrogram Transformer's fbank, normalised as for AudioSet",
    ),
    "nemo": Preset(_NEMO, "NeMo's mel preprocessor with normalize=None, dither=0, pad_to=0"),
    "yamnet": Preset(_YAMNET, "YAMNet's log-mel rows"),
}


def preset(name: str) -> Preset:
    """The preset of that name; InputError naming all there are."""
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        raise InputError(
            f"features: '{name}' is neither a preset nor a .toml or .json file.",
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
