"""The closed sets of words of feature specifications.

Kinds are none of them: ``toolkit.features.kinds`` has their table.
"""

from __future__ import annotations

LEVEL_MODES = ("clip", "running", "fixed")
WINDOWS = (
    "hann",
    "hann_symmetric",
    "hamming",
    "hamming_symmetric",
    "povey",
    "rectangular",
)
PADDINGS = ("zeros", "reflect")
EMPHASIS_OF = ("clip", "frame")
MEL_SCALES = ("slaney", "htk")
MEL_NORMS = ("area", "none")
MEL_SLOPES = ("hz", "mel")
LOGS = ("db", "ln", "log10")
FLOORINGS = ("max", "add")
MFCC_NORMS = ("ortho", "htk")
NORMALISATIONS = ("none", "clip")
