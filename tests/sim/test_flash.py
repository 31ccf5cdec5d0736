"""Images for boards, and flashing them: QEMU's GDB server is the board."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from tests.support import outside
from tests.support.boards import application, image_folder
from tests.support.cli import refused, speech_model, toolkit, write_noise
from tests.support.gdb_flash import Part, serving
from toolkit.boards import list_boards, load_board
from toolkit.deploy.application import add_application
from toolkit.deploy.board_image import image_checks
from toolkit.deploy.tympan import sketch, sketch_check
from toolkit.emit import write_files
from toolkit.errors import (
    BoardError,
    InputError,
    ToolFailedError,
    ToolkitError,
    VerificationError,
)
from toolkit.flash import remote, session
from toolkit.flash.base import free_port
from toolkit.flash.image import ImageFacts, read_image
from toolkit.flash.qemu import qemu_probe
from toolkit.resources import find_program
from toolkit.targets import Region
from toolkit.toolchain.elf import read_elf
from toolkit.verbs.flash import FlashRequest, flash

#: Boards that QEMU emulates.
EMULATED = ("mps2-an386", "netduinoplus2", "mps3-an547")

needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model and its run."""
    return tmp_path_factory.mktemp("boards")


@pytest.fixture(scope="module")
def images(made: Path) -> dict[str, Path]:
    """A folder with an image for each emulated board."""
    return {name: image_folder(made, made / name, name) for name in EMULATED}


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """QEMU as the board that the test's parameter names, started by someone else."""
    port = free_port()
    command = qemu_probe(load_board(request.param)).command(port)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
        yield f"gdb:127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@needs_qemu
@pytest.mark.quick
def test_one_command_from_a_model_to_results(tmp_path: Path) -> None:
    board = "netduinoplus2"
    onnx.save(speech_model(), tmp_path / "m.onnx")
    clip = write_noise(tmp_path / "clip.wav", 16_000, 1, "PCM_16", seconds=0.5)
    options = ("--board", board, "--audio", clip, "--toolchain", "gcc", "--out", "out")
    whole = toolkit("build", "m.onnx", *options, "--flash", cwd=tmp_path)
    assert whole.exit_code == 0 and "by qemu, read back equal; bit match" in whole.stdout
    report = json.loads((tmp_path / "out" / "report" / "report.json").read_text())
    sizes = {row["name"]: row["value"] for row in report["measurements"]}
    elf = read_elf(tmp_path / "out" / "board" / "firmware.elf")
    ends = [load.load_address + len(load.data) for load in elf.loads]
    assert sizes["board_flash_bytes"] == max(ends) - load_board(board).flash.origin
    sections = {section.name: section.size_bytes for section in elf.sections}
    assert sizes["board_ram_static_bytes"] == sections.get(".data", 0) + sections[".bss"]
    done = toolkit("flash", "out", "--run", "--json", cwd=tmp_path)
    assert done.exit_code == 0, done
    (match,) = done.json["checks"]
    assert match["name"] == "bit_match" and match["passed"]
    cycles = [m for m in done.json["measurements"] if m["name"] == "cycles_per_inference"]
    assert all(m["value"] > 10_000 and m["provenance"] == "simulated" for m in cycles)
    again = toolkit("run", "out", "--audio", clip, "--json", cwd=tmp_path)
    (row,) = again.json["rows"]
    assert row["values"] == pytest.approx([p["value"] for p in done.json["predictions"]])


def test_an_image_is_laid_out_as_its_core_wants_it(made: Path) -> None:
    _linked_right(made, "nucleo-u575zi-q", "gcc")


@pytest.mark.exhaustive
@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("kind", ["clip", "realtime"])
@pytest.mark.parametrize("board", [b for b in list_boards() if b != "rsl10-evb"])
def test_every_image_with_every_compiler(board: str, kind: str, toolchain: str, made: Path) -> None:
    _linked_right(made, board, toolchain, kind)


