"""Outputs of a device against the user's float network, by what its quantisation lets expect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.measurement import Check
from toolkit.model.expected import MOST, ExpectedError, explained_errors, some_cases
from toolkit.model.int8 import Int8Model
from toolkit.model.reference import steps_of
from toolkit.model.synthetic import synthetic_batches
from toolkit.quantize.outputs import as_steps, in_turn, real, renamed
from toolkit.quantize.snr import int8_snr_db

NAME = "device_near_float"
#: From so many cases (rows of an output) on, all of them are judged together.
MANY_CASES = 20
#: Times the expected error that a single value may be off, beside one step of the output.
FACTOR = 4.0
#: What the signal-to-noise ratio of many cases may lack.
SLACK_DB = 3.0


@dataclass(frozen=True, eq=False)
class OutputPair:
    """An output in real units, by the float network and by the device, cases (or rows) on the
    first axis and values on the second; ``step`` is that of its int8 form."""

    name: str
    exact: Array
    found: Array
    step: float


def near_float_check(pairs: Sequence[OutputPair], expected: ExpectedError, what: str) -> Check:
    """Whether every output is as near to float as expected; ``what`` are the cases, in words."""
    if len(expected.rms) != len(pairs):
        return Check.not_checked(NAME, "the expected error in the model is of other outputs")
    findings = [
        _finding(pair, rms, expected.snr_db) for pair, rms in zip(pairs, expected.rms, strict=True)
    ]
    wrong = next(((pair, words) for pair, (holds, words) in
                  zip(pairs, findings, strict=True) if not holds), None)  # fmt: skip
    if wrong is not None:
        pair, words = wrong
        return Check(NAME, False, f"{words}; {what}", where=f"output {pair.name!r}")
    return Check(NAME, True, f"{'; '.join(words for _, words in findings[:3])}; {what}")


def near_float_of_clip(
    model: Int8Model, features: Array, pairs: Sequence[OutputPair], what: str
) -> Check:
    """The check of a clip of ``features`` [rows, row_values].

    It only informs where the scales explain the error: where rounding to them alone makes half of
    it in windows of the clip that are as long as what the model was calibrated on, or in its steps.
    Then the calibration data are at fault, not the firmware.
    """
    expected, quantized = model.expected_error, model.quantized
    assert expected is not None and quantized is not None
    check = near_float_check(pairs, expected, what)
    if not check.failed:
        return check
    graph = quantized.conversion.float_graph
    entry = graph.tensors[graph.inputs[0]]
    rows = entry.elements // features.shape[1]
    last = len(features) - rows
    if last < 0:
        return check
    if graph.states:
        windows = as_steps(graph, [{entry.name: step} for step in steps_of(features, entry)])
    else:
        starts = sorted({*range(0, last + 1, rows), last})
        parts = (features[start : start + rows] for start in starts)
        windows = [{entry.name: part.reshape(entry.shape)} for part in parts]
    explained = np.array(explained_errors(quantized.conversion, windows))
    found = np.array([np.abs(pair.found - pair.exact).max(initial=0.0) for pair in pairs])
    if np.all(found <= MOST * explained + [pair.step for pair in pairs]):
        why = f"the scales alone are up to {explained.max():.2g} off on it: calibrate on its like"
        return replace(check, required=False, detail=f"{check.detail}; {why}")
    return check


def near_float_on(model: Int8Model, expected: ExpectedError) -> Check:
    """The same for the integer reference, on what the model was calibrated on or made-up input."""
    graph, quantized = model.float_graph, model.quantized
    assert graph is not None and quantized is not None
    batches = quantized.batches or synthetic_batches(graph)[0]
    some = some_cases(graph, batches)
    integers = [renamed(batch, model.graph.inputs) for batch in some]
    exact = [[v[n] for n in graph.free_outputs] for v in in_turn(graph, some)]
    found = [[v[n] for n in model.graph.free_outputs] for v in in_turn(model.graph, integers)]
    cases = "steps" if graph.states else "cases"
    what = f"integer reference on {len(some)} {cases} of calibration or made-up data"
    return near_float_check(output_pairs(model.graph, exact, found), expected, what)


def output_pairs(
    graph: Graph, exact: Sequence[Sequence[Array]], found: Sequence[Sequence[Array]]
) -> list[OutputPair]:
    """Outputs of the int8 ``graph``, case by case in float and as integers of any shape."""
    pairs = []
    for name, floats, integers in zip(
        graph.free_outputs, zip(*exact, strict=True), zip(*found, strict=True), strict=True
    ):
        tensor = graph.tensors[name]
        rows = (-1, tensor.shape[-1] if tensor.shape else 1)
        reals = np.stack([real(graph, name, values).reshape(rows) for values in integers])
        exacts = np.stack([values.reshape(rows) for values in floats])
        pairs.append(OutputPair(name, exacts.reshape(rows), reals.reshape(rows), tensor.scale))
    return pairs


def _finding(pair: OutputPair, rms: float, snr_db: float | None) -> tuple[bool, str]:
    error = np.abs(np.asarray(pair.found, np.float64) - pair.exact)
    if len(pair.exact) >= MANY_CASES and snr_db is not None:
        snr, noise = int8_snr_db(pair.exact, pair.found), math.sqrt(np.mean(error**2))
        # The signal of a dull clip is small: the noise then is what is expected.
        most = rms * 10 ** (SLACK_DB / 20)
        words = f"{snr:.1f} dB over {len(pair.exact)} rows, expected {snr_db:g} dB"
        words = f"output {pair.name!r}: {words} less {SLACK_DB:g}"
        if snr < snr_db - SLACK_DB and noise <= most:
            words += f"; but its error is {noise:.2g} RMS, allowed {most:.2g}: the signal is small"
        return snr >= snr_db - SLACK_DB or noise <= most, words
    largest, allowed = float(error.max(initial=0.0)), FACTOR * rms + pair.step
    words = f"{largest:.2g} off, allowed {allowed:.2g} ({FACTOR:g} x {rms:g} and one step)"
    return largest <= allowed, f"output {pair.name!r}: {words}"
