"""What each layer costs, in a table that leaves columns out where the terminal is narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from toolkit.measurement import Provenance
from toolkit.report.layer_names import LayerNames
from toolkit.report.model import LayerRow, Report
from toolkit.report.screen.grid import WORTH_SAYING_PERCENT, Column, bar, fitting, table
from toolkit.report.text import compact, layer_cycles, layer_value

_BAR_WIDTH = 8


@dataclass(frozen=True)
class LayerCells:
    """A line: a layer, or the features before it; ``run`` is None where nothing ran."""

    name: str
    shape: str
    kernel: str
    macs: int
    weights_bytes: int
    output_bytes: int
    estimate: float | None
    run: float | None
    ideal: float

    @property
    def cycles(self) -> float:
        """As simulated, else as estimated."""
        return self.run if self.run is not None else self.estimate or 0


def layer_cells(report: Report, names: LayerNames, aliases: bool = False) -> list[LayerCells]:
    """The features, where there are any, and every layer; with ``aliases`` also those that only
    reshape and have no kernel."""
    features = [
        m.value if m is not None else None
        for m in (
            report.find("cycles_features", Provenance.ESTIMATED),
            report.find("cycles_features", Provenance.SIMULATED),
        )
    ]
    found = []
    if any(features):
        found.append(LayerCells("features", "", "", 0, 0, 0, features[0], features[1], 0))
    return found + [_cells(row, names) for row in report.layers if aliases or row.kernel]


def print_layers(
    report: Report,
    names: LayerNames,
    console: Console,
    aliases: bool = False,
    every_estimate: bool = True,
) -> None:
    """Print a line a layer, and their sum; of what ran an estimate without ``every_estimate`` only
    where it is far off."""
    cells = layer_cells(report, names, aliases)
    whole = _whole(report, cells)
    total = whole.cycles or 1
    largest = max((cell.cycles for cell in cells), default=0) or 1
    rows = [*cells, whole]

    def column(
        title: str, text: Callable[[LayerCells], str], right: bool = True, worth: int | None = None
    ) -> Column:
        shown = [Text(text(row)) for row in rows]
        shown[-1].stylize("bold")
        return Column(title, shown, right, worth)

    streams = report.schedule == "stream"
    columns = [
        column("layer", lambda row: row.name, right=False),
        column("output", lambda row: row.shape, right=False, worth=5),
        column("kernel", lambda row: row.kernel, right=False, worth=4),
        column("MACs", lambda row: compact(row.macs), worth=6),
        column("weights", lambda row: compact(row.weights_bytes), worth=7),
        column("state" if streams else "output B", lambda row: compact(row.output_bytes), worth=8),
        column("cycles", lambda row: compact(row.cycles)),
        column("est.", lambda row: _error(row, 0 if every_estimate else WORTH_SAYING_PERCENT)),
        column("ideal", lambda row: compact(row.ideal), worth=3),
        column("share", lambda row: f"{100 * row.cycles / total:.1f} %"),
        Column(
            "",
            [Text(bar(cell.cycles / largest, _BAR_WIDTH), "cyan") for cell in cells] + [Text()],
            worth=1,
        ),
    ]
    console.print(table(fitting(columns, console.width)))


def _cells(row: LayerRow, names: LayerNames) -> LayerCells:
    shape = row.output_shape[1:] if len(row.output_shape) > 1 else row.output_shape
    return LayerCells(
        name=names.of(row.name),
        shape="×".join(map(str, shape)),
        kernel=row.variant if row.kernel else "none",
        macs=row.macs,
        weights_bytes=row.weights_bytes,
        output_bytes=row.activation_bytes,
        estimate=layer_cycles(row, Provenance.ESTIMATED),
        run=layer_cycles(row, Provenance.SIMULATED),
        ideal=layer_value(row, "cycles_ideal", Provenance.ESTIMATED) or 0,
    )


def _whole(report: Report, cells: Sequence[LayerCells]) -> LayerCells:
    """An inference: the layers, and the little that runs around them."""
    estimate, run = (
        report.find("cycles_per_inference", provenance)
        for provenance in (Provenance.ESTIMATED, Provenance.SIMULATED)
    )
    return LayerCells(
        name="one inference",
        shape="",
        kernel="",
        macs=sum(cell.macs for cell in cells),
        weights_bytes=sum(cell.weights_bytes for cell in cells),
        output_bytes=0,
        estimate=None if estimate is None else estimate.value,
        run=None if run is None else run.value,
        ideal=sum(cell.ideal for cell in cells),
    )


def _error(row: LayerCells, least: float) -> str:
    """How far the estimate is off, in percent of what ran; nothing below ``least``."""
    if not row.run or row.estimate is None:
        return ""
    percent = 100 * (row.estimate - row.run) / row.run
    return "" if abs(percent) < least else f"{percent:+.1f} %".replace("-", "−")
