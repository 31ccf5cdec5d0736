"""What a board is; pure data."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.targets import Region

#: What counts cycles: the core's debug unit, or its system timer.
COUNTERS = ("dwt", "systick")


@dataclass(frozen=True)
class Identity:
    """A word that the board's part, and no other one that may be confused with it, answers:
    ``(word at address) & mask == value``.  ``what`` names it, with the document."""

    what: str
    address: int
    mask: int
    value: int

    def matches(self, word: int) -> bool:
        return word & self.mask == self.value


@dataclass(frozen=True)
class Console:
    """What takes printed text beside the ring in RAM: a file of ``boards/shared/console``, the
    address of its peripheral (0: it needs none), and what else that file wants: the ``pin`` of the
    port at an address, the clock that its divider makes 115200 baud of."""

    kind: str = "none"
    base: int = 0
    port: int = 0
    pin: int = 0
    baud_clock_hz: int = 0


@dataclass(frozen=True)
class Emulation:
    """QEMU's machine; an instruction takes ``2 ** icount_shift`` ns of its simulated time."""

    machine: str
    icount_shift: int


@dataclass(frozen=True)
class PyocdProbe:
    """pyOCD's name of the part, and the CMSIS pack that has it ("": it is built in)."""

    target: str
    pack: str = ""


@dataclass(frozen=True)
class OpenocdProbe:
    """openocd's configuration files, in order, and the transport to choose after the first ("": as
    they say)."""

    configs: tuple[str, ...]
    transport: str = ""


@dataclass(frozen=True)
class TeensyProbe:
    """The name of the board for teensy_loader_cli."""

    mcu: str


@dataclass(frozen=True)
class Board:
    """One board.

    Addresses and sizes are bytes, ``clock_hz`` is what its start-up code sets.  ``target`` names
    its part.  ``simulated`` boards are QEMU's: nothing is measured on them.  Images begin with
    ``boot_bytes`` for a boot ROM (0: with the vector table), a second table of which lies
    ``boot_table_offset`` behind the first.  ``unsure`` says what no document at hand confirms.
    """

    name: str
    description: str
    source: str
    target: str
    simulated: bool
    clock_hz: int
    interrupts: int
    counter: str
    flash: Region
    ram: Region
    identities: tuple[Identity, ...]
    console: Console = Console()
    qemu: Emulation | None = None
    pyocd: PyocdProbe | None = None
    openocd: OpenocdProbe | None = None
    teensy: TeensyProbe | None = None
    boot_bytes: int = 0
    boot_table_offset: int = 0
    unsure: str = ""

    @property
    def vectors(self) -> int:
        """Address of the vector table."""
        return self.flash.origin + self.boot_bytes

    @property
    def probes(self) -> tuple[str, ...]:
        """What can program it, the default first; a GDB server of anyone's always can."""
        own = {
            "qemu": self.qemu,
            "pyocd": self.pyocd,
            "openocd": self.openocd,
            "teensy": self.teensy,
        }
        return tuple(name for name, how in own.items() if how is not None)
