"""Output bytes of a device against the integer reference, and against TFLM's interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolkit.errors import ToolFailedError
from toolkit.ir import Graph
from toolkit.measurement import Check, Measurement, Provenance
from toolkit.model.reference import Case, output_bytes, stepwise
from toolkit.model.source import Source
from toolkit.ops.check import custom_operators
from toolkit.tflite.flatbuffer import parse
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.write import write_tflite

#: The check that the bits are TFLM's.
TFLM = "tflm_match"
#: The check that what is left of a network gives the bits of all of it.
DEAD_CHANNELS = "dead_channels"


@dataclass(frozen=True)
class Mismatch:
    """A case whose output differs: how many bytes, and the first of them."""

    case: int
    output: str
    differing_bytes: int
    total_bytes: int
    first_offset: int
    expected: int
    found: int

    def __str__(self) -> str:
        return (
            f"case {self.case}, output {self.output!r}: {self.differing_bytes} of "
            f"{self.total_bytes} bytes differ, the first at {self.first_offset}: "
            f"expected 0x{self.expected:02x}, found 0x{self.found:02x}"
        )


def output_figures(
    mismatches: Sequence[Mismatch], expected: Sequence[Sequence[bytes]], provenance: Provenance
) -> tuple[Measurement, ...]:
    """How many output bytes differ, and of how many; ``provenance`` is the run's."""
    total = sum(len(data) for case in expected for data in case)
    differing = sum(mismatch.differing_bytes for mismatch in mismatches)
    counts = {"output_mismatches": differing, "output_bytes_compared": total}
    basis = "device outputs against the numpy integer reference"
    return tuple(
        Measurement(name, count, "bytes", provenance, basis) for name, count in counts.items()
    )


def find_mismatches(
    names: Sequence[str], expected: Sequence[Sequence[bytes]], found: Sequence[Sequence[bytes]]
) -> tuple[Mismatch, ...]:
    """Every output (called by ``names``) of every case that differs.

    Raises ToolFailedError when the numbers of cases differ.
    """
    if len(expected) != len(found):
        raise ToolFailedError(f"the firmware ran {len(found)} of {len(expected)} cases.")
    mismatches = []
    for case, (wanted, got) in enumerate(zip(expected, found, strict=True)):
        for name, want, have in zip(names, wanted, got, strict=True):
            a, b = np.frombuffer(want, np.uint8), np.frombuffer(have, np.uint8)
            where = np.flatnonzero(a != b)
            if where.size:
                first = int(where[0])
                mismatches.append(
                    Mismatch(case, name, where.size, a.size, first, int(a[first]), int(b[first]))
                )
    return tuple(mismatches)


def dead_channels_check(
    whole: Graph, cases: Sequence[Case], found: Sequence[Sequence[bytes]]
) -> Check:
    """Whether outputs are those of the network as it was with its dead channels, by TFLM's
    interpreter where that can run it, else by the integer reference."""
    if not custom_operators(whole) and tflm_available():
        check = tflm_check(whole, cases, found, write_tflite(whole))
        return replace(check, name=DEAD_CHANNELS)
    expected = [output_bytes(whole, case) for case in cases]
    mismatches = find_mismatches(whole.free_outputs, expected, found)
    differing = sum(mismatch.differing_bytes for mismatch in mismatches)
    detail = f"{differing} output bytes differ from those of the network with them"
    return Check(DEAD_CHANNELS, not differing, detail)


def tflm_match(
    source: Source, graph: Graph, cases: Sequence[Case], found: Sequence[Sequence[bytes]]
) -> Check:
    """Whether outputs of the ``graph`` of a source at a clip length are those of TFLM's
    interpreter, where that can run it."""
    file = stock_file(source, graph)
    if file is None:
        names = ", ".join(custom_operators(graph))
        return Check.not_checked(TFLM, f"has custom operators {names}, TFLM cannot run them")
    if not tflm_available():
        return Check.not_checked(TFLM, "tflite-micro is not installed")
    return tflm_check(graph, cases, found, file)


def stock_file(source: Source, graph: Graph) -> bytes | None:
    """What TFLM runs as the ``graph`` of a source at a clip length: the graph as a ``.tflite``, or
    the file it came in where that alone has no custom operators; None for neither."""
    if not custom_operators(graph):
        return write_tflite(graph)
    if source.tflite is None:
        return None
    file = parse(source.tflite, source.name, frozenset())
    if any(op.custom for part in (file, *file.others) for op in part.operators):
        return None
    shapes = [file.tensors[index].shape for index in file.inputs]
    same = shapes == [graph.tensors[name].shape for name in graph.free_inputs]
    return source.tflite if same else None


def tflm_check(
    graph: Graph, cases: Sequence[Case], found: Sequence[Sequence[bytes]], file: bytes
) -> Check:
    """Whether outputs are those of TFLM's interpreter, which runs ``file`` as the graph; of a graph
    with states at every step of every case, each with an interpreter of its own."""
    clips = [stepwise(graph, case) for case in cases]
    columns = [np.concatenate([clip[name] for clip in clips]) for name in graph.free_inputs]
    steps = [len(clip[graph.free_inputs[0]]) for clip in clips]
    outputs = run_tflm(file, columns, clips=steps if graph.states else ()).outputs
    cut = [np.split(column, np.cumsum(steps)[:-1]) for column in outputs]
    expected = [
        [np.ascontiguousarray(part).tobytes() for part in parts] for parts in zip(*cut, strict=True)
    ]
    mismatches = find_mismatches(graph.free_outputs, expected, found)
    differing = sum(mismatch.differing_bytes for mismatch in mismatches)
    detail = f"{differing} output bytes differ from TFLM's interpreter"
    return Check(TFLM, not differing, detail)
