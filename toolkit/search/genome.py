"""A network as a search sees it: layers, the pooling over time, the front end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from toolkit.errors import InputError
from toolkit.features.spec import WAV2SMALL_RUNNING, FeatureSpec, to_data
from toolkit.training.layers import Layer, layer_violations

#: The net of `toolkit train` that a genome is.
NET = "layered"
#: Features of a genome that states none: those of `wav2small_ha`.
FEATURES = replace(WAV2SMALL_RUNNING, frame_samples=256, hop_samples=256, floor=1e-4)


@dataclass(frozen=True)
class Genome:
    """A network that can be trained (net ``layered`` of `toolkit train`) and whose cost is known
    before: see `toolkit.cost`.

    ``pool`` over time is attention or mean, ``features`` the rows that it hears.  Raises InputError
    for what no network can be.
    """

    layers: tuple[Layer, ...]
    features: FeatureSpec = FEATURES
    pool: str = "attention"

    def __post_init__(self) -> None:
        problems = [*layer_violations(self.layers)]
        if not self.layers:
            problems.append("it must have at least one layer")
        if self.pool not in ("attention", "mean"):
            problems.append(f"'pool' must be attention or mean; got {self.pool!r}")
        for problem in problems:
            raise InputError(f"genome: {problem}.", hint="docs/TRAINING.md#search has the layers.")

    @cached_property
    def key(self) -> str:
        """A name: the same for equal genomes only."""
        text = json.dumps([self.config, to_data(self.features)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def config(self) -> dict[str, Any]:
        """The keys of `toolkit train`'s config that make it; ``features`` aside."""
        layers = [_plain(asdict(layer)) for layer in self.layers]
        return {"net": NET, "shape": {"pool": self.pool, "layers": layers}}

    @property
    def words(self) -> str:
        """The layers in short: ``12k3x3s1x2 > 16k3x3 > pool2x2 24k3x3 > attention``."""
        return " > ".join((*map(_layer_words, self.layers), self.pool))


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}


def _layer_words(layer: Layer) -> str:
    kind = "dw" if layer.kind == "depthwise" else ""
    text = f"{layer.width}{kind}k{layer.kernel[0]}x{layer.kernel[1]}"
    stride = f"{layer.stride[0]}x{layer.stride[1]}"
    if layer.pools:
        return f"pool{stride} {text}"
    return text if layer.stride == (1, 1) else f"{text}s{stride}"
