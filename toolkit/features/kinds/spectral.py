"""What the kinds with a spectrum share: words, state, tables of level and spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass

from toolkit.features.arithmetic import Arithmetic, State
from toolkit.features.c_tables import CTable, Parts, integer_literals
from toolkit.features.edges import Edges
from toolkit.features.fields import LogFields
from toolkit.features.kinds.base import LEVEL_ROOT, FeatureSpec

_WINDOW_WORDS = {
    "hann": "periodic Hann",
    "hann_symmetric": "symmetric Hann",
    "hamming": "periodic Hamming",
    "hamming_symmetric": "symmetric Hamming",
    "povey": "Povey",
    "rectangular": "rectangular",
}


@dataclass(frozen=True)
class SpectralSpec(FeatureSpec, LogFields):
    """A kind whose rows are made of spectra."""

    @property
    def extra_words(self) -> int:
        return int(self.is_mirrored) + int(self.emphasis_ends)

    @property
    def buffer_samples(self) -> int:
        ahead = 1 if self.is_mirrored else 0
        before = 1 if self.is_mirrored or self.pre_emphasis else 0
        before += self.emphasis_ends
        return before + max(self.fft_samples, self.frame_samples + ahead)

    def front_state(self, arithmetic: Arithmetic) -> State:
        level = arithmetic.level_state(self.level)
        top = arithmetic.top_words if self.needs_top else 0
        return State(level.words + self.fft_samples + 2 + top, level.alignment_words)

    @property
    def needs_top(self) -> bool:
        """Whether energies are limited by the clip's largest."""
        return self.top_db > 0.0

    def kernel_files(self, arithmetic: Arithmetic) -> tuple[str, ...]:
        top = (arithmetic.top_file,) if self.needs_top else ()
        return (*super().kernel_files(arithmetic), *top)

    def base_parts(self, arithmetic: Arithmetic) -> tuple[Parts, ...]:
        """Macros and tables of framing, level and spectrum."""
        return (
            Parts(self.switches()),
            arithmetic.level_parts(self, self.power),
            arithmetic.spectrum_parts(self),
        )

    def switches(self) -> dict[str, str]:
        """Macros that choose code."""
        defines = {}
        if self.power != 2.0:
            defines["LEVEL_ROOT"] = LEVEL_ROOT
            defines["MAGNITUDE"] = "1 /* bands are of magnitudes */"
        if self.is_mirrored:
            defines["MIRRORED"] = "1 /* the clip, mirrored, stands beyond its ends */"
        if self.remove_dc:
            defines["REMOVE_DC"] = "1 /* frames are used less their mean */"
        if self.pre_emphasis and self.pre_emphasis_of == "frame":
            defines["EMPHASIS_OF_FRAME"] = "1 /* a frame's first sample is emphasised by itself */"
        if self.emphasis_ends:
            defines["EMPHASIS_ENDS"] = "1 /* what lies beyond the clip is not emphasised */"
        return defines

    @property
    def emphasis_ends(self) -> bool:
        """Whether frames reach beyond the end of an emphasised clip."""
        return self.emphasises_clip and self.center

    @property
    def fft_points(self) -> float:
        """Points of the FFT times its passes."""
        return self.fft_samples * math.log2(self.fft_samples)

    def frames_lines(self) -> tuple[str, ...]:
        """The lines of a description down to the spectrum."""
        beyond = "the clip mirrored" if self.is_mirrored else "half a frame of zeros"
        padding = f", centred: {beyond} at both ends" if self.center else ""
        inside = f" of {self.window_samples} in their middle" if self.window_samples else ""
        lines = [
            f"frames  {self.frame_samples} samples every {self.hop_samples}, "
            f"{_WINDOW_WORDS[self.window]} window{inside}{padding}"
        ]
        if self.remove_dc:
            lines.append("        less the frame's mean")
        if self.pre_emphasis:
            lines.append(
                f"        pre-emphasis {self.pre_emphasis:g} of the {self.pre_emphasis_of}"
            )
        return tuple(lines)

    @property
    def strength_word(self) -> str:
        return "power" if self.power == 2.0 else "magnitude"


def edge_parts(edges: Edges) -> Parts:
    """Macros and tables of logarithm and quantisation as one."""
    defines = {
        "LEAST": f"({edges.least}) /* the smallest feature */",
        "EDGES": f"{len(edges.bits)}u",
        "BUCKETS": str(len(edges.before)),
        "BUCKET_SHIFT": str(edges.shift),
        "FIRST_BUCKET": str(edges.first_bucket),
    }
    tables = (
        CTable("uint32_t", "tk_edges", (*integer_literals(edges.bits), "UINT32_MAX")),
        CTable("uint8_t", "tk_edges_before", integer_literals(edges.before)),
    )
    return Parts(defines, tables)
