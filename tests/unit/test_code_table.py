"""Rows of a core's ``code.toml`` by kernel and size, and the stack that follows from them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.calibration.code_networks import code_network
from benchmarks.calibration.features import envelope
from tests.support.graphs import conv_graph
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import CodeFacts, KernelCall, LinkedFunction, view
from toolkit.ops.variants.conv_2d_s8_winograd2 import linked_functions
from toolkit.plan import plan_arena
from toolkit.profiling.code_table import CodeKey, find_code, function_key, layer_key
from toolkit.profiling.features import FeatureEstimate
from toolkit.profiling.flash import firmware_code
from toolkit.profiling.stack_estimate import estimate_stack
from toolkit.targets import CodeSize, Core, load_target

SMALL, LARGE = CodeSize(body=100, layer=40, stack=64, shared=90), CodeSize(body=300, stack=80)
CODE = {
    "whole k/fast 4": SMALL,
    "whole k/fast 12": LARGE,
    "whole k/portable": CodeSize(layer=20, stack=32),
}


@pytest.fixture
def core() -> Core:
    return replace(load_target("cortex-m4").core, code=CODE)


def key(size: int | None = None, kind: str = "whole", part: str = "k/fast") -> CodeKey:
    return CodeKey(kind, part, size=size)


def test_a_measured_size_is_taken_as_it_is(core: Core) -> None:
    assert find_code(core, key(4)) == SMALL


def test_between_two_sizes_code_is_interpolated_and_the_stack_the_larger(core: Core) -> None:
    between = CodeSize(body=150, layer=30, stack=80, shared=90)
    assert find_code(core, key(6)) == between


@pytest.mark.parametrize(("size", "row"), [(1, SMALL), (50, LARGE)])
def test_beyond_the_sizes_the_last_one_counts(size: int, row: CodeSize, core: Core) -> None:
    assert find_code(core, key(size)) == row


def test_rows_fall_back_on_whole_tensors_and_nothing_else(core: Core) -> None:
    assert find_code(core, key(None, "row", "k/portable")) == CODE["whole k/portable"]
    assert find_code(core, key(12, "row")) == LARGE
    assert find_code(core, key(None, part="other/portable")) is None


def test_a_key_has_what_the_kernel_says_its_code_depends_on() -> None:
    plain = KernelCall("k", {"kernel_h": 3}, (), ())
    assert str(layer_key(plain, by_rows=True)) == "row k/portable"
    fast = replace(plain, variant="fast", inlined=True, code=CodeFacts("odd", 6))
    assert str(layer_key(fast, by_rows=False)) == "whole k/fast odd 6"
    function = LinkedFunction("tk_short_block_14_negative", "tk_short_block", 14)
    assert str(function_key(function)) == "function tk_short_block 14"


def test_kernels_say_what_their_code_depends_on() -> None:
    """As the rows of code.toml are told apart; of a 3x3 convolution of 3 channels."""
    graph = conv_graph()
    core, node = load_target("cortex-m4").core, view(graph, graph.nodes[0])
    keys = {c.variant: layer_key(c, by_rows=False) for c in OPERATORS["conv_2d"].dsp_calls(node)}
    assert {variant: str(key).partition("/")[2] for variant, key in keys.items()} == {
        "dsp8": "dsp8 odd 3",
        "dsp16": "dsp16 odd 3",
        "dsp_short": "dsp_short 3",
        "winograd2": "winograd2 3",
    }
    assert all(find_code(core, key) is not None for key in keys.values())


@pytest.mark.parametrize(
    ("in_c", "out_c", "sizes"),
    [(13, 13, [7, 7]), (32, 16, [8, 8, 8, 8]), (50, 8, [7, 7, 7, 7, 4, 4])],
)
def test_the_products_of_a_winograd_layer_are_counted(
    in_c: int, out_c: int, sizes: list[int]
) -> None:
    found = linked_functions(in_c, out_c)
    assert sorted(function.pairs for function in found) == sorted(sizes)
    assert len({function.symbol for function in found}) == len(found)


def test_the_stack_is_that_of_the_deepest_chain() -> None:
    core, graph = load_target("cortex-m4").core, code_network(2, 1)
    code = firmware_code(plan_arena(graph))
    conv = core.code["whole tk_conv_2d_s8/portable"].stack
    above = core.code["main batch 2"].stack + core.code["driver batch"].stack
    found = estimate_stack(code, core, None, has_features=False)
    assert (found.size_bytes, found.deepest) == (above + conv, graph.nodes[0].name)
    deep = FeatureEstimate(1.0, 1.0, 5_000, divides=False)
    found = estimate_stack(code, core, deep, has_features=True)
    main = core.code["main batch features 2"].stack
    assert (found.size_bytes, found.deepest) == (main + 5_000, "features")


def test_no_stack_lies_above_the_envelope() -> None:
    sizes, stacks = [20, 26, 40, 64], [240, 264, 308, 404]
    constant, slope = envelope(sizes, stacks)
    lines = [constant + slope * size for size in sizes]
    assert all(line >= stack for line, stack in zip(lines, stacks, strict=True))
    assert sum(lines) - sum(stacks) < 30
    assert envelope([40], [100]) == (100, 0)
