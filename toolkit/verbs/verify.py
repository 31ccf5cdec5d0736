"""``toolkit verify``: a model's compiled C on given inputs, every output byte compared."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.deploy.findings import harness_input, random_inputs
from toolkit.deploy.first_wrong_layer import wrong_layer
from toolkit.deploy.run import (
    Mismatch,
    compile_firmware,
    find_mismatches,
    reference_outputs,
    run,
    run_on_host,
)
from toolkit.emit import emit_project, write_files
from toolkit.errors import InputError
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.model.inputs import as_cases, load_array, quantized_cases
from toolkit.model.int8 import to_int8
from toolkit.model.source import load_source, model_inputs
from toolkit.plan.schedule import ScheduleRequest, choose_plan
from toolkit.simulate.protocol import HarnessOutput
from toolkit.targets import Target, load_target
from toolkit.tflite.read import read_tflite


@dataclass(frozen=True)
class Verification:
    """How many cases ran, what they were compared with, and every output that differs.

    ``wrong_layer`` says where, of a model that differs from the integer reference.
    """

    model: str
    cases: int
    compared_with: str
    simulator: str
    schedule: str
    mismatches: tuple[Mismatch, ...]
    wrong_layer: str = ""


def verify(
    model: str,
    target_name: str,
    inputs: Path | None,
    expected: Path | None,
    count: int,
    toolchain: str,
    simulator: str | None,
    clip_seconds: float,
    schedule: ScheduleRequest,
) -> Verification:
    """Compile ``model`` (see `load_source`), run it and compare.

    ``inputs`` holds the cases (first axis): integers as the model takes them, or floats in the
    layout of the model file, which are quantised; without it ``count`` random cases run.
    ``expected`` holds the outputs' bytes as an array of the output's type, cases first; without it
    the numpy integer reference is the standard.
    """
    target = load_target(target_name)
    simulator = simulator or target.default_simulator
    source = load_source(model, clip_seconds)
    data, _ = to_int8(source, "fused")
    graph = read_tflite(data, source.name)
    cases = random_inputs(graph, count) if inputs is None else _cases(inputs, graph)
    wanted = reference_outputs(graph, cases) if expected is None else _expected(expected, graph)
    if len(wanted) != len(cases):
        raise InputError(f"{expected}: holds {len(wanted)} cases; the inputs are {len(cases)}.")
    with tempfile.TemporaryDirectory(prefix="toolkit-verify-") as scratch:
        folder = Path(scratch)
        plan, _ = choose_plan(graph, schedule, target)
        write_files(emit_project(graph, plan, target, data), folder)
        stimulus = harness_input(plan, None, cases)
        output = _run(folder, graph, target, stimulus, toolchain, simulator)
    mismatches = find_mismatches(graph, wanted, [case.outputs for case in output.cases])
    where = ""
    if mismatches and expected is None:
        wrong = cases[mismatches[0].case]
        where = wrong_layer(graph, plan, target, data, toolchain, wrong)
    return Verification(
        model=source.name,
        cases=len(cases),
        compared_with="the numpy integer reference" if expected is None else expected.name,
        simulator=simulator,
        schedule=plan.schedule,
        mismatches=mismatches,
        wrong_layer=where,
    )


def _run(
    folder: Path,
    graph: Graph,
    target: Target,
    stimulus: bytes,
    toolchain: str,
    simulator: str,
) -> HarnessOutput:
    if simulator == "host":
        return run_on_host(folder, stimulus, toolchain, target, graph, None)[1]
    program = compile_firmware(folder, target, toolchain, False).firmware.elf
    return run(program, stimulus, simulator, target, graph, None)[1]


def _cases(path: Path, graph: Graph) -> list[list[Array]]:
    if path.is_dir() or load_array(path).dtype.kind == "f":
        array = model_inputs(path, graph)
    elif len(graph.inputs) == 1:
        array = load_array(path)
    else:
        raise InputError(f"{path}: the model has {len(graph.inputs)} inputs; one is supported.")
    return [[c] for c in quantized_cases(array, graph.tensors[graph.inputs[0]], str(path))]


def _expected(path: Path, graph: Graph) -> list[tuple[bytes, ...]]:
    if len(graph.outputs) != 1:
        raise InputError(f"{path}: the model has {len(graph.outputs)} outputs; one is supported.")
    tensor = graph.tensors[graph.outputs[0]]
    array = as_cases(load_array(path), tensor.shape, str(path))
    if array.dtype != tensor.dtype.numpy:
        raise InputError(f"{path}: must be {tensor.dtype.value}; found {array.dtype}.")
    return [(np.ascontiguousarray(case).tobytes(),) for case in array]
