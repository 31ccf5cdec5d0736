"""The files the test harness reads and writes: encoding of input.bin, decoding of output.bin.

The layout is described at the top of ``firmware_templates/harness/main.c``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from toolkit.errors import ToolFailedError

#: Whether a case has one set of outputs, one a hop of a continuous model, or one a step.
Hops: TypeAlias = Literal["none", "hops", "steps"]

INPUT_MAGIC = 0x4E494B54
OUTPUT_MAGIC = 0x554F4B54
MODE_TENSORS = 0
MODE_AUDIO = 1
MODE_FRAMES = 2
MODE_STEPS = 3


@dataclass(frozen=True)
class HarnessCase:
    """One case's results: raw bytes of each model output (with time: of all its rows); int8 feature
    rows in audio mode.

    ``hops`` are the outputs of a continuous model, one entry a hop, of which ``outputs`` is the
    last; or of one that runs step by step, an entry a step, which ``outputs`` has one by one.
    ``ends`` is how often the end of the clip was asked for until all rows were there.
    """

    outputs: tuple[bytes, ...]
    rows: npt.NDArray[np.int8] | None
    hops: tuple[tuple[bytes, ...], ...] = ()
    ends: int = 1

    @property
    def last(self) -> tuple[bytes, ...]:
        """One set of outputs: those of the last hop or step, where there are several."""
        return self.hops[-1] if self.hops else self.outputs


@dataclass(frozen=True)
class HarnessOutput:
    """Everything the harness wrote; ``stack_painted_bytes`` is 0 on a workstation."""

    cases: tuple[HarnessCase, ...]
    stack_painted_bytes: int


def encode_tensors(cases: Sequence[Sequence[bytes]]) -> bytes:
    """Return an input.bin of cases, each the bytes of every model input in order."""
    header = struct.pack("<3I", INPUT_MAGIC, MODE_TENSORS, len(cases))
    return header + b"".join(tensor for case in cases for tensor in case)


def encode_steps(clips: Sequence[Sequence[npt.NDArray[np.generic]]]) -> bytes:
    """Return an input.bin for a model that runs step by step: clips, each an array ``[steps, ...]``
    of every model input in order."""
    parts = [struct.pack("<3I", INPUT_MAGIC, MODE_STEPS, len(clips))]
    for clip in clips:
        parts.append(struct.pack("<I", len(clip[0])))
        for step in zip(*clip, strict=True):
            parts += [np.ascontiguousarray(values).tobytes() for values in step]
    return b"".join(parts)


def encode_frames(clips: Sequence[npt.NDArray[np.generic]]) -> bytes:
    """Return an input.bin for a streamed model: clips of whole frames, first axis time."""
    parts = [struct.pack("<3I", INPUT_MAGIC, MODE_FRAMES, len(clips))]
    for clip in clips:
        parts += [struct.pack("<I", len(clip)), np.ascontiguousarray(clip).tobytes()]
    return b"".join(parts)


def encode_audio(clips: Sequence[npt.NDArray[np.int16]]) -> bytes:
    """Return an input.bin of mono clips at the feature specification's sample rate."""
    parts = [struct.pack("<3I", INPUT_MAGIC, MODE_AUDIO, len(clips))]
    for clip in clips:
        parts.append(struct.pack("<I", clip.size))
        parts.append(np.ascontiguousarray(clip, dtype="<i2").tobytes())
    return b"".join(parts)


def decode_output(
    data: bytes,
    output_bytes: Sequence[int],
    row_values: int | None = None,
    hops: Hops = "none",
    in_rows: Sequence[int] = (),
) -> HarnessOutput:
    """Return the contents of an output.bin.

    ``output_bytes`` are the sizes of the model's outputs, of those with the indices ``in_rows`` of
    a row; ``row_values`` is the width of a feature row where the input was audio; ``hops`` says
    whether outputs come by the hop or by the step.  Raises ToolFailedError where the file has
    another layout.
    """
    reader = _Reader(data)
    if reader.u32() != OUTPUT_MAGIC:
        raise ToolFailedError("output.bin: wrong magic number.")
    cases = []
    for _ in range(reader.u32()):
        rows, ends = None, 1
        taken = {index: bytearray() for index in in_rows}
        if taken:
            reader.rows(output_bytes, taken)
        if row_values is not None:
            n_rows = reader.u32()
            flat = np.frombuffer(reader.take(n_rows * row_values), np.int8)
            rows = flat.reshape(n_rows, row_values)
        if taken:
            reader.rows(output_bytes, taken)
            ends = reader.u32()
        count = 1 if hops == "none" else reader.u32()
        found = tuple(
            tuple(
                bytes(taken[index]) if index in taken else reader.take(size)
                for index, size in enumerate(output_bytes)
            )
            for _ in range(count)
        )
        if hops == "steps":
            outputs = tuple(map(b"".join, zip(*found, strict=True)))
        else:
            outputs = found[-1] if found else ()
        cases.append(HarnessCase(outputs, rows, () if hops == "none" else found, ends))
    output = HarnessOutput(tuple(cases), reader.u32())
    if reader.offset != len(data):
        raise ToolFailedError(f"output.bin: {len(data) - reader.offset} bytes left over.")
    return output


class _Reader:
    """Takes bytes from the front of a buffer."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def take(self, size: int) -> bytes:
        end = self.offset + size
        if end > len(self.data):
            raise ToolFailedError(f"output.bin: ends at byte {len(self.data)}, {end} expected.")
        part = self.data[self.offset : end]
        self.offset = end
        return part

    def rows(self, row_bytes: Sequence[int], taken: Mapping[int, bytearray]) -> None:
        """Appends rows to those of their outputs, up to the next 0."""
        while (index := self.u32() - 1) >= 0:
            if index not in taken:
                raise ToolFailedError(f"output.bin: a row of output {index}, which has none.")
            taken[index] += self.take(row_bytes[index])

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")
