"""What the C of features computes in: all that level and spectrum need of it, for any kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.features.c_tables import Parts
from toolkit.features.fields import SpecFields


@dataclass(frozen=True)
class State:
    """Words of 32 bits that a front keeps between rows, and how many they are aligned to."""

    words: int
    alignment_words: int = 1


@dataclass(frozen=True)
class Arithmetic:
    """Files, state and tables of level and spectrum.

    ``level_state`` goes by the level's mode; ``level_parts`` takes the specification and the power
    of the level's root by which what the samples become is divided.
    """

    name: str
    level_files: tuple[str, ...]
    level_state: Mapping[str, State]
    level_parts: Callable[[SpecFields, float], Parts]
    spectrum_files: tuple[str, ...]
    spectrum_parts: Callable[[SpecFields], Parts]
