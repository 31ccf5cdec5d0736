"""The graph every stage works on: tensors, quantisation, nodes and a legality check."""

from toolkit.ir.graph import Graph, GraphBuilder, Node, State
from toolkit.ir.tensor import DType, QuantParams, Shape, Tensor

__all__ = ["DType", "Graph", "GraphBuilder", "Node", "QuantParams", "Shape", "State", "Tensor"]
