"""Data, models and test cases that are not in the repository.

$TOOLKIT_DATA, $TOOLKIT_MODELS and $TOOLKIT_CASES name their folders; tests/conftest.py sets those
that are not set where the folder lies beside the checkout.  $TOOLKIT_TYMPAN names what
``toolkit build --tympan-dir`` takes, $TOOLKIT_TFLM what ``--tflm-dir`` does.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA, MODELS, CASES = "TOOLKIT_DATA", "TOOLKIT_MODELS", "TOOLKIT_CASES"
TYMPAN, TFLM = "TOOLKIT_TYMPAN", "TOOLKIT_TFLM"


def folder(variable: str) -> Path:
    """The folder that ``variable`` names; skips the test where there is none."""
    path = Path(os.environ.get(variable, ""))
    if variable not in os.environ or not path.is_dir():
        pytest.skip(f"there is no folder ${variable}")
    return path


def file(variable: str, name: str) -> Path:
    """A file in that folder; skips the test where it is absent."""
    path = folder(variable) / name
    if not path.is_file():
        pytest.skip(f"there is no {name} in ${variable}")
    return path


def files(variable: str, pattern: str) -> list[Path]:
    """Files of that folder, for lists of parameters: none where there is no folder."""
    return sorted(Path(os.environ[variable]).glob(pattern)) if variable in os.environ else []
