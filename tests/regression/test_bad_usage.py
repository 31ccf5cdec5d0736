"""Usage, missing tools, output directories and interruptions: one line, a documented exit code."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from tests.support import tiny
from tests.support.cli import COMMAND, image_model, refused, toolkit, toolkit_process, tree
from toolkit.cli import VERBS
from toolkit.cli.doctor import TOOLS

BUILD = ("build", "m.onnx", "--target", "cortex-m4", "--out", "new/out")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    onnx.save(image_model(), tmp_path / "m.onnx")
    return tmp_path


# --- usage --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["build", "--target", "cortex-m4f"], "Did you mean 'cortex-m4'?"),
        (["build", "--target", "../cortex-m4"], "unknown target"),
        (["verify", "--target", "z80"], "Known targets: apollo3, apollo4, "),
        (["profile", "--target", "z80"], "unknown target 'z80'"),
        (["build"], "give --target or --board"),
        (["build", "--board", "nrf52840"], "Did you mean 'nrf52840-dk'?"),
        (["build", "--board", "nrf52840-dk", "--target", "cortex-m4"], "has the part nrf52840"),
        (["build", "--target", "cortex-m4", "--flash"], "--flash goes with --board"),
        (["flash", "."], "holds no image for a board"),
        (["run", ".", "--audio", "x.wav"], "is no build"),
        (["build", "--target", "cortex-m4", "--toolchain", "icc"], "'icc' is not one of"),
        (["build", "--target", "cortex-m4", "--simulator", "gdb"], "'gdb' is not one of"),
        (["build", "--target", "cortex-m4", "--seconds", "long"], "'long' is not a valid float"),
        (["biuld"], "No such command 'biuld'"),
        (["build", "--tagret", "x"], "No such option"),
        (["convert"], "Missing option '-o'"),
        (["doctor", "biuld"], "unknown verb 'biuld'"),
        (["convert", "m.onnx", "-o", "no/where.tflite"], "cannot write"),
        (["convert", "m.onnx", "-o", "."], "cannot write"),
    ],
)
def test_usage(folder: Path, arguments: list[str], expected: str) -> None:
    before = tree(folder)
    assert expected in refused(toolkit(*arguments, cwd=folder))
    assert tree(folder) == before


def test_nothing_asked_for_shows_the_help(tmp_path: Path) -> None:
    run = toolkit(cwd=tmp_path)
    assert (run.exit_code, run.stdout) == (2, "")
    assert all(verb in run.stderr for verb in VERBS)


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_and_version(tmp_path: Path, verb: str) -> None:
    run = toolkit(*([verb] if verb else []), "--help", cwd=tmp_path)
    assert (run.exit_code, run.stderr) == (0, "")
    assert "Usage: toolkit" in run.stdout
    assert toolkit("--version", cwd=tmp_path).stdout.startswith("toolkit, version ")


def test_verbose_adds_the_traceback_and_keeps_the_exit_code(tmp_path: Path) -> None:
    run = toolkit_process("-v", "build", "--target", "cortex-m5", cwd=tmp_path)
    assert run.exit_code == 2
    assert "Traceback" in run.stderr
    assert run.stderr.splitlines()[-1].startswith("toolkit: error: unknown target")


# --- missing tools ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--toolchain", "gcc"], "'arm-none-eabi-gcc' is not installed. Install the package"),
        (["--simulator", "qemu"], "'qemu-system-arm' is not installed. Install the package"),
    ],
)
def test_missing_programs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], expected: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert expected in refused(toolkit(*BUILD, *options, "--json", cwd=folder), exit_code=3)
    assert list(tree(folder)) == ["m.onnx"]


@pytest.mark.parametrize("package", ["ziglang", "unicorn", "capstone", "elftools", "onnx"])
def test_missing_packages(folder: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    import sys

    for name in [n for n in sys.modules if n.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("toolkit.profiling.disassembly", "toolkit.profiling.cycles"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, package, None)  # type: ignore[arg-type]
    line = refused(toolkit(*BUILD, "--json", cwd=folder), exit_code=3)
    assert "pip" in line and ("zig" if package == "ziglang" else package) in line
    assert list(tree(folder)) == ["m.onnx"]


def test_a_checkpoint_without_the_training_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    (tmp_path / "m.safetensors").write_bytes(b"")
    for name in [n for n in sys.modules if n.startswith("toolkit.training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)  # type: ignore[arg-type]
    run = toolkit("profile", "m.safetensors", cwd=tmp_path)
    assert "hearing-aid-toolkit[train]" in refused(run, exit_code=3)


def test_doctor_knows_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert toolkit("doctor", "build", cwd=tmp_path).exit_code == 0
    monkeypatch.setenv("PATH", "/nowhere")
    run = toolkit("doctor", "build --toolchain gcc", cwd=tmp_path)
    assert (run.exit_code, run.stderr) == (3, "")
    assert "apt install gcc-arm-none-eabi" in " ".join(run.stdout.split())
    found = toolkit("doctor", "build --simulator qemu", "--json", cwd=tmp_path)
    assert found.exit_code == 3
    assert found.json["verbs"]["build --simulator qemu"]["missing"] == ["qemu-system-arm"]
    assert found.json["verbs"]["build"] == {"ready": True, "missing": []}
    assert found.json["tools"].keys() == {tool.name for tool in TOOLS}


def test_targets(tmp_path: Path) -> None:
    rows = {row["name"]: row for row in toolkit("targets", "--json", cwd=tmp_path).json}
    assert rows["cortex-m4"]["simulators"] == ["unicorn", "qemu", "host"]
    assert rows["cortex-m55"]["simulators"] == ["qemu", "host"]
    assert (rows["hearing-aid"]["core"], rows["hearing-aid"]["ram_bytes"]) == ("cortex-m4", 65_536)
    assert "cortex-m4" in toolkit("targets", cwd=tmp_path).stdout


# --- output directories -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("m.onnx", "is not a directory"),
        ("m.onnx/below/out", "cannot write the output directory"),
        ("/proc/no/where", "cannot write the output directory"),
        ("full", "holds files of other origin"),
        (".", "holds the current directory"),
        ("..", "holds the current directory"),
        ("loop", "cannot write the output directory"),
        ("n" * 300, "File name too long"),
    ],
)
def test_unusable_output_directory(folder: Path, out: str, expected: str) -> None:
    (folder / "full").mkdir()
    (folder / "full" / "thesis.tex").write_text("years of work")
    (folder / "loop").symlink_to("loop")
    before = tree(folder)
    run = toolkit(*BUILD[:-1], out, "--json", cwd=folder)
    assert expected in refused(run)
    assert tree(folder) == before


@pytest.fixture(params=[24, 140, 265], ids=["generating", "linking", "reporting"])
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk that is full before that stage ends."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small tmpfs takes root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk(folder: Path, small_disk: Path) -> None:
    run = toolkit(*BUILD[:-1], small_disk / "new" / "out", "--json", cwd=folder)
    line = refused(run)
    assert "No space left on device" in line and "--out" in line
    assert tree(small_disk) == {}


def test_files_that_may_not_grow(folder: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    run = toolkit_process(*BUILD, "--json", cwd=folder, preexec_fn=limit)
    assert "File too large" in refused(run)
    assert list(tree(folder)) == ["m.onnx"]


# --- interruption -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stage", "number"),
    [("Generate C", signal.SIGINT), ("Compile", signal.SIGINT), ("Compile", signal.SIGTERM)],
    ids=["Ctrl-C while compiling", "Ctrl-C while simulating", "terminated while simulating"],
)
def test_interruption(tmp_path: Path, stage: str, number: signal.Signals) -> None:
    """Sent while the stage behind ``stage`` runs: ends at once and leaves nothing.

    Five seconds of audio take the simulators far longer than is waited for.
    """

    def heed() -> None:  # a suite in the background inherits that SIGINT is ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    command = [*COMMAND, "build", "--target", "cortex-m4", "--seconds", "5", "--out", "new/out"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, preexec_fn=heed
    )
    assert process.stderr is not None
    for line in process.stderr:
        if stage in line:
            break
    time.sleep(0.5)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert stdout == ""
    expected = ["toolkit: error: interrupted"] if number == signal.SIGINT else []
    assert [line for line in stderr.splitlines() if line] == expected
    assert tree(tmp_path) == {}


# --- standard output ----------------------------------------------------------------------------
def test_json_is_all_that_is_printed(folder: Path) -> None:
    """Also with notes: this model is calibrated on noise."""
    for arguments in (
        BUILD,
        ("convert", "m.onnx", "-o", "m.tflite"),
        ("profile", "m.onnx"),
        ("verify", "m.onnx", "--target", "cortex-m4"),
    ):
        run = toolkit_process(*arguments, "--json", cwd=folder)
        assert (run.exit_code, run.stderr) == (0, ""), arguments
        assert run.json
        if arguments[0] != "verify":
            codes = [issue["code"] for issue in run.json["issues"]]
            assert codes[0] == "calibration.fallback"
            assert all(code.startswith(("advice.", "estimate.", "time.")) for code in codes[1:])
            assert run.stdout == json.dumps(run.json, indent=2) + "\n"
    assert (folder / "new" / "out" / "report" / "report.json").is_file()


def test_qemu_says_nothing_on_its_own(folder: Path) -> None:
    tiny.simulator_or_skip("qemu")
    arguments = ("verify", "m.onnx", "--target", "cortex-m4", "--simulator", "qemu")
    run = toolkit_process(*arguments, cwd=folder)
    assert (run.exit_code, run.stderr, len(run.stdout.splitlines())) == (0, "", 1)
