"""``toolkit flash``: a build's image onto its board, and what comes back from it."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.errors import InputError
from toolkit.flash import find_probe
from toolkit.flash.image import Image, read_image
from toolkit.flash.results import Results, require_done
from toolkit.flash.session import prepare, program, resume, run, start, verify
from toolkit.flash.teensy import Teensy
from toolkit.measurement import Check, Measurement, Provenance
from toolkit.verbs.stages import Stage, silent

_DEFAULT_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class FlashRequest:
    """What the user asked for; ``run`` waits for the application's results."""

    folder: Path
    probe: str | None = None  # the board's first
    run: bool = False
    timeout_s: float = _DEFAULT_TIMEOUT_S


@dataclass(frozen=True)
class Flashed:
    """A programmed board, ``verified`` where it could be read back; ``predictions``, figures and
    checks only where it ran.  ``built_cycles`` are those an inference that the build simulated."""

    board: str
    probe: str
    simulated: bool
    image_bytes: int
    verified: bool = True
    predictions: tuple[tuple[str, float], ...] = ()
    measurements: tuple[Measurement, ...] = ()
    checks: tuple[Check, ...] = ()
    built_cycles: Measurement | None = None

    @property
    def measured_over_simulated(self) -> float | None:
        """Measured cycles over those that the build had simulated; None without both."""
        cycles = next((m for m in self.measurements if m.name == "cycles_per_inference"), None)
        if self.simulated or cycles is None or self.built_cycles is None:
            return None
        return cycles.value / self.built_cycles.value

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not any(check.failed for check in self.checks)


def commands(request: FlashRequest) -> tuple[str, ...]:
    """The command lines that do what `flash` does, for people; nothing is run."""
    image = read_image(request.folder)
    probe = find_probe(request.probe, image.board)
    return tuple(shlex.join(command) for command in probe.commands(image.path))


def flash(request: FlashRequest, stage: Stage = silent) -> Flashed:
    """Program the image of a build; with ``run`` wait for its results.

    Raises InputError for a folder without a sound image, ToolMissingError without the probe's tool,
    ProbeMissingError where no board answers, BoardError for another or a locked part,
    VerificationError where the board holds other bytes, its application does not come to its end,
    or its cycle counter stands.
    """
    image = read_image(request.folder)
    probe = find_probe(request.probe, image.board)
    size = sum(len(load.data) for load in image.elf.loads)
    done = Flashed(image.board.name, probe.name, image.board.simulated, size)
    if isinstance(probe, Teensy):
        if request.run:
            raise InputError(
                f"--run: {probe.name} can only load; it reads nothing back.",
                hint="Read the board's serial port, see docs/BOARDS.md.",
            )
        with stage(f"Program {size} B"):
            probe.load(image.path)
        return replace(done, verified=False)
    with contextlib.ExitStack() as opened:
        with stage(f"Reach {image.board.name} by {probe.name}"):
            remote = opened.enter_context(probe.open())
        with stage("Look at the part, reset it"):
            prepare(remote, image)
        with stage(f"Program {size} B"):
            program(remote, image)
        with stage("Verify"):
            verify(remote, image)
        start(remote, image)
        if not request.run:
            resume(remote, image.board)
            return done
        with stage("Run"):
            results = run(remote, image, request.timeout_s)
        return _with_results(done, image, results)


def _with_results(done: Flashed, image: Image, results: Results) -> Flashed:
    require_done(results)
    facts = image.facts
    expected = bytes.fromhex(facts.expected)
    differing = sum(a != b for a, b in zip(results.outputs, expected, strict=False))
    differing += abs(len(results.outputs) - len(expected))
    detail = f"{differing} of {len(expected)} output bytes differ from the integer reference"
    return replace(
        done,
        predictions=tuple(facts.predictions(results.outputs)),
        measurements=tuple(_figures(done, image, results)),
        checks=(Check("bit_match", differing == 0, detail), *_real_time(image, results)),
        built_cycles=_built(image),
    )


def _real_time(image: Image, results: Results) -> Sequence[Check]:
    if image.facts.application != "realtime":
        return ()
    detail = f"{results.overruns} blocks of audio were lost"
    return (Check("real_time", results.overruns == 0, detail),)


def _built(image: Image) -> Measurement | None:
    facts = image.facts
    if facts.cycles is None:
        return None
    row = ("cycles_per_inference", facts.cycles, "cycles")
    return Measurement(*row, Provenance.SIMULATED, f"the build: {facts.cycles_basis}")


def _figures(done: Flashed, image: Image, results: Results) -> list[Measurement]:
    """Cycles and what follows of them; measured on hardware alone."""
    board, facts = image.board, image.facts
    kind = Provenance.SIMULATED if done.simulated else Provenance.MEASURED
    if not done.simulated:
        basis = f"{board.counter} cycle counter of board {board.name}"
    else:
        basis = f"{board.counter} of {done.probe}'s {board.name}, which has no pipeline: no core's"
    rows = [
        ("cycles_per_inference", results.cycles, "cycles"),
        ("cycles_per_push_worst", results.cycles_worst, "cycles"),
        ("cycles_at_end_of_clip", results.cycles_finish, "cycles"),
        ("latency_ms", 1000 * results.seconds, "ms"),
    ]
    found = [Measurement(name, value, unit, kind, basis) for name, value, unit in rows]
    if facts.audio_seconds:
        factor = results.seconds / facts.audio_seconds
        found.append(Measurement("realtime_factor", factor, "", kind, basis))
    found.append(
        Measurement(
            "stack_painted_bytes", results.stack_bytes, "B", kind, f"painted, board {board.name}"
        )
    )
    return found
