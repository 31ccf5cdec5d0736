"""The benchmark beside CMSIS-NN and the tables of calibration, as far as they go without either."""

from __future__ import annotations

import pickle

from benchmarks.calibration.layer_graphs import batch_graphs
from benchmarks.calibration.rows import merged
from benchmarks.cmsis_nn import unit
from benchmarks.cmsis_nn_firmware import firmware_text, layer_symbol
from benchmarks.cmsis_nn_layers import LAYERS
from toolkit.model.inputs import random_inputs
from toolkit.ops.check import check_operators
from toolkit.ops.kernels import kernel_call
from toolkit.ops.parts.base import view


def test_every_layer_has_a_call_of_the_peer() -> None:
    names = [(layer.title, layer.dtype) for layer in LAYERS]
    assert len(set(names)) == len(names) >= 40
    assert all(unit(layer) > 0 for layer in LAYERS)
    graphs = [layer.graph() for layer in LAYERS]
    text = firmware_text(graphs, [random_inputs(graph, 1)[0] for graph in graphs])
    for number in range(len(graphs)):
        body = text.partition(f"LAYER {layer_symbol(number)}(void)")[2].partition("\n}\n")[0]
        assert "return arm_" in body and "@" not in body


def test_a_layer_that_was_looked_at_goes_to_another_process() -> None:
    graph = LAYERS[0].graph()
    node = graph.nodes[0]
    call = kernel_call(view(graph, node))
    assert node.findings
    sent = pickle.loads(pickle.dumps(graph)).nodes[0]
    assert sent.name == node.name and not sent.findings
    assert kernel_call(view(graph, sent)).kernel == call.kernel


def test_every_layer_of_calibration_is_one_that_builds() -> None:
    for graph in batch_graphs():
        check_operators(graph)


def test_rows_of_some_kernels_are_replaced() -> None:
    old = '# header\n\n["a/x"]\nm = 1\n\n["b/x 2"]\nm = 2\n\n["c/x"]\nm = 3\n'
    new = '# other\n\n["a/y"]\nm = 4\n\n["b/x 10"]\nm = 5\n\n["c/x"]\nm = 6\n'
    found = merged(old, new, lambda key: key[0] in "ab", "later")
    assert found == ('# header\n# later\n\n["a/y"]\nm = 4\n\n["b/x 10"]\nm = 5\n\n["c/x"]\nm = 3\n')
