"""Code and weights copied to RAM: what moves, what it costs, and what no longer waits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.small_models import mobile_net
from toolkit.errors import InputError
from toolkit.flash.image import ELF
from toolkit.measurement import Provenance
from toolkit.report import Report
from toolkit.targets import Placement, load_target
from toolkit.tflite.write import write_tflite
from toolkit.toolchain.base import BOARD_FOLDER
from toolkit.toolchain.elf import read_elf
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.profile import ProfileRequest, profile
from toolkit.verbs.stages import silent

PLACEMENTS = {
    "flash": Placement(),
    "code": Placement(hot_code=True),
    "both": Placement(hot_code=True, weights=True),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hot") / "mobile.tflite"
    path.write_bytes(write_tflite(mobile_net()))
    return path


@pytest.fixture(scope="module")
def reports(model: Path) -> Mapping[str, Report]:
    """Builds for a part whose flash waits, by what is copied to RAM."""
    return {name: _build(model, placement) for name, placement in PLACEMENTS.items()}


def _build(model: Path, placement: Placement, **options: object) -> Report:
    folder = model.parent / f"{placement.hot_code}-{placement.weights}-{len(options)}"
    request = BuildRequest(str(model), "stm32l4r5", folder, placement=placement, **options)  # type: ignore[arg-type]
    report = build(request, silent)
    assert report.passed, [check for check in report.checks if not check.passed]
    return report


def _simulated(report: Report, name: str) -> float:
    found = report.find(name, Provenance.SIMULATED)
    assert found is not None
    return found.value


def test_what_is_in_ram_is_not_waited_for(reports: Mapping[str, Report]) -> None:
    code = {name: _simulated(r, "stall_cycles_instruction") for name, r in reports.items()}
    data = {name: _simulated(r, "stall_cycles_data") for name, r in reports.items()}
    assert code["code"] < 0.2 * code["flash"] and data["code"] > 0.5 * data["flash"]
    assert code["both"] < 0.2 * code["flash"] and data["both"] < 0.5 * data["flash"]


def test_copies_count_as_ram_and_as_flash(reports: Mapping[str, Report], model: Path) -> None:
    elf = read_elf(model.parent / "True-True-0" / "firmware" / "firmware.elf")
    low, high = elf.hot_range
    weights = next(o for o in elf.objects if o.name.endswith("_weights"))
    sizes = {section.name: section.size_bytes for section in elf.sections}
    ram = reports["both"].find("ram_static_bytes", Provenance.MEASURED)
    assert ram is not None
    assert ram.value == high - low + sizes[".data"] + sizes[".bss"]
    assert sizes[".data"] >= weights.size_bytes > 1_000
    assert high - low > 500
    names = {f.name for f in elf.functions if low <= f.address < high}
    assert any(name.endswith("_step") or "_shared_" in name for name in names)


def test_gcc_and_qemu_give_the_same(model: Path) -> None:
    _build(model, PLACEMENTS["both"], toolchain="gcc", simulator="qemu")


def test_estimates_know(model: Path, reports: Mapping[str, Report]) -> None:
    for name, placement in PLACEMENTS.items():
        request = ProfileRequest(str(model), ("stm32l4r5",), placement=placement)
        (found,) = profile(request)
        cycles = found.find("cycles_per_inference", Provenance.ESTIMATED)
        assert cycles is not None
        simulated = _simulated(reports[name], "cycles_per_inference")
        assert abs(cycles.value / simulated - 1) < 0.15, name
        said = [issue.message for issue in found.issues if issue.code == "placement"]
        assert bool(said) == (name == "flash")
    assert "--hot-code ram" in _said(model)


def _said(model: Path) -> str:
    (found,) = profile(ProfileRequest(str(model), ("stm32l4r5",)))
    return next(issue.message for issue in found.issues if issue.code == "placement")


def test_a_board_puts_hot_code_on_the_code_bus(model: Path) -> None:
    report = _build(model, PLACEMENTS["both"], board="nucleo-l4r5zi")
    elf = read_elf(model.parent / "True-True-1" / BOARD_FOLDER / ELF)
    sram2 = load_target("stm32l4r5").memory("sram2")
    low, high = elf.hot_range
    assert sram2.origin <= low < high <= sram2.origin + sram2.size_bytes
    load = next(load for load in elf.loads if load.address <= low < load.address + len(load.data))
    assert 0x0800_0000 <= load.load_address < 0x0820_0000
    assert next(c for c in report.checks if c.name == "board_image").passed


@pytest.mark.parametrize(
    ("target", "placement", "words"),
    [
        ("cortex-m4", Placement(weights=True), "never waits"),
        ("nrf5340", Placement(hot_code=True), "--hot-code ram"),
        ("rsl10", Placement(hot_code=True), "--hot-code ram"),
    ],
)
def test_where_it_gains_nothing_it_is_refused(
    target: str, placement: Placement, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        load_target(target).placing(placement)
