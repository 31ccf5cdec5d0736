"""A model as it came, before it is made int8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from toolkit.errors import InputError
from toolkit.features.metadata import (
    HOW_TO_ATTACH,
    MAX_CLIP_SECONDS,
    feature_spec,
)
from toolkit.features.spec import METADATA_KEY, FeatureSpec
from toolkit.ir import Graph, QuantParams
from toolkit.measurement import Issue
from toolkit.model.stated import Stated
from toolkit.model.states import likely_states, stated_states
from toolkit.model.zoo import DEFAULT_MODEL
from toolkit.passes.states import with_states
from toolkit.quantize.given import attach
from toolkit.quantize.ranges import Ranges
from toolkit.resources import data_dir
from toolkit.tflite.metadata import with_metadata
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite


@dataclass(frozen=True, eq=False)
class Source:
    """A model as it came: a float graph (ONNX, checkpoint) or the bytes of an int8 ``.tflite``.

    ``argument`` is the zoo name or path that it was read from, ``sha256`` that of the file;
    ``onnx`` or ``float_tflite`` are the bytes that the float graph was imported from, ``imported``
    what it was before any rewrite;
    ``ranges`` come with zoo models and those of `toolkit train`, ``given`` with models that were
    quantised elsewhere: the scales and zero points of the model as it was imported; ``issues`` say
    what was done to it on the way in.  ``max_seconds`` is the longest clip that it will be given,
    where the user states one; ``one_length`` the nodes that fit the file's clip length only, and
    why; ``features`` the specification that the user attached.
    """

    argument: str
    name: str
    sha256: str
    float_graph: Graph | None = None
    imported: Graph | None = field(default=None, repr=False)
    onnx: bytes | None = field(default=None, repr=False)
    tflite: bytes | None = field(default=None, repr=False)
    float_tflite: bytes | None = field(default=None, repr=False)
    ranges: Ranges | None = None
    given: Mapping[str, QuantParams] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    max_seconds: float | None = None
    one_length: Mapping[str, str] = field(default_factory=dict)
    stated: Stated = field(default_factory=Stated)

    def with_states(self) -> Source:
        """The same model with the states that the user states, or else those that its file does;
        what looks like further ones is an issue.  Raises InputError for pairs that are none."""
        source, graph, pairs = self, self.float_graph, self.stated.states
        if graph is None:
            assert self.tflite is not None
            graph = read_tflite(self.tflite, self.name)
            if pairs:
                graph = with_states(graph, pairs)
                source = replace(self, tflite=write_tflite(graph))
        elif pairs := pairs or stated_states(graph.metadata):
            assert self.imported is not None
            graph = attach(with_states(self.imported, pairs), self.imported)
            source = replace(self, float_graph=graph, one_length={})
        hints = tuple(
            Issue(
                "model.states",
                f"input {pair.read!r} and output {pair.write!r} look like state, and are not "
                f"treated as such: {pair.words} makes them one",
            )
            for pair in likely_states(graph)
        )
        return replace(source, issues=(*source.issues, *hints))

    @property
    def graph(self) -> Graph:
        """The network as it came: float, or int8 read from its bytes."""
        if self.float_graph is not None:
            return self.float_graph
        assert self.tflite is not None
        return read_tflite(self.tflite, self.name)

    @property
    def spec(self) -> FeatureSpec | None:
        """How audio becomes the input; None for a model of arrays."""
        return feature_spec(self.graph)

    def hearing(self, features: FeatureSpec) -> Source:
        """The same model on other features of as many rows and values, its ranges kept."""
        text = features.to_json()
        graph, data = self.float_graph, self.tflite
        if graph is not None:
            graph = graph.with_metadata(**{METADATA_KEY: text})
        if data is not None:
            data = with_metadata(data, METADATA_KEY, text)
        stated = replace(self.stated, features=features)
        return replace(self, float_graph=graph, tflite=data, stated=stated)

    def up_to(self, max_seconds: float | None) -> Source:
        """The same model for clips up to that long, as the user states; None leaves it open.

        Raises InputError for a length that no clip has, or a model whose ranges are fixed.
        """
        if max_seconds is None:
            return self
        if not 0 < max_seconds <= MAX_CLIP_SECONDS:
            raise InputError(
                f"--max-seconds must be above 0 and at most {MAX_CLIP_SECONDS:g}; "
                f"got {max_seconds:g}."
            )
        if self.float_graph is None:
            raise InputError(
                f"--max-seconds: the ranges of {self.argument} are in the file already.",
                hint="Give it when the float model is converted.",
            )
        if feature_spec(self.float_graph) is None:
            raise InputError(
                f"--max-seconds: {self.name} carries no feature specification, which says how long "
                "a frame is.",
                hint=HOW_TO_ATTACH,
            )
        return replace(self, max_seconds=max_seconds)


def demo_clip() -> Path:
    """The speech clip that ships with the toolkit (one second, 16 kHz)."""
    return data_dir("models") / DEFAULT_MODEL / "demo_clip.wav"
