"""What a kind of features is: one subclass in one file states all that the toolkit knows of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from toolkit.features.arithmetic import Arithmetic, State
from toolkit.features.c_tables import Parts
from toolkit.features.fields import SpecFields
from toolkit.features.framing import Samples

#: The macro ``LEVEL_ROOT`` of the kinds whose values go by the root of the level.
LEVEL_ROOT = "1 /* amplitudes are divided by the mean square's root */"
#: Fields of the kinds that have bands.
BAND_FIELDS = ("n_mels", "f_min_hz", "f_max_hz")


class FeatureKind(ABC):
    """Base of all kinds.  Instances are stateless; register them in ``toolkit/features/kinds``."""

    name: ClassVar[str]
    #: Fields of the specification that say something about the kind, beside those of every kind.
    fields: ClassVar[tuple[str, ...]] = ()
    #: What a value of a row is called.
    value_word: ClassVar[str]
    #: The kind's own C, by the name of the arithmetic; the first file is the header of its front.
    sources: ClassVar[Mapping[str, tuple[str, ...]]]

    # --- meaning ------------------------------------------------------------------------------
    @abstractmethod
    def violations(self, spec: SpecFields) -> Iterator[str]:
        """Everything that is wrong with the fields for this kind, one clause each."""

    @abstractmethod
    def row_values(self, spec: SpecFields) -> int:
        """Number of features in a row."""

    @abstractmethod
    def extract(self, samples: Samples, spec: SpecFields) -> NDArray[np.float32]:
        """The reference: features [rows, row_values] of one clip of int16, or fractions of full
        scale; InputError as ``as_fractions``."""

    @abstractmethod
    def description(self, spec: SpecFields) -> tuple[str, ...]:
        """What becomes of the levelled audio: a line a stage, headed by its name."""

    # --- C code -------------------------------------------------------------------------------
    def kernel_files(self, arithmetic: Arithmetic) -> tuple[str, ...]:
        """Hand-written C in ``firmware_templates/features`` beside what every kind needs."""
        own = self.sources[arithmetic.name]
        return (*arithmetic.level_files, *arithmetic.spectrum_files, *own)

    def buffer_samples(self, spec: SpecFields) -> int:
        """Samples that the frame's buffer holds."""
        return spec.fft_samples

    @abstractmethod
    def front_state(self, spec: SpecFields, arithmetic: Arithmetic) -> State:
        """What the kind keeps between rows."""

    @abstractmethod
    def parts(
        self, spec: SpecFields, arithmetic: Arithmetic, scale: float, zero_point: int
    ) -> tuple[Parts, ...]:
        """Macros and tables, for an int8 model input of that quantisation.

        InputError when no FFT bin lies in any band, or the features do not fit the quantisation.
        """

    # --- how the C code is held to the reference ----------------------------------------------
    def arithmetic_in_use(self, chosen: str) -> str:
        """What the C code computes in where ``chosen`` was asked for."""
        return chosen

    def least_floor(self, spec: SpecFields) -> float:
        """The lowest floor that fixed point resolves; 0 where any is, or there is none."""
        return 0.0

    def deviation_stage(self, share: float) -> str:
        """What most likely differs where that ``share`` of the values of a row does; "" where
        nothing can be said."""
        return "level, window, FFT or logarithm" if share > 0.5 else "the filterbank's weights"


def frames_line(spec: SpecFields) -> str:
    """The line of a description about frames that a window is taken of."""
    padding = ", centred: half a frame of zeros at both ends" if spec.center else ""
    return (
        f"frames  {spec.frame_samples} samples every {spec.hop_samples}, periodic Hann window"
        f"{padding}"
    )
