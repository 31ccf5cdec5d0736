"""The networks that can be trained: one file each, one row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toolkit.features.spec import FeatureSpec
from toolkit.training.nets import wav2small, wav2small_72k, wav2small_ha
from toolkit.training.nets.base import Student


@dataclass(frozen=True)
class NetKind:
    """A network by name: how it is made for a front end and a number of outputs, its default front
    end, and the bands it is made for (None: any)."""

    make: Callable[[FeatureSpec, int], Student]
    spec: FeatureSpec
    bands: int | None = None


NETS = {
    "wav2small": NetKind(wav2small.Wav2Small, wav2small.SPEC, wav2small.SPEC.n_mels),
    "wav2small_72k": NetKind(wav2small_72k.Wav2Small72k, wav2small_72k.SPEC, wav2small.SPEC.n_mels),
    "wav2small_ha": NetKind(wav2small_ha.Wav2SmallHa, wav2small_ha.SPEC),
}


def net_name(net: Student) -> str:
    """What a net is called here."""
    return next(name for name, kind in NETS.items() if type(net) is kind.make)
