"""The feature specification in a model's metadata, and what models without a length are given."""

from __future__ import annotations

from toolkit.features.spec import METADATA_KEY, FeatureSpec, from_json
from toolkit.ir import Graph

#: What to do about a model that carries none.
HOW_TO_ATTACH = (
    "Attach one with --features spec.toml or --features PRESET; `toolkit features init MODEL "
    "--preset PRESET` writes a spec.toml to start from."
)
DEFAULT_CLIP_SECONDS = 1.0
#: Longer clips need more memory than any board here has; the limit bounds the workstation's too.
MAX_CLIP_SECONDS = 60.0


def feature_spec(graph: Graph) -> FeatureSpec | None:
    """The feature specification in a model's metadata; InputError when it is damaged."""
    text = graph.metadata.get(METADATA_KEY)
    return None if text is None else from_json(text)


def frames_of(seconds: float, spec: FeatureSpec) -> int:
    """Frames nearest to that much time."""
    return round(seconds * spec.sample_rate_hz / spec.row_hop_samples)
