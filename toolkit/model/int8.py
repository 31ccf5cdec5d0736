"""A source becomes an int8 model: calibration data, recipe, the bytes of the ``.tflite``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from toolkit.errors import NotStreamableError, UnsupportedError
from toolkit.features.metadata import feature_spec
from toolkit.features.spec import FeatureSpec
from toolkit.ir import Graph
from toolkit.measurement import Issue
from toolkit.model.answer import Answer, answer_of
from toolkit.model.cases import model_cases
from toolkit.model.expected import (
    EXPECTED_ERROR_KEY,
    ExpectedError,
    expected_error,
    read_expected_error,
)
from toolkit.model.load import load_source
from toolkit.model.longest import longer_batches, longest_clip
from toolkit.model.origin import ORIGIN_KEY, Origin
from toolkit.model.source import Source
from toolkit.model.synthetic import synthetic_batches
from toolkit.ops.check import custom_operators
from toolkit.ops.parts.rows import TIME_AXIS
from toolkit.passes.dead_channels import Saved, without_dead_channels
from toolkit.plan.any_length import about_length, one_length, with_one_length
from toolkit.plan.other_length import baked_nodes
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.given import bounded_ranges, changes, without_params
from toolkit.quantize.lengths import Longest
from toolkit.quantize.outputs import Batch
from toolkit.quantize.recipe import Conversion, Data, Recipe, apply_recipe
from toolkit.resources import __version__
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

#: Made-up cases that the expected error is found on where nothing was calibrated on them.
EXPECTED_CASES = 2


@dataclass(frozen=True, eq=False)
class Quantized:
    """The bytes of an int8 ``.tflite``, how they came about, and what the user should know.

    ``batches`` is what the model was calibrated or measured on; none with stored ranges alone.
    """

    data: bytes
    conversion: Conversion
    batches: Sequence[Batch]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, eq=False)
class Int8Model:
    """A model as it will run: the bytes of its ``.tflite`` and the graph read back from them.

    ``source`` is what it was made from, ``quantized`` how (None for a model that came as int8),
    ``calib`` the data that gave its scales, if they were the user's.  Where it had dead channels,
    ``whole`` is the graph with them and ``saved`` what that it has none saves.
    """

    source: Source
    data: bytes
    graph: Graph
    issues: tuple[Issue, ...]
    quantized: Quantized | None = None
    calib: Path | None = None
    whole: Graph | None = None
    saved: Saved = field(default_factory=Saved)

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def sha256(self) -> str:
        """Of the file that the model came in."""
        return self.source.sha256

    @property
    def float_graph(self) -> Graph | None:
        """The float network that it stands for, where there is one."""
        return self.source.float_graph

    @cached_property
    def spec(self) -> FeatureSpec | None:
        """How audio becomes its input; None for a model of arrays."""
        return feature_spec(self.graph)

    @cached_property
    def expected_error(self) -> ExpectedError | None:
        """How far its outputs may be off those of the float network; None for a model that came as
        int8 and does not say."""
        if self.quantized is None or self.float_graph is None:
            return read_expected_error(self.graph.metadata)
        conversion = self.quantized.conversion
        batches = self.quantized.batches
        if not batches:
            batches, _ = synthetic_batches(conversion.float_graph, EXPECTED_CASES)
        return expected_error(self.data, conversion, batches)

    @cached_property
    def file(self) -> bytes:
        """The ``.tflite`` as it is written: ``data``, and in its metadata the expected error."""
        if self.quantized is None or self.expected_error is None:
            return self.data
        text = self.expected_error.to_json()
        graph = self.quantized.conversion.quantized if self.whole is None else self.graph
        return write_tflite(graph.with_metadata(**{EXPECTED_ERROR_KEY: text}))

    @cached_property
    def builtin(self) -> bytes | None:
        """The model in TFLM's stock operators: itself, or converted once more; None without
        either."""
        if not custom_operators(self.graph):
            return self.data
        if self.float_graph is None:
            return None
        try:
            model = to_int8(self.source, Recipe(attention="builtin"), self.calib)
        except UnsupportedError:  # of weights that have no builtin form
            return None
        return None if custom_operators(model.graph) else model.data

    @cached_property
    def answer(self) -> Answer:
        """What its outputs for a recording amount to."""
        return answer_of(self.graph)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the values of its answer."""
        return self.answer.labels

    def whole_at(self, graph: Graph) -> Graph | None:
        """`whole` at the clip length of ``graph``, a form of this one's; None where it has lost
        nothing."""
        if self.whole is None:
            return None
        entry = graph.tensors[graph.inputs[0]].shape
        if self.whole.tensors[graph.inputs[0]].shape == entry:
            return self.whole
        return retime(find_time_axis(self.whole), entry[TIME_AXIS])

    def float_at(self, rows: int) -> Graph | None:
        """The float network for a clip of ``rows`` feature rows; None where its file has another
        length only."""
        graph, spec = self.float_graph, self.spec
        assert spec is not None
        if graph is None or graph.states or _takes(graph, spec, rows):
            return graph
        try:
            return retime(find_time_axis(graph), rows)
        except NotStreamableError:
            seconds = spec.samples_for_rows(rows) / spec.sample_rate_hz
            graph = load_source(self.source.argument, seconds, self.source.stated).float_graph
        return graph if graph is not None and _takes(graph, spec, rows) else None