@pytest.mark.exhaustive
def test_every_image_of_a_core_without_the_dsp_extension(tmp_path: Path) -> None:
    onnx.save(speech_model(), tmp_path / "m.onnx")
    options = ("--board", "rsl10-evb", "--toolchain", "gcc", "--seconds", "0.25", "--json")
    report = toolkit("build", "m.onnx", *options, "--out", "out", cwd=tmp_path).json
    checks = {check["name"]: check["passed"] for check in report["checks"]}
    assert checks["board_image"] and checks["board_flash"] and checks["board_ram"]


@pytest.mark.exhaustive
@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_the_application_builds_again_with_cmake(made: Path, tmp_path: Path) -> None:
    app = application(made, "netduinoplus2", kind="realtime")
    write_files(app.project.with_files(app.files()), tmp_path)
    for command in (("-S", "board", "-B", "own"), ("--build", "own")):
        subprocess.run(["cmake", *command], cwd=tmp_path, check=True, capture_output=True)
    ours = app.link("gcc", tmp_path).elf
    theirs = read_elf(tmp_path / "own" / "board.elf")
    assert {s.name: s.size_bytes for s in theirs.sections} == {
        s.name: s.size_bytes for s in ours.sections
    }


def _linked_right(made: Path, name: str, toolchain: str, kind: str = "clip") -> None:
    board, folder = load_board(name), made / f"{name}-{toolchain}-{kind}"
    folder.mkdir()
    linked = application(made, board, kind=kind).link(toolchain, folder)
    for check in image_checks(linked, board):
        assert check.passed, check.detail
    table = linked.elf.read(board.vectors, 4 * (16 + board.interrupts))
    words = [int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), 4)]
    assert board.ram.origin < words[0] <= board.ram.end
    assert all(word & 1 and linked.elf.function_at(word & ~1) for word in words[1:])
    assert linked.elf.describe(words[1] & ~1).endswith("Reset_Handler")


def test_the_teensys_boot_rom_finds_its_tables(made: Path, tmp_path: Path) -> None:
    board = load_board("teensy41")
    linked = application(made, board).link("gcc", tmp_path)
    elf = linked.elf
    assert elf.read(0x6000_0000, 4) == b"FCFB"
    table = [int.from_bytes(elf.read(0x6000_1000 + at, 4), "little") for at in range(0, 32, 4)]
    assert table[0] == 0x432000D1
    assert table[1] == elf.entry | 1
    assert table[4:6] == [0x6000_1020, 0x6000_1000]
    length = int.from_bytes(elf.read(0x6000_1024, 4), "little")
    assert length == linked.size.flash_bytes


def test_what_does_not_fit_is_our_verdict_in_bytes(made: Path, tmp_path: Path) -> None:
    small = Region(0, 20_000)
    board = replace(load_board("mps2-an386"), flash=small, ram=Region(0x2000_0000, 9_000))
    linked = application(made, board).link("gcc", tmp_path)
    flash_check, ram_check, layout = image_checks(linked, board)
    over = linked.size.flash_bytes - small.size_bytes
    assert flash_check.failed and f"{over} B over" in flash_check.detail
    assert ram_check.failed and layout.passed


