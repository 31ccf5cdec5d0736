"""The networks that can be trained: one file each, one row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toolkit.features.spec import FeatureSpec
from toolkit.training.nets import (
    layered,
    mobilenet,
    mobilenet_v3,
    mobilenet_v4,
    wav2small,
    wav2small_72k,
    wav2small_ha,
)
from toolkit.training.nets.base import PUBLISHED, Shape, Student

#: Arousal, dominance, valence.
OUTPUTS = 3


@dataclass(frozen=True)
class NetKind:
    """A network by name: its class (of a front end, a number of outputs and, where it comes in
    sizes or is stated in layers, a `Shape`), its default front end, and the bands it is made for
    (None: any)."""

    make: Callable[..., Student]
    spec: FeatureSpec
    bands: int | None = None
    sized: bool = False
    layered: bool = False


NETS = {
    "wav2small": NetKind(wav2small.Wav2Small, wav2small.SPEC, wav2small.SPEC.n_mels),
    "wav2small_72k": NetKind(wav2small_72k.Wav2Small72k, wav2small_72k.SPEC, wav2small.SPEC.n_mels),
    "wav2small_ha": NetKind(wav2small_ha.Wav2SmallHa, wav2small_ha.SPEC),
    "layered": NetKind(layered.Layered, layered.SPEC, layered=True),
    "mobilenetv3_small": NetKind(mobilenet_v3.MobileNetV3Small, mobilenet.SPEC, sized=True),
    "mobilenetv3_large": NetKind(mobilenet_v3.MobileNetV3Large, mobilenet.SPEC, sized=True),
    "mobilenetv4_conv_small": NetKind(mobilenet_v4.MobileNetV4Small, mobilenet.SPEC, sized=True),
    "mobilenetv4_conv_medium": NetKind(mobilenet_v4.MobileNetV4Medium, mobilenet.SPEC, sized=True),
}


def make_net(name: str, spec: FeatureSpec, shape: Shape = PUBLISHED) -> Student:
    """A net by its name, with fresh weights and three outputs."""
    kind = NETS[name]
    shaped = kind.sized or kind.layered
    return kind.make(spec, OUTPUTS, shape) if shaped else kind.make(spec, OUTPUTS)


def net_name(net: Student) -> str:
    """What a net is called here."""
    return next(name for name, kind in NETS.items() if type(net) is kind.make)
