"""Kind "raw": the waveform itself as features, its level normalised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from toolkit.features.arithmetic import Arithmetic, State
from toolkit.features.c_tables import Parts, float_literal
from toolkit.features.fields import SpecFields
from toolkit.features.fixed_tables import number_macros
from toolkit.features.framing import FULL_SCALE, Samples, as_fractions, cut_frames
from toolkit.features.kinds.base import LEVEL_ROOT, FeatureKind
from toolkit.features.level import frame_levels
from toolkit.features.validate import MAX_HOP_SAMPLES, integer_in, one_of


def raw(samples: Samples, spec: SpecFields) -> NDArray[np.float32]:
    """Samples [rows, frame_samples], level-normalised; what fills no row is left out.

    ``samples`` [n] are int16, or floats in fractions of full scale; the level is followed frame
    by frame.  InputError as ``as_fractions``.
    """
    x = as_fractions(samples, spec)
    frames = cut_frames(x, spec)
    mean, square = frame_levels(x, frames, spec)
    return ((frames - mean[:, None]) / np.sqrt(square)[:, None]).astype(np.float32)


class Raw(FeatureKind):
    """Samples, cut into rows."""

    name = "raw"
    value_word = "value"
    sources: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "float32": ("tk_raw.h", "tk_raw.c", "tk_quantise.h"),
        "fixed": ("tk_raw_q.h", "tk_raw_q.c", "tk_quantise_q.h"),
    }

    def violations(self, spec: SpecFields) -> Iterator[str]:
        yield from integer_in("frame_samples", spec.frame_samples, 1, MAX_HOP_SAMPLES)
        if spec.hop_samples != spec.frame_samples:
            yield (
                "hop_samples must equal frame_samples with kind 'raw'; "
                f"got {spec.hop_samples!r} and {spec.frame_samples!r}"
            )
        yield from one_of("center (kind 'raw')", spec.center, (False,))

    def row_values(self, spec: SpecFields) -> int:
        return spec.frame_samples

    def extract(self, samples: Samples, spec: SpecFields) -> NDArray[np.float32]:
        return raw(samples, spec)

    def description(self, spec: SpecFields) -> tuple[str, ...]:
        return (f"output  {spec.frame_samples} samples a row, quantised to int8",)

    def kernel_files(self, arithmetic: Arithmetic) -> tuple[str, ...]:
        return (*arithmetic.level_files, *self.sources[arithmetic.name])

    def buffer_samples(self, spec: SpecFields) -> int:
        return spec.frame_samples

    def front_state(self, spec: SpecFields, arithmetic: Arithmetic) -> State:
        return arithmetic.level_state[spec.level.mode]

    def parts(
        self, spec: SpecFields, arithmetic: Arithmetic, scale: float, zero_point: int
    ) -> tuple[Parts, ...]:
        switches = {"ZERO_POINT": f"({zero_point})", "LEVEL_ROOT": LEVEL_ROOT}
        steps_per_sample = 1.0 / (FULL_SCALE * scale)
        steps = (
            {"STEPS_PER_SAMPLE": float_literal(steps_per_sample)}
            if arithmetic.name == "float32"
            else number_macros("STEPS_PER_SAMPLE", "STEPS_EXPONENT", steps_per_sample)
        )
        return (Parts(switches), arithmetic.level_parts(spec, 1.0), Parts(steps))

    def deviation_stage(self, share: float) -> str:
        return "level or quantisation"
