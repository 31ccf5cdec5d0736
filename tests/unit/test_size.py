"""Flash and RAM figures against the binary, the GNU tools and the linker's map."""

from __future__ import annotations

import subprocess

import pytest

from tests.support import tiny
from toolkit.errors import ToolFailedError
from toolkit.profiling.size import map_sections, measure_size
from toolkit.toolchain import TOOLCHAINS, Binaries
from toolkit.toolchain.elf import read_elf

BODY = "counter++; m->arena[32] = (uint8_t)(counter + zeros[m->arena[0]] + table[m->arena[1]]);"
BEFORE = """
static volatile uint32_t counter = 7;
static volatile uint8_t zeros[1000];
static const uint16_t table[256] = {1, 2, 3};
"""


@pytest.fixture(scope="module", params=TOOLCHAINS)
def firmware(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Binaries:
    folder = tmp_path_factory.mktemp("size") / "tiny"
    return tiny.build_body(folder, BODY, request.param, BEFORE)


def test_sizes(firmware: Binaries) -> None:
    report = measure_size(read_elf(firmware.elf), firmware.map.read_text(encoding="utf-8"))
    assert report.flash_bytes == firmware.bin.stat().st_size
    assert report.stack_reserved_bytes == tiny.TARGET.stack_bytes
    # counter in .data, zeros, model instance (96) and features_state (24) in .bss, aligned
    assert 4 + 1000 + 96 + 24 <= report.ram_static_bytes <= 4 + 1000 + 96 + 24 + 32
    assert report.harness_bytes >= 14 << 20
    sizes = {symbol.name: symbol for symbol in report.symbols}
    assert sizes["zeros"].size_bytes == 1000 and sizes["zeros"].section == ".bss"
    assert sizes["table"].size_bytes == 512 and sizes["table"].section == ".rodata"
    assert sizes["counter"].section == ".data"
    assert sizes["model_invoke"].section == ".text"


def test_sections_agree_with_gnu_size(firmware: Binaries) -> None:
    tiny.toolchain_or_skip("gcc")
    command = ["arm-none-eabi-size", "-A", "-d", str(firmware.elf)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = {
        fields[0]: int(fields[1])
        for fields in map(str.split, listing.splitlines())
        if len(fields) == 3 and fields[0].startswith(".") and fields[1] != "0"
    }
    report = measure_size(read_elf(firmware.elf), firmware.map.read_text(encoding="utf-8"))
    assert dict(report.sections) == {n: s for n, s in theirs.items() if n in report.sections}
    assert report.ram_static_bytes == theirs[".data"] + theirs[".bss"]
    assert {".text", ".rodata", ".data", ".bss", ".stack", ".harness_bss"} == set(report.sections)


def test_map_is_held_against_the_elf(firmware: Binaries) -> None:
    text = firmware.map.read_text(encoding="utf-8")
    elf = read_elf(firmware.elf)
    size = map_sections(text)[".bss"]
    wrong = text.replace(f"{size:x}", f"{size + 4:x}")
    with pytest.raises(ToolFailedError, match=r"linker map: section \.bss"):
        measure_size(elf, wrong)
    with pytest.raises(ToolFailedError, match="linker map"):
        measure_size(elf, "")
