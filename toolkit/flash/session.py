"""What is done to a board through a GDB server: identify, program, verify, run."""

from __future__ import annotations

from contextlib import suppress

from toolkit.boards import Board
from toolkit.errors import BoardError, ToolFailedError, VerificationError
from toolkit.flash.image import Image
from toolkit.flash.remote import RefusedError, Remote
from toolkit.flash.results import Results, decode_results

_SP, _PC, _XPSR = 13, 15, 25
_THUMB = 1 << 24
_BREAKPOINT_BYTES = 2


def identify(remote: Remote, image: Image) -> None:
    """Raise BoardError where the part is not the image's."""
    for one in image.identities:
        try:
            word = remote.read_word(one.address)
        except RefusedError:
            found = "nothing"
        else:
            if one.matches(word):
                continue
            found = f"0x{word & one.mask:08x}"
        raise BoardError(
            f"the part at {remote.place} is not that of board '{image.board.name}': "
            f"0x{one.address:08x} ({one.what}) answers {found}, not 0x{one.value:08x}.",
            hint="Nothing was written. Connect that board, or build for the one that is connected.",
        )


def reset(remote: Remote, board: Board) -> None:
    """Reset the part and halt it before its first instruction; where the server has no way to, the
    registers alone tell it where to begin."""
    with suppress(RefusedError):
        remote.monitor("system_reset" if board.simulated else "reset halt")


def prepare(remote: Remote, image: Image) -> None:
    """Identify the part and halt it as after a reset; another part is not even reset.

    QEMU's is: what it answers a program may have changed.  Raises BoardError for another part.
    """
    if image.board.simulated:
        reset(remote, image.board)
    identify(remote, image)
    if not image.board.simulated:
        reset(remote, image.board)


def program(remote: Remote, image: Image) -> int:
    """Write an image; returns its bytes.  Raises ToolFailedError where the server refuses."""
    loads = sorted(image.elf.loads, key=lambda load: load.load_address)
    try:
        sectors = remote.flash()
        touched = False
        for load in loads:
            begin, end = load.load_address, load.load_address + len(load.data)
            for region, size in sectors:
                low, high = max(begin, region.origin), min(end, region.end)
                if low < high:
                    first = region.origin + (low - region.origin) // size * size
                    last = region.origin - (region.origin - high) // size * size
                    remote.erase(first, last - first)
                    touched = True
        for load in loads:
            in_flash = any(r.origin <= load.load_address < r.end for r, _ in sectors)
            write = remote.write_flash if in_flash else remote.write
            write(load.load_address, load.data)
        if touched:
            remote.finish_flash()
    except RefusedError as error:
        raise ToolFailedError(
            f"the server at {remote.place} does not program the board ({error})."
        ) from error
    return sum(len(load.data) for load in loads)


def verify(remote: Remote, image: Image) -> None:
    """Raise VerificationError where the board holds other bytes than the image."""
    for load in image.elf.loads:
        try:
            found = remote.read(load.load_address, len(load.data))
        except RefusedError as error:
            raise VerificationError(
                f"the board cannot be read back ({error}).",
                hint="Check the cable, and run `toolkit flash` again.",
            ) from error
        if found != load.data:
            at = next(i for i, (a, b) in enumerate(zip(found, load.data, strict=True)) if a != b)
            raise VerificationError(
                f"the board holds 0x{found[at]:02x} at 0x{load.load_address + at:08x}, "
                f"the image 0x{load.data[at]:02x}.",
                hint="Flash it again; a part that stays so is worn or protected.",
            )


def start(remote: Remote, image: Image) -> None:
    """Point the core at the image's vector table, as a reset does."""
    reset(remote, image.board)
    table = image.elf.read(image.board.vectors, 8)
    stack, entry = (int.from_bytes(table[at : at + 4], "little") for at in (0, 4))
    if image.board.simulated:  # a reset without a program left no Thumb bit; 25 is QEMU's number
        with suppress(RefusedError):
            remote.set_register(_XPSR, _THUMB)
    try:
        remote.set_register(_SP, stack)
        remote.set_register(_PC, entry & ~1)
    except RefusedError as error:
        raise ToolFailedError(
            f"the server at {remote.place} sets no register ({error})."
        ) from error


def resume(remote: Remote, board: Board) -> None:
    """Let the program run on without a debugger, hardware from its reset."""
    with suppress(TimeoutError, RefusedError):
        if not board.simulated:
            remote.monitor("reset")
        remote.request(b"D", 2.0)


def run(remote: Remote, image: Image, timeout_s: float) -> Results:
    """Run the application to its end and read its results.

    Raises VerificationError where it does not get there, or stops elsewhere, and leaves none.
    """
    stop, _ = image.symbol("board_stop")
    try:
        remote.expect_ok(b"Z1,%x,%x" % (stop, _BREAKPOINT_BYTES))
    except RefusedError:
        try:
            remote.expect_ok(b"Z0,%x,%x" % (stop, _BREAKPOINT_BYTES))
        except RefusedError as error:
            raise ToolFailedError(f"the server at {remote.place} sets no breakpoint.") from error
    remote.send(b"c")
    try:
        remote.receive(timeout_s)
    except TimeoutError:
        remote.interrupt()
        with suppress(TimeoutError):
            remote.receive()
    address, size = image.symbol("board_results")
    try:
        return decode_results(remote.read(address, size))
    except RefusedError as error:
        raise VerificationError(
            f"the board's results cannot be read ({error}).",
            hint="Check the cable, and run `toolkit flash` again.",
        ) from error