def _takes(graph: Graph, spec: FeatureSpec, rows: int) -> bool:
    return graph.tensors[graph.inputs[0]].elements == rows * spec.row_values


def to_int8(source: Source, recipe: Recipe, calib: Path | None = None) -> Int8Model:
    """Quantise a source as `quantize_source` does; one that is a ``.tflite`` keeps its numbers.
    Neither keeps a dead channel."""
    if source.tflite is not None:
        graph = read_tflite(source.tflite, source.name)
        tied = {**baked_nodes(graph), **one_length(graph)}
        graph = with_one_length(graph, tied) if tied else graph
        return _lean(Int8Model(source, source.tflite, graph, source.issues))
    quantized = quantize_source(source, recipe, calib)
    graph = read_tflite(quantized.data, source.name)
    issues = (*source.issues, *quantized.issues)
    return _lean(Int8Model(source, quantized.data, graph, issues, quantized, calib))


def _lean(model: Int8Model) -> Int8Model:
    """The model without its dead channels, in its bytes as well; itself where it has none."""
    graph, saved = without_dead_channels(model.graph)
    if graph is model.graph:
        return model
    data = write_tflite(graph)
    found = Issue("channels.dead", str(saved))
    return replace(
        model,
        data=data,
        graph=read_tflite(data, model.name),
        issues=(*model.issues, found),
        whole=model.graph,
        saved=saved,
    )


def quantize_source(source: Source, recipe: Recipe, calib: Path | None = None) -> Quantized:
    """Quantise a source that has a float graph.

    The data come from ``calib``, else the ranges stored with the model are used, else speech-like
    input is made up, and a note says so.  Raises InputError for data or a recipe that cannot be
    used, UnsupportedError for an operator without an integer form.
    """
    graph = source.float_graph
    assert graph is not None
    longest, notes = longest_clip(source)
    ranges = source.ranges if calib is None and longest is None else None
    if ranges is None and source.given and not without_params(graph):
        ranges = bounded_ranges(graph)
    batches: Sequence[Batch] = ()
    recordings: Sequence[int] = ()
    issues: tuple[Issue, ...] = ()
    if calib is not None:
        cases = model_cases(calib, graph)
        batches, recordings = cases.batches(graph), cases.recordings
        issues = tuple(Issue("calibration.data", note) for note in cases.notes)
    elif ranges is None or recipe.needs_data:
        batches, what = synthetic_batches(graph)
        issues = (_fallback_note(what, ranges is not None),)
    corrects = calib is not None and not source.given
    recipe = replace(
        recipe,
        bias_correction=corrects if recipe.bias_correction is None else recipe.bias_correction,
        equalize=corrects if recipe.equalize is None else recipe.equalize,
    )
    longer = None if longest is None else Longest(longest, longer_batches(graph, longest, calib))
    conversion = apply_recipe(graph, recipe, ranges, Data(batches, recordings, longer))
    issues = (*issues, *notes, *_given_issues(source, graph, conversion.quantized))
    origin = _origin(source, recipe, calib, batches if ranges is None else ())
    quantized = about_length(conversion.quantized, longest, source.one_length)
    quantized = quantized.with_metadata(**{ORIGIN_KEY: origin.to_json()})
    conversion = replace(conversion, quantized=quantized)
    return Quantized(write_tflite(quantized), conversion, batches, issues)


def _origin(source: Source, recipe: Recipe, calib: Path | None, batches: Sequence[Batch]) -> Origin:
    """What the ``.tflite`` says of where it comes from; ``batches`` are those that gave ranges."""
    if source.given and not batches:
        calibration = "the model's own scales"
    elif not batches:
        calibration = "ranges stored with the model"
    else:
        calibration = "made-up input" if calib is None else "recordings or arrays of the user's"
    digest = hashlib.sha256()
    for batch in batches:
        for name in sorted(batch):
            digest.update(np.ascontiguousarray(batch[name], "<f4").tobytes())
    return Origin(
        toolkit_version=__version__,
        source_sha256=source.sha256,
        calibration=calibration,
        cases=len(batches),
        cases_sha256=digest.hexdigest() if batches else "",
        recipe=asdict(recipe),
    )


def _fallback_note(what: str, have_ranges: bool) -> Issue:
    use = "measured" if have_ranges else "calibrated"
    note = (
        f"{use} on {what} only: int8 accuracy may suffer; "
        "--calib of build and convert takes real data"
    )
    return Issue("calibration.fallback", note)


def _given_issues(source: Source, graph: Graph, quantized: Graph) -> tuple[Issue, ...]:
    """What became of the scales that a model quantised elsewhere brought along."""
    if not source.given:
        return ()
    changed = changes(source.given, graph, quantized)
    total = len(source.given)
    kept = f"kept {total - len(changed)} of the {total} scales and zero points of the model"
    lacking = without_params(graph)
    loose = f"the model states no scale for {', '.join(map(repr, lacking))}: calibrated"
    return (
        Issue("quantisation.kept", kept),
        *(Issue("quantisation.changed", str(change)) for change in changed),
        *((Issue("quantisation.calibrated", loose),) if lacking else ()),
    )
