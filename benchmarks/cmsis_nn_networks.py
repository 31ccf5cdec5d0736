"""Whole networks beside CMSIS-NN's layers:
``python -m benchmarks.cmsis_nn_networks --cmsis-nn DIR [FILE.tflite ...]``.

Ours is the network as a build runs it, without its dead channels; theirs the sum of its layers as
the file has them, each called as in `benchmarks.cmsis_nn`.  Counted on both sides are layers that
CMSIS-NN has a call for there; every byte of both is held against the reference.  The files are
int8; two networks are made here, with random weights.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.calibration.layers import (
    AFTER_RELU,
    Layers,
    add_conv,
    add_dense,
    add_depthwise,
    same,
)
from benchmarks.cmsis_nn import SHORT, ours_on, theirs_on
from benchmarks.documents import RESULTS, write_generated
from benchmarks.tables import markdown
from toolkit.ir import Graph, Node
from toolkit.ops.parts.base import view
from toolkit.ops.parts.pooling import is_global
from toolkit.ops.parts.window import Window
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.passes.dead_channels import without_dead_channels
from toolkit.plan.choose import choose_variants
from toolkit.targets import Target, load_target
from toolkit.tflite.read import load_tflite

MODULE = "benchmarks.cmsis_nn_networks"
CORES = ("cortex-m3", "cortex-m4", "cortex-m33")
TEXT = """\
M cycles of an inference, ours / the sum of CMSIS-NN's layers at commit `{commit}`, *simulated* as
above on zero-wait memory; layers that CMSIS-NN has no call for here are left out on both sides."""

#: Operators that `benchmarks.cmsis_nn_firmware` has a call for.
_OPERATORS = ("conv_2d", "depthwise_conv_2d", "fully_connected", "add", "mul")
_POOLS = ("average_pool_2d", "max_pool_2d")


class Row(NamedTuple):
    """Cycles of one network on one core."""

    ours: int
    theirs: int


def measure(graph: Graph, target: Target, cmsis_nn: Path) -> Row:
    """The layers that both have, on a core; wrong bytes end the program."""
    lean = without_dead_channels(graph)[0]
    alone = [_alone(graph, node) for node in graph.nodes if _is_called(graph, node)]
    with tempfile.TemporaryDirectory(prefix="cmsis-nn-") as name:
        folder = Path(name)
        (folder / "ours").mkdir()
        variants = choose_variants(lean, target, "speed")
        own = ours_on(graph, lean, variants, target, folder / "ours")
        theirs = theirs_on(alone, target, cmsis_nn, folder)
    called = [node.name for node in lean.nodes if _is_called(lean, node)]
    return Row(sum(own[name] for name in called), sum(theirs))


def table(rows: Sequence[tuple[str, Sequence[Row]]], cores: Sequence[str]) -> str:
    """A row a network and a column a core."""
    head = ["network", *(f"{SHORT[core]}, ours / CMSIS-NN" for core in cores)]
    return markdown(head, [[title, *map(_cell, found)] for title, found in rows])


def _cell(row: Row) -> str:
    ours, theirs = (f"{cycles / 1e6:.2f}" for cycles in row)
    return f"{ours} / {theirs} ({row.theirs / row.ours:.2f}×)"


def _is_called(graph: Graph, node: Node) -> bool:
    """Both operands of arithmetic of one shape; a pool's windows not the whole input."""
    seen = view(graph, node)
    if node.op in ("add", "mul"):
        return seen.input(0).shape == seen.input(1).shape and not seen.input(1).is_constant
    return node.op in _OPERATORS or (node.op in _POOLS and not is_global(seen))


def _alone(graph: Graph, node: Node) -> Graph:
    """A graph of that node."""
    names = (*filter(None, node.inputs), *node.outputs)
    tensors = {name: graph.tensors[name] for name in names}
    given = tuple(n for n in dict.fromkeys(filter(None, node.inputs)) if not tensors[n].is_constant)
    return Graph(node.name, tensors, (replace(node),), given, node.outputs)


def tcn() -> Graph:
    """A temporal network: depthwise kernels dilated by 1 to 8 over 64 frames, 1×1 between them."""
    net, shape = Layers("tcn"), (64, 1, 32)
    x = net.input((1, *shape), AFTER_RELU)
    for dilation in (1, 2, 4, 8):
        x = add_depthwise(net, x, same(shape, (3, 1), dilation=dilation))
        x = add_conv(net, x, 32, Window(1, 1))
    net.output(x)
    return net.builder.build()


def keywords() -> Graph:
    """A 10×8 depthwise front layer over 49×40 features, and a dense layer."""
    net, shape = Layers("keywords"), (49, 40, 1)
    x = add_depthwise(net, net.input((1, *shape), AFTER_RELU), same(shape, (10, 8), (2, 2)), 8)
    tensor = net.builder.tensors[x]
    flat = ReshapeAttrs((1, tensor.elements))
    x = net.add("reshape", [x], flat, tensor.quant or AFTER_RELU)
    net.output(add_dense(net, x, 12))
    return net.builder.build()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cmsis-nn", type=Path, help="a checkout of ARM-software/CMSIS-NN")
    parser.add_argument("--commit", default="HEAD", help="what is checked out there, for the text")
    parser.add_argument("--core", nargs="+", choices=SHORT, default=CORES)
    parser.add_argument("--dry-run", action="store_true", help="print, rewrite nothing")
    parser.add_argument("files", nargs="*", type=Path, help="int8 .tflite files")
    arguments = parser.parse_args()
    if arguments.cmsis_nn is None:
        sys.exit("skipped: --cmsis-nn names the peer's code, which is not shipped here")
    networks = [(path.stem, load_tflite(path)) for path in arguments.files]
    networks += [("TCN, made here", tcn()), ("10×8 depthwise and dense, made here", keywords())]
    targets = [load_target(core) for core in arguments.core]
    rows = [(t, [measure(g, on, arguments.cmsis_nn) for on in targets]) for t, g in networks]
    text = table(rows, arguments.core)
    print(text)
    if not arguments.dry_run:
        write_generated(RESULTS, MODULE, f"{TEXT.format(commit=arguments.commit)}\n\n{text}")


if __name__ == "__main__":
    main()
