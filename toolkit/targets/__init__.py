"""Targets: what a microcontroller offers, read from ``firmware_templates/targets/<name>/``.

Three things, each data of its own.  A *core* (``core.toml``, with ``cycles.toml``, ``rates.toml``,
``code.toml`` and ``features.toml`` beside it) says how code is compiled, simulated and timed.  A
*part* (``target.toml``) says which core, clock, memories (how long each keeps the core waiting) and
current.  A *memory policy*
(``policies/<name>.toml``) says what of the part's memory a model may have.

A leaf module: one folder with a ``target.toml`` adds a target, nothing else has to know it.
"""

from toolkit.targets.core import CodeSize, Core, FeatureRates, Peak, Rates, Region, Simulation
from toolkit.targets.load import (
    list_cores,
    list_policies,
    list_targets,
    load_target,
    targets_dir,
)
from toolkit.targets.memory import Access, Cache, Memory
from toolkit.targets.model import IN_FLASH, LinkerContext, Placement, Policy, Power, Target

__all__ = [
    "IN_FLASH",
    "Access",
    "Cache",
    "CodeSize",
    "Core",
    "FeatureRates",
    "LinkerContext",
    "Memory",
    "Peak",
    "Placement",
    "Policy",
    "Power",
    "Rates",
    "Region",
    "Simulation",
    "Target",
    "list_cores",
    "list_policies",
    "list_targets",
    "load_target",
    "targets_dir",
]
