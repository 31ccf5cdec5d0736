"""Locates the data folders that ship with the package: firmware templates and the model zoo."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str) -> Path:
    """Return the folder ``firmware_templates`` or ``models``.

    In a built wheel they lie in ``toolkit/_data``; in a checkout at the top of the repository.
    """
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name
