"""Which activations are worth 16 bits."""

from __future__ import annotations

from toolkit.ir import Graph

#: Operators with an int16 kernel whose activations may follow their input into 16 bits.
_FOLLOWERS = ("batch_matmul", "concatenation", "fully_connected", "reshape", "transpose")


def wide_tensors(graph: Graph) -> frozenset[str]:
    """The pooled result of an attention and the small head behind it: a few hundred bytes that
    set the noise floor of the whole network (contract C2).

    Also softmax weights that are computed with, as in the builtin form of attention pooling.
    """
    wide: set[str] = set()
    for node in graph.nodes:
        (output,) = node.outputs
        is_pool = node.op == "attention_pool"
        is_weights = node.op == "softmax" and output not in graph.outputs
        follows = node.op in _FOLLOWERS and wide.intersection(node.inputs)
        if is_pool or is_weights or follows:
            wide.add(output)
    return frozenset(wide)
