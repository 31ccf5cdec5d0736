"""``toolkit verify``: a model's compiled C on given inputs, every output byte compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolkit.compare.outputs import Mismatch, find_mismatches
from toolkit.deploy.first_wrong_layer import first_wrong_layer
from toolkit.deploy.model import load
from toolkit.deploy.stimulus import RANDOM_CASES, Stimulus
from toolkit.errors import InputError
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS
from toolkit.ir import Graph, Shape
from toolkit.model.cases import given_cases
from toolkit.model.inputs import as_cases, load_array, random_inputs
from toolkit.model.reference import Case, stepwise
from toolkit.plan.schedule import ScheduleRequest


@dataclass(frozen=True)
class VerifyRequest:
    """What the user asked for.

    ``inputs`` holds the cases (first axis): integers as the model takes them, or floats in the
    layout of the model file, which are quantised; without it ``cases`` random ones run.
    ``expected`` holds the outputs' bytes as an array of the output's type, cases first; without it
    the numpy integer reference is the standard.
    """

    model: str
    target: str
    inputs: Path | None = None
    expected: Path | None = None
    cases: int = RANDOM_CASES
    clip_seconds: float = DEFAULT_CLIP_SECONDS
    toolchain: str = "zig"
    simulator: str | None = None  # the target's first
    schedule: ScheduleRequest = field(default_factory=ScheduleRequest)
    shapes: Mapping[str, Shape] = field(default_factory=dict)  # of inputs with open dimensions
    states: tuple[str, ...] = ()


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


def verify(request: VerifyRequest) -> Verification:
    """Compile a model, run it and compare.  Raises InputError for files that cannot be used."""
    axis, expected = request.schedule.time_axis, request.expected
    model = load(request.model, request.clip_seconds, None, request.shapes, axis, request.states)
    graph = model.int8.graph
    cases: Sequence[Case] = (
        random_inputs(graph, request.cases)
        if request.inputs is None
        else given_cases(request.inputs, graph)
    )
    wanted = None if expected is None else _expected(expected, graph, cases)
    if wanted is not None and len(wanted) != len(cases):
        raise InputError(
            f"{expected}: holds {len(wanted)} cases; the inputs are {len(cases)}.",
            hint="Give as many as there are inputs.",
        )
    deployment = model.deploy(request.target, request.schedule, audio=False)
    firmware = deployment.compile(request.toolchain)
    run = firmware.run_on(Stimulus(cases=cases), request.simulator)
    mismatches = find_mismatches(graph.free_outputs, wanted or run.expected, run.outputs)
    where = ""
    if mismatches and expected is None:
        where = first_wrong_layer(run.harness, request.toolchain, cases[mismatches[0].case])
    return Verification(
        model=model.name,
        cases=len(cases),
        compared_with="the numpy integer reference" if expected is None else expected.name,
        simulator=run.simulator,
        schedule=run.plan.schedule,
        mismatches=mismatches,
        wrong_layer=where,
    )


def _expected(path: Path, graph: Graph, cases: Sequence[Case]) -> list[tuple[bytes, ...]]:
    outputs = graph.free_outputs
    if len(outputs) != 1:
        raise InputError(
            f"{path}: the model has {len(outputs)} outputs; one is supported.",
            hint="Give a .npz with an array for each.",
        )
    tensor = graph.tensors[outputs[0]]
    array = load_array(path)
    if graph.states and array.ndim == len(tensor.shape) + 2:  # clips of steps, as the inputs
        array = array.reshape(-1, *array.shape[2:])
    array = as_cases(array, tensor.shape, str(path))
    if array.dtype != tensor.dtype.numpy:
        raise InputError(f"{path}: must be {tensor.dtype.value}; found {array.dtype}.")
    parts = list(array)
    if graph.states:
        ends = np.cumsum([len(stepwise(graph, case)[graph.free_inputs[0]]) for case in cases])
        if len(array) != ends[-1]:
            raise InputError(
                f"{path}: holds {len(array)} steps; the inputs are {ends[-1]}.",
                hint="Give as many as there are inputs.",
            )
        parts = np.split(array, ends[:-1])
    return [(np.ascontiguousarray(case).tobytes(),) for case in parts]
