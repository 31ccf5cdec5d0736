"""Features of any kind behind one function."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.framing import Samples
from toolkit.features.spec import FeatureSpec


def extract(samples: Samples, spec: FeatureSpec) -> NDArray[np.float32]:
    """Features [rows, ``spec.row_values``] of one clip of int16, or fractions of full scale.

    InputError when the clip gives no row, has more than one channel, or is not finite.
    """
    return spec.extract(samples)
