"""Recordings through the three forms of a model: float, integer reference, generated C."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from toolkit.deploy.deployment import Deployment
from toolkit.deploy.stimulus import Stimulus
from toolkit.errors import InputError
from toolkit.features.quantise import quantise_features
from toolkit.features.recording import Note
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.model.answer import answer_of
from toolkit.model.audio import Audio
from toolkit.model.cases import given_cases, model_cases
from toolkit.model.reference import run_case, steps_of
from toolkit.quantize.outputs import decoded, real_outputs
from toolkit.simulate.protocol import HarnessCase
from toolkit.verbs.stages import Tell

#: The forms of a model that are compared, by the prefix of their figures' names.
FORMS = {"float": "float", "int8": "int8 reference", "c": "generated C"}
#: Recordings the host program takes at once.
_CHUNK = 32


@dataclass(frozen=True, eq=False)
class ModelRun:
    """What a model made of all recordings: real outputs [recordings, values] by form, how many of
    them differ from the reference in a bit, and what was done to the recordings."""

    deployment: Deployment
    program: Path
    outputs: dict[str, Array]
    differing: int
    notes: tuple[Note, ...]

    @property
    def name(self) -> str:
        return self.deployment.model.name


def run_model(
    deployment: Deployment, program: Path, files: Sequence[Path], whole: bool, tell: Tell
) -> ModelRun:
    """Every form on every recording, or array file of a model that takes no audio; ``program`` is
    the C, compiled for this workstation.  Of a model with states the last step's outputs count.
    ``tell`` hears what part of the recordings is done."""
    if deployment.front_end is None:
        results = _arrays(deployment, program, files)
    else:
        results = _recordings(deployment, program, files, whole)
    found = []
    for result in results:
        found.append(result)
        tell(len(found) / len(files))
    outputs = {
        form: np.stack([outputs[form] for outputs, _, _ in found])
        for form in FORMS
        if form in found[0][0]
    }
    notes = tuple(note for _, _, notes in found for note in notes)
    return ModelRun(deployment, program, outputs, sum(not same for _, same, _ in found), notes)


def c_outputs(
    deployment: Deployment, program: Path, files: Sequence[Path], seconds: float | None = None
) -> Array:
    """Real outputs of the C [recordings, values] on whole recordings, or on their first
    ``seconds``; a shorter recording is heard over and over."""
    outputs = []
    for start in range(0, len(files), _CHUNK):
        clips = [
            _of_length(deployment.stimulus(file).clips[0], seconds)
            for file in files[start : start + _CHUNK]
        ]
        for case in _cases(deployment, program, clips):
            found = decoded(deployment.plan.graph, case.last)
            outputs.append(deployment.model.answer.values(found))
    return np.stack(outputs)


def _of_length(clip: Audio, seconds: float | None) -> Audio:
    if seconds is None:
        return clip
    samples = np.resize(clip.samples, round(seconds * clip.spec.sample_rate_hz))
    return replace(clip, samples=samples)


def _cases(deployment: Deployment, program: Path, clips: Sequence[Audio]) -> Sequence[HarnessCase]:
    stimulus = Stimulus(clips=clips).encode(deployment.plan)
    return deployment.harness.run(program, stimulus, "host").output.cases


def _recordings(
    deployment: Deployment, program: Path, files: Sequence[Path], whole: bool
) -> Iterator[tuple[dict[str, Array], bool, tuple[Note, ...]]]:
    for start in range(0, len(files), _CHUNK):
        clips = [
            clip
            for file in files[start : start + _CHUNK]
            for clip in deployment.stimulus(file, whole).clips
        ]
        for clip, case in zip(clips, _cases(deployment, program, clips), strict=True):
            outputs, same = _forms(deployment, clip, case)
            yield outputs, same, clip.notes


def _forms(deployment: Deployment, clip: Audio, case: HarnessCase) -> tuple[dict[str, Array], bool]:
    """Real outputs [values] of one recording by form; whether C is bit for bit the reference on the
    features that C computed."""
    graph, front_end = deployment.plan.at_rows(clip.rows).graph, deployment.front_end
    assert front_end is not None and case.rows is not None
    features = quantise_features(clip.features, front_end.scale, front_end.zero_point)
    expected = run_case(graph, [_clip(graph, features)])
    same = np.array_equal(case.rows, features)  # features differ by a step here and there
    expected_of_c = expected if same else run_case(graph, [_clip(graph, case.rows)])
    answer = deployment.model.answer
    outputs = {
        "int8": answer.values(_final(graph, expected)),
        "c": answer.values(decoded(graph, case.last)),
    }
    float_graph = deployment.model.float_at(clip.rows)
    if float_graph is not None:
        real = run_case(float_graph, [_clip(float_graph, clip.features)])
        outputs["float"] = answer_of(float_graph).values(_final(float_graph, real))
    return outputs, _same_bits(expected_of_c, case)


def _arrays(
    deployment: Deployment, program: Path, files: Sequence[Path]
) -> Iterator[tuple[dict[str, Array], bool, tuple[Note, ...]]]:
    """The same for array files, each one case; of a model with states one clip."""
    graph, float_graph = deployment.plan.graph, deployment.model.float_graph
    answer = deployment.model.answer
    cases = []
    for file in files:
        given = given_cases(file, graph)
        if len(given) != 1:
            raise InputError(f"{file}: must hold one case; found {len(given)}.")
        cases += given
    stimulus = Stimulus(cases=cases).encode(deployment.plan)
    found = deployment.harness.run(program, stimulus, "host").output.cases
    for file, case, of_c in zip(files, cases, found, strict=True):
        expected = run_case(graph, case)
        outputs = {
            "int8": answer.values(_final(graph, expected)),
            "c": answer.values(decoded(graph, of_c.last)),
        }
        if float_graph is not None:
            data = model_cases(file, float_graph)
            outputs["float"] = real_outputs(float_graph, data.batches(float_graph))[-1]
        yield outputs, _same_bits(expected, of_c), ()


def _clip(graph: Graph, rows: Array) -> Array:
    """Feature rows as the case of a graph."""
    return steps_of(rows, graph.tensors[graph.inputs[0]]) if graph.states else rows


def _final(graph: Graph, outputs: Sequence[Array]) -> list[Array]:
    """Output arrays, of a graph with states those of the last step."""
    return [values[-1] if graph.states else values for values in outputs]


def _same_bits(expected: Sequence[Array], case: HarnessCase) -> bool:
    pairs = zip(expected, case.outputs, strict=True)
    return all(np.ascontiguousarray(a).tobytes() == b for a, b in pairs)
