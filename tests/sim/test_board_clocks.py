"""The clock that a board's start-up code sets: its code runs in Unicorn on registers that answer as
the manual says, and what it leaves there is decoded by the manual's formulas."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.boards import application
from toolkit.boards import board_folder, list_boards, load_board
from toolkit.targets import load_target
from toolkit.toolchain.elf import read_elf

Registers = Mapping[int, int]
#: What a register reads, of what was written to all.
Answer = Callable[[Registers], int]

_CODE, _STACK, _END = 0x0800_0000, 0x2000_1000, 0x0801_0000


def _bit(register: int, enable: int, ready: int) -> tuple[int, Answer]:
    """A register whose bit ``ready`` follows its bit ``enable``."""
    return register, lambda r: r.get(register, 0) | (r.get(register, 0) >> enable & 1) << ready


def _follows(register: int, shift: int) -> tuple[int, Answer]:
    """A register whose status of two bits at ``shift`` follows the choice in its lowest two."""
    return register, lambda r: r.get(register, 0) | (r.get(register, 0) & 3) << shift


def _l4_clock(r: Registers) -> float:
    """RM0432, 6.4.4 and 6.4.3: MSI of 4 MHz / M x N / R, then the AHB divider."""
    pll, cfgr = r[0x4002100C], r[0x40021008]
    assert pll & 3 == 1 and pll & 1 << 24 and cfgr & 3 == 3 and not cfgr >> 4 & 8
    return 4e6 / ((pll >> 4 & 15) + 1) * (pll >> 8 & 127) / (2 * ((pll >> 25 & 3) + 1))


def _vosr(r: Registers) -> int:
    """PWR_VOSR, RM0456, 10.10.4: the range is ready, the booster once it is enabled."""
    return r.get(0x4602080C, 0) | 1 << 15 | (r.get(0x4602080C, 0) >> 18 & 1) << 14


def _u5_clock(r: Registers) -> float:
    """RM0456, 11.8.11 and 11.8.14: MSIS of 4 MHz / M x N / R."""
    cfg, div = r[0x46020C28], r[0x46020C34]
    assert cfg & 3 == 1 and cfg & 1 << 18 and r[0x46020C1C] & 3 == 3
    assert r[0x4602080C] >> 16 & 7 == 7, "range 1 and its booster"
    return 4e6 / ((cfg >> 8 & 15) + 1) * ((div & 511) + 1) / ((div >> 24 & 127) + 1)


def _rt_clock(r: Registers) -> float:
    """IMXRT1060RM, 14.8.1 and 14.7: 24 MHz x DIV_SELECT / 2 / ARM_PODF / AHB_PODF."""
    pll, cbcdr = r[0x400D8000], r[0x400FC014]
    assert pll & 1 << 13 and not pll & 1 << 12 and not cbcdr & 1 << 25
    assert r[0x4008000C] & 31 == 18, "1.25 V"
    core = 24e6 * (pll & 127) / 2 / ((r[0x400FC010] & 7) + 1) / ((cbcdr >> 10 & 7) + 1)
    assert core / ((cbcdr >> 8 & 3) + 1) <= 150e6, "peripherals"
    return core


def _rsl10_clock(r: Registers) -> float:
    """RSL10 hardware reference: 48 MHz / CK_DIV_1_6, chosen as the system's clock."""
    assert r[0x40000100] & 7 == 2 and not r[0x400100AC] & 1 << 16 and r[0x400100AC] & 1 << 12
    return 48e6 / (r[0x400100BC] >> 24 & 7)


