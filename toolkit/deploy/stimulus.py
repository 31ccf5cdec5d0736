"""What a firmware is run on: clips of audio, or arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.errors import InputError
from toolkit.ir.tensor import Array
from toolkit.model.audio import Audio
from toolkit.model.reference import Case, stepwise
from toolkit.plan import Plan
from toolkit.simulate.protocol import encode_audio, encode_frames, encode_steps, encode_tensors

#: Random cases for a model without features.
RANDOM_CASES = 4


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Clips for a model with features, or cases of integer arrays for any other."""

    clips: Sequence[Audio] = ()
    cases: Sequence[Case] = ()

    def __post_init__(self) -> None:
        if not self.clips and not self.cases:
            raise InputError(
                "a stimulus without a clip and without arrays is nothing to run on.",
                hint="`Deployment.stimulus` gives one.",
            )

    @property
    def clip(self) -> Audio | None:
        """The first clip; None where there are arrays."""
        return self.clips[0] if self.clips else None

    @property
    def count(self) -> int:
        """How many clips or cases."""
        return len(self.clips) or len(self.cases)

    def encode(self, plan: Plan) -> bytes:
        """The input.bin for a harness that runs ``plan``: frame by frame where it streams, step by
        step where it has states."""
        if plan.graph.states and not self.clips:
            clips = [stepwise(plan.graph, case) for case in self.cases]
            return encode_steps([list(clip.values()) for clip in clips])
        if self.clips:
            return encode_audio([clip.samples for clip in self.clips])
        if plan.stream is not None:
            return encode_frames([_frames(case) for case in self.cases])
        return encode_tensors(
            [[np.ascontiguousarray(t).tobytes() for t in case] for case in self.cases]
        )


def _frames(case: Case) -> Array:
    """uint8 [frames, bytes]: of every input a row, side by side."""
    rows = (np.ascontiguousarray(part[0]).reshape(part.shape[1], -1) for part in case)
    return np.concatenate([part.view(np.uint8) for part in rows], axis=1)
