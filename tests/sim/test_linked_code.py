"""What kernels say that they link, and the map of symbols, are what a firmware holds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.support.graphs import activation, add_conv
from toolkit.deploy.harness import Harness
from toolkit.emit import write_project
from toolkit.ir import Graph, GraphBuilder
from toolkit.ops.kernels import kernel_calls
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.parts.window import Padding, Window
from toolkit.plan import plan_arena
from toolkit.targets import load_target

TARGET = load_target("cortex-m4")
#: Functions of kernel files that are linked one by one, and the compiler's division of 64 bits.
_ONE_BY_ONE = re.compile(r"tk_(short_block|matmul_s16)_.*")
_DIVISION = re.compile(r"__aeabi_u?ldivmod|__u?divmoddi4")


def network(variant: str, ends_in_mean: bool) -> tuple[Graph, dict[str, str]]:
    """Two convolutions of 5 and 20 channels by that kernel."""
    rng, window = np.random.default_rng(3), Window(3, 3, padding=Padding(1, 1, 1, 1))
    builder = GraphBuilder("linked")
    x = builder.add_input(activation("x", (1, 6, 6, 5), 0.05, -3))
    for number, channels in enumerate((5, 20)):
        x = add_conv(builder, x, window, channels, rng, f"conv_{number}")
    if ends_in_mean:
        mean = activation("mean", (1, 20), 0.05, -3)
        x = builder.add_node("mean", [x], mean, MeanAttrs((1, 2), keep_dims=False), "mean")
    builder.outputs.append(x)
    return builder.build(), {"conv_0": variant, "conv_1": variant}


@pytest.mark.parametrize(
    ("variant", "ends_in_mean"),
    [("dsp_short", False), ("winograd2", True), ("dsp8", False), ("portable", True)],
)
def test_stated_functions_are_linked_and_no_others(
    variant: str, ends_in_mean: bool, tmp_path: Path
) -> None:
    graph, variants = network(variant, ends_in_mean)
    harness = Harness(plan_arena(graph, variants), TARGET, b"")
    project = harness.project()
    write_project(project, tmp_path / "project")
    facts = harness.compile(tmp_path / "project", "zig")
    linked = {symbol.name for symbol in facts.elf.functions}
    code = [call.code for call in kernel_calls(graph, variants).values()]
    stated = {function.symbol for facts_of in code for function in facts_of.functions}
    assert {name for name in linked if _ONE_BY_ONE.fullmatch(name)} == stated
    divides = any(facts_of.divides for facts_of in code)
    assert any(map(_DIVISION.fullmatch, linked)) == divides == ends_in_mean
    generated = {symbol.name for symbol in (*facts.elf.functions, *facts.elf.objects)}
    own = {name for name in generated if name.startswith(f"{harness.name}_")}
    assert own and own <= project.symbols.keys()