def test_a_misfit_is_not_flashed(images: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(load_board("mps2-an386"), flash=Region(0, 20_000))
    monkeypatch.setattr("toolkit.flash.image.load_board", lambda _: small)
    with pytest.raises(InputError, match=r"does not fit the flash of board 'mps2-an386', \d+ B"):
        read_image(images["mps2-an386"])


@needs_qemu
@pytest.mark.parametrize("server", ["mps2-an386"], indirect=True)
def test_a_server_of_someone_else_serves_twice(server: str, images: dict[str, Path]) -> None:
    request = FlashRequest(images["mps2-an386"], server, run=True)
    first, second = flash(request), flash(request)
    assert [check.name for check in first.checks] == ["bit_match"]
    assert first.passed and second.passed, "the bytes are those of the integer reference"
    assert first.predictions == second.predictions
    assert flash(replace(request, run=False)).checks == ()


@needs_qemu
def test_text_comes_out_of_the_ring_and_of_the_serial_port(
    images: dict[str, Path], tmp_path: Path
) -> None:
    for name, folder in images.items():
        image, serial = read_image(folder), tmp_path / name
        qemu = qemu_probe(load_board(name))
        command = qemu.command

        def spoken(
            port: int, command: Callable[[int], tuple[str, ...]] = command, to: Path = serial
        ) -> tuple[str, ...]:
            words = list(command(port))
            words[words.index("-serial") + 1] = f"file:{to}"
            return tuple(words)

        with replace(qemu, command=spoken).open() as board:
            session.program(board, image)
            session.start(board, image)
            results = session.run(board, image, 20)
            address, size = image.symbol("board_ring")
            block = struct.unpack_from("<16s2i6I", board.read(address, size))
            text = board.read(block[4], block[6]).decode()
        assert block[0] == b"SEGGER RTT".ljust(16, b"\0") and block[1] == 1
        assert text.splitlines()[0] == f"board {name}"
        assert serial.read_text() == text
        values = dict(line.rsplit(" ", 1) for line in text.splitlines()[1:4])
        for label, value in image.facts.predictions(results.outputs):
            assert float(values[label]) == pytest.approx(value, abs=0.000_51)


@needs_qemu
@pytest.mark.parametrize("server", ["mps2-an386"], indirect=True)
@pytest.mark.parametrize("wrong", ["netduinoplus2", "mps3-an547"])
def test_another_part_is_left_alone(server: str, wrong: str, images: dict[str, Path]) -> None:
    run = toolkit("flash", images[wrong], "--probe", server, cwd=images[wrong])
    said = [line for line in run.stderr.splitlines() if "error" in line]
    assert run.exit_code == 2 and len(said) == 1
    assert f"is not that of board '{wrong}'" in said[0] and "Nothing was written" in said[0]


def test_damaged_and_foreign_images_are_refused(images: dict[str, Path], tmp_path: Path) -> None:
    damaged = shutil.copytree(images["mps2-an386"], tmp_path / "damaged")
    elf = damaged / "board" / "firmware.elf"
    data = bytearray(elf.read_bytes())
    data[0x1100] ^= 1
    elf.write_bytes(data)
    said = refused(toolkit("flash", damaged, cwd=tmp_path))
    assert "is not the image that was linked there" in said
    foreign = shutil.copytree(images["mps2-an386"], tmp_path / "foreign")
    facts_path = foreign / "board" / "board.json"
    facts = ImageFacts.from_json(facts_path.read_text(encoding="utf-8"))
    facts_path.write_text(replace(facts, board="nrf52840-dk").to_json(), encoding="utf-8")
    said = refused(toolkit("flash", foreign, cwd=tmp_path))
    assert "is for board 'mps2-an386', not for 'nrf52840-dk'" in said
    facts_path.write_text("{}", encoding="utf-8")
    assert "cannot be used" in refused(toolkit("flash", foreign, cwd=tmp_path))
    assert "holds no image" in refused(toolkit("flash", tmp_path, cwd=tmp_path))


def test_a_dead_server_and_one_that_is_none(
    images: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = f"gdb:127.0.0.1:{free_port()}"
    folder = images["mps2-an386"]
    said = refused(toolkit("flash", folder, "--probe", probe, cwd=tmp_path), 3)
    assert said.startswith("no GDB server answers at 127.0.0.1:")
    monkeypatch.setattr(remote, "_ANSWER_S", 0.2)
    monkeypatch.setattr(remote.Remote.request, "__defaults__", (0.2,))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        probe = f"gdb:127.0.0.1:{silent.getsockname()[1]}"
        said = refused(toolkit("flash", folder, "--probe", probe, cwd=tmp_path), 3)
    assert "is no GDB server" in said


@needs_qemu
def test_what_is_read_back_is_compared(
    images: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = session.program

    def worn(target: remote.Remote, image: session.Image) -> int:
        size = program(target, image)
        target.write(image.board.vectors + 0x1001, b"\xa5\x5a")
        return size

    monkeypatch.setattr("toolkit.verbs.flash.program", worn)
    with pytest.raises(VerificationError, match=r"the board holds 0x\w\w at 0x0000100[12]"):
        flash(FlashRequest(images["mps2-an386"]))


@needs_qemu
def test_a_counter_that_stands_is_an_error(made: Path, tmp_path: Path) -> None:
    """QEMU has no DWT: that counter reads 0 for ever."""
    board = replace(load_board("mps2-an386"), counter="dwt")
    image_folder(made, tmp_path, board)
    with pytest.raises(VerificationError, match="cycle counter that does not advance"):
        flash(FlashRequest(tmp_path, run=True))


@needs_qemu
def test_an_application_that_hangs_or_faults_is_an_error(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_main(text: bytes) -> Path:
        app = application(made, "mps2-an386")
        files = dict(app.files())
        name = "board/application_clip.c"
        files[name] = files[name].replace(b"    run();\n", text)
        monkeypatch.setattr(type(app), "files", lambda _: files)
        home = tmp_path / str(len(text))
        home.mkdir()
        add_application(app, "gcc", home)
        monkeypatch.undo()
        return home

    hangs = with_main(b"    for (;;) {\n    }\n    run();\n")
    with pytest.raises(VerificationError, match="did not come to its end"):
        flash(FlashRequest(hangs, run=True, timeout_s=0.5))
    faults = with_main(b'    __asm__ volatile("udf #0");\n    run();\n')
    with pytest.raises(VerificationError, match="met a processor fault at 0x0000"):
        flash(FlashRequest(faults, run=True))


@pytest.mark.parametrize(
    ("board", "probe", "program"),
    [
        ("nrf52840-dk", "pyocd", "pyocd"),
        ("nrf52840-dk", "openocd", "openocd"),
        pytest.param("nucleo-l4r5zi", "openocd", "openocd", marks=pytest.mark.exhaustive),
        pytest.param("nucleo-u575zi-q", "openocd", "openocd", marks=pytest.mark.exhaustive),
        pytest.param("rsl10-evb", "openocd", "openocd", marks=pytest.mark.exhaustive),
    ],
)
def test_real_tools_without_a_probe(
    board: str, probe: str, program: str, made: Path, tmp_path: Path
) -> None:
    if find_program(program) is None:
        pytest.skip(f"{program} is not installed")
    image_folder(made, tmp_path, board)
    with pytest.raises(ToolkitError, match="no debug probe is connected") as raised:
        flash(FlashRequest(tmp_path, probe))
    assert raised.value.exit_code == 3


def test_the_teensys_loader_finds_none_and_takes_our_image(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("teensy_loader_cli") is None:
        pytest.skip("teensy_loader_cli is not installed")
    image_folder(made, tmp_path, "teensy41")
    monkeypatch.setattr("toolkit.flash.teensy.WAIT_S", 0.5)
    with pytest.raises(ToolkitError, match="no Teensy answers") as raised:
        flash(FlashRequest(tmp_path))
    assert raised.value.exit_code == 3
    with pytest.raises(InputError, match="can only load"):
        flash(FlashRequest(tmp_path, run=True))


FICR_PART = 0x1000_0100


def test_flash_is_erased_then_written_then_read_back(made: Path, tmp_path: Path) -> None:
    image = read_image(image_folder(made, tmp_path, "nrf52840-dk"))
    part = Part({FICR_PART: 0x52840})
    with serving(part) as probe:
        assert flash(FlashRequest(tmp_path, probe)).verified
    for load in image.elf.loads:
        at = load.load_address
        assert part.flash[at : at + len(load.data)] == load.data
    assert part.done and part.asked[-1] == "D"
    order = [what for what in part.asked if what.startswith("vFlash")]
    assert order == sorted(order, key=["vFlashErase", "vFlashWrite", "vFlashDone"].index)
    # Neither what lies behind the image's last sector.
    behind = max(load.load_address + len(load.data) for load in image.elf.loads)
    assert part.flash[-(-behind // 4096) * 4096] == 0xA5


def test_another_part_keeps_its_flash_and_a_protected_one_says_so(
    made: Path, tmp_path: Path
) -> None:
    image_folder(made, tmp_path, "nrf52840-dk")
    other = Part({FICR_PART: 0x52832})
    with serving(other) as probe, pytest.raises(BoardError, match="answers 0x00052832"):
        flash(FlashRequest(tmp_path, probe))
    assert set(other.flash) == {0xA5} and "qRcmd" not in "".join(other.asked)
    locked = Part({FICR_PART: 0x52840}, protected=True)
    with serving(locked) as probe, pytest.raises(ToolFailedError, match="does not program"):
        flash(FlashRequest(tmp_path, probe))


def test_a_missing_tool_and_a_dry_run(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_folder(made, tmp_path, "nrf52840-dk")
    monkeypatch.setattr("toolkit.flash.base.find_program", lambda _: None)
    for probe, remedy in (("pyocd", "[flash]"), ("openocd", "package openocd")):
        run = toolkit("flash", tmp_path, "--probe", probe, cwd=tmp_path)
        said = run.stderr.splitlines()[-1]
        assert run.exit_code == 3 and "is not installed" in said and remedy in said
    shown = toolkit("flash", tmp_path, "--dry-run", cwd=tmp_path)
    assert shown.exit_code == 0
    assert shown.stdout.startswith("pyocd load -t nrf52840 --no-wait -O auto_unlock=false ")


@needs_qemu
def test_real_time_in_qemu_and_in_the_queue_agree(made: Path, tmp_path: Path) -> None:
    trace = application(made, "mps2-an386", kind="realtime").trace
    needed = trace.clock_needed_hz()
    for factor in (0.5, 0.9, 1.1, 2.0):
        home, clock_hz = tmp_path / str(factor), factor * needed
        image_folder(made, home, "mps2-an386", kind="realtime", clock_hz=clock_hz)
        found = flash(FlashRequest(home, run=True))
        checks = {check.name: check for check in found.checks}
        lost = int(checks["real_time"].detail.split()[0])
        expected = trace.at_clock(clock_hz)
        assert (lost > 0) == (expected.overruns > 0) == (factor < 1), factor
        assert (expected.margin > 0) == (factor > 1)
        if not lost:
            assert checks["bit_match"].passed, "the same bytes as offline"


def test_the_tympans_sketch_needs_the_real_library(made: Path, tmp_path: Path) -> None:
    app = application(made, "teensy41")
    name, files = app.project.name, sketch(app.run, app.board, app.project.name)
    assert set(files) == {f"tympan/{name}_tympan/{name}_tympan.{end}" for end in ("h", "ino")}
    assert not sketch(app.run, load_board("nrf52840-dk"), name)
    write_files(app.project.with_files(files), tmp_path)
    assert sketch_check(tmp_path, name, None).passed is None
    with pytest.raises(InputError, match="cores/teensy4' is not there"):
        sketch_check(tmp_path, name, tmp_path)
    real = outside.folder(outside.TYMPAN)
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("arm-none-eabi-g++ is not installed")
    assert sketch_check(tmp_path, name, real).passed
    broken = tmp_path / "tympan" / f"{name}_tympan" / f"{name}_tympan.h"
    broken.write_text(broken.read_text().replace("receiveReadOnly_f32", "receive_f32"))
    assert sketch_check(tmp_path, name, real).failed


def test_run_refuses_what_is_no_build(tmp_path: Path) -> None:
    assert "is no build" in refused(toolkit("run", tmp_path, "--audio", "x.wav", cwd=tmp_path))
