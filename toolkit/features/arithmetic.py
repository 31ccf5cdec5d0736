"""What the C of features computes in: all that level and spectrum need of it, for any kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toolkit.features.c_tables import Parts
from toolkit.features.fields import LevelSpec, SpecFields, SpectrumFields


@dataclass(frozen=True)
class State:
    """Words of 32 bits that a front keeps between rows, and how many they are aligned to."""

    words: int
    alignment_words: int = 1


@dataclass(frozen=True)
class Arithmetic:
    """Files, state and tables of level and spectrum.

    ``spectrum_files`` goes by the length of the FFT; ``level_parts`` takes the specification and
    the power of the level's root by which what the samples become is divided; ``top_file`` and
    ``top_words`` are of energies limited by the clip's largest.
    """

    name: str
    level_files: tuple[str, ...]
    level_state: Callable[[LevelSpec], State]
    level_parts: Callable[[SpecFields, float], Parts]
    top_file: str
    top_words: int
    spectrum_files: Callable[[int], tuple[str, ...]]
    spectrum_parts: Callable[[SpectrumFields], Parts]
