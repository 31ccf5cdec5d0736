"""An ONNX model all the way: onnxruntime, the import, the passes, int8 in numpy, in C, in TFLM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from tests.support.kernel import run_graph_in_c
from tests.support.oracle import run_numpy, run_tflm
from tests.support.random_onnx import difference, imported, outside
from toolkit.ir import Graph
from toolkit.ir.tensor import dequantize, quantize
from toolkit.ops.check import custom_operators
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.quantize.convert import convert
from toolkit.quantize.ranges import calibrate
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite


def all_the_way(
    model: onnx.ModelProto, folder: Path, least_db: float = 20.0, seed: int = 1
) -> Graph:
    """The int8 graph as it is read back, once everything has been seen to agree: float values with
    onnxruntime's, the bits of numpy, C and (of builtin operators) TFLM; int8 keeps ``least_db``."""
    want, graphs = outside(model, seed), imported(model, folder)
    assert isinstance(graphs, dict), graphs
    assert want is not None, "onnxruntime refuses the model"
    assert {k: difference(g, want) for k, g in graphs.items()} == {"imported": "", "optimised": ""}
    graph = graphs["optimised"]
    fed = to_graph_layout(graph, want.inputs)
    file = write_tflite(convert(graph, calibrate(graph, [fed])))
    integers = read_tflite(file, "m")
    inputs = []
    for name in integers.inputs:
        tensor = integers.tensors[name]
        assert tensor.quant is not None
        inputs.append(quantize(fed[name], tensor.quant, tensor.dtype)[None])
    ours = run_numpy(integers, inputs)
    by_c = run_graph_in_c(integers, {n: v[0] for n, v in zip(integers.inputs, inputs, strict=True)})
    theirs = run_tflm(file, inputs).outputs if not custom_operators(integers) else ours
    for name, mine, other in zip(integers.outputs, ours, theirs, strict=True):
        np.testing.assert_array_equal(by_c[name], mine[0], "C")
        np.testing.assert_array_equal(other.reshape(mine.shape), mine, "TFLM")
        quant = integers.tensors[name].quant
        assert quant is not None
        exact = want.outputs[name]
        noise = dequantize(mine[0], quant).reshape(exact.shape) - exact
        power = float((exact**2).sum()) / max(float((noise**2).sum()), 1e-30)
        assert 10 * np.log10(max(power, 1e-30)) >= least_db, name
    return integers
