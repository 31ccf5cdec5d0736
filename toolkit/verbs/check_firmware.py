"""The user's own firmware as a report: flash, RAM and stack of an ELF or a linker map, with what of
them is the library's."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from toolkit.budget.model import Subject
from toolkit.deploy.model import load
from toolkit.emit.naming import untagged
from toolkit.errors import InputError, ToolFailedError
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS
from toolkit.measurement import Measurement, Provenance, Symbols, find_symbol
from toolkit.profiling.stack import bound_stack
from toolkit.report import Report
from toolkit.report.model import Fit, Part, StackFrame
from toolkit.targets import load_target
from toolkit.toolchain.elf import ElfImage, read_elf

#: What kernels and helpers of every generated library begin with.
_KERNEL = re.compile(r"(?:^|_)tk_")
_ROOT = "Reset_Handler"
#: Output sections of a map that are programmed and that are in RAM, by how their names begin.
_FLASH = (".isr_vector", ".vectors", ".text", ".rodata", ".ARM", ".init", ".fini", ".preinit")
_RAM = (".bss", ".noinit", ".stack", ".heap", "._user_heap_stack", ".tbss")
_BOTH = (".data", ".tdata", ".ramfunc")
_SECTION = re.compile(r"^(\.[\w.]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)", re.MULTILINE)
_INPUT = re.compile(
    r"^ (\.(?:text|rodata|data|bss)\.[\w.$]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s", re.MULTILINE
)


def firmware_report(subject: Subject) -> Report:
    """Figures of ``subject.elf``, else of ``subject.map`` (of GNU ld or lld).

    With a model the map of its symbols tells layers apart.  Raises InputError for a file that
    cannot be read or is neither.
    """
    file = subject.elf or subject.map
    assert file is not None
    symbols = _model_symbols(subject)
    if subject.elf is not None:
        sizes, stack = _of_elf(_read(file))
    else:
        sizes, stack = _of_map(file), ()
    target = load_target(subject.target, subject.policy)
    basis = f"{'ELF' if subject.elf else 'linker map'} {file.name}"
    flash, ram = sizes
    fits = (
        _fit("flash", flash, target.flash_bytes, basis, symbols),
        _fit("ram", ram, target.ram_bytes, basis, symbols),
    )
    figures = [
        ("flash_bytes", fits[0].used_bytes),
        ("ram_static_bytes", fits[1].used_bytes),
        ("library_flash_bytes", _library(fits[0])),
        ("library_ram_bytes", _library(fits[1])),
    ]
    if stack:
        figures.append(("stack_bound_bytes", sum(frame.size_bytes for frame in stack)))
    return Report(
        model_name=file.stem,
        model_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        target=target.name,
        toolchain="",
        simulator="",
        schedule="",
        measurements=tuple(
            Measurement(name, value, "B", Provenance.MEASURED, basis) for name, value in figures
        ),
        fits=fits,
        stack=stack,
        symbols=symbols,
    )


#: Bytes by symbol of a region, and all its bytes.
_Sizes = tuple[dict[str, int], int]


def _read(file: Path) -> ElfImage:
    try:
        return read_elf(file).renamed(untagged)
    except ToolFailedError as error:
        raise InputError(
            f"{file}: {error.message}", hint="Build the firmware again with its map."
        ) from None


def _of_elf(elf: ElfImage) -> tuple[tuple[_Sizes, _Sizes], tuple[StackFrame, ...]]:
    """Flash is what is programmed, RAM every section that lies elsewhere than it is programmed."""
    in_ram = [s for s in elf.sections if not s.has_data or _copied(elf, s.address)]
    programmed = [s for s in elf.sections if s.has_data]
    flash = sum(len(load.data) for load in elf.loads)
    ram = sum(section.size_bytes for section in in_ram)
    parts: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for symbol in (*elf.functions, *elf.objects):
        for region, sections in zip(parts, (programmed, in_ram), strict=True):
            if any(0 <= symbol.address - s.address < s.size_bytes for s in sections):
                region[symbol.name] = region.get(symbol.name, 0) + symbol.size_bytes
    return ((parts[0], flash), (parts[1], ram)), _stack(elf)


def _copied(elf: ElfImage, address: int) -> bool:
    return any(
        load.address != load.load_address and 0 <= address - load.address < len(load.data)
        for load in elf.loads
    )


def _stack(elf: ElfImage) -> tuple[StackFrame, ...]:
    """The deepest chain of calls; nothing where a part of it cannot be bound."""
    if elf.function(_ROOT) is None:
        return ()
    try:
        bound = bound_stack(elf)
    except ToolFailedError:
        return ()
    return tuple(map(StackFrame, bound.chain, bound.chain_bytes)) if bound.holds else ()


def _of_map(file: Path) -> tuple[_Sizes, _Sizes]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from None
    gnu = text.partition("Linker script and memory map")[2]
    if not gnu:
        raise InputError(
            f"{file}: is no map of GNU ld.", hint="Link with -Wl,-Map=app.map, or name the ELF."
        )
    sections = [(name, int(size, 16)) for name, size in _SECTION.findall(gnu)]
    flash = sum(size for name, size in sections if name.startswith((*_FLASH, *_BOTH)))
    ram = sum(size for name, size in sections if name.startswith((*_RAM, *_BOTH)))
    in_flash: dict[str, int] = {}
    in_ram: dict[str, int] = {}
    for name, size in _INPUT.findall(gnu):
        _, section, symbol = name.split(".", 2)
        for region, kinds in ((in_flash, ("text", "rodata", "data")), (in_ram, ("data", "bss"))):
            if section in kinds:
                region[symbol] = region.get(symbol, 0) + int(size, 16)
    return (in_flash, flash), (in_ram, ram)


def _model_symbols(subject: Subject) -> Symbols:
    """The symbols that the model's C has; none without a model."""
    if subject.model is None:
        return {}
    seconds = DEFAULT_CLIP_SECONDS if subject.seconds is None else subject.seconds
    model = load(subject.model, seconds, subject.max_seconds, states=subject.state)
    model = model.quantize(subject.calib)
    target = load_target(subject.target, subject.policy)
    return model.deploy(target, arithmetic=subject.arithmetic).project().symbols


def _fit(region: str, sizes: _Sizes, available: int, basis: str, symbols: Symbols) -> Fit:
    named, used = sizes
    parts = [Part(name, _kind(name, symbols), size) for name, size in named.items() if size]
    rest = used - sum(part.size_bytes for part in parts)
    if rest > 0:
        parts.append(Part("other", "other", rest))
    ordered = sorted(parts, key=lambda part: (-part.size_bytes, part.name))
    return Fit(region, used, available, Provenance.MEASURED, basis, tuple(ordered))


def _kind(name: str, symbols: Symbols) -> str:
    ours = _KERNEL.search(name) is not None or find_symbol(symbols, name) is not None
    return "library" if ours else "application"


def _library(fit: Fit) -> int:
    return sum(part.size_bytes for part in fit.parts if part.kind == "library")
