"""The generated library under examples/: today's, and it compiles as its reader would."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import built, toolkit, tree

EXAMPLE = Path(__file__).parents[2] / "examples" / "wav2small_cortex_m4"


def test_the_example_is_of_today(tmp_path: Path) -> None:
    """`make example` writes it."""
    built(toolkit("build", "--target", "cortex-m4", "--out", "out", "--json", cwd=tmp_path))
    assert tree(EXAMPLE) == tree(tmp_path / "out" / "wav2small"), "run `make example`"


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_the_example_compiles(tmp_path: Path) -> None:
    commands = (
        ["cmake", "-S", EXAMPLE, "-B", "build", "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror"],
        ["cmake", "--build", "build"],
    )
    for command in commands:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "build" / "libwav2small.a").is_file()
