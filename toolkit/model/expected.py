"""How far an int8 model may be off its float network, found when it is quantised.

It is the error of the integer reference on the calibration data, but no more than twice what
rounding explains: that of the float network run with every activation and weight rounded to what
its int8 form can hold.  That run shares nothing with the integer reference but the scales, so a
fault of the quantisation or of the integer weights is not part of what is expected.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache

import numpy as np

from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import view
from toolkit.quantize.outputs import Batch, in_turn, real
from toolkit.quantize.recipe import Conversion
from toolkit.quantize.snr import int8_snr_db

EXPECTED_ERROR_KEY = "toolkit.expected_error"
#: Cases that it is found on, at most.
MAX_CASES = 8
#: Steps of a model with states.
MAX_STEPS = 64
#: How much more than rounding explains the integers may be off.
MOST = 2.0


@dataclass(frozen=True)
class ExpectedError:
    """Root mean square errors of the outputs, one each in real units, over ``cases``; and the
    signal-to-noise ratio of all of them (None: the outputs do not vary)."""

    cases: int
    rms: tuple[float, ...]
    snr_db: float | None

    def to_json(self) -> str:
        """One line, the same for the same figures."""
        return json.dumps(asdict(self), sort_keys=True)


def read_expected_error(metadata: Mapping[str, str]) -> ExpectedError | None:
    """What the metadata of a model, which anyone may have written, says; None where it says
    nothing that can be used."""
    try:
        document = json.loads(metadata.get(EXPECTED_ERROR_KEY, "null"))
        rms = tuple(float(value) for value in document["rms"])
        snr = document["snr_db"]
        found = ExpectedError(int(document["cases"]), rms, None if snr is None else float(snr))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    figures = (*found.rms, found.snr_db or 0.0)
    return found if all(map(math.isfinite, figures)) and min(rms, default=0) >= 0 else None


@dataclass(frozen=True)
class _Question:
    """What is asked once for the bytes of a model, which say what it was made from."""

    data: bytes
    conversion: Conversion = field(compare=False)
    batches: Sequence[Batch] = field(compare=False)


def expected_error(data: bytes, conversion: Conversion, batches: Sequence[Batch]) -> ExpectedError:
    """The errors of the conversion that gave the ``.tflite`` ``data``, over some of ``batches``."""
    return _found(_Question(data, conversion, some_cases(conversion.float_graph, batches)))


def some_cases(graph: Graph, batches: Sequence[Batch]) -> Sequence[Batch]:
    """A few of ``batches``, spread over them; of a graph with states the first `MAX_STEPS`, for
    what rounding adds to its states shows over many."""
    return batches[:MAX_STEPS] if graph.states else batches[:: -(-len(batches) // MAX_CASES)]


@lru_cache(maxsize=4)
def _found(question: _Question) -> ExpectedError:
    quantized, batches = question.conversion.quantized, question.batches
    exact, rounded = _exact_and_rounded(question.conversion, batches)
    integer = [_free(quantized, values) for values in in_turn(quantized, batches)]
    measured, explained = (_errors(exact, found) for found in (integer, rounded))
    pairs = zip(measured, explained, strict=True)
    flat = [np.stack([np.concatenate(row) for row in rows]) for rows in (exact, integer, rounded)]
    snr = max(int8_snr_db(flat[0], flat[1]), int8_snr_db(flat[0], flat[2]) - 20 * math.log10(MOST))
    return ExpectedError(
        len(exact),
        tuple(_coarse(min(a, MOST * b)) for a, b in pairs),
        round(snr, 1) if math.isfinite(snr) else None,
    )


def _free(graph: Graph, values: Mapping[str, Array]) -> list[Array]:
    """The free outputs in real units, flat."""
    return [real(graph, name, values[name]).ravel() for name in graph.free_outputs]


def explained_errors(conversion: Conversion, batches: Sequence[Batch]) -> list[float]:
    """The largest error of each output on cases (steps, `in_turn`) that rounding, and the limits of
    the scales, make alone."""
    exact, rounded = _exact_and_rounded(conversion, batches)
    columns = zip(zip(*exact, strict=True), zip(*rounded, strict=True), strict=True)
    return [float(np.abs(np.stack(a) - np.stack(b)).max()) for a, b in columns]


def _exact_and_rounded(
    conversion: Conversion, batches: Sequence[Batch]
) -> tuple[list[list[Array]], list[list[Array]]]:
    """The free outputs of each case by the float network, as it is and rounded."""
    graph, quantized = conversion.float_graph, conversion.quantized
    constants = _rounded_constants(graph, quantized)

    def run_rounded(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return _rounded(graph, quantized, constants, inputs)

    exact = [_free(graph, values) for values in in_turn(graph, batches)]
    rounded = [_free(graph, values) for values in in_turn(graph, batches, run=run_rounded)]
    return exact, rounded


def _errors(exact: Sequence[Sequence[Array]], found: Sequence[Sequence[Array]]) -> list[float]:
    """Root mean square error of each output over all cases."""
    columns = zip(zip(*exact, strict=True), zip(*found, strict=True), strict=True)
    return [
        math.sqrt(np.mean(np.square(np.stack(a) - np.stack(b), dtype=np.float64)))
        for a, b in columns
    ]


def _coarse(value: float) -> float:
    """Two digits: the same on machines whose float sums end differently."""
    return float(f"{value:.1e}")


def _rounded_constants(graph: Graph, quantized: Graph) -> dict[str, Array]:
    constants = [tensor for tensor in graph.tensors.values() if tensor.is_constant]
    return {t.name: _round(quantized, t.name, t.values) for t in constants}


def _rounded(
    graph: Graph, quantized: Graph, constants: Mapping[str, Array], inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """Values of the float network, each tensor rounded as the one of that name is quantised."""
    values = {n: _round(quantized, n, v) for n, v in inputs.items()}
    for node in graph.nodes:
        seen = view(graph, node)
        arguments = [
            constants[t.name] if t.is_constant else values[t.name]
            for t in seen.inputs
            if t is not None
        ]
        result = OPERATORS[node.op].run_float(seen, arguments)
        values[seen.output.name] = _round(quantized, seen.output.name, result)
    return values


def _round(quantized: Graph, name: str, values: Array) -> Array:
    tensor = quantized.tensors.get(name)
    if tensor is None or tensor.quant is None or tensor.shape != values.shape:
        return values
    quant, (low, high) = tensor.quant, tensor.dtype.limits
    scale, zero = np.array(quant.scale, np.float32), np.array(quant.zero_point, np.float32)
    if quant.axis is not None:
        spread = [-1 if axis == quant.axis else 1 for axis in range(values.ndim)]
        scale, zero = scale.reshape(spread), zero.reshape(spread)
    rounded: Array = (np.clip(np.rint(values / scale) + zero, low, high) - zero) * scale
    return rounded
