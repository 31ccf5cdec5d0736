"""What the report says of layers that run on slow kernels."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.calibration.layers import Layers, conv, same
from toolkit.ir import Graph, QuantParams
from toolkit.plan import plan_arena
from toolkit.plan.choose import choose_variants
from toolkit.profiling.slow_layers import slow_layers
from toolkit.targets import load_target

TARGET = load_target("cortex-m4")


def network() -> Graph:
    layers = Layers("network")
    for shape in ((20, 20, 12), (20, 20, 16)):
        conv(layers, shape, 16, same(shape, (3, 3)))
    return layers.builder.build()


def messages(graph: Graph, optimize: str) -> list[str]:
    plan = plan_arena(graph, choose_variants(graph, TARGET, optimize))
    return [issue.message for issue in slow_layers(plan, TARGET)]


def test_a_faster_kernel_is_named_with_its_price() -> None:
    (first, *_) = messages(network(), "size")
    assert "winograd2 would take" in first and "flash +" in first and "--optimize" in first


def test_nothing_is_said_where_the_fastest_runs() -> None:
    assert messages(network(), "speed") == []


def test_sums_that_no_fast_kernel_rescales_are_explained() -> None:
    """An output scale so fine that products are scaled up."""
    graph = network()
    name = graph.outputs[0]
    tensor = replace(graph.tensors[name], quant=QuantParams.per_tensor(1e-5, -128))
    found = messages(replace(graph, tensors={**graph.tensors, name: tensor}), "speed")
    assert any("runs on portable" in text and "would free it" in text for text in found)
