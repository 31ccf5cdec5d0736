"""`toolkit check` of the user's own ELF and map, beside what the build itself says of them; and the
first budgets of a model."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import onnx
import pytest

from tests.support.cli import built, image_model, speech_model, toolkit, write_noise
from tests.support.gates import gates, problem, verdicts

NAME = "firmware.elf on cortex-m4"


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a built firmware; its ELF stands for an application's."""
    folder = tmp_path_factory.mktemp("app")
    onnx.save(speech_model(), folder / "m.onnx")
    options = ("--target", "cortex-m4", "--seconds", "0.2", "--json", "--out", "out")
    built(toolkit("build", "m.onnx", *options, cwd=folder))
    return folder


def budget(folder: Path, text: str) -> None:
    head = 'version = 1\n[[budget]]\ntarget = "cortex-m4"\nseconds = 0.2\n'
    (folder / "toolkit.toml").write_text(head + text, encoding="utf-8")


def elf_of(folder: Path) -> str:
    (elf,) = (folder / "out").rglob("firmware.elf")
    return elf.relative_to(folder).as_posix()


def test_the_elf_is_judged_with_the_librarys_part(firmware: Path) -> None:
    rules = '[budget.limits]\nflash_bytes = "90 %"\nram_static_bytes = "90 %"\n'
    rules += "library_flash_bytes = 1\nlibrary_ram_bytes = 1e6\nstack_bound_bytes = 1e4\n"
    budget(firmware, f'elf = "{elf_of(firmware)}"\nmodel = "m.onnx"\n{rules}')
    run = toolkit("check", "--json", cwd=firmware)
    assert run.exit_code == 1, run
    found = verdicts(run, NAME)
    report = json.loads((firmware / "out" / "report" / "report.json").read_text(encoding="utf-8"))
    rows = {m["name"]: m["value"] for m in report["measurements"] if m["provenance"] == "measured"}
    assert found["stack_bound_bytes limit"]["value"]["value"] == rows["stack_bound_bytes"]
    flash = found["flash_bytes limit"]["value"]["value"]
    assert abs(flash - rows["flash_bytes"]) < 16, "but for the gaps between sections"
    library = found["library_flash_bytes limit"]
    assert library["fails"] and 0 < library["value"]["value"] < flash
    assert "layer 't" in library["message"] or "library 'tk_" in library["message"]
    assert gates(run)[NAME]["identity"]["firmware"]


def test_the_baseline_of_an_application_tells_it_from_ours(firmware: Path) -> None:
    rules = "[budget.growth]\nflash_bytes = 0\n"
    budget(firmware, f'elf = "{elf_of(firmware)}"\nbaseline = "b.json"\n{rules}')
    assert toolkit("check", "--update", cwd=firmware).exit_code == 0
    assert toolkit("check", cwd=firmware).exit_code == 0
    assert '["application", ["main"], ' in (firmware / "b.json").read_text(encoding="utf-8")


MAP = """
Memory Configuration
Linker script and memory map

.isr_vector     0x08000000       0x40
.text           0x08000040     0x1000
 .text.main     0x08000040       0x80 main.o
 .text.tk_conv  0x080000c0      0x200 tk_conv.o
.rodata         0x08001040      0x100
.data           0x20000000       0x20 load address 0x08001140
 .data.gain     0x20000000        0x4 main.o
.bss            0x20000020      0x400
 .bss.tk_state  0x20000020      0x300 tk_state.o
.comment        0x00000000       0x30
"""


def test_a_map_of_gnu_ld_is_judged(tmp_path: Path) -> None:
    (tmp_path / "app.map").write_text(MAP, encoding="utf-8")
    rules = (
        "flash_bytes = 1\nram_static_bytes = 1\nlibrary_flash_bytes = 1\nlibrary_ram_bytes = 1\n"
    )
    budget(tmp_path, f'map = "app.map"\n[budget.limits]\n{rules}')
    run = toolkit("check", "--json", cwd=tmp_path)
    found = {key: v["value"]["value"] for key, v in verdicts(run, "app.map on cortex-m4").items()}
    assert found == {
        "flash_bytes limit": 0x40 + 0x1000 + 0x100 + 0x20,
        "ram_static_bytes limit": 0x20 + 0x400,
        "library_flash_bytes limit": 0x200,
        "library_ram_bytes limit": 0x300,
    }


@pytest.mark.parametrize(
    ("key", "words"), [("elf", "not a readable ELF"), ("map", "is no map of GNU ld")]
)
def test_what_is_neither_is_an_error(tmp_path: Path, key: str, words: str) -> None:
    (tmp_path / "x").write_text("nothing", encoding="utf-8")
    budget(tmp_path, f'{key} = "x"\n[budget.limits]\nflash_bytes = 1\n')
    run = toolkit("check", "--json", cwd=tmp_path)
    assert run.exit_code == 2 and words in problem(run)


def test_the_first_budgets_of_a_model_hold(tmp_path: Path) -> None:
    """Written once, with baselines after; the file is not written over."""
    onnx.save(image_model(), tmp_path / "m.onnx")
    run = toolkit("check", "m.onnx", "--init", cwd=tmp_path)
    assert run.exit_code == 0 and "-merge" in run.stdout, run
    data = tomllib.loads((tmp_path / "toolkit.toml").read_text(encoding="utf-8"))
    (table,) = data["budget"]
    assert table["model"] == "m.onnx" and table["limits"]["output_mismatches"] == 0
    run = toolkit("check", "--cache", "kept", cwd=tmp_path)
    assert run.exit_code == 2 and "no baseline yet. Run `toolkit check --update`" in run.stdout
    assert "FAIL" not in run.stdout and "ok   flash" in run.stdout
    run = toolkit("check", "--update", "--cache", "kept", "--json", cwd=tmp_path)
    assert run.exit_code == 0, run
    assert (tmp_path / table["baseline"]).is_file()
    assert toolkit("check", "--cache", "kept", cwd=tmp_path).exit_code == 0
    run = toolkit("check", "m.onnx", "--init", cwd=tmp_path)
    assert run.exit_code == 2 and "exists already" in run.stderr


def test_init_writes_the_features_and_calibration_that_it_was_given(tmp_path: Path) -> None:
    """And `check` builds with them, wherever it is called."""
    onnx.save(speech_model(), tmp_path / "m.onnx")
    (tmp_path / "clips").mkdir()
    write_noise(tmp_path / "clips" / "a.wav", 16_000, 1, "PCM_16", seconds=0.5)
    spec = toolkit("features", "show", "m.onnx", "--toml", cwd=tmp_path).stdout
    spec = spec.replace("floor = 1e-10", "floor = 1e-06")
    (tmp_path / "spec.toml").write_text(spec, encoding="utf-8")
    run = toolkit("init", "--features", "spec.toml", "--calib", "clips", cwd=tmp_path)
    assert run.exit_code == 0, run
    (table,) = tomllib.loads((tmp_path / "toolkit.toml").read_text(encoding="utf-8"))["budget"]
    assert (table["features"], table["calib"]) == ("spec.toml", "clips")
    (tmp_path / "elsewhere").mkdir()
    options = ("--budget", "../toolkit.toml", "--update", "--json")
    run = toolkit("check", *options, cwd=tmp_path / "elsewhere")
    assert run.exit_code == 0, run
    (gate,) = run.json["gates"]
    assert "features=" in gate["identity"]["options"]
