"""The stack bound against painted stacks and the compiler's own figures; what it cannot bound."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support import tiny
from toolkit.errors import ToolFailedError
from toolkit.profiling.cycles import CycleModel, load_cycle_table
from toolkit.profiling.disassembly import Disassembler
from toolkit.profiling.frame import analyse_function
from toolkit.profiling.stack import StackBound, bound_stack
from toolkit.simulate import simulate
from toolkit.simulate.protocol import decode_output
from toolkit.toolchain import TOOLCHAINS, Binaries
from toolkit.toolchain.base import DEVICE_FLAGS, LANGUAGE_FLAGS, include_flags
from toolkit.toolchain.elf import read_elf

LEAF = "void leaf(uint8_t *p);\n__attribute__((noinline)) void leaf(uint8_t *p) { p[0]++; }\n"
USE = '__asm__ volatile("" ::"r"(big) : "memory");'

# What the model does, and what stands above it.
BODIES = {
    "shallow": ("m->arena[32] = 1;", ""),
    "array": (f"uint8_t big[1500]; big[7] = m->arena[0]; {USE} m->arena[32] = big[9];", ""),
    "large array": (f"uint8_t big[6000]; big[7] = m->arena[0]; {USE} m->arena[32] = big[9];", ""),
    "aligned array": (
        f"uint8_t big[40] __attribute__((aligned(32))); big[3] = m->arena[0]; {USE}"
        " leaf(big); m->arena[32] = big[9];",
        LEAF,
    ),
    "floating-point registers": (
        "use_all(m->arena);",
        "void use_all(uint8_t *p);\n__attribute__((noinline)) void use_all(uint8_t *p) {\n"
        '__asm__ volatile("vpush {s16-s31}\\n vpop {s16-s31}" ::"r"(p) : "memory"); p[32] = 1; }\n',
    ),
    "trap": (
        "volatile uint8_t *a = m->arena; if (a[0] == 1 && a[1] == 2 && a[2] == 3 && a[3] == 4) {"
        ' __asm__ volatile("udf #254\\n sub sp, #400"); } m->arena[32] = 1;',
        "",
    ),
    "tail call": ("m->arena[1] = 3; leaf(m->arena);", LEAF),
    "chain": (
        f"uint8_t big[200]; big[0] = 1; {USE} middle(m->arena); {USE}",
        LEAF + "void middle(uint8_t *p);\n__attribute__((noinline)) void middle(uint8_t *p) {\n"
        f"uint8_t big[300]; big[0] = *p; {USE} leaf(p); {USE} }}\n",
    ),
    "double arithmetic": (
        "double x = m->arena[0] + 0.5; for (int i = 1; i < 9; i++) { x = x * 1.7 / (x + i); }"
        " m->arena[32] = (uint8_t)(int64_t)x;",
        "",
    ),
    "saved float registers": (
        "float x[12]; for (int i = 0; i < 12; i++) { x[i] = m->arena[i]; }"
        " leaf(m->arena); for (int i = 0; i < 12; i++) { m->arena[32 + i] ="
        " (uint8_t)(x[i] * x[11 - i] * 0.01F); }",
        LEAF,
    ),
    "switch": (
        "for (int i = 0; i < 9; i++) { switch (m->arena[i] & 7) {"
        + " ".join(f"case {n}: leaf(m->arena + {n * n + 1}); break;" for n in range(7))
        + " default: m->arena[2] ^= 5; } }",
        LEAF,
    ),
}


def _bound(firmware: Binaries, root: str = "Reset_Handler") -> StackBound:
    return bound_stack(read_elf(firmware.elf), root)


def _painted(firmware: Binaries) -> int:
    data = simulate(firmware.elf, tiny.tensor_input(2), "unicorn", tiny.TARGET).output
    return decode_output(data, tiny.OUTPUT_BYTES).stack_painted_bytes


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", BODIES)
def test_bound_holds_and_is_tight(name: str, toolchain: str, tmp_path: Path) -> None:
    body, before = BODIES[name]
    firmware = tiny.build_body(tmp_path / "tiny", body, toolchain, before)
    bound, painted = _bound(firmware), _painted(firmware)
    assert bound.holds, bound
    # Not every path runs, and padding for alignment is at worst; nothing else may be added.
    assert painted <= bound.bound_bytes <= painted + 96
    assert bound.chain[:2] == ("Reset_Handler", "main")


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_audio_firmware(toolchain: str, tmp_path: Path) -> None:
    firmware = tiny.build_tiny(tmp_path / "tiny", toolchain)
    data = simulate(firmware.elf, tiny.audio_input(2), "unicorn", tiny.TARGET).output
    painted = decode_output(data, tiny.OUTPUT_BYTES, tiny.ROW_VALUES).stack_painted_bytes
    bound = _bound(firmware)
    assert bound.holds
    assert painted <= bound.bound_bytes <= painted + 32
    assert "__udivmoddi4" in bound.chain  # the compiler's run-time library is part of it
    model = _bound(firmware, "model_invoke")
    assert 0 < model.bound_bytes < bound.bound_bytes


def test_frames_agree_with_the_compiler(tmp_path: Path) -> None:
    """GCC's -fstack-usage, which knows its own functions only, is the oracle for those."""
    tiny.toolchain_or_skip("gcc")
    firmware = tiny.build_tiny(tmp_path / "tiny", "gcc")
    elf = read_elf(firmware.elf)
    code, entries = Disassembler(elf), frozenset(symbol.address for symbol in elf.functions)
    compared = 0
    for source in ("main.c", "kernels/tk_tiny.c", "tiny_features.c", "startup.c", "tk_memory.c"):
        flags = [
            *tiny.TARGET.compiler_flags("gcc"),
            *LANGUAGE_FLAGS,
            *DEVICE_FLAGS,
            *include_flags(tmp_path / "tiny"),
        ]
        command = ["arm-none-eabi-gcc", *flags, "-DHARNESS_FEATURES=1", "-fstack-usage"]
        command += ["-c", source, "-o", "usage.o"]
        subprocess.run(command, cwd=tmp_path / "tiny", check=True)
        for line in (tmp_path / "tiny" / "usage.su").read_text(encoding="utf-8").splitlines():
            place, size_bytes, kind = line.split("\t")
            symbol = elf.function(place.split(":")[-1])
            if symbol is None:
                continue
            frame = analyse_function(code, symbol.address, entries, lambda _: True)
            assert kind == "static"
            assert frame.size_bytes == int(size_bytes), symbol.name
            compared += 1
    assert compared >= 8


