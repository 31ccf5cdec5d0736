"""Scatter plots, with the optional matplotlib."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toolkit.errors import InputError, ToolMissingError
from toolkit.ir.tensor import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 3
_PANEL_INCHES = 3.6


def require_matplotlib() -> None:
    """ToolMissingError where plots cannot be drawn."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ToolMissingError(
            "--plot: matplotlib is not installed.", hint="pip install 'hearing-aid-toolkit[plot]'"
        )


@dataclass(frozen=True, eq=False)
class Panels:
    """A panel for each name: every series [n, names] over ``x`` [n, names], called ``x_label``."""

    title: str
    names: Sequence[str]
    x_label: str
    x: Array
    series: Mapping[str, Array]


def scatter(path: Path, panels: Panels) -> None:
    """Write a picture of the panels.

    The suffix of ``path`` says the format.  Raises ToolMissingError without matplotlib, InputError
    for a path that cannot be written.
    """
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names, x, series = panels.names, panels.x, panels.series
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = Figure((_PANEL_INCHES * columns, _PANEL_INCHES * rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(panels.title, parse_math=False)
    for index, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, index + 1)
        shown = [x[:, index], *(values[:, index] for values in series.values())]
        ends = [min(float(np.min(v)) for v in shown), max(float(np.max(v)) for v in shown)]
        axes.plot(ends, ends, color="0.7", linewidth=1, zorder=0)
        for label, values in series.items():
            axes.scatter(x[:, index], values[:, index], s=9, alpha=0.6, label=label, linewidths=0)
        axes.set_title(name, parse_math=False)
        axes.set_xlabel(panels.x_label)
    figure.axes[0].set_ylabel("prediction")
    figure.axes[0].legend()
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    try:
        figure.savefig(path, dpi=120, metadata={"Software": None} if path.suffix == ".png" else {})
    except (OSError, ValueError) as error:
        raise InputError(
            f"--plot: cannot write '{path}': {error}.", hint="Choose another file."
        ) from None


def learning_curve(path: Path, title: str, log: Sequence[Mapping[str, float]]) -> None:
    """Loss, and validation's concordances where there are some, over ``step``; as `scatter`."""
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = [row["step"] for row in log]
    scores = [name for name in log[0] if name not in ("step", "loss")]
    figure = Figure((2 * _PANEL_INCHES, _PANEL_INCHES), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, parse_math=False)
    panels = {"loss": ["loss"], "validation CCC": scores}
    shown = {name: series for name, series in panels.items() if series}
    for place, (name, series) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(1, len(shown), place)
        for label in series:
            axes.plot(steps, [row[label] for row in log], marker=".", label=label)
        axes.set_xlabel("step")
        axes.set_ylabel(name)
        if len(series) > 1:
            axes.legend()
    _save(figure, path)


def fronts(
    path: Path, title: str, names: Sequence[str], points: Mapping[str, Sequence[Sequence[float]]]
) -> None:
    """The first of ``names`` over each of the others, a series of points by its label; as
    `scatter`."""
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((_PANEL_INCHES * (len(names) - 1), _PANEL_INCHES), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, parse_math=False)
    for place, name in enumerate(names[1:], 1):
        axes = figure.add_subplot(1, len(names) - 1, place)
        for label, series in points.items():
            ordered = sorted(series, key=lambda point: point[place])
            x, y = ([point[n] for point in ordered] for n in (place, 0))
            axes.plot(x, y, marker="o", markersize=3, linewidth=0, label=label)
        axes.set_xlabel(name, parse_math=False)
    figure.axes[0].set_ylabel(names[0])
    figure.axes[0].legend()
    _save(figure, path)
