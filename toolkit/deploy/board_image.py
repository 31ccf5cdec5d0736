"""What a board's image measures, and what is checked of it."""

from __future__ import annotations

from toolkit.boards import Board
from toolkit.flash.image import NOTE_SECTION, read_note
from toolkit.measurement import Check, Measurement, Provenance
from toolkit.profiling.linked import Linked
from toolkit.profiling.real_time import HALVES, Trace
from toolkit.targets import Memory, Target

#: Room that the linker has behind the board's memories, so that the verdict is ours.
SLACK_BYTES = 1 << 24


def real_time_findings(
    trace: Trace, target: Target, simulator: str
) -> tuple[tuple[Measurement, ...], Check]:
    """What the double buffer of a real-time application loses at the part's clock."""
    found, needed = trace.at_clock(target.clock_hz), trace.clock_needed_hz()
    hops = f"cycles of {len(trace.hops)} hops from {simulator}"
    basis = f"queue of {HALVES} blocks of {trace.block_hops} hops, {hops}"
    kind = Provenance.SIMULATED
    detail = (
        f"{found.overruns} of {len(trace.blocks)} blocks lost at {target.clock_hz / 1e6:g} MHz; "
        f"{needed / 1e6:.1f} MHz are needed, simulated"
    )
    return (
        (
            Measurement("board_overruns", found.overruns, "blocks", kind, basis),
            Measurement("board_clock_needed_mhz", needed / 1e6, "MHz", kind, basis),
            Measurement("board_margin", found.margin, "blocks", kind, basis),
        ),
        Check("board_keeps_up", not found.overruns, detail, required=target.real_time),
    )


def image_measurements(linked: Linked, board: Board) -> tuple[Measurement, ...]:
    """Sizes of a board's image."""
    basis = f"linker map, {linked.toolchain}, application for board {board.name}"
    sizes = {
        "board_flash_bytes": linked.size.flash_bytes,
        "board_ram_static_bytes": linked.size.ram_static_bytes,
    }
    return tuple(
        Measurement(name, value, "B", Provenance.MEASURED, basis) for name, value in sizes.items()
    )


def image_checks(linked: Linked, board: Board, hot: Memory | None = None) -> tuple[Check, ...]:
    """Whether an image fits the board, and whether it is laid out as its core wants it; ``hot`` is
    where copied code goes."""
    size = linked.size
    ram = size.ram_static_bytes + size.stack_reserved_bytes
    return (
        _fits("board_flash", "flash;", size.flash_bytes, board.flash.size_bytes, board),
        _fits("board_ram", "RAM, stack included;", ram, board.ram.size_bytes, board),
        _layout(linked, board, hot),
    )


def _fits(name: str, what: str, used: int, available: int, board: Board) -> Check:
    over = used - available
    verdict = f"{over} B over" if over > 0 else f"{-over} B left"
    detail = f"the image takes {used} B of {what} board {board.name} has {available} B: {verdict}"
    return Check(name, over <= 0, detail)


def _layout(linked: Linked, board: Board, hot: Memory | None) -> Check:
    """Sections inside the map (apart from how much fits), vector table, stack top, entry, note."""
    faults = list(_layout_faults(linked, board, hot))
    detail = "; ".join(faults) or (
        f"vector table at 0x{board.vectors:08x}, stack top, entry and note as board "
        f"{board.name} wants them"
    )
    return Check("board_image", not faults, detail)


def _layout_faults(linked: Linked, board: Board, hot: Memory | None) -> list[str]:
    elf, faults = linked.elf, list[str]()
    regions = [(r.origin, r.end + SLACK_BYTES) for r in (board.flash, board.ram)]
    regions += [] if hot is None else [(hot.origin, hot.origin + hot.size_bytes)]
    faults += [
        f"section {section.name} at 0x{section.address:08x} is outside the map"
        for section in elf.sections
        if not any(low <= section.address < high for low, high in regions)
    ]
    stack = next(section for section in elf.sections if section.name == ".stack")
    table_bytes = 4 * (16 + board.interrupts)
    try:
        table = elf.read(board.vectors, table_bytes)
    except ValueError:
        return [*faults, f"no vector table at 0x{board.vectors:08x}"]
    top, entry = (int.from_bytes(table[at : at + 4], "little") for at in (0, 4))
    alignment = max(128, 1 << (table_bytes - 1).bit_length())
    if board.vectors % alignment:
        faults.append(f"the vector table is not aligned to {alignment} B")
    if top != stack.address + stack.size_bytes or top % 8:
        faults.append(f"the stack begins at 0x{top:08x}, not at the end of its reservation")
    if entry != elf.entry | 1 or elf.function_at(elf.entry) is None:
        faults.append(f"the reset vector 0x{entry:08x} is not the entry 0x{elf.entry:08x}")
    try:
        if read_note(elf).board != board.name:
            faults.append(f"{NOTE_SECTION} is for another board")
    except ValueError as error:
        faults.append(str(error))
    return faults