#: By board: registers that do not read as written, the clock that the registers mean, and the
#: register with the wait states in its lowest four bits.
BOARDS: Mapping[str, tuple[dict[int, Answer], Callable[[Registers], float], int]] = {
    "nrf52840-dk": ({0x40000100: lambda r: r.get(0x40000000, 0)}, lambda r: 64e6, 0),
    "nrf5340-dk": (
        {0x50005100: lambda r: r.get(0x50005000, 0)},
        lambda r: 128e6 / (r[0x50005558] + 1),
        0,
    ),
    "nucleo-l4r5zi": (
        dict([_bit(0x40021000, 24, 25), _follows(0x40021008, 2)]),
        _l4_clock,
        0x40022000,
    ),
    "nucleo-u575zi-q": (
        {
            **dict([_bit(0x46020C00, 24, 25), _follows(0x46020C1C, 2)]),
            0x4602080C: _vosr,
        },
        _u5_clock,
        0x40022000,
    ),
    "apollo3-evb": ({}, lambda r: 48e6 / (1 + (r[0x40004018] & 1)), 0),
    "rsl10-evb": (
        dict([_bit(0x40001314, 8, 24)])
        | {0x400100E4: lambda r: (r.get(0x400100BC, 0) >> 24 > 0) << 11},
        _rsl10_clock,
        0,
    ),
    "teensy41": (
        dict([_bit(0x400D8000, 13, 31)]) | {0x40080000: lambda r: 1 << 31},
        _rt_clock,
        0,
    ),
}  # fmt: skip


def test_every_clock_is_looked_at() -> None:
    hardware = {name for name in list_boards() if not load_board(name).simulated}
    assert set(BOARDS) == hardware, "a row of BOARDS says what the board's registers mean"


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="no arm-none-eabi-gcc")
def test_every_board_runs_at_the_clock_that_its_target_states(tmp_path: Path) -> None:
    for name, (answers, clock, wait_register) in BOARDS.items():
        board, target = load_board(name), load_target(load_board(name).target)
        left = _run(_built(name, tmp_path), answers)
        assert clock(left) == board.clock_hz == target.clock_hz, name
        if wait_register:
            assert left[wait_register] & 15 == target.memory("flash").wait_states, name


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="no arm-none-eabi-gcc")
def test_an_oscillator_that_does_not_start_is_said(tmp_path: Path) -> None:
    stuck: dict[int, Answer] = {0x40000100: lambda r: 0}
    assert _run(_built("nrf52840-dk", tmp_path), stuck, started=0)


def _built(name: str, folder: Path) -> Path:
    """The board's clock.c alone, linked."""
    app = application(folder, name)
    header = app.files()["board/board.h"]
    (folder / "board.h").write_bytes(header)
    elf = folder / f"{name}.elf"
    flags = load_target(app.board.target).compiler_flags("gcc")
    command = ["arm-none-eabi-gcc", *flags, "-O1", "-ffreestanding", "-nostdlib", f"-I{folder}"]
    command += [f"-Wl,-Ttext={_CODE:#x}", "-Wl,-e,board_clock_start", "-o", str(elf)]
    subprocess.run([*command, str(board_folder(name) / "clock.c")], check=True)
    return elf


def _run(path: Path, answers: Mapping[int, Answer], started: int = 1) -> Registers:
    """What the clock's code leaves in the registers; it must return ``started``."""
    import unicorn
    from unicorn import arm_const as arm

    elf = read_elf(path)
    machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    machine.mem_map(_CODE, 0x2_0000)
    machine.mem_map(0x2000_0000, 0x1_0000)
    for load in elf.loads:
        machine.mem_write(load.load_address, load.data)
    registers: dict[int, int] = {}

    def read(base: int) -> Callable[..., int]:
        def answer(_: object, offset: int, size: int, __: object) -> int:
            address = base + offset
            return answers.get(address, lambda r: r.get(address, 0))(registers) & 0xFFFF_FFFF

        return answer

    def write(base: int) -> Callable[..., None]:
        def take(_: object, offset: int, size: int, value: int, __: object) -> None:
            registers[base + offset] = value & 0xFFFF_FFFF

        return take

    for base in (0x4000_0000, 0x5000_0000, 0xE000_0000):
        machine.mmio_map(base, 0x1000_0000, read(base), None, write(base), None)
    machine.reg_write(arm.UC_ARM_REG_SP, _STACK)
    machine.reg_write(arm.UC_ARM_REG_LR, _END | 1)
    machine.emu_start(elf.entry | 1, _END, count=50_000_000)
    assert machine.reg_read(arm.UC_ARM_REG_PC) & ~1 == _END, f"{path.stem}: no end"
    assert machine.reg_read(arm.UC_ARM_REG_R0) == started, path.stem
    return registers
