"""Generated projects compiled for this workstation, with the strict flags, against numpy."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.graphs import activation, conv_graph
from tests.support.host_run import (
    NAME,
    assert_c_matches_numpy,
    build_host,
    project_of,
    project_of_plan,
)
from tests.support.random_graphs import branch_graph, random_graph, reshape_graph
from toolkit.emit import FirmwareProject, emit_model, write_project
from toolkit.features.front_end import FrontEnd
from toolkit.features.spec import LogMel
from toolkit.ir import Graph, GraphBuilder
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.plan import plan_arena
from toolkit.targets import load_target
from toolkit.toolchain import device_sources, find_toolchain

HOSTILE = [
    "a */ int evil; /* b",
    "quote \" and ' and \\",
    "line\nbreak\r\n#error injected",
    "trigraph ??/ and ??'",
    "backslash at the end \\",
    "日本語 ünïcode \u202e",
    "while",
    "int",
    "_Reserved",
    "__x",
    "9 lives",
    "tk_conv_2d_s8",
    "INT32_MIN",
    "main",
    "${ENV} $(touch evil) `touch evil` ; touch evil",
    "{{ 7 * 7 }} {% raw %}",
    "x" * 10_000,
    "",
]


def renamed(graph: Graph, names: list[str]) -> Graph:
    """The graph with its tensors and nodes called ``names``, each made unique by a number."""
    new = {
        old: f"{names[i % len(names)]}{i // len(names) or ''}"
        for i, old in enumerate(graph.tensors)
    }
    nodes = tuple(
        replace(
            node,
            name=names[i % len(names)] + "~" * (i // len(names)),
            inputs=tuple(None if n is None else new[n] for n in node.inputs),
            outputs=tuple(new[n] for n in node.outputs),
        )
        for i, node in enumerate(graph.nodes)
    )
    return Graph(
        names[0],
        {new[k]: replace(t, name=new[k]) for k, t in graph.tensors.items()},
        nodes,
        tuple(new[n] for n in graph.inputs),
        tuple(new[n] for n in graph.outputs),
    )


@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
def test_hostile_names_compile_and_run(tmp_path: Path, toolchain: str) -> None:
    graph = renamed(conv_graph(layers=len(HOSTILE), in_h=4, in_w=4), HOSTILE)
    assert_c_matches_numpy(graph, tmp_path, cases=3, toolchain=toolchain)


def test_hostile_names_reach_no_file_but_as_plain_text() -> None:
    graph = renamed(conv_graph(layers=len(HOSTILE), in_h=4, in_w=4), HOSTILE)
    for name, data in project_of(graph).files.items():
        own = name.startswith((f"{NAME}/src/", f"{NAME}/include/"))
        if own or name.endswith(("CMakeLists.txt", "README.md", "linker.ld")):
            text = data.decode("ascii")
            assert not re.search(r"\?\?|\\\n|\$\(|\$\{ENV|\{\{|evil; /\*", text), name
            assert not re.search(r"^\W*#error injected", text, re.MULTILINE), name


@pytest.mark.parametrize("seed", range(6))
def test_random_graphs_give_the_reference_bytes(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(lambda low, high: int(rng.integers(low, high, endpoint=True)), 20)
    assert_c_matches_numpy(graph, tmp_path)


def test_aliases_and_many_outputs(tmp_path: Path) -> None:
    assert_c_matches_numpy(reshape_graph(), tmp_path / "reshape")
    assert_c_matches_numpy(branch_graph(), tmp_path / "branch")


def test_a_constant_operand(tmp_path: Path) -> None:
    builder = GraphBuilder("operand")
    x = builder.add_input(activation("x", (1, 2, 2, 3), 0.1, 0))
    quant = builder.tensors[x].quant
    ramp = builder.constant("ramp", np.arange(12, dtype=np.int8).reshape(1, 2, 2, 3), quant)
    out = activation("y", (1, 2, 2, 6), 0.1, 0)
    y = builder.add_node("concatenation", [ramp, x], out, ConcatenationAttrs(3))
    builder.outputs.append(y)
    assert_c_matches_numpy(builder.build(), tmp_path)


def test_same_input_same_bytes() -> None:
    first, second = project_of(conv_graph(layers=3)), project_of(conv_graph(layers=3))
    assert list(first.files.items()) == list(second.files.items())


def test_only_needed_kernels_are_there() -> None:
    names = {n for n in project_of(conv_graph()).files if "/kernels/" in n}
    stems = {"tk_common.h", "tk_conv_2d_s8.c", "tk_conv_2d_s8.h"}
    stems |= {"tk_compiler.h", "tk_weights.c", "tk_weights.h"}
    assert {re.sub(r"_[0-9a-f]{8}(?=\.)", "", name) for name in names} == {
        f"{NAME}/kernels/{stem}" for stem in stems
    }


def test_equal_constants_are_stored_once() -> None:
    graph = conv_graph(layers=2)
    weights = [n for n in graph.tensors if n.endswith("weights")]
    shared = replace(graph.tensors[weights[1]], data=graph.tensors[weights[0]].values)
    twice = replace(graph, tensors={**graph.tensors, weights[1]: shared})
    text = emit_model(plan_arena(twice), "0" * 64, "cortex-m4").files
    assert text["model_weights.c"].count("_weights.words = ") == 1
    assert text["model.c"].count(".weights = model_weights.conv_0_weights.values,") == 2


def test_the_banner_and_every_call_explain_themselves() -> None:
    graph = conv_graph(layers=2)
    text = emit_model(plan_arena(graph), "ab" * 32, "cortex-m4").files
    assert f"sha256   {'ab' * 32}" in text["model.h"]
    assert "arena    448 B; lower bound 432 B, set by conv_0" in text["model.h"]
    assert "in   int8_t 1x9x8x3 at 224, 216 B" in text["model.c"]
    assert "5832 MACs" in text["model.c"]


def feature_project() -> FirmwareProject:
    """The model's 10 x 8 x 3 values are 10 feature rows of 24."""
    spec = LogMel(
        sample_rate_hz=16000, frame_samples=64, hop_samples=32, n_mels=24, f_min_hz=0, f_max_hz=8000
    )
    graph = conv_graph(in_h=10, in_w=8)
    front_end = FrontEnd.feeding(graph.tensors[graph.inputs[0]], spec)
    return project_of_plan(plan_arena(graph), front_end)


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
@pytest.mark.parametrize("with_features", [False, True])
def test_cmake_builds_the_same_firmware(tmp_path: Path, with_features: bool) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    project = feature_project() if with_features else project_of(conv_graph())
    source, build = tmp_path / "my project", tmp_path / "build"
    write_project(project, source)
    run = ["cmake", "-S", str(source / "harness"), "-B", str(build)]
    subprocess.run(run, check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(build)], check=True, capture_output=True)
    defines: dict[str, str | int] = {"HARNESS_FEATURES": 1} if with_features else {}
    (tmp_path / "out").mkdir()
    firmware = find_toolchain("gcc").compile(
        source, device_sources(source), load_target("cortex-m4"), tmp_path / "out", defines
    )
    assert (build / "firmware.bin").read_bytes() == firmware.bin.read_bytes()


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_cmake_builds_for_the_workstation(tmp_path: Path) -> None:
    write_project(project_of(conv_graph()), tmp_path / "project")
    harness, build = tmp_path / "project" / "harness", tmp_path / "build"
    run = ["cmake", "-S", str(harness), "-B", str(build), "-DHOST=ON"]
    subprocess.run(run, check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(tmp_path / "build")], check=True, capture_output=True)
    program = build_host(project_of(conv_graph()), tmp_path / "direct")
    case = struct.pack("<III", 0x4E494B54, 0, 1) + bytes(range(216))
    outputs = []
    for binary in (tmp_path / "build" / "firmware_host", program):
        (binary.parent / "input.bin").write_bytes(case)
        subprocess.run([binary], cwd=binary.parent, check=True)
        outputs.append((binary.parent / "output.bin").read_bytes())
    assert outputs[0] == outputs[1]
