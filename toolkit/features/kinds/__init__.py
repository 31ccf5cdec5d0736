"""The table of kinds of features: one row a kind, one file each."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.features.kinds.base import FeatureSpec
from toolkit.features.kinds.log_mel import LogMel
from toolkit.features.kinds.mfcc import Mfcc
from toolkit.features.kinds.micro_frontend import MicroFrontend
from toolkit.features.kinds.micro_tables import MicroSpec
from toolkit.features.kinds.raw import Raw
from toolkit.features.kinds.spectrogram import Spectrogram

__all__ = ["KINDS", "LogMel", "Mfcc", "MicroFrontend", "MicroSpec", "Raw", "Spectrogram"]

KINDS: Mapping[str, type[FeatureSpec]] = {
    kind.kind: kind
    for kind in (
        LogMel,
        Mfcc,
        MicroFrontend,
        Raw,
        Spectrogram,
    )
}
