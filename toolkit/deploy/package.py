"""The example program of a library's packages: made-up input, and the outputs that it must give."""

from __future__ import annotations

import numpy as np

from toolkit.deploy.deployment import Deployment, Firmware
from toolkit.deploy.stimulus import Stimulus
from toolkit.emit.packages import Example
from toolkit.ir.tensor import Array
from toolkit.measurement import Check
from toolkit.model.audio import made_up_audio
from toolkit.model.reference import Case

#: The check of its run.
NAME = "package_example"
#: Steps of a model that runs step by step.
_STEPS = 4
#: As in example.c.jinja.
_SEED, _FACTOR, _TERM = 1, 1664525, 1013904223


def run_example(firmware: Firmware, simulator: str) -> tuple[Example, Check]:
    """What the example of a model does, and whether its run on ``simulator`` gave the integer
    reference's bytes.

    A model whose outputs come on the way, that takes audio step by step, or that needs the whole
    clip's level before its first sample is only begun: nothing runs, and the check says so.
    """
    deployment = firmware.deployment
    plan, front_end = deployment.plan, deployment.front_end
    takes_audio, stack = front_end is not None, firmware.linked.stack.bound_bytes
    on_the_way = plan.continuous is not None or bool(plan.outputs_in_rows)
    if on_the_way or (front_end and (plan.graph.states or front_end.spec.needs_clip)):
        reason = "the example of such a model begins it, no more"
        return Example("nothing", takes_audio, stack), Check.not_checked(NAME, reason, False)
    feeds, count, stimulus = _stimulus(deployment)
    run = firmware.run_on(stimulus, simulator)
    example = Example(
        feeds=feeds,
        takes_audio=takes_audio,
        stack_bytes=stack,
        count=count,
        inputs=len(plan.graph.free_inputs),
        checksum=checksum(b"".join(run.execution.output.cases[0].last)),
    )
    what = "the example's outputs"
    if list(run.expected) != list(run.outputs):
        return example, Check(NAME, False, f"{what} are not the integer reference's")
    return example, Check(NAME, True, f"{what} are the integer reference's, on {simulator}")


def checksum(data: bytes) -> int:
    """FNV-1a of 32 bits."""
    total = 2166136261
    for byte in data:
        total = (total ^ byte) * 16777619 % 2**32
    return total


def noise(count: int) -> Array:
    """uint32 [count]: what the example makes up."""
    values, state = np.empty(count, np.uint32), _SEED
    for place in range(count):
        state = (state * _FACTOR + _TERM) % 2**32
        values[place] = state
    return values


def _stimulus(deployment: Deployment) -> tuple[str, int, Stimulus]:
    """What it is fed with, how much of that, and the same for the harness."""
    plan, front_end = deployment.plan, deployment.front_end
    entry = plan.graph.tensors[plan.graph.free_inputs[0]]
    if front_end is not None:
        spec = front_end.spec
        count = spec.samples_for_rows(entry.elements // spec.row_values)
        samples = ((noise(count) >> 18).astype(np.int32) - 8192).astype(np.int16)
        return "audio", count, Stimulus(clips=[made_up_audio(spec, samples)])
    if plan.stream is not None:
        count = entry.shape[1]
        return "frames", count, Stimulus(cases=[_arrays(deployment, count)])
    count = _STEPS if plan.graph.states else 1
    return "tensors", count, Stimulus(cases=[_arrays(deployment, count)])


def _arrays(deployment: Deployment, count: int) -> Case:
    """Arrays of all inputs, whose bytes come frame by frame, or step by step."""
    plan = deployment.plan
    tensors = [plan.graph.tensors[name] for name in plan.graph.free_inputs]
    frames = count if plan.stream is not None else 1
    sizes = [tensor.size_bytes // frames for tensor in tensors]
    data = (noise(count * sum(sizes)) >> 24).astype(np.uint8).reshape(count, -1)
    columns = np.split(data, np.cumsum(sizes)[:-1], axis=1)
    steps = (count,) if plan.graph.states else ()
    return [
        np.ascontiguousarray(column).view(tensor.dtype.numpy).reshape(*steps, *tensor.shape)
        for column, tensor in zip(columns, tensors, strict=True)
    ]
