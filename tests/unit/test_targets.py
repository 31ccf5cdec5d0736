"""Targets are read from their folders; a wrong name is answered with the right one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from toolkit import targets
from toolkit.errors import InputError
from toolkit.profiling.cycles import load_cycle_table


def test_every_target_folder_loads() -> None:
    assert "cortex-m4" in targets.list_targets()
    for name in targets.list_targets():
        target = targets.load_target(name)
        assert target.name == name
        assert target.default_simulator in ("unicorn", "qemu")
        assert load_cycle_table(target).taken_branch > 0
        assert target.compiler_flags("zig") and target.compiler_flags("gcc")


def test_cortex_m4_is_the_part_the_documents_describe() -> None:
    target = targets.load_target("cortex-m4")
    assert (target.clock_hz, target.flash_bytes, target.ram_bytes) == (64_000_000, 1 << 20, 1 << 18)
    context = target.linker_context()
    assert (context.flash_origin, context.flash_bytes) == (0, 4 << 20)
    assert (context.ram_origin, context.ram_bytes) == (0x20000000, 4 << 20)
    assert (context.harness_origin, context.harness_bytes) == (0x21000000, 16 << 20)


def test_unknown_target_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown target 'cortex-m5'.*Did you mean 'cortex-m4'"):
        targets.load_target("cortex-m5")
    with pytest.raises(InputError) as caught:
        targets.load_target("../../etc")
    assert caught.value.exit_code == 2
    assert "Known targets: cortex-m4" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("clock_hz = 64_000_000\n", ""), "clock_hz"),
        (("core = ", "colour = 'red'\ncore = "), "colour"),
        (('name = "cortex-m4"', 'name = "other"'), "name must equal the folder"),
        (('simulators = ["unicorn", "qemu"]', "simulators = []"), "at least one simulator"),
        (("[simulation]", "[simulation"), "target.toml"),
    ],
)
def test_wrong_target_file_is_one_line(
    change: tuple[str, str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (targets.targets_dir() / "cortex-m4" / "target.toml").read_text(encoding="utf-8")
    assert change[0] in text
    folder = tmp_path / "targets" / "cortex-m4"
    shutil.copytree(targets.targets_dir() / "cortex-m4", folder)
    (folder / "target.toml").write_text(text.replace(*change, 1), encoding="utf-8")
    monkeypatch.setattr(targets, "data_dir", lambda _: tmp_path)
    targets.load_target.cache_clear()
    try:
        with pytest.raises(InputError, match=reason) as caught:
            targets.load_target("cortex-m4")
    finally:
        targets.load_target.cache_clear()
    assert "\n" not in str(caught.value)


def test_unknown_toolchain_of_a_target() -> None:
    with pytest.raises(InputError, match="no compiler flags for toolchain 'icc'"):
        targets.load_target("cortex-m4").compiler_flags("icc")
