"""LSTM and GRU of ONNX, as torch writes them and by hand, against onnxruntime; what is refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.onnx_models import ModelMaker
from tests.support.random_onnx import difference, imported, outside
from toolkit.deploy.model import load
from toolkit.errors import NotStreamableError, UnsupportedError
from toolkit.frontend.load import load_onnx
from toolkit.ir import DType, Graph
from toolkit.ir.tensor import dequantize, quantize
from toolkit.model.load import load_source
from toolkit.model.stated import Stated
from toolkit.ops.execute import run_steps
from toolkit.plan.time_axis import find_time_axis
from toolkit.quantize.snr import int8_snr_db

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402

STEPS, VALUES, UNITS = 9, 10, 12


def everything(states: Tensor, last: Tensor) -> Tensor:
    return states


def last_row(states: Tensor, last: Tensor) -> Tensor:
    return states[:, -1]


def last_state(states: Tensor, last: Tensor) -> Tensor:
    return last[-1]


class Sequence(nn.Module):  # type: ignore[misc]
    """A recurrent network and a dense layer; ``first``: batch first, ``begin``: learned states."""

    def __init__(
        self,
        rnn: nn.Module,
        pick: Callable[[Tensor, Tensor], Tensor] = everything,
        first: bool = True,
        begin: bool = False,
    ) -> None:
        super().__init__()
        self.rnn, self.pick, self.first = rnn, pick, first
        ways = 2 if rnn.bidirectional else 1
        self.dense = nn.Linear(UNITS * ways, 5)
        self.begin = None
        if begin:
            self.begin = nn.Parameter(torch.rand(rnn.num_layers * ways, 1, UNITS) * 2 - 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.first else x.transpose(0, 1)
        state = self.begin
        if state is not None and isinstance(self.rnn, nn.LSTM):
            state = (state, 2 * state)
        states, last = self.rnn(x, state)
        states = states if self.first else states.transpose(0, 1)
        last = last[0] if isinstance(last, tuple) else last
        return self.dense(self.pick(states, last))


class DualPath(nn.Module):  # type: ignore[misc]
    """Both ways over frequency within a frame, then over time for every frequency."""

    def __init__(self) -> None:
        super().__init__()
        self.within = nn.GRU(6, 8, batch_first=True, bidirectional=True)
        self.across = nn.LSTM(6, 8, batch_first=True)
        self.back, self.out = nn.Linear(16, 6), nn.Linear(8, 6)

    def forward(self, x: Tensor) -> Tensor:
        n, t, f, c = x.shape
        y = self.back(self.within(x.reshape(n * t, f, c))[0]).reshape(n, t, f, c) + x
        z = self.across(y.permute(0, 2, 1, 3).reshape(n * f, t, c))[0]
        return y + self.out(z).reshape(n, f, t, c).permute(0, 2, 1, 3)


def gru(layers: int = 1, ways: int = 1, first: bool = True) -> nn.Module:
    return nn.GRU(VALUES, UNITS, layers, batch_first=first, bidirectional=ways == 2)


def lstm(layers: int = 1, ways: int = 1, first: bool = True) -> nn.Module:
    return nn.LSTM(VALUES, UNITS, layers, batch_first=first, bidirectional=ways == 2)


TAKEN = "strided_slice reshape"
#: Networks, and the operators that they become where they stream.
STREAMING: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "lstm": (lambda: Sequence(lstm()), "lstm fully_connected"),
    "two lstms": (lambda: Sequence(lstm(2)), "lstm lstm fully_connected"),
    "two grus": (lambda: Sequence(gru(2)), "gru gru fully_connected"),
    "time first": (lambda: Sequence(lstm(first=False), first=False), "lstm fully_connected"),
    "begun": (lambda: Sequence(gru(), begin=True), "gru fully_connected"),
    "begun lstm": (lambda: Sequence(lstm(), begin=True), "lstm_custom fully_connected"),
    "last row": (lambda: Sequence(lstm(), last_row), f"lstm {TAKEN} fully_connected"),
    "last state": (lambda: Sequence(gru(), last_state), f"gru {TAKEN} fully_connected"),
    "dual path": (
        DualPath,
        "gru gru concatenation fully_connected add lstm_custom fully_connected add",
    ),
}


def exported(net: nn.Module, folder: Path) -> onnx.ModelProto:
    torch.manual_seed(0)
    shape = (1, 7, 5, 6) if isinstance(net, DualPath) else (1, STEPS, VALUES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = folder / "net.onnx"
        torch.onnx.export(net.eval(), (torch.zeros(shape),), path, dynamo=False, opset_version=17)
    return onnx.load(path)


def optimised(model: onnx.ModelProto, folder: Path) -> Graph:
    """The graph, which as imported and as optimised gives what onnxruntime gives."""
    want, graphs = outside(model, 1), imported(model, folder)
    assert want is not None and isinstance(graphs, dict), graphs
    for stage, graph in graphs.items():
        assert difference(graph, want) == "", stage
    return graphs["optimised"]


@pytest.mark.parametrize("name", STREAMING)
def test_networks_of_torch_stream(name: str, tmp_path: Path) -> None:
    net, operators = STREAMING[name]
    graph = optimised(exported(net(), tmp_path), tmp_path)
    assert " ".join(node.op for node in graph.nodes) == operators
    find_time_axis(graph)


@pytest.mark.parametrize("rnn", [gru, lstm])
def test_both_ways_along_time_runs_in_batch(rnn: Callable[..., nn.Module], tmp_path: Path) -> None:
    graph = optimised(exported(Sequence(rnn(2, ways=2), last_row), tmp_path), tmp_path)
    with pytest.raises(NotStreamableError, match="backwards"):
        find_time_axis(graph)


@pytest.mark.parametrize("rnn", [gru, lstm])
def test_time_in_front_of_the_batch_streams(rnn: Callable[..., nn.Module], tmp_path: Path) -> None:
    """As torch has it unless it is told otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        net = Sequence(rnn(first=False)).eval()
        x = torch.zeros(STEPS, 1, VALUES)
        torch.onnx.export(net, (x,), tmp_path / "m.onnx", dynamo=False, opset_version=17)
    source = load_source(str(tmp_path / "m.onnx"), stated=Stated(time_axis=0))
    assert source.float_graph is not None
    assert find_time_axis(source.float_graph).inputs == source.float_graph.inputs


