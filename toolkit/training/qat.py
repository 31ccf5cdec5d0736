"""Quantisation-aware training: a trained network learns to live with the device's rounding.

Batch normalisation is folded, every value that the device stores as int8 is rounded as there, and
weights and scales are moved until the outputs are those of the float network again: labels have no
part in it.  The export states the scales (QDQ), which `toolkit convert` keeps.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, fx, nn
from torch.fx.experimental.optimization import fuse
from torch.nn import functional

from toolkit.errors import ModelError, one_line
from toolkit.training.checkpoint import write_whole
from toolkit.training.fake_quant import ActivationRounding, HardGate, rounded_weight

#: torch's functions that only move values: what they give shares its input's scale.
_MOVING = (torch.reshape, torch.flatten, torch.transpose, torch.permute, torch.squeeze)
_MOVES = {f.__name__ for f in (*_MOVING, torch.unsqueeze, torch.max_pool2d)}
#: What a convolution does before it stores its output.
_CLAMPS = {"relu", "relu6", "hardgate"}
#: Part of the attention pooling's one operator, which stores only its result.
_WITHIN = {"softmax"}
#: Outputs get a quarter more at either end, as in `toolkit convert`.
_OUTPUT_MARGIN = 0.25
_SCALE_RATE = 10.0
_CLIP_NORM = 1.0


class RoundedConv2d(nn.Conv2d):  # type: ignore[misc]
    """A convolution with int8 weights, a scale a channel."""

    def forward(self, x: Tensor) -> Tensor:
        weight = rounded_weight(self.weight, per_channel=True)
        return self._conv_forward(x, weight, self.bias)


class RoundedLinear(nn.Linear):  # type: ignore[misc]
    """A dense layer with int8 weights, one scale."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, rounded_weight(self.weight, per_channel=False), self.bias)


class Rounded(nn.Module):  # type: ignore[misc]
    """A network with the device's rounding; `trunk` as of a `Student`."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__()
        self.graph = graph

    def trunk(self, features: Tensor) -> Tensor:
        """Outputs [N, outputs] of features [N, 1, T, bands]."""
        out: Tensor = self.graph(features)
        return out

    def forward(self, features: Tensor) -> Tensor:
        return self.trunk(features)

    def roundings(self) -> list[ActivationRounding]:
        """Of its activations, in the order of the graph; the last is the output's."""
        return [m for m in self.graph.children() if isinstance(m, ActivationRounding)]


