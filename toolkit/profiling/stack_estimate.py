"""Stack of a firmware that is not compiled: its deepest chain of calls, by `code_table`."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.profiling.code_table import (
    FIRMWARE,
    code_of,
    driver_key,
    function_key,
    main_key,
)
from toolkit.profiling.features import FeatureEstimate
from toolkit.profiling.flash import FirmwareCode, LayerCode
from toolkit.targets import Core


@dataclass(frozen=True)
class StackEstimate:
    """Bytes of the deepest chain, and what it leads to: a node, the features or the harness."""

    size_bytes: int
    deepest: str


def estimate_stack(
    code: FirmwareCode, core: Core, features: FeatureEstimate | None, has_features: bool
) -> StackEstimate:
    """The harness, then the features, or the model's driver and its deepest layer."""
    main = code_of(core, main_key(code.schedule, has_features, code.tensors)).stack
    driver = code_of(core, driver_key(code.schedule, code.stages)).stack
    chains = [(code_of(core, FIRMWARE).stack, "test harness")]
    if features is not None:
        chains.append((main + features.stack_bytes, "features"))
    chains += [(main + driver + _layer(core, layer), layer.node) for layer in code.layers]
    return StackEstimate(*max(chains, key=lambda chain: chain[0]))


def _layer(core: Core, layer: LayerCode) -> int:
    size = code_of(core, layer.key)
    own = max(size.stack, size.shared) if layer.shared else size.stack
    apart = (f for f in layer.call.code.functions if f.stack_apart)
    return own + max((code_of(core, function_key(f)).stack for f in apart), default=0)
