"""The rewrites of a float graph, in order."""

from __future__ import annotations

from toolkit.ir import Graph
from toolkit.passes.absorb_layout import absorb_layout
from toolkit.passes.cancel_transposes import cancel_transposes
from toolkit.passes.fold_batchnorm import fold_batchnorm
from toolkit.passes.fold_pad import fold_pad
from toolkit.passes.fold_slice import fold_slice
from toolkit.passes.fuse_activation import fuse_activation
from toolkit.passes.fuse_attention_pool import fuse_attention_pool
from toolkit.passes.fuse_function import fuse_function
from toolkit.passes.fuse_hard_swish import fuse_hard_swish
from toolkit.passes.fuse_normalization import fuse_normalization
from toolkit.passes.fuse_variance import fuse_variance
from toolkit.passes.gather_axes import gather_axes


def optimize(graph: Graph) -> Graph:
    """An imported graph as the device should see it, of the same meaning.

    Graph inputs may change their layout; `absorb_layout.to_graph_layout` brings data along.
    """
    for rewrite in (
        fuse_attention_pool,
        fuse_variance,
        fuse_normalization,
        fuse_hard_swish,
        fuse_function,
        cancel_transposes,
        absorb_layout,
        gather_axes,
        fold_batchnorm,
        fold_pad,
        fold_slice,
        fuse_activation,
    ):
        graph = rewrite(graph)
    return graph
