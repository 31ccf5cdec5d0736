"""What a recording's labels say of arousal, dominance and valence: one function a rule.

Targets are A, D, V in 0..1.  "norms" are the mean ratings of an emotion word by Russell &
Mehrabian, "Evidence for a three-factor theory of emotions", J. Research in Personality 11 (1977)
273-294, on scales of -1..1 for pleasure, arousal and dominance.  The numbers below were taken from
secondary sources that agree with one another (PAD tables in public affective-computing software,
and Mehrabian's own page www.kaaj.com/psych/scales/emotion.html as those cite it); the article
itself was not at hand.  Every clip of a class has the same target: it says what was acted, not
what was heard.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

#: Class to (pleasure, arousal, dominance) of the word in the comment; -1..1.
PAD_NORMS = {
    "anger": (-0.51, 0.59, 0.25),  # angry
    "boredom": (-0.65, -0.62, -0.33),  # bored
    "disgust": (-0.60, 0.35, 0.11),  # disgusted
    "fear": (-0.64, 0.60, -0.43),  # fearful
    "happiness": (0.81, 0.51, 0.46),  # happy
    "neutral": (0.0, 0.0, 0.0),  # no word of the norms: the scales' origin
    "sadness": (-0.63, -0.27, -0.33),  # sad
    "surprise": (0.40, 0.67, -0.13),  # surprised
}

Target = NDArray[np.float32]


def pad_target(emotion: str) -> Target:
    """A, D, V in 0..1 of a class: its norms, (x + 1) / 2.  ValueError for a class without."""
    if emotion not in PAD_NORMS:
        raise ValueError(
            f"class '{emotion}' has no published norms; known are {', '.join(PAD_NORMS)}"
        )
    pleasure, arousal, dominance = PAD_NORMS[emotion]
    return (np.array([arousal, dominance, pleasure], dtype=np.float32) + 1.0) / 2.0


def rated_target(values: Mapping[str, str], scale: tuple[float, float]) -> Target:
    """A, D, V of ratings, the ends of whose scale become 0 and 1; ``values`` by label.

    A teacher's outputs are ratings of its own.  ValueError for what is no finite number.
    """
    low, high = scale
    numbers = []
    for name, text in values.items():
        try:
            numbers.append((float(text) - low) / (high - low))
        except ValueError:
            raise ValueError(f"'{name}' must be a number; found {text!r}") from None
    target = np.array(numbers, dtype=np.float32)
    if not np.isfinite(target).all():
        raise ValueError("ratings must be finite")
    return target
