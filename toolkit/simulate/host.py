"""Runs the project's C natively: outputs only, nothing is counted."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from toolkit.errors import ToolFailedError
from toolkit.simulate.result import HOST, SimulationResult

_TIMEOUT_S = 600.0


def run_host(program: Path, input_bytes: bytes) -> SimulationResult:
    """Run a workstation program on an input.bin, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="toolkit-run-") as name:
        folder = Path(name)
        (folder / "input.bin").write_bytes(input_bytes)
        try:
            done = subprocess.run(
                [str(program.resolve())],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ToolFailedError(f"host: no end after {_TIMEOUT_S:.0f} s.") from error
        if done.returncode < 0:
            raise ToolFailedError(f"host: the program ended by signal {-done.returncode}.")
        output = folder / "output.bin"
        data = output.read_bytes() if output.exists() else b""
    return SimulationResult(HOST, data, done.stdout + done.stderr, done.returncode, (), {})
