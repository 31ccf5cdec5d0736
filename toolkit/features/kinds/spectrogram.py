"""Kind "spectrogram": the bins of the FFT themselves, as power or magnitude, or logarithms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from toolkit.features import choices
from toolkit.features.arithmetic import Arithmetic
from toolkit.features.c_tables import Parts
from toolkit.features.edges import find_edges, linear_edges
from toolkit.features.fixed_tables import least_energy
from toolkit.features.framing import Samples
from toolkit.features.kinds.base import Work
from toolkit.features.kinds.spectral import SpectralSpec, edge_parts
from toolkit.features.log_bands import (
    least_share,
    log_line,
    log_unit,
    logarithms,
    standardised,
)
from toolkit.features.log_tables import top_parts
from toolkit.features.spectrum import strengths
from toolkit.features.validate import log_violations, one_of, spectrum_violations


@dataclass(frozen=True)
class Spectrogram(SpectralSpec):
    """A row is every bin from 0 to half the rate; ``log`` "none" leaves them linear."""

    kind = "spectrogram"
    value_word = "bin"
    sources: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "float32": ("tk_spectrum.h", "tk_spectrogram.c", "tk_edges.h"),
        "fixed": ("tk_spectrum_q.h", "tk_spectrogram_q.c", "tk_edges.h"),
    }

    def violations(self) -> Iterator[str]:
        yield from spectrum_violations(self)
        yield from one_of("log", self.log, (*choices.LOGS, "none"))
        yield from log_violations(self, 1)

    @property
    def row_values(self) -> int:
        return self.fft_samples // 2 + 1

    def extract(self, samples: Samples) -> NDArray[np.float32]:
        strength, divisor = strengths(samples, self)
        if self.log == "none":
            values = np.maximum(strength / divisor, self.floor)
            if self.top_db:
                values = np.maximum(values, values.max() * least_share(self))
        else:
            values = logarithms(strength, divisor, self)
        return standardised(values, self).astype(np.float32)

    def description(self) -> tuple[str, ...]:
        output = "as it is" if self.log == "none" else log_line(self)
        return (
            *self.frames_lines(),
            f"bins    the {self.strength_word} of a {self.fft_samples}-point FFT, every bin",
            f"output  {output}, quantised to int8",
        )

    def parts(self, arithmetic: Arithmetic, scale: float, zero_point: int) -> tuple[Parts, ...]:
        (mean,), (deviation,) = self.mean, self.deviation
        if self.log == "none":
            edges = linear_edges(self.floor, scale * deviation, zero_point, mean)
        else:
            unit, added = log_unit(self) / deviation, self.flooring == "add"
            offset = mean / deviation
            edges = find_edges(unit, self.floor, added, scale, zero_point, offset)
        return (
            *self.base_parts(arithmetic),
            top_parts(self, arithmetic.name),
            edge_parts(edges),
        )

    @property
    def floors(self) -> tuple[float, float]:
        return self.floor, least_energy(self)

    @property
    def work(self) -> Work:
        return Work(self.fft_points)
