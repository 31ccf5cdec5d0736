"""Hearing-aid toolkit: ONNX to verified int8 firmware for hearing-aid-class microcontrollers.

The verbs of the command line in Python, each object leading to the next::

    model = toolkit.load("model.onnx").quantize(calib="clips/")
    deployment = model.deploy("cortex-m4", toolkit.ScheduleRequest(optimize="size"))
    print(deployment.estimate().find("ram_static_bytes"))   # no compiler, no simulator
    run = deployment.compile().run(audio="clip.wav")        # linked, simulated
    print(run.predictions, run.report.passed)

What a network will cost before it is trained, and what `toolkit search` looks for::

    genome = toolkit.Genome((toolkit.Layer(16, stride=(2, 2)), toolkit.Layer(24)))
    print(toolkit.cost(genome, "hearing-aid").find("flash_bytes"))

Whatever cannot be used raises a `ToolkitError`, whose ``hint`` names the remedy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from toolkit.resources import __version__ as __version__

if TYPE_CHECKING:
    from toolkit.deploy.deployment import Deployment, Firmware
    from toolkit.deploy.model import Model, load
    from toolkit.deploy.run import Run
    from toolkit.errors import ToolkitError
    from toolkit.measurement import Check, Issue, Measurement, Provenance
    from toolkit.plan.schedule import ScheduleRequest
    from toolkit.quantize.recipe import Recipe
    from toolkit.report import Report
    from toolkit.search.cost import Cost, cost
    from toolkit.search.genome import Genome
    from toolkit.training.layers import Layer

__all__ = [
    "Check",
    "Cost",
    "Deployment",
    "Firmware",
    "Genome",
    "Issue",
    "Layer",
    "Measurement",
    "Model",
    "Provenance",
    "Recipe",
    "Report",
    "Run",
    "ScheduleRequest",
    "ToolkitError",
    "cost",
    "load",
]

#: Where each name is defined; it is imported when it is first asked for.
_HOMES = {
    "Check": "toolkit.measurement",
    "Cost": "toolkit.search.cost",
    "Deployment": "toolkit.deploy.deployment",
    "Firmware": "toolkit.deploy.deployment",
    "Genome": "toolkit.search.genome",
    "Issue": "toolkit.measurement",
    "Layer": "toolkit.training.layers",
    "Measurement": "toolkit.measurement",
    "Model": "toolkit.deploy.model",
    "Provenance": "toolkit.measurement",
    "Recipe": "toolkit.quantize.recipe",
    "Report": "toolkit.report",
    "Run": "toolkit.deploy.run",
    "ScheduleRequest": "toolkit.plan.schedule",
    "ToolkitError": "toolkit.errors",
    "cost": "toolkit.search.cost",
    "load": "toolkit.deploy.model",
}


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if not TYPE_CHECKING:  # a type checker knows the names above, and no other

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'toolkit' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)
