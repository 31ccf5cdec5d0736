"""Runs a firmware in ``qemu-system-arm``, with the counting plugin."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from toolkit.errors import ToolFailedError, ToolMissingError
from toolkit.simulate.counts import Watch, marker_addresses, read_counts
from toolkit.simulate.native import build_library
from toolkit.simulate.result import SimulationResult
from toolkit.targets import Target
from toolkit.toolchain.elf import ElfImage, read_elf

_PROGRAM = "qemu-system-arm"
_EXIT_FAULT = 4  # TK_EXIT_FAULT of tk_io.h
_UNKNOWN = 0xFFFFFFFF
_OVERFLOW = "Most likely the stack overflowed."
_RESET_FETCH = re.compile(r"Invalid read at addr 0x(?:1000000)?[04], size 4, .*reason: rejected")
_SLOWEST_INSTRUCTIONS_PER_S = 50_000_000
_START_S = 60.0


def qemu_version() -> tuple[int, int]:
    """Return QEMU's version as (major, minor); raise ToolMissingError where it is not installed."""
    if shutil.which(_PROGRAM) is None:
        raise ToolMissingError(
            f"the simulator '{_PROGRAM}' is not installed.",
            hint="Install the package qemu-system-arm, or use --simulator unicorn.",
        )
    done = subprocess.run([_PROGRAM, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"version (\d+)\.(\d+)", done.stdout)
    if match is None:
        raise ToolFailedError(f"{_PROGRAM}: --version printed no version.")
    return int(match[1]), int(match[2])


def run_qemu(elf_path: Path, input_bytes: bytes, target: Target, watch: Watch) -> SimulationResult:
    """Run a firmware; see ``toolkit.simulate.simulate``."""
    elf = read_elf(elf_path)
    version = qemu_version()
    plugin = build_library("qemu_plugin.c", {"PLUGIN_VERSION": 2 if version >= (9, 0) else 1})
    low, high = elf.code_range
    with tempfile.TemporaryDirectory(prefix="toolkit-run-") as name:
        folder = Path(name)
        (folder / "input.bin").write_bytes(input_bytes)
        counts = folder / "counts.bin"
        (folder / "code.bin").write_bytes(elf.read(low, high - low))
        options = [f"out={counts.name}", "code=code.bin", f"low={low}", f"high={high}"]
        options.append(f"limit={2 * watch.limit_instructions}")
        options.extend(f"marker={address}" for address in marker_addresses(elf))
        options.extend(f"scope={address}" for address, _ in watch.addresses(elf))
        command = [_PROGRAM, "-M", target.simulation.qemu_machine]
        command += ["-nographic", "-monitor", "none", "-serial", "none"]
        command += ["-chardev", "stdio,id=console"]
        command += ["-semihosting-config", "enable=on,target=native,chardev=console"]
        file = str(plugin).replace(",", ",,")  # QEMU's way to quote a comma
        command += ["-plugin", ",".join([f"file={file}", *options])]
        # Reserved addresses read as zero and swallow writes, those below the stack too: log it.
        command += ["-d", "unimp,guest_errors", "-D", "log.txt"]
        command += ["-kernel", str(elf_path.resolve())]
        timeout_s = _START_S + 2 * watch.limit_instructions / _SLOWEST_INSTRUCTIONS_PER_S
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ToolFailedError(f"qemu: no end after {timeout_s:.0f} s.") from error
        _require_sound(done, elf, folder)
        intervals, layers = read_counts(counts, elf, watch)
        output = folder / "output.bin"
        data = output.read_bytes() if output.exists() else b""
    return SimulationResult("qemu", data, done.stdout, done.returncode, intervals, layers)


def _require_sound(done: subprocess.CompletedProcess[str], elf: ElfImage, folder: Path) -> None:
    """Raise where the firmware faulted or QEMU itself failed."""
    if done.returncode == _EXIT_FAULT:
        match = re.search(r"fault at pc 0x([0-9a-f]{8})", done.stdout)
        address = int(match[1], 16) if match else _UNKNOWN
        if address == _UNKNOWN:
            raise ToolFailedError(
                "simulation: processor fault with the stack outside its reservation.",
                hint=_OVERFLOW,
            )
        raise ToolFailedError(f"simulation: processor fault at {elf.describe(address)}.")
    if not (folder / "counts.bin").exists() or done.returncode < 0:
        raise ToolFailedError(f"qemu failed: {_first_line(done.stderr)}")
    access = _first_access(folder / "log.txt")
    if access:
        raise ToolFailedError(
            f"simulation: access outside the memory map ({access}).", hint=_OVERFLOW
        )


def _first_access(log: Path) -> str:
    """Return the first bad access of QEMU's log, or nothing.

    Boards with a TrustZone memory controller log the processor's fetch of stack pointer and entry
    at power-on, before the program is loaded: two reads, which are not the firmware's.
    """
    if not log.exists():
        return ""
    with log.open(encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in itertools.islice(file, 3)]
    at_reset = len(lines) >= 2 and all(_RESET_FETCH.match(line) for line in lines[:2])
    return next(iter(lines[2 if at_reset else 0 :]), "")


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "no message")
