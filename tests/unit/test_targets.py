"""Targets are read from their folders; a wrong name is answered with the right one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit import targets
from toolkit.errors import InputError
from toolkit.profiling.code_table import FIRMWARE, driver_key, find_code
from toolkit.profiling.cycles import load_cycle_table
from toolkit.targets import load

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m33", "cortex-m4", "cortex-m55", "cortex-m7")
DOCUMENT = Path(__file__).parents[2] / "docs" / "TARGETS.md"


@pytest.mark.parametrize("name", targets.list_targets())
def test_every_target_folder_loads(name: str) -> None:
    target = targets.load_target(name)
    assert target.name == name
    assert target.default_simulator in ("unicorn", "qemu")
    assert load_cycle_table(target).taken_branch > 0
    assert target.compiler_flags("zig") and target.compiler_flags("gcc")
    assert target.source
    assert target.power is None or target.power.source
    assert "portable" in target.rates
    assert target.core.peak.macs_per_cycle == (2.0 if target.dsp else 0.5)
    assert target.core.peak.source
    assert find_code(target.core, FIRMWARE)
    assert find_code(target.core, driver_key("batch", 0))
    assert find_code(target.core, driver_key("stream", 5))
    assert any(kind.startswith("log_mel/") for kind in target.core.features)


@pytest.mark.parametrize("name", targets.list_targets())
def test_every_current_names_its_document_or_says_typical(name: str) -> None:
    power = targets.load_target(name).power
    document = r"[Dd]atasheet|Product Specification|mlcommons/tiny_results_v[\d.]+ \w+/\w+"
    assert power is None or re.search(rf"{document}|\[typical\]", power.source)
    assert power is None or 0 < power.sleep_ua < power.active_ua_per_mhz * 48


def test_every_core_is_there_and_every_part_has_its_row_in_the_document() -> None:
    assert targets.list_cores() == CORES
    _, table = DOCUMENT.read_text(encoding="utf-8").split("## What the figures of a part rest on")
    rows = re.findall(r"^\| ([\w. ]+) \|", table.split("\n\n")[2], re.MULTILINE)
    names = [re.sub(r"[. ]", "", row).lower() for row in rows]
    for part in set(targets.list_targets()) - set(CORES):
        assert any(name.startswith(part.replace("-", "")) for name in names), f"{part} has no row"
    assert len(rows) == len(targets.list_targets()) - len(CORES) + 2, "the header, and the cores"


def test_parts_share_their_cores_and_keep_their_silicon() -> None:
    nordic, generic = targets.load_target("nrf52840"), targets.load_target("cortex-m4")
    assert nordic.core == generic.core
    assert nordic.power != generic.power
    assert targets.load_target("stm32l4r5").memory("flash").wait_states == 5


def test_cortex_m4_is_the_part_the_documents_describe() -> None:
    target = targets.load_target("cortex-m4")
    assert (target.clock_hz, target.flash_bytes, target.ram_bytes) == (64_000_000, 1 << 20, 1 << 18)
    context = target.linker_context()
    assert (context.flash_origin, context.flash_bytes) == (0, 4 << 20)
    assert (context.ram_origin, context.ram_bytes) == (0x20000000, 4 << 20)
    assert (context.harness_origin, context.harness_bytes) == (0x21000000, 16 << 20)


def test_a_policy_keeps_memory_for_the_application() -> None:
    whole, rest = targets.load_target("nrf52840"), targets.load_target("nrf52840", "shared")
    assert whole.flash_bytes - rest.flash_bytes == rest.policy.reserve_flash_bytes == 131_072
    assert whole.ram_bytes - rest.ram_bytes == rest.policy.reserve_ram_bytes == 32_768
    assert rest.linker_context().stack_bytes == rest.policy.stack_bytes == 4_096
    with pytest.raises(InputError, match=r"unknown memory policy 'share'.*Did you mean 'shared'"):
        targets.load_target("nrf52840", "share")


def test_unknown_target_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown target 'cortex-m5'.*Did you mean 'cortex-m"):
        targets.load_target("cortex-m5")
    with pytest.raises(InputError) as caught:
        targets.load_target("../../etc")
    assert caught.value.exit_code == 2
    assert "Known targets: apollo3, " in caught.value.hint


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of all targets, which is what is read."""
    shutil.copytree(targets.targets_dir(), tmp_path / "targets")
    monkeypatch.setattr(load, "data_dir", lambda _: tmp_path)
    targets.load_target.cache_clear()
    yield tmp_path / "targets"
    targets.load_target.cache_clear()


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("cortex-m4/target.toml", ("clock_hz = 64_000_000\n", ""), "clock_hz"),
        ("cortex-m4/target.toml", ("core = ", "colour = 'red'\ncore = "), "colour"),
        ("cortex-m4/target.toml", ('name = "cortex-m4"', 'name = "o"'), "name must equal the fold"),
        ("cortex-m4/target.toml", ('core = "cortex-m4"', 'core = "m5"'), "unknown core 'm5'"),
        ("cortex-m4/target.toml", ("memory = [", "memory = [3,"), "target.toml"),
        (
            "cortex-m4/core.toml",
            ('simulators = ["unicorn", "qemu"]', "simulators = []"),
            "at least",
        ),
        ("cortex-m4/core.toml", ("[simulation]", "[simulation"), "core.toml"),
        ("cortex-m4/core.toml", ("macs_per_cycle = 2.0", "macs_per_cycle = 0"), "above 0"),
        ("cortex-m4/rates.toml", ("multiply", "multiplied"), "core 'cortex-m4'"),
        ("policies/default.toml", ('data = "ram"', 'data = "tcm"'), "no memory 'tcm'"),
        ("policies/default.toml", ("stack_bytes = 8_192", "stack_bytes = 1_000_000"), "no memory"),
    ],
)
def test_a_wrong_file_is_one_line(
    file: str, change: tuple[str, str], reason: str, copied: Path
) -> None:
    text = (copied / file).read_text(encoding="utf-8")
    assert change[0] in text
    (copied / file).write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(InputError, match=reason) as caught:
        targets.load_target("cortex-m4")
    assert "\n" not in str(caught.value)


def test_unknown_toolchain_of_a_target() -> None:
    with pytest.raises(InputError, match="no compiler flags for toolchain 'icc'"):
        targets.load_target("cortex-m4").compiler_flags("icc")