def by_hand(op: str, seed: int, **attrs: object) -> onnx.ModelProto:
    """A node with random matrices, biases and initial states, whose every output is used, of an
    LSTM that runs forwards the cell too."""
    rng = np.random.default_rng(seed)
    maker = ModelMaker(4, 1, 3, seed=seed)
    gates = 4 if op == "LSTM" else 3
    ways = 2 if attrs.get("direction") == "bidirectional" else 1

    def floats(*shape: int) -> str:
        return maker.constant(rng.uniform(-1, 1, shape).astype(np.float32))

    inputs = ["x", floats(ways, 5 * gates, 3), floats(ways, 5 * gates, 5)]
    inputs.append(floats(ways, 10 * gates) if rng.integers(2) else "")
    if rng.integers(2):
        inputs += ["", floats(ways, 1, 5), *([floats(ways, 1, 5)] if op == "LSTM" else [])]
    cell = op == "LSTM" and seed % 2 == 0 and attrs.get("direction") == "forward"
    outputs = [f"y{number}" for number in range(3 if cell else 2)]
    maker.nodes.append(onnx.helper.make_node(op, inputs, outputs, hidden_size=5, **attrs))
    ends = [maker.op("Mul", out, maker.constant(np.float32([2]))) for out in outputs]
    return maker.model(ends)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("op", ["LSTM", "GRU"])
def test_nodes_by_hand(op: str, direction: str, tmp_path: Path) -> None:
    for seed in range(4):
        more = {"linear_before_reset": seed % 2} if op == "GRU" else {}
        optimised(by_hand(op, seed, direction=direction, **more), tmp_path)


