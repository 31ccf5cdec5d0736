"""Who needs the RAM when: live bytes by layer, or what a stream keeps; and the stack's chain."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from toolkit.measurement import MemoryMap, MemoryRow
from toolkit.report.layer_names import LayerNames
from toolkit.report.model import Report
from toolkit.report.screen.grid import labelled, sparkline
from toolkit.report.text import printable

_LISTED = 4
#: What a stream keeps from frame to frame; the rest is needed only while layers work.
_KEPT = frozenset({"ring", "clip", "sums", "blocks", "counters"})
_SPARKS = 40


def peak_rows(memory: MemoryMap) -> list[MemoryRow]:
    """The blocks in use in the (first) step that needs most, largest first."""
    step = memory.peak_step
    alive = [row for row in memory.rows if row.alive(step)]
    return sorted(alive, key=lambda row: (-row.size_bytes, row.offset_bytes))


def memory_lines(report: Report, names: LayerNames) -> list[tuple[str, Text]]:
    """Lines of the screen as label and text; none where nothing is planned."""
    lines = []
    memory = report.memory
    if memory is not None and memory.rows:
        lines += [_kept(memory, names)] if memory.region == "state" else _over_time(memory, names)
    if report.stack:
        chain = (f"{_function(f.function, names)} {f.size_bytes:,}" for f in report.stack)
        lines.append(("stack", Text(" → ".join(chain))))
    return lines


def _over_time(memory: MemoryMap, names: LayerNames) -> list[tuple[str, Text]]:
    """Live bytes, layer after layer, and what is alive at the peak."""
    live = memory.used_bytes
    if not live:
        return []
    at = names.of(memory.steps[live.index(max(live))])
    said = Text.assemble(
        (sparkline(live, _SPARKS), "cyan"),
        f" peak {max(live):,} of {memory.size_bytes:,} B at {at}: ",
    )
    return [("arena", said.append(_blocks(peak_rows(memory), names)))]


def _kept(memory: MemoryMap, names: LayerNames) -> tuple[str, Text]:
    """What a stream keeps, whatever the length of the clip or all rows of it, and what its layers
    share."""
    kept = [row for row in memory.rows if row.kind in _KEPT]
    kept_bytes = sum(row.size_bytes for row in kept)
    kept.sort(key=lambda row: (-row.size_bytes, row.offset_bytes))
    shared = sorted(
        (row for row in memory.rows if row.kind not in _KEPT),
        key=lambda row: (-row.size_bytes, row.first_step),
    )
    one_length = any(row.kind == "clip" for row in kept)
    clips = "for clips of one length" if one_length else "the same for any clip length"
    said = Text(
        f"{memory.size_bytes:,} B, {clips}: "
        f"{kept_bytes:,} B kept between frames ({_blocks(kept, names)})"
    )
    if shared:
        said.append(
            f", {memory.size_bytes - kept_bytes:,} B that layers share "
            f"({_blocks(shared[:1], names)})"
        )
    return "state", said


def _blocks(rows: list[MemoryRow], names: LayerNames) -> str:
    listed = ", ".join(
        f"{names.of(row.name)}{'' if row.kind == 'tensor' else ' ' + row.kind} {row.size_bytes:,}"
        for row in rows[:_LISTED]
    )
    return f"{listed}, ..." if len(rows) > _LISTED else listed


def _function(name: str, names: LayerNames) -> str:
    return names.of_symbol(printable(name))


def print_memory(report: Report, names: LayerNames, console: Console) -> None:
    """Print who needs the RAM when."""
    for label, text in memory_lines(report, names):
        console.print(labelled(label, text))
