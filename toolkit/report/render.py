"""Writes a report to files; a file's extension is its format."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import InputError
from toolkit.report.csv_format import report_csv
from toolkit.report.html import report_html
from toolkit.report.json_format import report_json
from toolkit.report.junit import report_junit
from toolkit.report.markdown import report_markdown
from toolkit.report.model import Report
from toolkit.report.read import read_report


@dataclass(frozen=True)
class Format:
    """What writes a report, and the ``sign`` that one has near its beginning."""

    write: Callable[[Report], str]
    sign: str


#: By extension.
FORMATS: Mapping[str, Format] = {
    ".json": Format(report_json, '"schema_version"'),
    ".csv": Format(report_csv, "name,op,kernel,variant,output_shape"),
    ".md": Format(report_markdown, "model sha256 "),
    ".xml": Format(report_junit, "<testsuites"),
    ".html": Format(report_html, "Content-Security-Policy"),
}
_HEAD_BYTES = 1_024


def require_formats(
    paths: Sequence[Path], force: bool = False, against: Path | None = None
) -> None:
    """Raise InputError, before any work is done, for a file whose extension is no format, or that
    is there and no report (unless ``force``), and for an older report ``against`` that is none, or
    that no page is to show."""
    if against is not None:
        if not any(path.suffix.lower() == ".html" for path in paths):
            raise InputError(
                f"--against {against}: it is shown in a page.", hint="Add --report FILE.html."
            )
        read_report(against)
    for path in paths:
        if path.suffix.lower() not in FORMATS:
            raise InputError(f"--report {path}: the extension must be one of {', '.join(FORMATS)}.")
        if not force and _is_foreign(path):
            raise InputError(
                f"--report {path}: is there, and is no report of ours.",
                hint="Choose another file, or --force to replace it.",
            )
        if not path.resolve().parent.is_dir():
            raise InputError(
                f"--report {path}: its folder does not exist.", hint="Make the folder first."
            )


def _is_foreign(path: Path) -> bool:
    """Whether a file is there that no report was written to."""
    if not path.exists():
        return False
    if not path.is_file():
        return not path.is_char_device()  # such as /dev/stdout
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
    return bool(head) and FORMATS[path.suffix.lower()].sign not in head


def write_reports(report: Report, paths: Sequence[Path], against: Path | None = None) -> None:
    """Write the report to every file, each whole or not at all; a page shows the older report
    ``against`` beside it.  InputError where that fails."""
    older = None if against is None else read_report(against)
    for path in paths:
        if older is not None and path.suffix.lower() == ".html":
            write_text(path, report_html(report, older))
        else:
            write_text(path, FORMATS[path.suffix.lower()].write(report))


def made_folder(path: Path) -> Path:
    """The path of a file whose folder exists now; InputError where it cannot be made."""
    try:
        path.resolve().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder of '{path}': {error.strerror}.", hint="Choose another folder."
        ) from None
    return path


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file that appears whole or not at all; InputError where that fails."""
    try:
        with tempfile.TemporaryDirectory(prefix=".toolkit-", dir=path.resolve().parent) as folder:
            staged = Path(folder) / "file"
            staged.write_text(text, encoding="utf-8", newline="\n")
            staged.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot write '{path}': {error.strerror}.", hint="Choose another file."
        ) from error
