"""What a kind of features is: one subclass of `FeatureSpec` in one file states all that the toolkit
knows of it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.arithmetic import Arithmetic, State
from toolkit.features.c_tables import Parts
from toolkit.features.fields import SpecFields
from toolkit.features.framing import Samples
from toolkit.features.validate import common_violations

#: The macro ``LEVEL_ROOT`` of the kinds whose values go by the root of the level.
LEVEL_ROOT = "1 /* amplitudes are divided by the mean square's root */"


@dataclass(frozen=True)
class Work:
    """Work of a frame: points of the FFT times its passes, weights of bands, and the bands on the
    stack."""

    fft_points: float = 0.0
    weights: int = 0
    stack_bands: int = 0


@dataclass(frozen=True)
class FeatureSpec(SpecFields, ABC):
    """Framing, level, and what becomes of a frame: one row of features.

    Frame t covers samples [t * hop_samples, t * hop_samples + frame_samples).  Each kind is a
    subclass that adds its fields; register it in ``toolkit/features/kinds``.

    Raises InputError, naming every violation, when the values cannot be used.
    """

    #: What a value of a row is called.
    value_word: ClassVar[str]
    #: The kind's own C, by the name of the arithmetic; the first file is the header of its front.
    sources: ClassVar[Mapping[str, tuple[str, ...]]]

    def __post_init__(self) -> None:
        if problems := [*common_violations(self), *self.violations()]:
            raise InputError(
                f"feature spec: {'; '.join(problems)}.", hint="docs/FEATURES.md has every field."
            )

    def to_json(self) -> str:
        """One line of JSON with every field, keys sorted; ``from_json`` gives an equal spec
        back."""
        return json.dumps(to_data(self), sort_keys=True)

    # --- meaning ------------------------------------------------------------------------------
    @abstractmethod
    def violations(self) -> Iterator[str]:
        """Everything that is wrong with the kind's fields, one clause each."""

    @property
    @abstractmethod
    def row_values(self) -> int:
        """Number of features in a row."""

    @abstractmethod
    def extract(self, samples: Samples) -> NDArray[np.float32]:
        """The reference: features [rows, row_values] of one clip of int16, or fractions of full
        scale; InputError as ``as_fractions``."""

    @abstractmethod
    def description(self) -> tuple[str, ...]:
        """What becomes of the levelled audio: a line a stage, headed by its name."""

    # --- C code -------------------------------------------------------------------------------
    def kernel_files(self, arithmetic: Arithmetic) -> tuple[str, ...]:
        """Hand-written C in ``firmware_templates/features`` beside what every kind needs."""
        own = self.files_of(arithmetic.name)
        return (*arithmetic.level_files, *arithmetic.spectrum_files(self.fft_samples), *own)

    def files_of(self, arithmetic: str) -> tuple[str, ...]:
        """The kind's own C; the first file is the header of its front."""
        return self.sources[arithmetic]

    @property
    def extra_words(self) -> int:
        """Words that the frame's buffer needs beside two counters."""
        return 0

    def row_words(self, arithmetic: Arithmetic) -> int:
        """Words that rows are kept in before they are the model's."""
        return 0

    @property
    def buffer_samples(self) -> int:
        """Samples that the frame's buffer holds."""
        return self.fft_samples

    @abstractmethod
    def front_state(self, arithmetic: Arithmetic) -> State:
        """What the kind keeps between rows."""

    @abstractmethod
    def parts(self, arithmetic: Arithmetic, scale: float, zero_point: int) -> tuple[Parts, ...]:
        """Macros and tables, for an int8 model input of that quantisation.

        InputError when no FFT bin lies in any band, or the features do not fit the quantisation.
        """

    @property
    @abstractmethod
    def work(self) -> Work:
        """What a frame costs, in units of the cores' tables."""

    def rates(self, arithmetic: str) -> str:
        """The row of the cores' ``features.toml`` that says what work costs."""
        return f"{self.kind}/{arithmetic}"

    # --- how the C code is held to the reference ----------------------------------------------
    def arithmetic_in_use(self, chosen: str) -> str:
        """What the C code computes in where ``chosen`` was asked for."""
        return chosen

    @property
    def floors(self) -> tuple[float, float]:
        """The floor of energies, and the lowest one that fixed point resolves; 0 where there is
        none."""
        return 0.0, 0.0

    def deviation_stage(self, share: float) -> str:
        """What most likely differs where that ``share`` of the values of a row does; "" where
        nothing can be said."""
        return "level, window, FFT or logarithm" if share > 0.5 else "the filterbank's weights"


def to_data(spec: FeatureSpec) -> dict[str, Any]:
    """The fields of a specification, its kind among them, as plain values."""
    return {"kind": spec.kind, **_plain(spec)}


def _plain(part: Any) -> dict[str, Any]:
    return {
        f.name: _plain(value) if is_dataclass(value) else _listed(value)
        for f in fields(part)
        if _says_something(f, value := getattr(part, f.name))
    }


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _says_something(f: Field[Any], value: object) -> bool:
    return not f.metadata.get("younger") or value != f.default
