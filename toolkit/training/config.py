"""A training as its CONFIG.toml states it (docs/TRAINING.md)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.features.spec import FeatureSpec, LogMel, from_data, to_data
from toolkit.training.layers import layer_violations
from toolkit.training.nets import NETS
from toolkit.training.nets.base import PUBLISHED, Shape
from toolkit.training.tables import choice, number, read_table

SPLITS = ("train", "validation", "test")
LABELS = ("arousal", "dominance", "valence")
#: What a manifest's columns are, and the names under which they are looked for.
COLUMNS = {
    "path": ("path", "file"),
    "speaker": ("speaker",),
    "split": ("split",),
    "arousal": ("arousal", "A"),
    "dominance": ("dominance", "D"),
    "valence": ("valence", "V"),
    "class": ("class", "emotion", "label"),
    "weight": ("weight",),
}
_HINT = "docs/TRAINING.md lists the keys."


@dataclass(frozen=True)
class Corpus:
    """Recordings: a manifest, whose voices are in which split, and what becomes of their labels.

    ``columns`` names the manifest's columns by what we call them; ``classes`` its class names by
    ours, or by "" those to leave out.  ``split`` lists speakers; without it the manifest has a
    column.  ``share`` of each batch comes from here (relative to the other corpora); ``weight``
    multiplies its losses.
    """

    manifest: Path
    name: str
    audio: str = "."
    targets: str = choice("ratings", "norms", "teacher")
    scale: tuple[float, float] = (0.0, 1.0)
    columns: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    split: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    share: float = number(1.0)
    weight: float = number(1.0)
    attribution: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Augment:
    """Distortions of cached features; decibels are those of the mel bands.

    ``crop_seconds``: length of a batch's clips, drawn between two ends; ``speeds``: copies
    resampled to these tempi (pitch goes with it); ``gain_db``, ``tilt_db``: largest offset and
    largest slope and bend over the bands; ``colour_db``: largest of each of four cosines over
    them, as microphones differ; ``noise``: share of clips with added noise, ``noise_db`` above
    speech; masks: largest share of rows, largest number of bands; ``mixup``: share of batches.
    """

    crop_seconds: tuple[float, float] = (2.0, 2.0)
    speeds: tuple[float, ...] = (1.0,)
    gain_db: float = number(3.0)
    tilt_db: float = number(2.0)
    colour_db: float = number(0.0)
    noise: float = number(0.7, 0, 1)
    noise_db: tuple[float, float] = (-30.0, 0.0)
    mask_rows: float = number(0.17, 0, 0.5)
    mask_bands: int = number(3)
    mixup: float = number(0.0, 0, 1)


#: Fields of `Shape` for nets that come in sizes.
_SIZES = ("width", "head", "excite")
#: Fields of `Loss` for students of teachers.
_DISTILLING = ("features", "nd", "direction", "bins", "dropout")


@dataclass(frozen=True)
class Loss:
    """Weights of the losses: 1 - CCC, mean square, cross-entropy of the class (training only);
    distance from the teacher's embedding, and its norm and direction.

    The direction is that of the teacher's own embedding, or of the mean embedding of the class,
    where a class is a bin of the teacher's outputs: ``bins`` of each, equally full.  Both see the
    student through a map that is used in training only, which drops ``dropout`` of its inputs.
    """

    ccc: float = number(1.0)
    mse: float = number(2.0)
    classes: float = number(0.3)
    features: float = number(0.0)
    nd: float = number(0.0)
    direction: str = choice("embedding", "bins")
    bins: int = number(3, 2, 32)
    dropout: float = number(0.1, 0, 0.9)

    @property
    def guided(self) -> bool:
        """Whether a loss hears the teacher's embeddings."""
        return self.features > 0 or self.nd > 0


@dataclass(frozen=True)
class Optimiser:
    """AdamW whose rate rises to ``learning_rate`` and falls again, once."""

    learning_rate: float = number(4e-3, 1e-9)
    weight_decay: float = number(2e-2)
    warmup: float = number(0.15, 0, 1)
    clip_norm: float = number(1.0, 1e-9)


@dataclass(frozen=True)
class Quantise:
    """Steps after the training in which the network learns to live with int8 rounding; 0: none."""

    steps: int = number(0)
    learning_rate: float = number(1e-3, 1e-9)


@dataclass(frozen=True)
class Config:
    """Everything that decides a training's outcome.

    ``balance``: draw recordings or classes equally often.  ``ema``: decay of the averaged weights,
    which are what is validated and kept: those of the last step, or of the best validation.
    A state to resume from is written with every validation.
    """

    net: str
    corpus: tuple[Corpus, ...]
    name: str = ""
    seed: int = number(0)
    steps: int = number(500, 2)
    batch: int = number(24, 2)
    balance: str = choice("recordings", "classes")
    ema: float = number(0.98, 0, 1)
    recalibrate_bn: bool = False
    keep: str = choice("last", "best")
    validate_every: int = number(100, 1)
    threads: int = number(1, 1)
    device: str = choice("auto", "cpu", "cuda")
    amp: bool = True
    shape: Shape = PUBLISHED
    features: Mapping[str, Any] = field(default_factory=dict)
    augment: Augment = Augment()
    loss: Loss = Loss()
    optimiser: Optimiser = Optimiser()
    quantise: Quantise = Quantise()

    @property
    def spec(self) -> FeatureSpec:
        """The net's own front end with what ``features`` changes."""
        data = to_data(NETS[self.net].spec)
        own = {**self.features}
        if "level" in own and isinstance(own["level"], Mapping):
            own["level"] = {**data["level"], **own["level"]}
        return from_data({**data, **own})

    @property
    def sha256(self) -> str:
        """Of everything but where files lie, how often the run looks at itself, and `LATER` keys
        that are as they would be without them: configs of before keep theirs."""
        corpora = tuple(replace(c, manifest=Path(c.manifest.name)) for c in self.corpus)
        quiet = config_data(replace(self, corpus=corpora, validate_every=1))
        for path, default in LATER.items():
            *tables, key = path.split(".")
            table = quiet
            for name in tables:
                table = table[name]
            if table.get(key) == default:
                del table[key]
        return sha256(json.dumps(quiet, sort_keys=True).encode()).hexdigest()


