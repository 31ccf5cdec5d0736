"""What a genome will cost on a target, before it is trained or compiled."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS
from toolkit.measurement import Measurement
from toolkit.plan.schedule import ScheduleRequest, choose_plan
from toolkit.profiling.estimate import estimate, estimate_measurements
from toolkit.search.genome import Genome
from toolkit.search.graph import quantized_graph
from toolkit.targets import Target, load_target


@dataclass(frozen=True)
class Cost:
    """Figures of a genome on a target, by their names in reports (docs/REPORT.md); estimated, of a
    clip of a second."""

    target: str
    schedule: str
    measurements: tuple[Measurement, ...]

    def find(self, name: str) -> Measurement | None:
        """The figure of that name, or None."""
        return next((m for m in self.measurements if m.name == name), None)


def cost(genome: Genome, target: str | Target) -> Cost:
    """RAM, flash, cycles, worst frame and energy of a genome on a target (a name as in `toolkit
    targets`), as `toolkit profile` gives them of the trained network.

    From shapes alone: nothing is calibrated, trained or compiled.  RAM is exact and the others are
    near (docs/TRAINING.md#search), unless training leaves channels dead: then less is needed.
    Raises InputError for an unknown target and a genome whose kernels do not fit a second of rows.
    """
    part = load_target(target) if isinstance(target, str) else target
    graph = quantized_graph(genome, DEFAULT_CLIP_SECONDS)
    plan, _ = choose_plan(graph, ScheduleRequest(), part)
    entry = graph.tensors[graph.inputs[0]]
    front_end = FrontEnd.feeding(entry, genome.features, part.arithmetic("auto"))
    found = estimate(plan, part, front_end)
    rows = estimate_measurements(found, part, front_end)
    return Cost(part.name, plan.schedule, tuple(rows))
