"""What a search may choose from: genes, each one of a few choices, and the genomes they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from toolkit.errors import InputError
from toolkit.features.spec import FeatureSpec, from_data, to_data
from toolkit.search.genome import FEATURES, Genome
from toolkit.training.layers import Layer, Pair

#: The number of its choice, by gene.
Genes = Mapping[str, int]

#: Genes of each stage, and where their choices are in `Space`.
STAGE_GENES = {
    "layers": "layers",
    "width": "widths",
    "kernel": "kernels",
    "stride": "strides",
    "kind": "kinds",
    "reduce": "reductions",
}


@dataclass(frozen=True)
class Space:
    """Choices of every gene; pairs are (time, bands).

    A network has one of ``stages`` stages; each has one of ``layers`` layers of one width, kernel
    and kind, of which the first reduces time and bands by its stride.  ``reductions`` say how:
    stride or pool; ``pools`` are over time, at the end.  ``front_end`` lists what differs from the
    features of `wav2small_ha`.
    """

    stages: tuple[int, ...] = field(default=(2, 3, 4), metadata={"low": 1, "high": 8})
    layers: tuple[int, ...] = field(default=(1, 2), metadata={"low": 1, "high": 8})
    widths: tuple[int, ...] = field(default=(8, 12, 16, 24, 32), metadata={"low": 1, "high": 512})
    kernels: tuple[Pair, ...] = field(default=((3, 3),), metadata={"low": 1, "high": 15})
    strides: tuple[Pair, ...] = field(
        default=((1, 1), (1, 2), (2, 2)), metadata={"low": 1, "high": 4}
    )
    kinds: tuple[str, ...] = ("full", "depthwise")
    reductions: tuple[str, ...] = ("stride", "pool")
    pools: tuple[str, ...] = ("attention", "mean")
    front_end: tuple[Mapping[str, Any], ...] = ({},)

    @cached_property
    def specs(self) -> tuple[FeatureSpec, ...]:
        """The front ends; InputError for one that is none."""
        base = to_data(FEATURES)
        return tuple(from_data({**base, **changes}) for changes in self.front_end)

    @cached_property
    def choices(self) -> Mapping[str, int]:
        """How many choices each gene has, in the genes' order."""
        counts = {"front_end": len(self.front_end), "pool": len(self.pools)}
        counts["stages"] = len(self.stages)
        for stage in range(1, max(self.stages) + 1):
            for gene, name in STAGE_GENES.items():
                counts[f"stage{stage}.{gene}"] = len(getattr(self, name))
        return counts

    def draw(self, rng: np.random.Generator) -> dict[str, int]:
        """Genes at random, every choice as likely."""
        return {gene: int(rng.integers(count)) for gene, count in self.choices.items()}

    def genome(self, genes: Genes) -> Genome:
        """The network of genes.  What has no effect in it is the same whatever its gene says."""
        layers: list[Layer] = []
        for stage in range(1, self.stages[genes["stages"]] + 1):
            chosen = {
                gene: getattr(self, name)[genes[f"stage{stage}.{gene}"]]
                for gene, name in STAGE_GENES.items()
            }
            for place in range(chosen["layers"]):
                layers.append(_layer(chosen, first=not layers, reduces=place == 0))
        pool = self.pools[genes["pool"]]
        return Genome(tuple(layers), self.specs[genes["front_end"]], pool)

    def violations(self) -> Iterator[str]:
        """What cannot be chosen from, in words that name the key."""
        for name in ("stages", "pools", "front_end", *STAGE_GENES.values()):
            if not getattr(self, name):
                yield f"'space.{name}' must have a choice"
                return
        for name, known in (
            ("kinds", ("full", "depthwise")),
            ("reductions", ("stride", "pool")),
            ("pools", ("attention", "mean")),
        ):
            if unknown := [word for word in getattr(self, name) if word not in known]:
                yield f"'space.{name}' may have {' and '.join(known)}; got {unknown[0]!r}"
        if even := [kernel for kernel in self.kernels if not all(side % 2 for side in kernel)]:
            yield f"'space.kernels' must be odd; got {list(even[0])}"
        try:
            kinds = {spec.kind for spec in self.specs}
        except InputError as error:
            yield f"'space.front_end': {error.message}"
            return
        if kinds != {"log_mel"}:
            yield "'space.front_end' must be of kind log_mel"


def _layer(chosen: Mapping[str, Any], first: bool, reduces: bool) -> Layer:
    """A layer of a stage; the ``first`` one of all hears one channel, which has no depth."""
    stride: Pair = chosen["stride"] if reduces else (1, 1)
    pools = stride != (1, 1) and not first
    return Layer(
        width=chosen["width"],
        kernel=chosen["kernel"],
        stride=stride,
        kind="full" if first else chosen["kind"],
        reduce=chosen["reduce"] if pools else "stride",
    )
