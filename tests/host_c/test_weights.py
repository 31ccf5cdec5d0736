"""The image of weights: what one changed weight changes, and what takes its place in the field."""

from __future__ import annotations

import difflib
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.graphs import conv_graph
from tests.support.host_run import NAME, build_host, project_of, run_host
from tests.support.oracle import random_inputs, run_numpy
from toolkit.emit import FirmwareProject, Library, emit_project
from toolkit.ir import Graph, QuantParams
from toolkit.plan import plan_arena
from toolkit.targets import load_target

WEIGHTS = f"{NAME}/src/{NAME}_weights.c"
OK, WRONG_WEIGHTS = 0, 4


def with_weight(graph: Graph, value: int) -> Graph:
    """The graph with another value of one weight."""
    name = next(name for name in graph.tensors if name.endswith("/weights"))
    changed = graph.tensors[name].values.copy()
    changed.flat[5] = value
    return replace(
        graph, tensors={**graph.tensors, name: replace(graph.tensors[name], data=changed)}
    )


def project(graph: Graph, model: bytes = b"a model") -> FirmwareProject:
    return emit_project(Library(NAME, plan_arena(graph), model), load_target("cortex-m4"))


def lines_changed(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, int]:
    """How many lines of the new files are not in the old ones, by file."""
    assert old.keys() == new.keys()
    changed = {}
    for path in old:
        a, b = (files[path].decode().splitlines() for files in (old, new))
        added = sum(line.startswith("+ ") for line in difflib.ndiff(a, b))
        if added:
            changed[path] = added
    return changed


def test_one_weight_changes_one_line_of_weights() -> None:
    graph = conv_graph(layers=3)
    old, new = project(with_weight(graph, 3), b"a"), project(with_weight(graph, 4), b"b")
    changed = lines_changed(old.files, new.files)
    header = f"{NAME}/include/{NAME}.h"
    assert changed.pop(f"{NAME}/{NAME}.tflite") == 1
    assert changed == {header: 2, WEIGHTS: 2}  # the model's hash twice; that of the weights


def test_another_layer_changes_the_layout_another_name_does_not() -> None:
    graph = conv_graph(layers=2)
    renamed = project(replace(with_weight(graph, 1), name="retrained"), b"b").files
    name = graph.nodes[0].outputs[0]
    other = replace(graph.tensors[name], quant=QuantParams.per_tensor(0.07, -6))
    texts = [
        project(g).files[f"{NAME}/src/{NAME}_weights.h"]
        for g in (
            graph,
            with_weight(graph, 1),
            replace(graph, tensors={**graph.tensors, name: other}),
        )
    ]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0] == renamed[f"{NAME}/src/{NAME}_weights.h"]


def test_weights_of_another_build_take_their_place(tmp_path: Path) -> None:
    graph, other = with_weight(conv_graph(), 100), with_weight(conv_graph(), -100)
    mixed = project(graph).with_files({WEIGHTS: project(other).files[WEIGHTS]})
    inputs = random_inputs(graph, 3)
    (found,) = run_host(build_host(mixed, tmp_path), graph, inputs)
    (old,), (new,) = run_numpy(graph, inputs), run_numpy(other, inputs)
    assert (found == new).all() and (new != old).any()


_INIT = f"""
#include "{NAME}.h"
static {NAME} m;
int main(void) {{
    return {NAME}_init(&m);
}}
"""


def init_result(files: Mapping[str, bytes], folder: Path, *flags: str) -> int:
    for path, data in {**files, "init.c": _INIT.encode()}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    parts = [f"-I{NAME}/{part}" for part in ("include", "src", "kernels")]
    sources = [path for path in files if path.startswith(f"{NAME}/") and path.endswith(".c")]
    command = ["gcc", "-O1", *flags, *parts, *sources, "init.c", "-o", "init"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run([folder / "init"], check=False).returncode


@pytest.mark.parametrize("flags", [(), ("-O2", "-flto")])
def test_init_refuses_what_does_not_belong(flags: tuple[str, ...], tmp_path: Path) -> None:
    graph = conv_graph()
    files = dict(project(graph).files)
    assert init_result(files, tmp_path, *flags) == OK
    text = files[WEIGHTS].decode()
    word = next(line for line in text.splitlines() if line.startswith("    0x")).split()[0]
    for at in (9, 3):  # a bit at the low end, a bit near the high end
        damaged = word[:at] + "0123456789ABCDEF"[int(word[at], 16) ^ 1] + word[at + 1 :]
        assert damaged != word
        bad = text.replace(word, damaged, 1).encode()
        assert init_result({**files, WEIGHTS: bad}, tmp_path, *flags) == WRONG_WEIGHTS
    layout = text.replace(f".head = {{{NAME.upper()}_WEIGHTS_LAYOUT", ".head = {0x12345678u")
    assert layout != text
    assert init_result({**files, WEIGHTS: layout.encode()}, tmp_path, *flags) == WRONG_WEIGHTS


def test_the_image_has_a_section_of_its_own(tmp_path: Path) -> None:
    init_result(project_of(conv_graph()).files, tmp_path)
    command = ["gcc", "-c", f"-I{NAME}/src", f"-I{NAME}/kernels", WEIGHTS, "-o", "weights.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    listed = subprocess.run(
        ["objdump", "-h", "weights.o"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert f".rodata.{NAME}_weights" in listed


_ASSERTS = f"""
#include <stdio.h>
#include "{NAME}.h"
void asserted(int condition) {{
    if (!condition) {{
        printf("asserted");
    }}
}}
static {NAME} m;
int main(void) {{
    return {NAME}_output(&m, {NAME.upper()}_OUTPUTS) != NULL;
}}
"""


def test_a_project_s_assertion_hears_of_a_wrong_index(tmp_path: Path) -> None:
    (tmp_path / "hook.h").write_text(
        "void asserted(int condition);\n#define TK_ASSERT(condition) asserted(condition)\n"
    )
    files = project(conv_graph()).files
    assert init_result(files, tmp_path) == OK
    (tmp_path / "asserts.c").write_text(_ASSERTS)
    parts = [f"-I{NAME}/{part}" for part in ("include", "src", "kernels")]
    sources = [path for path in files if path.startswith(f"{NAME}/") and path.endswith(".c")]
    for header, said in (('-DTK_ASSERT_HEADER="hook.h"', "asserted"), ("-DNONE", "")):
        command = ["gcc", "-I.", header, *parts, *sources, "asserts.c", "-o", "asserts"]
        subprocess.run(command, cwd=tmp_path, check=True)
        done = subprocess.run(
            [tmp_path / "asserts"], capture_output=True, text=True, check=True
        ).stdout
        assert done == said
