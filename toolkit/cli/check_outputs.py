"""Where a result of ``toolkit check`` goes: terminal, files, and what a CI service reads."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from toolkit.budget.model import Result


def write_outputs(
    found: Result, files: tuple[Path | None, Path | None, Path | None], as_json: bool
) -> int:
    """Print and write a result: comment, JUnit and JSON ``files``; the exit code."""
    from toolkit.budget.outputs import (
        comment,
        github_annotations,
        print_result,
        result_json,
        result_junit,
    )
    from toolkit.errors import ToolkitError
    from toolkit.report.render import made_folder, write_text

    if as_json:
        click.echo(result_json(found), nl=False)
    else:
        from rich.console import Console

        print_result(found, Console())
    if os.environ.get("GITHUB_ACTIONS"):
        for line in github_annotations(replace(found, file=_in_workspace(found.file))):
            print(line, file=sys.stderr)
    failed: list[ToolkitError] = []
    for path, render in zip(files, (comment, result_junit, result_json), strict=True):
        try:
            if path is not None:
                write_text(made_folder(path), render(found))
        except ToolkitError as error:  # the other files are written all the same
            failed.append(error)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(comment(found))
    if failed:
        raise failed[0]
    return found.exit_code


def _in_workspace(file: str) -> str:
    """The path of a file as GitHub knows it, whatever folder the job works in."""
    top = os.environ.get("GITHUB_WORKSPACE")
    path = Path(file).resolve()
    if top and path.is_relative_to(Path(top).resolve()):
        return path.relative_to(Path(top).resolve()).as_posix()
    return file
