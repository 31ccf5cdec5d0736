"""What long stages say on a terminal, and that a pipe gets plain, equal text."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import toolkit, toolkit_process
from toolkit.cli.progress import clock, duration

_COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")
#: A stage of half a second that says twice how far it is, spoken of as a long one.
_STAGE = """
import time
from toolkit.cli import progress
progress._LONG_S = 0.1
with progress.Stages(2)("Rate") as tell:
    for part in (0.25, 0.5):
        tell(part)
        time.sleep(0.3)
"""


def on_terminal(*command: str, exit_code: int = 0, **variables: str) -> str:
    """What a command prints, standard error among it, where both are a terminal of 100 columns."""
    leader, follower = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    env |= {"TERM": "xterm-256color", "COLUMNS": "100", **variables}
    with subprocess.Popen(command, stdout=follower, stderr=follower, env=env) as process:
        os.close(follower)
        parts = []
        while True:
            try:
                parts.append(os.read(leader, 65_536))
            except OSError:  # Linux says so of a terminal that nobody writes to any more
                break
            if not parts[-1]:
                break
    os.close(leader)
    assert process.returncode == exit_code
    return b"".join(parts).decode()


def test_what_a_clock_says() -> None:
    assert clock(1.0, 0.5) == ""
    assert clock(12.0, None) == "12 s" == clock(12.0, 1.0)
    assert clock(10.0, 0.25) == "10 s, about 30 s left"
    assert [duration(s) for s in (59, 61, 3_700)] == ["59 s", "1 min 1 s", "1 h 1 min"]


def test_a_long_stage_says_how_long_it_will_take() -> None:
    text = on_terminal(sys.executable, "-c", _STAGE)
    assert re.search(r"\[1/2\] Rate.*\d s, about \d s left", text)
    assert re.search(r"\[1/2\] Rate +\d\.\d\d s", text)
    done = subprocess.run(
        [sys.executable, "-c", _STAGE], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"\[1/2\] Rate +\d\.\d\d s\n", done.stderr), "a pipe gets the end alone"


@pytest.mark.parametrize("verb", ["targets", "profile wav2small-ha --target hearing-aid"])
def test_colours_are_for_terminals_that_want_them(verb: str, tmp_path: Path) -> None:
    words = (sys.executable, "-P", "-m", "toolkit", *verb.split())
    coloured, plain = on_terminal(*words), on_terminal(*words, NO_COLOR="1")
    assert bool(_COLOUR.search(coloured)) == verb.startswith("profile")
    assert not _COLOUR.search(plain)
    piped = toolkit_process(*verb.split(), cwd=tmp_path)
    again = toolkit(*verb.split(), cwd=tmp_path)
    assert piped.stdout == again.stdout and "\x1b" not in piped.stdout


def test_an_error_is_one_line_in_a_pipe_and_whole_words_on_a_terminal(tmp_path: Path) -> None:
    verb = ("build", "wav2small", "--target", "no-such-target")
    words = (sys.executable, "-P", "-m", "toolkit", *verb)
    lines = on_terminal(*words, exit_code=2, COLUMNS="80").splitlines()
    (line,) = toolkit(*verb, cwd=tmp_path).messages
    assert len(lines) > 1 and max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()) == line
