"""The closed sets of words of a feature specification.

Its kinds are none of them: ``toolkit.features.kinds`` has their table.
"""

from __future__ import annotations

LEVEL_MODES = ("clip", "running", "fixed")
WINDOWS = ("hann",)
MEL_SCALES = ("slaney", "htk")
MEL_NORMS = ("area", "none")
MEL_SLOPES = ("hz", "mel")
LOGS = ("db", "ln")
FLOORINGS = ("max", "add")
MFCC_NORMS = ("ortho", "htk")
