"""The features of a model as its device computes them."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.features import tables
from toolkit.features.spec import FeatureSpec
from toolkit.ir import Tensor


@dataclass(frozen=True)
class FrontEnd:
    """A specification, the quantisation of the int8 model input that it feeds, and the arithmetic
    of its C: one of ``ARITHMETICS``.

    Raises InputError, from `files`, where scale or zero point are out of range.
    """

    spec: FeatureSpec
    scale: float
    zero_point: int
    arithmetic: str = "float32"

    @classmethod
    def feeding(cls, entry: Tensor, spec: FeatureSpec, arithmetic: str = "float32") -> FrontEnd:
        """The features of ``spec`` for the quantised model input ``entry``."""
        return cls(spec, entry.scale, entry.zero_point, arithmetic)

    @property
    def state_bytes(self) -> int:
        """RAM of the feature state."""
        return tables.state_bytes(self.spec, self.arithmetic)

    @property
    def kernel_files(self) -> tuple[str, ...]:
        """Names of the hand-written C files that it needs."""
        return tables.kernel_files(self.spec, self.arithmetic)

    def files(self) -> dict[str, str]:
        """Text of the generated features.h and features.c, by file name."""
        return tables.render_features(self.spec, self.scale, self.zero_point, self.arithmetic)
