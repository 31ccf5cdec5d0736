"""``toolkit profile`` and ``build`` on one screen: verdicts, layers, memory, ways to run, what
would help."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from toolkit.measurement import Check
from toolkit.report.layer_names import layer_names
from toolkit.report.model import Prediction, Report
from toolkit.report.savings import savings
from toolkit.report.screen.compare import print_alternatives, print_comparison, saving_lines
from toolkit.report.screen.grid import labelled
from toolkit.report.screen.layers import print_layers
from toolkit.report.screen.memory import print_memory
from toolkit.report.screen.verdicts import print_verdicts, provenance
from toolkit.report.terminal import print_check, print_figures, print_windows
from toolkit.report.text import printable, words_of_check
from toolkit.report.verdict import verdict
from toolkit.targets import Target

__all__ = ["print_build", "print_profile", "print_targets"]

#: Checks that the verdicts show already.
_SHOWN = frozenset({"fits_flash", "fits_ram", "fits_stack", "real_time"})
#: Codes of issues, or what they begin with, that other lines say.
_SAID = ("advice.", "estimate.energy")


def print_build(
    report: Report,
    target: Target,
    optimize: str,
    console: Console,
    folder: str,
    details: bool = False,
) -> None:
    """Print the report of a build in ``folder``: the verdict, what ran, and the next step."""
    found = verdict(report)
    console.print(Text(found.text, "bold green" if found.good else "bold red"))
    print_profile(report, target, optimize, console, details, every_estimate=False)
    print_windows(report, console)
    at, name = printable(folder), report.library
    console.print()
    console.print(
        labelled(
            "files", Text(f"{at}/{name}/ is the library (README.md there), {at}/report/ the report")
        )
    )
    console.print(labelled("next", Text(_next_step(report, at))))


def _next_step(report: Report, folder: str) -> str:
    """The command that is most likely wanted after a build."""
    if not report.passed:
        return "toolkit profile MODEL --all-targets says where it fits, --optimize what it takes"
    if report.clip is not None and report.schedule != "continuous":
        return f"toolkit run {folder} --audio RECORDINGS runs it on yours"
    return f"take {folder}/{report.library} into your firmware"


def print_profile(
    report: Report,
    target: Target,
    optimize: str,
    console: Console,
    details: bool = False,
    every_estimate: bool = True,
) -> None:
    """Print the report of one target, as wide as the console at most; with ``details`` also every
    figure with its provenance and basis, and layers without a kernel.  Without ``every_estimate``
    an estimate stands beside what ran only where it is off by more than `WORTH_SAYING_PERCENT`.
    """
    names = layer_names(report)
    title = Text.assemble((printable(report.model_name), "bold"), " on ", (report.target, "bold"))
    console.print(title.append(f": {target.description}", "dim"))
    how = f"{report.schedule}, --optimize {optimize}; "
    console.print(Text.assemble(how, (provenance(report), "italic")))
    console.print()
    print_verdicts(report, target, names, console, every_estimate)
    if report.predictions:
        console.print(labelled("output", Text(", ".join(map(_prediction, report.predictions)))))
    console.print()
    print_layers(report, names, console, details, every_estimate)
    console.print()
    print_memory(report, names, console)
    if report.alternatives:
        console.print()
        print_alternatives(report, console)
    for line in saving_lines(savings(report.alternatives)):
        console.print(labelled("saves", line))
    for issue in report.issues:
        if not issue.code.startswith(_SAID):
            console.print(labelled("note", Text(printable(issue.message))))
    if details:
        print_figures(report, console)
    _print_checks(report.checks, console, details)


def print_targets(reports: Sequence[Report], optimize: str, console: Console) -> None:
    """Print the reports of one model on many targets, a row each."""
    first = reports[0]
    ways = " or ".join(sorted({report.schedule for report in reports}))
    title = Text.assemble((printable(first.model_name), "bold"), f" on {len(reports)} targets: ")
    console.print(
        title.append(f"{ways}, --optimize {optimize}; ").append(provenance(first), "italic")
    )
    console.print()
    print_comparison(reports, console)


def _prediction(row: Prediction) -> str:
    text = f"{printable(row.label)} {row.device_value:.4f}"
    return text if row.float_value is None else f"{text} (float {row.float_value:.4f})"


def _print_checks(checks: Sequence[Check], console: Console, details: bool) -> None:
    """Print the checks that no verdict shows: those that hold by name, others with the reason."""
    others = [check for check in checks if details or check.name not in _SHOWN]
    if not details:
        held = [words_of_check(check.name) for check in others if check.passed]
        if held:
            console.print(labelled("pass", Text(", ".join(held), "green")))
        others = [check for check in others if not check.passed]
    for check in others:
        print_check(check, console)
