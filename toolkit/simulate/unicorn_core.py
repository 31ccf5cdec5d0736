"""Runs a firmware in Unicorn, with counting hooks in C and semihosting in Python.

Blocks are counted, or where a memory is watched instructions and what they load.
"""

from __future__ import annotations

import ctypes
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from toolkit.errors import ToolFailedError
from toolkit.simulate.counts import MemoryWatch, Watch, marker_addresses, read_counts
from toolkit.simulate.native import build_library
from toolkit.simulate.result import SimulationResult
from toolkit.simulate.semihosting import Semihosting
from toolkit.targets import Access, Cache, Region, Target
from toolkit.toolchain.elf import ElfImage, read_elf

_SEMIHOSTING_INTERRUPT = 7
_PRIVATE_PERIPHERALS = Region(0xE0000000, 0x100000)  # system control space: plain memory here
_NEVER = 0xFFFFFFFE
_TELL_SECONDS = 1.0
_ANYWHERE = Region(0, 1 << 32)


def run_unicorn(
    elf_path: Path, input_bytes: bytes, target: Target, watch: Watch
) -> SimulationResult:
    """Run a firmware; see ``toolkit.simulate.simulate``."""
    from unicorn import UC_HOOK_INTR, UcError
    from unicorn.arm_const import UC_ARM_REG_PC, UC_ARM_REG_SP

    elf = read_elf(elf_path)
    engine = _load(elf, target)
    with tempfile.TemporaryDirectory(prefix="toolkit-run-") as name:
        folder = Path(name)
        (folder / "input.bin").write_bytes(input_bytes)
        semihosting = Semihosting(engine, folder)
        interrupts: list[int] = []

        def on_interrupt(_engine: Any, number: int, _data: Any) -> None:
            if number != _SEMIHOSTING_INTERRUPT:
                interrupts.append(number)
                engine.emu_stop()
            elif semihosting.handle():
                engine.emu_stop()

        engine.hook_add(UC_HOOK_INTR, on_interrupt)
        counter = _Counter(engine, elf, folder / "counts.bin", watch, target)
        vectors = target.simulation.flash.origin
        stack, entry = (int.from_bytes(elf.read(vectors + 4 * i, 4), "little") for i in range(2))
        engine.reg_write(UC_ARM_REG_SP, stack)
        fault = ""
        try:
            _emulate(engine, entry | 1, counter, watch)
        except UcError as error:
            fault = str(error).partition("(")[0].strip().lower()
        finally:
            counter.close()
            semihosting.close()
        counter.require_sound()
        address = engine.reg_read(UC_ARM_REG_PC)
        if interrupts:
            fault = f"exception {interrupts[0]}"
        if fault:
            raise ToolFailedError(f"simulation: {fault} at {elf.describe(address)}.")
        settings = () if watch.memory is None else watch.memory.settings
        counts = folder / "counts.bin"
        intervals, layers = read_counts(counts, elf, watch, len(settings))
        if semihosting.exit_code is None:
            raise ToolFailedError(
                f"simulation: stopped without an exit at {elf.describe(address)}."
            )
        output = folder / "output.bin"
        data = output.read_bytes() if output.exists() else b""
    return SimulationResult(
        "unicorn", data, semihosting.console, semihosting.exit_code, intervals, layers, settings
    )


def _emulate(engine: Any, entry: int, counter: _Counter, watch: Watch) -> None:
    """Run until a hook stops the engine, or Ctrl-C does.

    In a thread of its own: the main thread would not serve Ctrl-C before the run had ended.
    """
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(engine.emu_start, entry, _NEVER)
        try:
            while watch.tell is not None and not wait([run], _TELL_SECONDS).done:
                watch.tell(counter.executed_instructions)
            run.result()
        except BaseException:
            engine.emu_stop()
            raise


def _load(elf: ElfImage, target: Target) -> Any:
    """Return an engine with the simulated board's memory map and the firmware in its flash."""
    import unicorn
    from unicorn import arm_const

    engine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    engine.ctl_set_cpu_model(getattr(arm_const, target.simulation.unicorn_cpu))
    simulation = target.simulation
    read_only = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
    engine.mem_map(simulation.flash.origin, simulation.flash.size_bytes, read_only)
    for region in (simulation.ram, simulation.harness, _PRIVATE_PERIPHERALS):
        engine.mem_map(region.origin, region.size_bytes)
    for load in elf.loads:
        engine.mem_write(load.load_address, load.data)
    return engine


class _Places(ctypes.Structure):
    """``counter_places`` of counter.h."""

    _fields_ = (("addresses", ctypes.POINTER(ctypes.c_uint32)), ("count", ctypes.c_uint32))


def _places(addresses: list[int]) -> _Places:
    return _Places((ctypes.c_uint32 * len(addresses))(*addresses), len(addresses))


