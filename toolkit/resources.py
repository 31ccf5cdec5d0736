"""The data that ship with the package: firmware templates, kernels and the model zoo."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

__version__ = "0.1.0"

_PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str) -> Path:
    """Return the folder ``firmware_templates`` or ``models``.

    In a built wheel they lie in ``toolkit/_data``; in a checkout at the top of the repository.
    """
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def find_program(name: str) -> str | None:
    """Path of a program of that name: on PATH, or beside the Python that runs this; None: there is
    none."""
    beside = Path(sys.executable).parent / name
    return shutil.which(name) or (str(beside) if os.access(beside, os.X_OK) else None)


def kernel_path(name: str) -> Path:
    """Path of the kernel file called ``name``; it need not exist.

    Portable kernels lie in ``firmware_templates/kernels``, those for the DSP extension in ``dsp``.
    """
    folder = data_dir("firmware_templates") / "kernels"
    special = folder / "dsp" / name
    return special if special.is_file() else folder / name


def read_text(path: Path) -> str:
    """A packaged text file."""
    return path.read_text(encoding="utf-8")


def feature_path(name: str) -> Path:
    """Path of the C file called ``name`` that features need: theirs, or the kernels'."""
    path = data_dir("firmware_templates") / "features" / name
    return path if path.is_file() else kernel_path(name)


def kernel_folders() -> tuple[Path, ...]:
    """The folders that hold kernels."""
    folder = data_dir("firmware_templates") / "kernels"
    return folder, folder / "dsp"


def render(template: str, context: Any) -> str:
    """Text of ``<template>.jinja`` with the fields of the frozen dataclass ``context``."""
    return _environment().get_template(f"{template}.jinja").render(vars(context))


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    folder = data_dir("firmware_templates")
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(
            [folder / room for room in ("library", "harness", "boards/shared", "tflm", "packages")]
        ),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # C, not HTML: contexts hold only strings made safe by emit/c_text
    )
