"""Builds a generated project for this workstation and runs cases through its harness."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.support.oracle import random_inputs, run_numpy
from toolkit.emit import FirmwareProject, Library, emit_project, write_project
from toolkit.features.front_end import FrontEnd
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.plan import Plan, plan_arena
from toolkit.targets import load_target
from toolkit.toolchain import find_toolchain, host_sources

INPUT_MAGIC, OUTPUT_MAGIC, MODE_TENSORS = 0x4E494B54, 0x554F4B54, 0


#: What the libraries of these tests are called.
NAME = "network"


def project_of_plan(plan: Plan, front_end: FrontEnd | None = None) -> FirmwareProject:
    """The project of a planned graph for the first target."""
    library = Library(NAME, plan, b"not looked at", front_end)
    return emit_project(library, load_target("cortex-m4"))


def project_of(graph: Graph) -> FirmwareProject:
    """The project of ``graph`` in batch form."""
    return project_of_plan(plan_arena(graph))


def build_host(
    project: FirmwareProject,
    folder: Path,
    toolchain: str = "gcc",
    defines: Mapping[str, str | int] | None = None,
) -> Path:
    """Write ``project`` into ``folder/project`` and compile it with the strict flags."""
    write_project(project, folder / "project")
    sources = host_sources(folder / "project")
    return find_toolchain(toolchain).compile_host(
        folder / "project", sources, folder, defines or {}
    )


def run_host(program: Path, graph: Graph, inputs: list[Array]) -> list[Array]:
    """Run ``program`` on all cases; one array per graph output, cases first."""
    cases = len(inputs[0])
    blob = struct.pack("<III", INPUT_MAGIC, MODE_TENSORS, cases)
    for case in range(cases):
        blob += b"".join(np.ascontiguousarray(array[case]).tobytes() for array in inputs)
    (program.parent / "input.bin").write_bytes(blob)
    subprocess.run([program], cwd=program.parent, check=True)
    data = (program.parent / "output.bin").read_bytes()
    assert struct.unpack_from("<II", data) == (OUTPUT_MAGIC, cases)
    tensors = [graph.tensors[name] for name in graph.outputs]
    results: list[list[Array]] = [[] for _ in tensors]
    position = 8
    for _ in range(cases):
        for index, tensor in enumerate(tensors):
            values = np.frombuffer(data, tensor.dtype.numpy, tensor.elements, position)
            results[index].append(values.reshape(tensor.shape))
            position += tensor.size_bytes
    assert data[position:] == bytes(4), "no stack is painted on a workstation"
    return [np.stack(arrays) for arrays in results]


def assert_c_matches_numpy(
    graph: Graph, folder: Path, cases: int = 10, toolchain: str = "gcc"
) -> None:
    """The generated C, compiled for this workstation, gives the integer reference's bytes."""
    inputs = random_inputs(graph, cases)
    got = run_host(build_host(project_of(graph), folder, toolchain), graph, inputs)
    for name, want, have in zip(graph.outputs, run_numpy(graph, inputs), got, strict=True):
        assert have.dtype == want.dtype, name
        differing = int(np.count_nonzero(have != want))
        assert differing == 0, f"{name}: {differing} of {want.size} values differ"
