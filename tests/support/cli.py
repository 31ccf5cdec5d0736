"""The real command line, and small models and clips to give it."""

from __future__ import annotations

import contextlib
import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soundfile

from tests.support.onnx_models import ModelMaker
from toolkit.cli import main
from toolkit.features.spec import METADATA_KEY, WAV2SMALL_RUNNING

COMMAND = (sys.executable, "-P", "-m", "toolkit")
_STAGE = re.compile(r"\[\d/\d\] .* \d+\.\d\d s")


@dataclass(frozen=True)
class Run:
    """A finished command."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.stdout)

    @property
    def messages(self) -> list[str]:
        """Lines of standard error, without the announcements of stages."""
        return [line for line in self.stderr.splitlines() if not _STAGE.fullmatch(line)]


def toolkit(*arguments: str | Path, cwd: Path) -> Run:
    """Run ``toolkit`` with ``arguments`` in this process, which spares its start."""
    out, err = io.StringIO(), io.StringIO()
    terminated = signal.getsignal(signal.SIGTERM)
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["toolkit", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    signal.signal(signal.SIGTERM, terminated)
    assert isinstance(ended.value.code, int)
    return Run(ended.value.code, out.getvalue(), err.getvalue())


def toolkit_process(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    preexec_fn: Callable[[], None] | None = None,
) -> Run:
    """The same in a process of its own; ``env`` replaces its whole environment."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        preexec_fn=preexec_fn,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def refused(run: Run, exit_code: int = 2) -> str:
    """The one line of a refusal: nothing on stdout, nothing else on stderr, the exit code."""
    assert run.exit_code == exit_code, run
    assert run.stdout == ""
    (line,) = run.messages
    assert line.startswith("toolkit: error: "), line
    return line.removeprefix("toolkit: error: ")


def built(run: Run) -> Any:
    """The report of a ``build --json`` whose firmware matched the reference."""
    assert run.exit_code == 0, run
    assert run.messages == []
    checks = {check["name"]: check["passed"] for check in run.json["checks"]}
    assert checks["bit_match"]
    return run.json


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every path below ``folder``, hidden ones too, with the content of files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def image_model() -> onnx.ModelProto:
    """A convolution, ReLU, average pool and dense layer on 1 x 1 x 8 x 8."""
    m = ModelMaker(1, 1, 8, 8)
    x = m.op("Relu", m.conv("x", (1, 4), (3, 3), pads=[1, 1, 1, 1]))
    x = m.op("Flatten", m.op("GlobalAveragePool", x), axis=1)
    return m.model(m.dense(x, 4, 3))


def speech_model(
    spec_json: str = WAV2SMALL_RUNNING.to_json(),
    labels: str | None = None,
    channels: int = 4,
) -> onnx.ModelProto:
    """The same on log-mel rows: 1 x 1 x rows x 26, with a feature specification."""
    m = ModelMaker(1, 1, "rows", 26)
    x = m.op("Relu", m.conv("x", (1, channels), (3, 3), pads=[1, 1, 1, 1]))
    x = m.op("Flatten", m.op("GlobalAveragePool", x), axis=1)
    model = m.model(m.dense(x, channels, 3))
    metadata = {METADATA_KEY: spec_json}
    if labels is not None:
        metadata["toolkit.labels"] = labels
    onnx.helper.set_model_props(model, metadata)
    return model


def write_noise(
    path: Path, rate_hz: int, channels: int, subtype: str, seconds: float = 1.0
) -> Path:
    """A WAV of seeded noise at a tenth of full scale."""
    shape = (round(seconds * rate_hz), channels)
    noise = 0.1 * np.random.default_rng(0).standard_normal(shape)
    soundfile.write(path, noise, rate_hz, subtype=subtype)
    return path
