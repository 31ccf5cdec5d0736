"""Cycles by layer as bars: simulated where the model ran, predicted, and at best."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.measurement import Provenance
from toolkit.report.model import LayerRow
from toolkit.report.text import compact, layer_cycles, layer_value


@dataclass(frozen=True)
class LayerBar:
    """A layer's cycles, as text and in percent of the costliest layer's; None: not known."""

    row: LayerRow
    shape: str
    macs: str
    share: float
    simulated: str | None
    predicted: str | None
    ideal: str | None
    simulated_percent: float | None
    predicted_percent: float | None
    ideal_percent: float | None

    @property
    def strongest(self) -> str:
        """Cycles as simulated, or as predicted where nothing ran."""
        return self.simulated or self.predicted or "0"


@dataclass(frozen=True)
class LayerBars:
    """The bars; ``ran`` tells whether any layer was simulated."""

    ran: bool
    bars: tuple[LayerBar, ...]


def layer_bars(layers: tuple[LayerRow, ...]) -> LayerBars:
    """A bar a layer, in order of execution."""
    estimated, simulated = Provenance.ESTIMATED, Provenance.SIMULATED
    figures = [
        (
            layer_cycles(row, simulated),
            layer_cycles(row, estimated),
            layer_value(row, "cycles_ideal", estimated),
        )
        for row in layers
    ]
    most = max((value for three in figures for value in three if value), default=1)
    ran = any(three[0] is not None for three in figures)
    strongest = [(three[0] if ran else three[1]) or 0 for three in figures]
    total = sum(strongest) or 1
    bars = []
    for row, three, spent in zip(layers, figures, strongest, strict=True):
        simulated_text, predicted_text, ideal_text = map(_text, three)
        simulated_part, predicted_part, ideal_part = (
            None if value is None else 100 * value / most for value in three
        )
        bars.append(
            LayerBar(
                row=row,
                shape="×".join(map(str, row.output_shape)),
                macs=compact(row.macs),
                share=100 * spent / total,
                simulated=simulated_text,
                predicted=predicted_text,
                ideal=ideal_text,
                simulated_percent=simulated_part,
                predicted_percent=predicted_part,
                ideal_percent=ideal_part,
            )
        )
    return LayerBars(ran, tuple(bars))


def _text(value: float | None) -> str | None:
    return None if value is None else compact(value) or "0"
