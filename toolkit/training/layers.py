"""A network in layers, as a config states it and a search varies it; plain data, without torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from toolkit.training.tables import choice, number

#: Pairs here are (time, bands).
Pair = tuple[int, int]
#: Kernel and stride of a max-pool: (3, 3), and the layer's stride.
POOL_KERNEL = 3


@dataclass(frozen=True)
class Layer:
    """A convolution with batch normalisation and ReLU, to ``width`` channels.

    ``kind`` full is one convolution; depthwise is one of ``kernel`` a channel and then one of 1x1
    over the channels, each with its normalisation and ReLU.  ``stride`` is the convolution's, or,
    where ``reduce`` says pool, that of a 3x3 max-pool before it.  Kernels are odd, padding keeps
    the extent.
    """

    width: int = number(16, 1, 512)
    kernel: Pair = field(default=(3, 3), metadata={"low": 1, "high": 15})
    stride: Pair = field(default=(1, 1), metadata={"low": 1, "high": 4})
    kind: str = choice("full", "depthwise")
    reduce: str = choice("stride", "pool")

    @property
    def pools(self) -> bool:
        """Whether a max-pool stands before it."""
        return self.reduce == "pool" and self.stride != (1, 1)

    @property
    def conv_stride(self) -> Pair:
        """What is left to the convolution."""
        return (1, 1) if self.pools else self.stride


#: Those of `wav2small_ha`, and of a layered net that states none.
DEFAULT_LAYERS = (
    Layer(12, stride=(1, 2)),
    Layer(16),
    Layer(24, stride=(2, 2), reduce="pool"),
    Layer(24),
    Layer(32, stride=(1, 2), reduce="pool"),
    Layer(32),
)


def bands_after(bands: int, layers: tuple[Layer, ...]) -> int:
    """Bands of what the layers give."""
    for layer in layers:
        bands = -(-bands // layer.stride[1])
    return bands


def layer_violations(layers: tuple[Layer, ...]) -> Iterator[str]:
    """What `Layer`s may not be, in words that name the key."""
    for place, layer in enumerate(layers, 1):
        if not all(side % 2 for side in layer.kernel):
            yield f"'shape.layers {place}.kernel' must be odd; got {list(layer.kernel)}"
