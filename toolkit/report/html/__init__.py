"""One self-contained HTML page: no script, no network, inline SVG; a phone shows it too."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from toolkit.report.html.against import side_by_side
from toolkit.report.html.layers import layer_bars
from toolkit.report.html.page import figure_rows, fit_bars, stack_bars
from toolkit.report.html.roofline import roofline
from toolkit.report.html.timeline import timeline
from toolkit.report.layer_names import layer_names
from toolkit.report.model import Report
from toolkit.report.savings import savings
from toolkit.report.screen.compare import saving_lines
from toolkit.report.text import printable
from toolkit.report.verdict import verdict
from toolkit.resources import __version__

if TYPE_CHECKING:
    import jinja2

__all__ = ["report_html"]


def report_html(report: Report, against: Report | None = None) -> str:
    """The report as an HTML document, with an older one ``against`` it; same report, same bytes."""
    names = layer_names(report)
    return _template().render(
        report=report,
        verdict=verdict(report),
        layer_name=names.of,
        part_name=names.of_symbol,
        against=None if against is None else side_by_side(report, against),
        helps=[line.plain for line in saving_lines(savings(report.alternatives))],
        version=__version__,
        style=files(__name__).joinpath("style.css").read_text(encoding="utf-8"),
        figures=figure_rows(report.measurements),
        fits=[fit_bars(fit) for fit in report.fits],
        layers=layer_bars(report.layers),
        roofline=roofline(report),
        stack=stack_bars(report.stack),
        timeline=timeline(report.memory),
    )


@cache
def _template() -> jinja2.Template:
    import jinja2

    text = files(__name__).joinpath("page.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["name"] = printable
    return environment.from_string(text)
