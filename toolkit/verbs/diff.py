"""``toolkit diff``: what changed between two builds, by figure, layer and symbol."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from toolkit.budget.diff import REFUSED, Diff, Side, compare, incomparable
from toolkit.budget.identity import identity_of
from toolkit.errors import InputError
from toolkit.report.model import SCHEMA_VERSION
from toolkit.report.read import read_report

#: Where a build's report lies in its folder.
_PLACES = ("report/report.json", "report.json")


@dataclass(frozen=True)
class DiffRequest:
    """Two folders of builds, or files of reports; ``loosened`` names what may differ (`REFUSED`),
    and the figures are compared all the same."""

    before: Path
    after: Path
    loosened: frozenset[str] = frozenset()


def diff(request: DiffRequest) -> Diff:
    """What changed from one to the other.

    Raises InputError for a folder without a report, a file that is none, and for two whose figures
    are not of one target, toolchain, simulator and clip, unless ``loosened``.
    """
    for key in sorted(request.loosened - {*REFUSED}):
        raise InputError(
            f"--allow-different: nothing is called '{key}'.",
            hint=f"It is of {', '.join(REFUSED)}.",
        )
    before, after = _side(request.before), _side(request.after)
    unlike = [d for d in incomparable(before, after) if d.key not in request.loosened]
    if unlike:
        keys = ",".join(d.key for d in unlike)
        raise InputError(
            f"{after.where} cannot be compared with {before.where}: "
            f"{'; '.join(d.text for d in unlike)}.",
            hint=f"Compare all the same with --allow-different={keys}.",
        )
    return compare(before, after)


def _side(path: Path) -> Side:
    file = _report_of(path)
    report = read_report(file)
    version = json.loads(file.read_text(encoding="utf-8")).get("toolkit_version", "")
    return Side(str(path), report, identity_of(report, str(version), SCHEMA_VERSION))


def _report_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = (path / place for place in _PLACES)
    file = next((file for file in found if file.is_file()), None)
    if file is None:
        raise InputError(
            f"{path}: holds no {_PLACES[0]}.", hint="Give a folder that `toolkit build` wrote."
        )
    return file