#: Keys that came after configs had been trained with, and what each is where it is left out.
LATER: Mapping[str, Any] = {
    "shape.layers": [],
    "shape.pool": PUBLISHED.pool,
    "shape": {key: getattr(PUBLISHED, key) for key in _SIZES},
    "quantise": asdict(Quantise()),
    **{f"loss.{key}": value for key, value in asdict(Loss()).items() if key in _DISTILLING},
}


def config_data(config: Config) -> dict[str, Any]:
    """Plain values that `parse_config` makes the same config of."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return data


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a CONFIG.toml; ``overrides`` replace keys at its top.  InputError, one line, when it
    cannot be used."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.", _HINT) from None
    except ValueError as error:
        raise InputError(f"{path}: is no TOML: {error}.", _HINT) from None
    return parse_config({**data, **(overrides or {})}, path)


def parse_config(data: Mapping[str, Any], path: Path) -> Config:
    """A config from TOML already read, which stood in ``path``; as `load_config`."""
    try:
        config = read_table(Config, data, path.parent)
        for problem in _violations(config):
            raise ValueError(problem)
    except ValueError as error:
        stop = "" if str(error).endswith(("?", ".")) else "."
        raise InputError(f"{path}: {error}{stop}", _HINT) from None
    return config if config.name else replace(config, name=path.stem)


def _corpus_violations(corpus: Corpus) -> Iterator[str]:
    for table, known in (("columns", COLUMNS), ("split", SPLITS)):
        if unknown := sorted(set(getattr(corpus, table)) - set(known)):
            yield f"'{table}' may have {', '.join(known)}; got {unknown[0]!r}"
    if corpus.scale[0] >= corpus.scale[1]:
        yield f"'scale' must rise; got {list(corpus.scale)}"


def _augment_violations(augment: Augment) -> Iterator[str]:
    for name in ("crop_seconds", "noise_db"):
        ends = getattr(augment, name)
        if ends[0] > ends[1]:
            yield f"'augment.{name}' must not fall; got {list(ends)}"
    if augment.crop_seconds[0] < 0.2:
        yield "'augment.crop_seconds' must be at least 0.2"
    if not all(0.5 <= speed <= 2.0 for speed in augment.speeds) or not augment.speeds:
        yield f"'augment.speeds' must lie in 0.5..2; got {list(augment.speeds)}"


def _shape_violations(config: Config) -> Iterator[str]:
    kind, shape = NETS[config.net], config.shape
    sizes = any(getattr(shape, key) != getattr(PUBLISHED, key) for key in _SIZES)
    layers = (shape.layers, shape.pool) != (PUBLISHED.layers, PUBLISHED.pool)
    if not kind.layered and not kind.sized and (sizes or layers):
        yield f"net '{config.net}' comes in one size; leave out 'shape'"
    elif layers and not kind.layered:
        yield f"net '{config.net}' has layers of its own; leave out 'shape.layers' and 'shape.pool'"
    elif sizes and not kind.sized:
        yield f"net '{config.net}' is what 'shape.layers' says; leave out its other keys"
    yield from layer_violations(shape.layers)


def _violations(config: Config) -> Iterator[str]:
    if config.net not in NETS:
        yield f"'net' must be {' or '.join(NETS)}; got {config.net!r}"
    else:
        yield from _shape_violations(config)
    if not config.corpus:
        yield "it must hold at least one [[corpus]]"
    names = [corpus.name for corpus in config.corpus]
    if len(set(names)) < len(names):
        yield "each [[corpus]] must have a 'name' of its own"
    for corpus in config.corpus:
        yield from (f"corpus '{corpus.name}': {words}" for words in _corpus_violations(corpus))
    yield from _augment_violations(config.augment)
    if config.loss.ccc == config.loss.mse == 0:
        yield "'loss' needs ccc or mse above 0"
    yield from _feature_violations(config)


def _feature_violations(config: Config) -> Iterator[str]:
    try:
        spec, bands = config.spec, NETS[config.net].bands
    except InputError as error:
        raise ValueError(error.message) from None
    if spec.kind != "log_mel":
        yield f"'features.kind' must be log_mel; got {spec.kind!r}"
    if isinstance(spec, LogMel) and (spec.mean, spec.deviation) != ((0.0,), (1.0,)):
        yield "'features.mean' and 'features.deviation' must be left out: nets here bring their own"
    if bands not in (None, spec.row_values):
        yield f"net '{config.net}' takes {bands} bands; 'features' gives {spec.row_values}"
