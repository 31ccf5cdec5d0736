"""Every line of docs/INTEGRATION.md, executed in its order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "INTEGRATION.md"
_FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
TOOLS = ("gcc", "g++", "cmake", "arm-none-eabi-gcc")


def blocks() -> list[tuple[str, str]]:
    """What stands behind the fence of every block, and the block."""
    return _FENCE.findall(PAGE.read_text(encoding="utf-8"))


def test_every_block_is_a_file_or_commands() -> None:
    heads = [head.split() for head, _ in blocks()]
    assert len(heads) == PAGE.read_text(encoding="utf-8").count("\n```") / 2
    assert all(head == ["sh"] or len(head) == 2 for head in heads)


@pytest.mark.skipif(any(shutil.which(t) is None for t in TOOLS), reason="a compiler is missing")
def test_every_line_works(tmp_path: Path) -> None:
    (tmp_path / "models").symlink_to(ROOT / "models")
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "toolkit").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m toolkit "$@"\n')
    (binaries / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for program in binaries.iterdir():
        program.chmod(0o755)
    path = os.pathsep.join((str(binaries), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    printed = ""
    for head, text in blocks():
        if head == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            printed += done.stdout
        else:
            file = tmp_path / head.split()[1]
            file.write_text(text)
    values = re.findall(r"^(\w+) (\d\.\d+)$", printed, re.MULTILINE)
    assert [name for name, _ in values] == ["arousal", "dominance", "valence", "arousal", "arousal"]
    whole, in_pieces, at_48_khz = (float(v) for name, v in values if name == "arousal")
    assert whole == in_pieces
    assert abs(whole - at_48_khz) <= 0.02  # three steps of the output, of the filters
    levels = re.findall(r"level (0\.\d+) to (0\.\d+)", printed)
    assert len(levels) == 2 and levels[0] == levels[1]
    assert float(levels[0][1]) > float(levels[0][0]) + 0.05
    assert ".weights" in printed and (tmp_path / "app" / "weights.bin").stat().st_size > 30_000
