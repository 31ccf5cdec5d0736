"""Kind "raw": the waveform itself as features, its level normalised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from toolkit.features.arithmetic import Arithmetic, State
from toolkit.features.c_tables import Parts, float_literal
from toolkit.features.fixed_tables import number_macros
from toolkit.features.framing import FULL_SCALE, Samples, as_fractions, cut_frames
from toolkit.features.kinds.base import LEVEL_ROOT, FeatureSpec, Work
from toolkit.features.level import frame_levels
from toolkit.features.validate import MAX_HOP_SAMPLES, integer_in


@dataclass(frozen=True)
class Raw(FeatureSpec):
    """Samples, cut into rows; hop and frame equal."""

    kind = "raw"
    value_word = "value"
    sources: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "float32": ("tk_raw.h", "tk_raw.c", "tk_quantise.h"),
        "fixed": ("tk_raw_q.h", "tk_raw_q.c", "tk_quantise_q.h"),
    }

    def violations(self) -> Iterator[str]:
        yield from integer_in("frame_samples", self.frame_samples, 1, MAX_HOP_SAMPLES)
        if self.hop_samples != self.frame_samples:
            yield (
                "hop_samples must equal frame_samples with kind 'raw'; "
                f"got {self.hop_samples!r} and {self.frame_samples!r}"
            )

    @property
    def row_values(self) -> int:
        return self.frame_samples

    def extract(self, samples: Samples) -> NDArray[np.float32]:
        x = as_fractions(samples, self)
        frames = cut_frames(x, self)
        mean, square = frame_levels(x, frames, self)
        return ((frames - mean[:, None]) / np.sqrt(square)[:, None]).astype(np.float32)

    def description(self) -> tuple[str, ...]:
        return (f"output  {self.frame_samples} samples a row, quantised to int8",)

    def kernel_files(self, arithmetic: Arithmetic) -> tuple[str, ...]:
        return (*arithmetic.level_files, *self.sources[arithmetic.name])

    @property
    def buffer_samples(self) -> int:
        return self.frame_samples

    def front_state(self, arithmetic: Arithmetic) -> State:
        return arithmetic.level_state(self.level)

    def parts(self, arithmetic: Arithmetic, scale: float, zero_point: int) -> tuple[Parts, ...]:
        switches = {"ZERO_POINT": f"({zero_point})", "LEVEL_ROOT": LEVEL_ROOT}
        steps_per_sample = 1.0 / (FULL_SCALE * scale)
        steps = (
            {"STEPS_PER_SAMPLE": float_literal(steps_per_sample)}
            if arithmetic.name == "float32"
            else number_macros("STEPS_PER_SAMPLE", "STEPS_EXPONENT", steps_per_sample)
        )
        return (Parts(switches), arithmetic.level_parts(self, 1.0), Parts(steps))

    @property
    def work(self) -> Work:
        return Work()

    def deviation_stage(self, share: float) -> str:
        return "level or quantisation"
