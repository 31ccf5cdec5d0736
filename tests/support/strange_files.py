"""What reads damaged or hostile files, and how much of time and memory that may take."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from toolkit.deploy.model import load
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.ir import Graph
from toolkit.model.audio import load_audio

#: What one file may take.
LONGEST_S, MOST_BYTES = 10, 1 << 30


def profiled(path: Path) -> None:
    model = load(path).quantize()
    model.deploy("cortex-m4").estimate()


@cache
def listener() -> Graph:
    return load("wav2small").quantize().int8.graph


def heard(path: Path) -> None:
    load_audio(path, WAV2SMALL_RUNNING, listener(), True)


@contextmanager
def bounded() -> Iterator[None]:
    """A second of more than `LONGEST_S`, or a byte of more than `MOST_BYTES`, is an error."""

    def expired(*_: object) -> None:
        raise AssertionError(f"took more than {LONGEST_S} s")

    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, expired)
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, hard))
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, before)
