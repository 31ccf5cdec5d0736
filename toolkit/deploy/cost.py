"""What the calls of a library cost, from the report of a build."""

from __future__ import annotations

from textwrap import wrap

from toolkit.emit.c_text import comment_text
from toolkit.emit.cost import Cost, Costs
from toolkit.measurement import Measurement
from toolkit.report import Report
from toolkit.report.text import strongest
from toolkit.targets import Target

_BASIS_CHARACTERS, _COLUMNS = 400, 92
#: By figure of a report: the end of its macro's name, and what it is.
_FIGURES = {
    "cycles_per_frame_mean": ("FRAME_CYCLES_MEAN", "cycles of a frame on average{features}"),
    "cycles_per_frame_worst": ("FRAME_CYCLES_WORST", "cycles of the dearest frame{features}"),
    "cycles_at_end_of_clip": ("FINISH_CYCLES", "cycles of model_finish"),
    "input_buffer_frames": ("INPUT_BUFFER_FRAMES", "frames that the input must buffer"),
    "stack_bound_bytes": ("STACK_BYTES", "bytes of stack, those of the test harness among them"),
}
#: What a batch model's only call costs.
_INVOKE = {"cycles_model": ("INVOKE_CYCLES", "cycles of model_invoke")}


def costs_of(report: Report, target: Target, name: str) -> Costs:
    """The figures of ``report`` that a caller of the library ``name`` plans with, each as simulated
    or measured where it is, else as estimated."""
    whole = report.schedule in ("batch", "step")
    wanted = {**(_INVOKE if whole else {}), **_FIGURES}
    features = ", features included" if report.find("cycles_features") else ""
    found = {figure: strongest(report, figure) for figure in wanted}
    kept = {figure: m for figure, m in found.items() if m is not None}
    return Costs(
        target=target.name,
        clock_hz=target.clock_hz,
        rows=tuple(
            Cost(
                macro=wanted[figure][0],
                value=round(m.value),
                what=wanted[figure][1].format(features=features).replace("model_", f"{name}_"),
                provenance=m.provenance.value,
            )
            for figure, m in kept.items()
        ),
        bases=tuple(
            line
            for basis in dict.fromkeys(_basis(m, report.simulator) for m in kept.values())
            for line in wrap(basis, _COLUMNS)
        ),
    )


def _basis(m: Measurement, simulator: str) -> str:
    """How a figure came to be; not on which simulator, since all count alike."""
    basis = m.basis.removeprefix(f"{simulator} ")
    return f"{m.provenance.value}: {comment_text(basis, _BASIS_CHARACTERS)}"
