"""The table of kinds of features: one row a kind, one file each."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.features.fields import SpecFields
from toolkit.features.kinds.base import FeatureKind
from toolkit.features.kinds.log_mel import LogMel
from toolkit.features.kinds.mfcc import Mfcc
from toolkit.features.kinds.micro_frontend import MicroFrontend
from toolkit.features.kinds.raw import Raw

KINDS: Mapping[str, FeatureKind] = {
    kind.name: kind
    for kind in (
        LogMel(),
        Mfcc(),
        MicroFrontend(),
        Raw(),
    )
}


def kind_of(spec: SpecFields) -> FeatureKind:
    """The kind of a specification that is sound."""
    return KINDS[spec.kind]
