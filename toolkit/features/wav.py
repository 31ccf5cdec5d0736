"""What the header of a WAV file states, as libsndfile does not tell it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_EXTENSIBLE = 0xFFFE
#: Sizes that recorders write before they know: nothing is stated.
_OPEN = (0, 0xFFFFFFFF)
_MOST_CHUNKS = 10_000


@dataclass(frozen=True)
class WavHeader:
    """``stated_frames`` of the data (None where the header leaves that open), bytes behind data of
    which it states none, how many ``data_chunks`` there are, bits of a sample and of what holds
    it."""

    stated_frames: int | None
    unstated_bytes: int
    data_chunks: int
    sample_bits: int
    container_bits: int


def read_header(path: Path) -> WavHeader | None:
    """The header of a RIFF WAVE file; None for others, or one that is damaged."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] != b"RIFF" or head[8:] != b"WAVE":
                return None
            size, chunks, form, unstated = None, 0, b"", 0
            end = path.stat().st_size
            for _ in range(_MOST_CHUNKS):
                name, length = struct.unpack("<4sI", file.read(8))
                if name == b"fmt ":
                    form = file.read(min(length, 40))
                    file.seek(length - len(form) + length % 2, 1)
                    continue
                if name == b"data":
                    chunks += 1
                    size = length if size is None else size
                    unstated = end - file.tell() if length == 0 else 0
                if length in _OPEN or file.tell() + length + length % 2 >= end:
                    break
                file.seek(length + length % 2, 1)
        tag, _, _, _, block, bits = struct.unpack("<HHIIHH", form[:16])
    except (OSError, struct.error):
        return None
    if size is None or block == 0:
        return None
    valid = struct.unpack("<H", form[18:20])[0] if tag == _EXTENSIBLE and len(form) >= 20 else bits
    stated = None if size in _OPEN else size // block
    return WavHeader(stated, unstated, chunks, valid, bits)