class _Function(nn.Module):  # type: ignore[misc]
    """What is traced: a network's function of its features."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, features: Tensor) -> Tensor:
        trunk = getattr(self.net, "trunk", self.net)
        out: Tensor = trunk(features)
        return out


def with_rounding(net: nn.Module) -> Rounded:
    """A copy of a trained network, folded, with roundings that only look yet.

    ``net`` takes features [N, 1, T, bands]; what it does must not depend on their values.
    """
    graph = fuse(fx.symbolic_trace(_Function(copy.deepcopy(net).cpu().eval())))
    for name, module in list(graph.named_modules()):
        if type(module) in (nn.Conv2d, nn.Linear):
            module.__class__ = RoundedConv2d if isinstance(module, nn.Conv2d) else RoundedLinear
        elif isinstance(module, nn.Dropout):
            graph.set_submodule(name, nn.Identity())
    _put_gates(graph)
    wide = _wide(graph)
    for number, node in enumerate(list(graph.graph.nodes)):
        if not _is_stored(node, graph):
            continue
        name = f"rounding_{number}"
        graph.add_submodule(name, ActivationRounding(node.name in wide))
        with graph.graph.inserting_after(node):
            after = graph.graph.call_module(name, (node,))
        node.replace_all_uses_with(after, delete_user_cb=lambda user, own=after: user is not own)
    graph.recompile()
    return Rounded(graph)


def settle(net: Rounded, clips: Sequence[Tensor]) -> None:
    """Begin with the ranges that whole clips, features [1, 1, T, bands] each, show."""
    with torch.inference_mode():
        for clip in clips:
            net(clip)
    *inner, output = net.roundings()
    for rounding in inner:
        rounding.settle()
    output.settle(_OUTPUT_MARGIN)


def train_rounded(
    net: nn.Module,
    clips: Sequence[Tensor],
    draw: Callable[[int], Tensor],
    steps: int,
    learning_rate: float,
) -> Rounded:
    """A trained network with rounding, its outputs near those of ``net`` on what ``draw`` gives for
    each step: features [N, 1, T, bands]."""
    reference = copy.deepcopy(net).cpu().eval()
    rounded = with_rounding(net)
    settle(rounded, clips)
    spread = _spread(reference, clips)
    scales = [r.log_scale for r in rounded.roundings()]
    known = set(map(id, scales))
    weights = [p for p in rounded.parameters() if id(p) not in known]
    optimiser = torch.optim.Adam(
        [{"params": weights}, {"params": scales, "lr": _SCALE_RATE * learning_rate}],
        lr=learning_rate,
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, steps))
    for step in range(steps):
        features = draw(step)
        with torch.inference_mode():
            wanted = _Function(reference)(features)
        loss = ((rounded(features) - wanted.clone()) / spread).square().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(rounded.parameters(), _CLIP_NORM)
        optimiser.step()
        schedule.step()
    rounded.eval()
    return rounded


def save_rounded(net: Rounded, path: Path) -> None:
    """Write weights, scales and zero points."""
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    write_whole(path, save(tensors))


def load_rounded(net: nn.Module, path: Path) -> Rounded:
    """What `save_rounded` wrote of the trained network ``net``; ModelError for a damaged file."""
    rounded = with_rounding(net)
    try:
        rounded.load_state_dict(load_file(path))
    except Exception as error:  # whatever a damaged file makes of its readers
        raise ModelError(f"'{path}': holds no roundings of this net: {one_line(error)}.") from None
    for rounding in rounded.roundings():
        rounding.settled = True
    rounded.eval()
    return rounded


def _spread(net: nn.Module, clips: Sequence[Tensor]) -> Tensor:
    """Deviation of each output over clips: what its error is measured in."""
    with torch.inference_mode():
        outputs = torch.cat([_Function(net)(clip) for clip in clips])
    return outputs.std(dim=0).clamp_min(1e-6).clone()


def _put_gates(graph: fx.GraphModule) -> None:
    """Hard sigmoids as the device computes them."""
    for number, node in enumerate(list(graph.graph.nodes)):
        if _operation(node, graph) == "hardsigmoid":
            graph.add_submodule(f"gate_{number}", HardGate())
            with graph.graph.inserting_after(node):
                gate = graph.graph.call_module(f"gate_{number}", (node.args[0],))
            node.replace_all_uses_with(gate)
            graph.graph.erase_node(node)


def _wide(graph: fx.GraphModule) -> set[str]:
    """What the device stores as int16: the result of an attention pooling and what follows, but for
    the output."""
    wide: set[str] = set()
    for node in graph.graph.nodes:
        before = node.all_input_nodes
        pooled = _operation(node, graph) == "sum" and any(_is_weighing(x, graph) for x in before)
        feeds_output = any(user.op == "output" for user in node.users)
        if (pooled or any(x.name in wide for x in before)) and not feeds_output:
            wide.add(node.name)
    return wide


def _is_weighing(node: fx.Node, graph: fx.GraphModule) -> bool:
    """Whether it is the product of values with softmax weights."""
    inputs = {_operation(x, graph) for x in node.all_input_nodes}
    return _operation(node, graph) == "mul" and not inputs.isdisjoint(_WITHIN)


def _is_stored(node: fx.Node, graph: fx.GraphModule) -> bool:
    """Whether the device stores this value with a scale of its own."""
    if node.op in ("output", "get_attr") or not node.users:
        return False
    what = _operation(node, graph)
    if what in _MOVES or what in _WITHIN or what in ("getattr", "identity"):
        return False
    users = [_operation(user, graph) for user in node.users]
    if what in ("conv2d", "linear", "add") and len(users) == 1 and users[0] in _CLAMPS:
        return False
    return not _is_weighing(node, graph)


def _operation(node: fx.Node, graph: fx.GraphModule) -> str:
    """What a node does, in one word."""
    if node.op == "call_module":
        module: Any = graph.get_submodule(str(node.target))
        names = {nn.Conv2d: "conv2d", nn.Linear: "linear", nn.MaxPool2d: "max_pool2d"}
        names |= {RoundedConv2d: "conv2d", RoundedLinear: "linear"}
        return names.get(type(module), type(module).__name__.lower())
    if node.op == "call_function":
        if node.target in (operator.add, torch.add):
            return "add"
        if node.target in (operator.mul, torch.mul):
            return "mul"
        return str(getattr(node.target, "__name__", node.target))
    return str(node.target) if node.op == "call_method" else node.op
