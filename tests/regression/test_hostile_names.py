"""Names from a model file never get out of the comments they are shown in."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.support import tiny
from tests.support.cli import built, image_model, speech_model, toolkit, toolkit_process

NAMES = [
    "*/ int main(void) { return 1; } /*",
    'quote " and \\" and \'',
    "line\nfeed \r\n carriage",
    "trigraph ??/\n#error",
    "#include </etc/passwd>",
    "ünïcödé \u2028 \u202e \U0001f600",
    "%s%n {{ 7 * 7 }} {% for %} ${x} $(touch executed) `touch executed`",
    "\\",
    "//" + "x" * 5000,
]


def hostile_model() -> onnx.ModelProto:
    """The image model with every name replaced."""
    model = image_model()
    names: dict[str, str] = {}

    def rename(name: str) -> str:
        return names.setdefault(name, f"{NAMES[len(names) % len(NAMES)]}{len(names)}")

    graph = model.graph
    graph.name = model.producer_name = model.doc_string = NAMES[0]
    for node in graph.node:
        node.name = node.doc_string = NAMES[len(names) % len(NAMES)]
        node.input[:] = [rename(n) for n in node.input]
        node.output[:] = [rename(n) for n in node.output]
    for entry in (*graph.input, *graph.output, *graph.initializer):
        entry.name = rename(entry.name)
    onnx.helper.set_model_props(model, {NAMES[0]: NAMES[1], NAMES[3]: NAMES[4]})
    return model


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_hostile_names_build_and_match(tmp_path: Path, toolchain: str) -> None:
    tiny.toolchain_or_skip(toolchain)
    onnx.save(hostile_model(), tmp_path / "m.onnx")
    options = ["--target", "cortex-m4", "--toolchain", toolchain, "--out", "out"]
    report = built(toolkit("build", "m.onnx", *options, "--json", cwd=tmp_path))
    assert report["layers"][0]["op"] == "conv_2d"
    assert not (tmp_path / "executed").exists()
    for path in (tmp_path / "out").rglob("*.[ch]"):
        assert path.read_bytes().isascii(), path.name


def test_hostile_names_on_the_terminal(tmp_path: Path) -> None:
    onnx.save(hostile_model(), tmp_path / "m.onnx")
    for arguments in (
        ["profile", "m.onnx"],
        ["convert", "m.onnx", "-o", "[bold]*.tflite"],
        ["verify", "m.onnx", "--target", "cortex-m4", "--simulator", "host"],
    ):
        run = toolkit(*arguments, cwd=tmp_path)
        assert (run.exit_code, run.stderr) == (0, ""), run
        assert "\r" not in run.stdout and "\u202e" not in run.stdout
    assert (tmp_path / "[bold]*.tflite").is_file()


@pytest.mark.parametrize(
    "name",
    ['it\'s "my [red]" * $(touch executed).onnx', "line\nfeed ñ.onnx", b"\xff.onnx"],
    ids=["quotes", "line feed", "no UTF-8"],
)
def test_hostile_file_names(tmp_path: Path, name: str | bytes) -> None:
    name = name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
    onnx.save(image_model(), tmp_path / name)
    run = toolkit_process("build", name, "--target", "cortex-m4", cwd=tmp_path)
    assert run.exit_code == 0, run
    assert run.messages == []
    stem = Path(name).stem
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{stem}-cortex-m4"]
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../x; $(touch executed)", "x_touch_executed"),
        ("instance", "instance_net"),
        ("model_features_2", "model_features_2"),
    ],
)
def test_a_library_may_have_any_name(tmp_path: Path, given: str, name: str) -> None:
    onnx.save(speech_model(), tmp_path / "m.onnx")
    options = ["--target", "cortex-m4", "--seconds", "0.1", "--name", given, "--out", "out"]
    report = built(toolkit("build", "m.onnx", *options, "--json", cwd=tmp_path))
    assert f"{name}_finish" in {symbol["name"] for symbol in report["symbols"]}
    assert (tmp_path / "out" / name / "include" / f"{name}_audio.h").is_file()
    assert not (tmp_path / "executed").exists()
