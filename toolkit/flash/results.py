"""What an application leaves in RAM; the layout is that of boards/shared/board_results.h."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from toolkit.errors import VerificationError

MAGIC = 0x52424B54
RUNNING, DONE, FAULT, NO_COUNTER, NO_CLOCK, MODEL_REFUSED = range(1, 7)
_HEADER = struct.Struct("<4I3Q4I")


@dataclass(frozen=True)
class Results:
    """A finished application: cycles of all pushes and the end, of the dearest push, of the end;
    blocks of audio lost; stack in bytes; the bytes of all outputs."""

    state: int
    detail: int
    counter_hz: int
    cycles: int
    cycles_worst: int
    cycles_finish: int
    pushes: int
    overruns: int
    stack_bytes: int
    outputs: bytes

    @property
    def seconds(self) -> float:
        """Time that the model took in all."""
        return self.cycles / self.counter_hz


def decode_results(data: bytes) -> Results:
    """Read a block.  Raises VerificationError where it holds no results, with what the application
    says of itself."""
    if len(data) < _HEADER.size:
        raise VerificationError(
            "the board's results are too short.",
            hint="Reset the board and run `toolkit flash` again.",
        )
    magic, state, detail, hz, cycles, worst, finish, pushes, overruns, stack, size = (
        _HEADER.unpack_from(data)
    )
    if magic != MAGIC:
        raise VerificationError(
            "the board's application left no results: it did not start.",
            hint="Reset the board and run `toolkit flash` again.",
        )
    if hz == 0:
        raise VerificationError("the board's results state no clock: they are damaged.")
    outputs = data[_HEADER.size : _HEADER.size + size]
    return Results(state, detail, hz, cycles, worst, finish, pushes, overruns, stack, outputs)


def require_done(results: Results) -> None:
    """Raise VerificationError, in words, where the application did not come to its end."""
    words = {
        RUNNING: "did not come to its end",
        FAULT: f"met a processor fault at 0x{results.detail:08x}",
        NO_COUNTER: "has a cycle counter that does not advance: no time is known",
        NO_CLOCK: "has an oscillator or PLL that does not start",
        MODEL_REFUSED: f"was refused by the model with status {results.detail}",
    }
    if results.state in words:
        raise VerificationError(
            f"the board's application {words[results.state]}.",
            hint="Reset the board and run `toolkit flash` again.",
        )
    if results.state == DONE and results.cycles == 0:
        raise VerificationError(
            "the board's application counted no cycle: no time is known.",
            hint="Reset the board and run `toolkit flash` again.",
        )