class _Calls(ctypes.Structure):
    """``unicorn_calls`` of unicorn_hook.c."""

    _fields_ = (
        ("stop", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("write", ctypes.c_void_p),
        ("xpsr", ctypes.c_int32),
        ("low", ctypes.c_uint32),
        ("code", ctypes.c_char_p),
    )


class _Cache(ctypes.Structure):
    """``memory_cache`` of memory.h."""

    _fields_ = (
        ("sets", ctypes.c_uint32),
        ("ways", ctypes.c_uint32),
        ("line_bytes", ctypes.c_uint32),
    )


class _Setting(ctypes.Structure):
    """``memory_setting`` of memory.h."""

    _fields_ = (
        ("wait_states", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
        ("prefetch", ctypes.c_uint32),
        ("shared", ctypes.c_uint32),
        ("instructions", _Cache),
        ("data", _Cache),
    )


def _cache(cache: Cache | None) -> _Cache:
    if cache is None:
        return _Cache(0, 0, 0)
    sets = cache.size_bytes // (cache.line_bytes * cache.ways)
    return _Cache(sets, cache.ways, cache.line_bytes)


def _setting(access: Access) -> _Setting:
    instructions, data = access.cache("instructions"), access.cache("data")
    shared = data is not None and data is instructions
    return _Setting(
        *(access.wait_states, access.width_bytes, access.prefetch, shared),
        *(_cache(instructions), _cache(None if shared else data)),
    )


_CYCLES = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32)
_NO_ADDRESS = 0xFFFFFFFF


class _Counter:
    """The native hooks, attached to an engine."""

    def __init__(
        self, engine: Any, elf: ElfImage, path: Path, watch: Watch, target: Target
    ) -> None:
        from unicorn import arm_const
        from unicorn import unicorn_const as uc
        from unicorn.unicorn_py3.unicorn import uclib

        self._library = ctypes.CDLL(str(build_library("unicorn_hook.c", {})))
        self._remaining = self._library.counter_remaining
        self._remaining.restype = ctypes.c_uint64
        self._limit = 2 * watch.limit_instructions
        low, high = elf.code_range
        memory = watch.memory
        self._library.counter_open(
            str(path).encode(),
            ctypes.c_uint32(low),
            ctypes.c_uint32(high),
            _places(marker_addresses(elf)),
            _places([address for address, _ in watch.addresses(elf)]),
            ctypes.c_uint64(self._limit),
            ctypes.c_uint32(0 if memory is None else 2 * len(memory.settings)),
        )
        code = elf.read(low, high - low)
        used = (uclib.uc_emu_stop, uclib.uc_reg_read, uclib.uc_reg_write)
        pointers = [ctypes.cast(function, ctypes.c_void_p) for function in used]
        self._calls = _Calls(*pointers, arm_const.UC_ARM_REG_XPSR, low, code)
        self._handles: list[ctypes.c_size_t] = []
        self._error: Exception | None = None
        self._engine = engine
        if memory is None:
            hooks = [(uc.UC_HOOK_BLOCK, self._library.unicorn_hook_block, _ANYWHERE)]
        else:
            flash = target.simulation.flash
            self._open_memory(memory, flash, (low, high))
            hooks = [
                (uc.UC_HOOK_CODE, self._library.unicorn_hook_code, _ANYWHERE),
                (uc.UC_HOOK_MEM_READ, self._library.unicorn_hook_read, flash),
            ]
        for kind, hook, where in hooks:
            # Unicorn's binding only takes Python callbacks, a hundred times slower: add the C one.
            self._handles.append(ctypes.c_size_t())
            status = uclib.uc_hook_add(
                engine._uch,
                ctypes.byref(self._handles[-1]),
                kind,
                ctypes.cast(hook, ctypes.c_void_p),
                ctypes.cast(ctypes.byref(self._calls), ctypes.c_void_p),
                ctypes.c_uint64(where.origin),
                ctypes.c_uint64(where.end - 1),
            )
            if status != 0:
                raise ToolFailedError(f"unicorn: a hook was refused (status {status}).")

    def _open_memory(self, memory: MemoryWatch, slow: Region, code: tuple[int, int]) -> None:
        def core_cycles(address: int, previous: int) -> int:
            """Called once for every instruction that runs; an exception must not reach C."""
            try:
                return memory.core_cycles(address, None if previous == _NO_ADDRESS else previous)
            except Exception as error:
                self._error = error
                self._engine.emu_stop()
                return 0

        self._core_cycles = _CYCLES(core_cycles)
        settings = (_Setting * len(memory.settings))(*map(_setting, memory.settings))
        opened = self._library.memory_open(
            settings,
            *map(ctypes.c_uint32, (len(settings), slow.origin, slow.end, *memory.fast, *code)),
            ctypes.c_uint32(memory.taken_branch),
            self._core_cycles,
        )
        self._library.unicorn_hook_open()
        if not opened:
            raise ToolFailedError(f"simulation: no room to model {len(settings)} memories.")

    @property
    def executed_instructions(self) -> int:
        """About how many ran until now: half of them are taken to be of two halfwords."""
        return (self._limit - int(self._remaining())) * 2 // 3

    def require_sound(self) -> None:
        """Raise what went wrong while counting."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Write the last interval; the file is complete then."""
        self._library.counter_close()
        self._library.memory_close()
