"""Features of any kind: the numpy references behind one function."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.framing import Samples
from toolkit.features.kinds.log_mel import log_mel
from toolkit.features.kinds.mfcc import mfcc
from toolkit.features.kinds.micro_frontend import micro_frontend
from toolkit.features.kinds.raw import raw
from toolkit.features.spec import FeatureSpec

_REFERENCES = {"log_mel": log_mel, "mfcc": mfcc, "micro_frontend": micro_frontend, "raw": raw}


def extract(samples: Samples, spec: FeatureSpec) -> NDArray[np.float32]:
    """Features [rows, ``spec.row_values``] of one clip of int16, or fractions of full scale.

    InputError when the clip gives no row, has more than one channel, or is not finite.
    """
    return _REFERENCES[spec.kind](samples, spec)
