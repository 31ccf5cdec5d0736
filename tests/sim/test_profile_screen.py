"""``toolkit profile --simulate`` on the terminal: real errors beside every estimate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.cli import toolkit
from tests.support.tiny import simulator_or_skip, toolchain_or_skip


def test_estimates_of_a_run_show_their_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain_or_skip("zig")
    simulator_or_skip("unicorn")
    monkeypatch.setenv("COLUMNS", "100")
    done = toolkit("profile", "wav2small", "--simulate", "--seconds", "0.3", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "measured: RAM, flash, stack; simulated: time; rest estimated" in lines[1]
    layers = [line for line in lines if line.startswith(("features ", "vgg7/", "one inference "))]
    assert len(layers) == 13 and all(re.search(r"[+−]\d+\.\d %", line) for line in layers)
    for title in ("RAM", "flash", "stack", "time"):
        assert [line for line in lines if re.search(rf"^{title} .* est\. [+−]\d+\.\d %", line)]
    assert re.search(r"^stack  Reset_Handler \d+ → main \d+ → ", done.stdout, re.MULTILINE)
    assert re.search(r"^pass   bit match, [\w,\s]*plan linked *$", done.stdout, re.MULTILINE)
    assert "of input" in done.stdout
