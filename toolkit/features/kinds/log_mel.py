"""Kind "log_mel": logarithms of mel bands, rounded to int8 by a table of edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from toolkit.features import choices
from toolkit.features.arithmetic import Arithmetic
from toolkit.features.c_tables import Parts
from toolkit.features.edges import find_edges
from toolkit.features.fields import MelLogFields
from toolkit.features.fixed_tables import least_floor
from toolkit.features.framing import Samples
from toolkit.features.kinds.base import Work
from toolkit.features.kinds.spectral import SpectralSpec, edge_parts
from toolkit.features.log_bands import log_bands, log_line, log_unit, standardised
from toolkit.features.log_tables import each_parts, top_parts
from toolkit.features.mel import mel_filterbank
from toolkit.features.row_tables import needs_values, row_files, row_parts, row_words
from toolkit.features.rows import finished
from toolkit.features.validate import (
    band_violations,
    log_violations,
    one_of,
    row_violations,
    spectrum_violations,
)


@dataclass(frozen=True)
class LogMel(SpectralSpec, MelLogFields):
    """Level, window, FFT, mel bands, logarithm: what ``librosa`` calls a log-mel spectrogram."""

    kind = "log_mel"
    value_word = "band"
    sources: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "float32": ("tk_spectrum.h", "tk_logmel.c", "tk_edges.h"),
        "fixed": ("tk_spectrum_q.h", "tk_logmel_q.c", "tk_edges.h"),
    }
    #: Where every band has a mean and a deviation of its own.
    each_sources: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "float32": ("tk_logmel_each.h", "tk_logmel_each.c", "tk_log.h", "tk_quantise.h"),
        "fixed": ("tk_logmel_each_q.h", "tk_logmel_each_q.c", "tk_log_q.h", "tk_quantise_q.h"),
    }

    def violations(self) -> Iterator[str]:
        yield from spectrum_violations(self)
        yield from band_violations(self)
        yield from one_of("mel_scale", self.mel_scale, choices.MEL_SCALES)
        yield from one_of("mel_norm", self.mel_norm, choices.MEL_NORMS)
        yield from one_of("mel_slopes", self.mel_slopes, choices.MEL_SLOPES)
        yield from one_of("log", self.log, choices.LOGS)
        yield from self.ending_violations()
        yield from row_violations(self)

    def ending_violations(self) -> Iterator[str]:
        """What is wrong with the logarithm and all that follows."""
        yield from log_violations(self, self.n_mels)

    @property
    def values(self) -> int:
        """Values of a row before deltas and stacking."""
        return self.n_mels

    @property
    def row_values(self) -> int:
        return self.values * (1 + self.deltas) * self.stack

    def extract(self, samples: Samples) -> NDArray[np.float32]:
        rows = standardised(self.untouched(samples), self)
        return finished(rows, self).astype(np.float32)

    def untouched(self, samples: Samples) -> NDArray[np.float64]:
        """Values [rows, values] before ``mean`` and ``deviation``."""
        return log_bands(samples, self)

    def description(self) -> tuple[str, ...]:
        return (
            *self.frames_lines(),
            f"bands   {self.n_mels} mel bands ({self.mel_scale} scale, {self.mel_norm} norm, "
            f"straight in {self.mel_slopes}),",
            f"        {self.f_min_hz:g} to {self.f_max_hz:g} Hz, of the {self.strength_word} of a "
            f"{self.fft_samples}-point FFT",
            f"output  {log_line(self)}{self.ending}, quantised to int8",
            *self.row_lines(),
        )

    def row_lines(self) -> tuple[str, ...]:
        """The lines of a description about what becomes of rows."""
        lines = []
        if self.deltas:
            orders = "first and second" if self.deltas == 2 else "first"
            lines.append(f"{orders} deltas over {self.delta_width} rows on both sides")
        if self.normalise == "clip":
            lines.append("every value by its mean and deviation over the clip")
        if self.stack > 1 or self.stack_step > 1:
            lines.append(f"{self.stack} rows as one, every {self.stack_step}")
        return tuple(f"rows    {line}" for line in lines)

    @property
    def ending(self) -> str:
        """What follows the logarithm, in words."""
        return ""

    @property
    def has_each(self) -> bool:
        """Whether every band has a mean and a deviation of its own, or is kept unrounded."""
        return max(len(self.mean), len(self.deviation)) > 1 or needs_values(self)

    def files_of(self, arithmetic: str) -> tuple[str, ...]:
        own = (self.each_sources if self.has_each else self.sources)[arithmetic]
        return (*own, *row_files(self))

    def row_words(self, arithmetic: Arithmetic) -> int:
        return row_words(self, self.values, arithmetic.name)

    def parts(self, arithmetic: Arithmetic, scale: float, zero_point: int) -> tuple[Parts, ...]:
        return (
            *self.base_parts(arithmetic),
            top_parts(self, arithmetic.name),
            row_parts(self, self.values, arithmetic.name, scale),
            # Normalised values have another unit than those that they are made of.
            self.end_parts(arithmetic, 1.0 if self.normalise == "clip" else scale, zero_point),
        )

    def end_parts(self, arithmetic: Arithmetic, scale: float, zero_point: int) -> Parts:
        """Macros and tables of what makes int8 of the bands."""
        if self.has_each:
            return each_parts(self, arithmetic.name, scale, zero_point)
        added = self.flooring == "add"
        unit = log_unit(self) / self.deviation[0]
        offset = self.mean[0] / self.deviation[0]
        return edge_parts(find_edges(unit, self.floor, added, scale, zero_point, offset))

    @property
    def work(self) -> Work:
        weights = int(np.count_nonzero(mel_filterbank(self)))
        return Work(self.fft_points, weights, self.n_mels)

    @property
    def floors(self) -> tuple[float, float]:
        return self.floor, least_floor(self)
