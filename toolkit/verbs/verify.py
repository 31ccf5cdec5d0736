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
from toolkit.model.inputs import as_cases, load_array, quantized_cases, random_inputs
from toolkit.model.reference import Case
from toolkit.model.source import model_inputs
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
    model = load(request.model, request.clip_seconds, None, request.shapes, axis)
    graph = model.int8.graph
    cases: Sequence[Case] = (
        random_inputs(graph, request.cases)
        if request.inputs is None
        else _cases(request.inputs, graph)
    )
    wanted = None if expected is None else _expected(expected, graph)
    if wanted is not None and len(wanted) != len(cases):
        raise InputError(f"{expected}: holds {len(wanted)} cases; the inputs are {len(cases)}.")
    deployment = model.deploy(request.target, request.schedule, audio=False)
    firmware = deployment.compile(request.toolchain)
    run = firmware.run_on(Stimulus(cases=cases), request.simulator)
    mismatches = find_mismatches(graph.outputs, wanted or run.expected, run.outputs)
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


def _cases(path: Path, graph: Graph) -> list[Case]:
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
