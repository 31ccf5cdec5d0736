"""What ties a model to its file's clip length though its time axis is open (contract C10).

A sum over time has a scale that suits clips up to a length: streamed, that length must have been
declared when the model was quantised.  A constant made from the clip's length (``x.shape[1]`` in
arithmetic) is the file's own: such a model has one length.  Both are facts that the model carries
in its metadata from the conversion on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from toolkit.errors import ModelError, NotStreamableError
from toolkit.features.metadata import feature_spec
from toolkit.ir import Graph
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import view
from toolkit.ops.parts.rows import TIME_AXIS
from toolkit.plan.time_axis import TimeAxis

#: Graph metadata: the longest clip, in frames, that the ranges of what grows were calibrated for.
MAX_FRAMES_KEY = "toolkit.max_frames"
#: Graph metadata: a JSON object of nodes that fit the file's clip length only, and why.
ONE_LENGTH_KEY = "toolkit.one_length"

_LONGEST = 1 << 30


def growing_nodes(time: TimeAxis) -> tuple[str, ...]:
    """The nodes whose range grows with the clip, in order."""
    graph = time.graph
    return tuple(
        node.name
        for node in graph.nodes
        if node.name in time.behaviours and OPERATORS[node.op].grows(view(graph, node), TIME_AXIS)
    )


def declared_frames(graph: Graph) -> int | None:
    """The longest clip that the model's ranges are made for, None where that was not stated.

    Raises ModelError where the metadata, which comes from a file, does not say a number.
    """
    text = graph.metadata.get(MAX_FRAMES_KEY)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and 0 < int(text) <= _LONGEST):
        raise ModelError(
            f"{graph.name}: the metadata {MAX_FRAMES_KEY!r} must be a number of frames from 1 to "
            f"{_LONGEST}; got {text[:20]!r}.",
            hint="Convert the model again.",
        )
    return int(text)


def about_length(graph: Graph, max_frames: int | None, reasons: Mapping[str, str]) -> Graph:
    """The graph that says of itself how long its clips may be (None: nothing was stated), and
    which nodes fit one length only, and why; what it said before is gone."""
    said = {k: v for k, v in graph.metadata.items() if k not in (MAX_FRAMES_KEY, ONE_LENGTH_KEY)}
    if max_frames is not None:
        said[MAX_FRAMES_KEY] = str(max_frames)
    graph = replace(graph, metadata=said)
    return with_one_length(graph, reasons) if reasons else graph


def with_one_length(graph: Graph, reasons: Mapping[str, str]) -> Graph:
    """The graph that says of itself which nodes fit one clip length only, and why."""
    return graph.with_metadata(**{ONE_LENGTH_KEY: json.dumps(dict(reasons), sort_keys=True)})


def one_length(graph: Graph) -> dict[str, str]:
    """The nodes that fit the file's clip length only, and why; ModelError for damaged metadata."""
    try:
        stored = json.loads(graph.metadata.get(ONE_LENGTH_KEY, "{}"))
        if all(reason.isprintable() and len(reason) <= 200 for reason in stored.values()):
            return dict(stored)
    except (ValueError, AttributeError, RecursionError):
        pass
    raise ModelError(
        f"{graph.name}: the metadata {ONE_LENGTH_KEY!r} is damaged.", hint="Convert it again."
    )


def longest_frames(time: TimeAxis) -> int | None:
    """Frames of the longest clip that may be streamed: the file's own where the model streams in
    part; None where ranges set no limit.

    Raises NotStreamableError for a model that its constants or ranges tie to the file's length.
    """
    if time.collected:
        return time.frames
    reasons = list(one_length(time.graph).items())
    growing, declared = growing_nodes(time), declared_frames(time.graph)
    if growing and declared is None:
        remedy = "--max-seconds states the longest"
        if feature_spec(time.graph) is None:  # no frame has a length in seconds
            remedy = "its scale fits the file's clip length only"
        why = f"a sum that grows with the clip: {remedy}"
        reasons += [(name, why) for name in growing]
    if reasons:
        raise NotStreamableError(time.graph.name, reasons)
    return declared if growing else None
