"""Both compilers: same bytes anywhere, typed errors, nothing of the machine in what they leave."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.tiny import (
    FEATURES,
    TARGET,
    build_body,
    build_tiny,
    toolchain_or_skip,
    write_tiny,
)
from toolkit.errors import InputError, ToolFailedError, ToolMissingError
from toolkit.toolchain import TOOLCHAINS, device_sources, find_toolchain, host_sources
from toolkit.toolchain.elf import read_elf

pytestmark = pytest.mark.usefixtures("fresh_objects")


@pytest.mark.parametrize("name", TOOLCHAINS)
def test_same_bytes_in_any_folder(name: str, tmp_path: Path) -> None:
    first = build_tiny(tmp_path / "one", name)
    second = build_tiny(tmp_path / "elsewhere" / "deeper", name)
    for suffix in ("elf", "bin", "hex", "map"):
        content = getattr(first, suffix).read_bytes()
        assert content == getattr(second, suffix).read_bytes(), suffix
        assert str(tmp_path).encode() not in content, suffix
    assert first.command == second.command
    assert {path.name for path in (tmp_path / "one").iterdir()} == {
        path.name for path in write_tiny(tmp_path / "untouched").iterdir()
    } | {"out"}


@pytest.mark.parametrize("name", TOOLCHAINS)
def test_command_builds_the_same_firmware(name: str, tmp_path: Path) -> None:
    """The command line shown to users is the one that was run."""
    firmware = build_tiny(tmp_path / "tiny", name)
    command = list(firmware.command)
    if name == "zig":
        import sys

        command[:1] = [sys.executable, "-m", "ziglang"]
    subprocess.run(command, cwd=tmp_path / "tiny", check=True, capture_output=True)
    again = read_elf(tmp_path / "tiny" / "firmware.elf")
    assert again.loads == read_elf(firmware.elf).loads


@pytest.mark.parametrize("name", TOOLCHAINS)
def test_bin_and_hex_hold_what_the_elf_loads(name: str, tmp_path: Path) -> None:
    from intelhex import IntelHex

    firmware = build_tiny(tmp_path / "tiny", name)
    elf = read_elf(firmware.elf)
    image = firmware.bin.read_bytes()
    for load in elf.loads:
        assert image[load.load_address :][: len(load.data)] == load.data
    assert IntelHex(str(firmware.hex)).tobinstr() == image
    stack, reset = (int.from_bytes(image[4 * n :][:4], "little") for n in range(2))
    assert stack == TARGET.simulation.ram.origin + TARGET.stack_bytes
    assert reset == elf.entry | 1
    handler = elf.function("Reset_Handler")
    assert handler is not None and handler.address == elf.entry


def test_sources_by_place(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny")
    device, host = set(device_sources(folder)), set(host_sources(folder))
    assert device - host == {"startup.c", "tk_memory.c", "tk_io_semihosting.c"}
    assert host - device == {"tk_io_host.c"}
    assert "kernels/tk_tiny.c" in device


def test_compiler_message_becomes_one_line(tmp_path: Path) -> None:
    for name in TOOLCHAINS:
        with pytest.raises(ToolFailedError, match=r"failed: model\.c:\d+:.*no_such_function") as e:
            build_body(tmp_path / name, "(void)m; no_such_function();", name)
        assert "\n" not in str(e.value)


@pytest.mark.parametrize("name", TOOLCHAINS)
def test_too_large_for_the_board(name: str, tmp_path: Path) -> None:
    before = "static uint8_t big[5u << 20];"
    with pytest.raises(InputError, match=r"does not fit the simulated board's memory.*RAM"):
        body = '__asm__ volatile("" ::"r"(big), "r"(m) : "memory");'
        build_body(tmp_path / "tiny", body, name, before)


def test_missing_compilers_and_their_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        ToolMissingError, match=r"'arm-none-eabi-gcc' is not installed.*Install"
    ) as e:
        find_toolchain("gcc")
    assert e.value.exit_code == 3
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ToolMissingError, match=r"'zig' is not installed.*pip install ziglang"):
        find_toolchain("zig")


def test_unknown_toolchain() -> None:
    with pytest.raises(InputError, match="unknown toolchain 'clang'"):
        find_toolchain("clang")


def test_not_an_elf(tmp_path: Path) -> None:
    path = tmp_path / "model.elf"
    path.write_bytes(b"no ELF at all")
    with pytest.raises(ToolFailedError, match=r"model\.elf: not a readable ELF"):
        read_elf(path)


@pytest.mark.parametrize("name", TOOLCHAINS)
def test_symbols_agree_with_nm(name: str, tmp_path: Path) -> None:
    toolchain_or_skip("gcc")
    firmware = build_tiny(tmp_path / "tiny", name)
    nm = subprocess.run(
        ["arm-none-eabi-nm", "-S", str(firmware.elf)], capture_output=True, text=True, check=True
    )
    known = {}
    for line in nm.stdout.splitlines():
        fields = line.split()
        if len(fields) == 4:
            known[fields[3]] = (int(fields[0], 16) & ~1, int(fields[1], 16))
    elf = read_elf(firmware.elf)
    for symbol in (*elf.functions, *elf.objects):
        if symbol.size_bytes:
            assert known[symbol.name] == (symbol.address, symbol.size_bytes)
    assert elf.function_at(elf.entry + 2) == elf.function("Reset_Handler")


def test_defines_reach_the_compiler(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny")
    sources = host_sources(folder)
    compiler = toolchain_or_skip("zig")
    plain, audio = (tmp_path / name for name in ("plain", "audio"))
    for out, defines in ((plain, {}), (audio, FEATURES)):
        out.mkdir()
        compiler.compile_host(folder, sources, out, defines)
    missing = b"built without features"
    assert missing in (plain / "firmware_host").read_bytes()
    assert missing not in (audio / "firmware_host").read_bytes()