class Step(nn.Module):  # type: ignore[misc]
    """One frame: both ways over bands, then a layer over time for each, which goes on from where
    the last frame left it."""

    def __init__(self, across: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.within = nn.GRU(6, 4, batch_first=True, bidirectional=True)
        self.across, self.out = across(8, 8, batch_first=True), nn.Linear(8, 6, bias=False)
        self.out.weight.data *= 4  # outputs that move by many of their steps

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        z = self.within(x.reshape(1, 5, 6))[0].reshape(1, 1, 5, 8)
        given = states if len(states) > 1 else states[0]
        y, after = self.across(z.permute(0, 2, 1, 3).reshape(5, 1, 8), given)
        mask = self.out(y.reshape(1, 5, 1, 8)).permute(0, 2, 1, 3)
        return (mask, *(after if len(states) > 1 else (after,)))


@pytest.mark.parametrize(("across", "names"), [(nn.GRU, "h"), (nn.LSTM, "hc")])
def test_states_of_a_step_go_round_in_int16(
    across: Callable[..., nn.Module], names: str, tmp_path: Path
) -> None:
    """As long as the clip goes on, the integers stay as near to float as they were."""
    torch.manual_seed(0)
    net, path = Step(across).eval(), tmp_path / "step.onnx"
    states = [torch.zeros(1, 5, 8) for _ in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.zeros(1, 1, 5, 6), *states),
            path,
            dynamo=False,
            opset_version=17,
            input_names=["x", *names],
            output_names=["y", *(f"{name}_out" for name in names)],
        )
    x = np.random.default_rng(0).standard_normal((700, 1, 1, 5, 6)).astype(np.float32)
    np.savez(tmp_path / "calib.npz", x=x[:100])
    model = load(path, states=[f"{name}={name}_out" for name in names])
    graph = model.quantize(calib=tmp_path / "calib.npz").int8.graph
    assert {graph.tensors[state.read].dtype for state in graph.states} == {DType.INT16}
    entry, out = (graph.tensors[name] for name in (graph.free_inputs[0], graph.free_outputs[0]))
    assert entry.quant is not None and out.quant is not None
    given = {entry.name: quantize(x, entry.quant, entry.dtype).reshape(-1, *entry.shape)}
    have = dequantize(run_steps(graph, given)[out.name], out.quant).reshape(len(x), -1)
    want = []
    with torch.no_grad():
        for row in torch.from_numpy(x):
            y, *states = net(row, *states)
            want.append(y.numpy().ravel())
    first, last = (int8_snr_db(np.stack(want)[part], have[part]) for part in PARTS)
    assert first > 25 and last > first - 1


#: Steps that calibration has not seen, early and late.
PARTS = (slice(100, 300), slice(-200, None))
REFUSED = [
    ("LSTM", {"clip": 1.0}, "clip"),
    ("LSTM", {"input_forget": 1}, "coupled"),
    ("GRU", {"activations": ["Sigmoid", "Relu"]}, "activations"),
    ("GRU", {"layout": 1}, "layout"),
]


@pytest.mark.parametrize(("op", "attrs", "reason"), REFUSED)
def test_other_cells_are_refused(
    op: str, attrs: dict[str, object], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(by_hand(op, 0, **attrs), path)
    with pytest.raises(UnsupportedError, match=reason):
        load_onnx(path)


@pytest.mark.parametrize(
    ("place", "shape", "reason"),
    [(7, (1, 15), "peepholes"), (4, (1,), "sequence_lens")],
)
def test_other_inputs_are_refused(
    place: int, shape: tuple[int, ...], reason: str, tmp_path: Path
) -> None:
    maker = ModelMaker(4, 1, 3)
    ones = np.ones(shape, np.int32 if place == 4 else np.float32)
    inputs = ["x", maker.weights(1, 20, 3), maker.weights(1, 20, 5), *([""] * 5)]
    inputs[place] = maker.constant(ones)
    maker.nodes.append(onnx.helper.make_node("LSTM", inputs, ["y"], hidden_size=5))
    path = tmp_path / "net.onnx"
    onnx.save(maker.model("y"), path)
    with pytest.raises(UnsupportedError, match=reason):
        load_onnx(path)