DOWN = "__attribute__((noinline)) int down(int n) { if (n < 1) { return 0; } "
UNBOUNDED = {
    "recursion": (
        "m->arena[32] = (uint8_t)down(m->arena[0]);",
        "int down(int n);\n" + DOWN + "return n ^ (3 * down(n - 1) + down(n - 2)); }\n",
        "recursive",
        {"down"},
    ),
    "mutual recursion": (
        "m->arena[32] = (uint8_t)down(m->arena[0]);",
        "int down(int n);\nint other(int n);\n" + DOWN + "return n ^ 3 * other(n - 1); }\n"
        "__attribute__((noinline)) int other(int n) { return n ^ 5 * down(n / 2); }\n",
        "recursive",
        {"down", "other"},
    ),
    "call through a pointer": (
        "handler(m->arena); m->arena[32] = 1;",
        LEAF + "static void (*volatile handler)(uint8_t *) = leaf;\n",
        "indirect",
        {"model_invoke"},
    ),
    "tail call through a pointer": (
        "m->arena[32] = 1; handler(m->arena);",
        LEAF + "static void (*volatile handler)(uint8_t *) = leaf;\n",
        "indirect",
        {"model_invoke"},
    ),
    "array of variable length": (
        f"uint8_t big[m->arena[0] + 1]; big[0] = m->arena[1]; {USE} m->arena[32] = big[0];",
        "",
        "dynamic",
        {"model_invoke"},
    ),
}


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", UNBOUNDED)
def test_what_cannot_be_bounded_is_named(name: str, toolchain: str, tmp_path: Path) -> None:
    body, before, kind, functions = UNBOUNDED[name]
    bound = _bound(tiny.build_body(tmp_path / "tiny", body, toolchain, before))
    assert not bound.holds
    assert functions <= set(getattr(bound, kind))


def test_unknown_root(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match="no function 'no_such'"):
        _bound(tiny.build_tiny(tmp_path / "tiny"), "no_such")


def test_code_is_decoded_once_for_all_who_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    decode = Disassembler._decode

    def counted(self: Disassembler, address: int) -> object:
        decoded.append(address)
        return decode(self, address)

    monkeypatch.setattr(Disassembler, "_decode", counted)
    elf = read_elf(tiny.build_tiny(tmp_path / "tiny").elf)
    first, entry = bound_stack(elf), elf.function("Reset_Handler")
    before = len(decoded)
    assert bound_stack(elf) == first and entry is not None
    CycleModel(elf, load_cycle_table(tiny.TARGET)).core_cycles(entry.address, None)
    assert len(decoded) == before == len(set(decoded)) > 0
