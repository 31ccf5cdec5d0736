"""Runs a firmware in Unicorn, with the counting block hook and semihosting in Python."""

from __future__ import annotations

import ctypes
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from toolkit.errors import ToolFailedError
from toolkit.simulate.counts import Watch, marker_addresses, read_counts
from toolkit.simulate.native import build_library
from toolkit.simulate.result import SimulationResult
from toolkit.simulate.semihosting import Semihosting
from toolkit.targets import Region, Target
from toolkit.toolchain.elf import ElfImage, read_elf

_SEMIHOSTING_INTERRUPT = 7
_PRIVATE_PERIPHERALS = Region(0xE0000000, 0x100000)  # system control space: plain memory here
_NEVER = 0xFFFFFFFE


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
        counter = _Counter(engine, elf, folder / "counts.bin", watch)
        vectors = target.simulation.flash.origin
        stack, entry = (int.from_bytes(elf.read(vectors + 4 * i, 4), "little") for i in range(2))
        engine.reg_write(UC_ARM_REG_SP, stack)
        fault = ""
        try:
            _emulate(engine, entry | 1)
        except UcError as error:
            fault = str(error).partition("(")[0].strip().lower()
        finally:
            counter.close()
            semihosting.close()
        address = engine.reg_read(UC_ARM_REG_PC)
        if interrupts:
            fault = f"exception {interrupts[0]}"
        if fault:
            raise ToolFailedError(f"simulation: {fault} at {elf.describe(address)}.")
        intervals, layers = read_counts(folder / "counts.bin", elf, watch)
        if semihosting.exit_code is None:
            raise ToolFailedError(
                f"simulation: stopped without an exit at {elf.describe(address)}."
            )
        output = folder / "output.bin"
        data = output.read_bytes() if output.exists() else b""
    return SimulationResult(
        "unicorn", data, semihosting.console, semihosting.exit_code, intervals, layers
    )


def _emulate(engine: Any, entry: int) -> None:
    """Run until a hook stops the engine, or Ctrl-C does.

    In a thread of its own: the main thread would not serve Ctrl-C before the run had ended.
    """
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(engine.emu_start, entry, _NEVER)
        try:
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


class _Counter:
    """The native block hook, attached to an engine."""

    def __init__(self, engine: Any, elf: ElfImage, path: Path, watch: Watch) -> None:
        from unicorn.unicorn_const import UC_HOOK_BLOCK
        from unicorn.unicorn_py3.unicorn import uclib

        self._library = ctypes.CDLL(str(build_library("unicorn_hook.c", {})))
        low, high = elf.code_range
        self._library.counter_open(
            str(path).encode(),
            ctypes.c_uint32(low),
            ctypes.c_uint32(high),
            _places(marker_addresses(elf)),
            _places([address for address, _ in watch.addresses(elf)]),
            ctypes.c_uint64(2 * watch.limit_instructions),
        )
        self._stop = ctypes.c_void_p(ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p).value)
        self._handle = ctypes.c_size_t()
        # Unicorn's binding only takes Python callbacks, a hundred times slower: add the C one here.
        status = uclib.uc_hook_add(
            engine._uch,
            ctypes.byref(self._handle),
            UC_HOOK_BLOCK,
            ctypes.cast(self._library.unicorn_hook_block, ctypes.c_void_p),
            ctypes.cast(ctypes.byref(self._stop), ctypes.c_void_p),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        if status != 0:
            raise ToolFailedError(f"unicorn: the block hook was refused (status {status}).")

    def close(self) -> None:
        """Write the last interval; the file is complete then."""
        self._library.counter_close()
