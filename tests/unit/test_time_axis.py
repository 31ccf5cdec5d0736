"""Which models can run frame by frame, what stands in the way of the others, other clip lengths."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.graphs import activation, add_conv
from toolkit.errors import NotStreamableError, TooFewFramesError
from toolkit.ir import Graph, GraphBuilder
from toolkit.ops.add import AddAttrs
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.ops.execute import run_graph
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.base import TimeBehaviour
from toolkit.ops.parts.window import (
    PADDING_SAME,
    Padding,
    Window,
    WindowedAttrs,
    read_padding,
    same_padding,
)
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.strided_slice import WHOLE, StridedSliceAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.plan.row_outputs import laid_out
from toolkit.plan.time_axis import RowCount, find_time_axis, retime

SCALE, ZERO = 0.07, -5


class Net:
    """A graph whose tensors all have one quantisation."""

    def __init__(self, shape: tuple[int, ...] = (1, 20, 4, 3)) -> None:
        self.builder = GraphBuilder("net")
        self.x = self.builder.add_input(activation("x", shape, SCALE, ZERO))

    def conv(self, x: str, window: Window, channels: int = 3) -> str:
        return add_conv(self.builder, x, window, channels, np.random.default_rng(0), "conv")

    def add(self, op: str, inputs: list[str], shape: tuple[int, ...], attrs: object) -> str:
        return self.builder.add_node(op, inputs, activation(op, shape, SCALE, ZERO), attrs, op)

    def mean(self, x: str, keep_dims: bool = False) -> str:
        channels = self.builder.tensors[x].shape[-1]
        shape = (1, 1, 1, channels) if keep_dims else (1, channels)
        return self.add("mean", [x], shape, MeanAttrs((1, 2), keep_dims))

    def graph(self, *outputs: str) -> Graph:
        self.builder.outputs += outputs
        return self.builder.build()


def reasons(graph: Graph) -> list[tuple[str, str]]:
    with pytest.raises(NotStreamableError, match="net cannot stream along time") as caught:
        find_time_axis(graph)
    return list(caught.value.reasons)


SAME_3 = Window(3, 3, padding=Padding(1, 1, 1, 1))


def test_flattening_over_time_is_named() -> None:
    net = Net()
    y = net.conv(net.x, SAME_3)
    flat = net.add("reshape", [y], (1, 240), ReshapeAttrs((1, 240)))
    ((node, reason),) = reasons(net.graph(net.add("relu", [flat], (1, 240), None)))
    assert (node, reason) == (
        "reshape",
        "it splits, merges or moves frames, which fits one clip length only",
    )


def test_squeeze_excite_over_time_is_named() -> None:
    net = Net()
    y = net.conv(net.x, SAME_3)
    gate = net.conv(net.mean(y, keep_dims=True), Window(1, 1))
    scaled = net.add("mul", [y, gate], (1, 20, 4, 3), AddAttrs())
    ((node, reason),) = reasons(net.graph(net.mean(scaled)))
    assert node == "mul" and "squeeze-excite" in reason


def test_softmax_over_time_feeding_a_convolution_is_named() -> None:
    net = Net((1, 20, 1, 4))
    y = net.add("transpose", [net.x], (1, 4, 1, 20), TransposeAttrs((0, 3, 2, 1)))
    weights = net.builder.add_node(
        "softmax", [y], activation("p", (1, 4, 1, 20), 1 / 256, -128), SoftmaxAttrs(1.0), "softmax"
    )
    back = net.builder.add_node(
        "transpose",
        [weights],
        activation("back", (1, 20, 1, 4), 1 / 256, -128),
        TransposeAttrs((0, 3, 2, 1)),
        "back",
    )
    z = net.conv(back, Window(3, 1, padding=Padding(1, 1)))
    ((node, reason),) = reasons(net.graph(net.mean(z)))
    assert (node, reason) == ("transpose", "it moves or mixes the time axis")


def test_every_obstacle_is_named_at_once() -> None:
    net = Net()
    doubled = net.add("concatenation", [net.x, net.x], (1, 40, 4, 3), ConcatenationAttrs(1))
    swapped = net.add("transpose", [net.x], (1, 4, 20, 3), TransposeAttrs((0, 2, 1, 3)))
    found = reasons(net.graph(net.mean(doubled), net.mean(swapped), net.x))
    assert [node for node, _ in found] == ["concatenation", "transpose", ""]
    assert found[2][1] == "output 'x' is an input as it came"


def test_branches_that_fit_one_length_only_are_named() -> None:
    """(20 - 4) // 3 + 1 == 20 // 3 == 6, which differs at 21 frames."""
    net = Net((1, 20, 1, 3))
    a = net.conv(net.x, Window(4, 1, stride_h=3))
    b = net.conv(net.x, Window(3, 1, stride_h=3))
    ((node, reason),) = reasons(
        net.graph(net.mean(net.add("add", [a, b], (1, 6, 1, 3), AddAttrs())))
    )
    assert node == "add" and "at the file's clip length only" in reason


def test_a_constant_that_differs_from_frame_to_frame_is_named() -> None:
    net = Net((1, 20, 1, 3))
    data = np.zeros((1, 20, 1, 3), np.int8)
    ramp = net.builder.constant("ramp", data, net.builder.tensors[net.x].quant)
    y = net.add("add", [net.x, ramp], (1, 20, 1, 3), AddAttrs())
    ((node, reason),) = reasons(net.graph(net.mean(y)))
    assert node == "add" and "a constant differs from frame to frame" in reason


@pytest.mark.parametrize("axis", [0, 2, 3])
def test_time_is_axis_one(axis: int) -> None:
    net = Net()
    with pytest.raises(NotStreamableError, match="time must be axis 1 of its input"):
        find_time_axis(net.graph(net.mean(net.x)), axis)


def test_input_must_have_frames_of_values() -> None:
    net = Net((1, 12))
    assert "1 x frames x values; got 1x12" in reasons(net.graph(net.x))[0][1]


def test_rows_of_every_tensor_at_any_length() -> None:
    net = Net()
    y = net.conv(net.x, Window(4, 1, stride_h=3, dilation_h=2, padding=Padding(1, 2)))
    z = net.conv(y, Window(2, 1, stride_h=2))
    time = find_time_axis(net.graph(net.mean(z)))
    assert time.counts[y] == RowCount(step=3, offset=-1)
    for frames in range(1, 60):
        rows = max(0, (frames + 3 - 7) // 3 + 1)
        assert time.counts[y].rows(frames) == rows
        assert time.counts[z].rows(frames) == max(0, (rows - 2) // 2 + 1)
    shortest = time.min_frames
    assert (time.counts[z].rows(shortest), time.counts[z].rows(shortest - 1)) == (1, 0)
    retime(time, shortest)
    with pytest.raises(TooFewFramesError, match=f"at least {shortest} frames; got {shortest - 1}"):
        retime(time, shortest - 1)


@pytest.mark.parametrize("frames", range(1, 30))
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 8])
def test_same_padding_read_from_a_file_gives_sames_rows_at_any_length(
    kernel: int, stride: int, frames: int
) -> None:
    bare, x = Window(kernel, 1, stride_h=stride), activation("x", (1, 20, 1, 1), SCALE, ZERO)
    window = read_padding(bare, PADDING_SAME, x)
    assert window.padding.top == same_padding(bare, 20, 1).top
    assert window.output_hw(frames, 1)[0] == -(-frames // stride)


def test_a_whole_extent_pool_stays_whole() -> None:
    net = Net()
    pool = WindowedAttrs(Window(20, 4, 20, 4), Activation.NONE)
    y = net.add("average_pool_2d", [net.conv(net.x, SAME_3)], (1, 1, 1, 3), pool)
    longer = retime(find_time_axis(net.graph(y)), 33)
    assert longer.nodes[-1].attrs.window.kernel_h == 33  # type: ignore[attr-defined]
    assert longer.tensors[y].shape == (1, 1, 1, 3)


def test_outputs_with_time_are_rows_however_they_are_laid_out() -> None:
    """Time first, behind the channels, one row of many, and merged with the values of a row."""
    net = Net((1, 20, 1, 3))
    y = net.conv(net.x, Window(3, 1, stride_h=2, padding=Padding(2, 0)))
    back = net.add("transpose", [y], (1, 3, 10, 1), TransposeAttrs((0, 3, 1, 2)))
    thin = net.add("reshape", [back], (3, 10), ReshapeAttrs((3, 10)))
    flat = net.add("reshape", [y], (1, 30), ReshapeAttrs((1, 30)))
    time = find_time_axis(net.graph(y, back, thin, flat, net.mean(y)))
    assert [output.rows for output in time.row_outputs] == [y] * 4
    assert time.final_outputs == ("mean",)
    longer = retime(time, 33)
    shapes = [longer.tensors[name].shape for name in longer.outputs]
    assert shapes == [(1, 17, 1, 3), (1, 3, 17, 1), (3, 17), (1, 51), (1, 3)]
    values = np.random.default_rng(0).integers(-128, 127, (1, 33, 1, 3), np.int8)
    found = run_graph(longer, {"x": values})
    for output in time.row_outputs:
        assert laid_out(output, time.graph, found[y].tobytes()) == found[output.name].tobytes()


def test_inputs_have_equally_many_frames() -> None:
    net = Net((1, 20, 1, 3))
    other = net.builder.add_input(activation("y", (1, 20, 1, 3), SCALE, ZERO))
    both = net.add("add", [net.x, other], (1, 20, 1, 3), AddAttrs())
    assert find_time_axis(net.graph(both)).inputs == ("x", "y")
    net.builder.add_input(activation("z", (1, 10, 1, 3), SCALE, ZERO))
    ((_, reason),) = reasons(net.builder.build())
    assert reason == "its inputs must have equally many frames; got [10, 20]"


def test_slices_leave_out_rows_and_need_those_that_they_keep() -> None:
    net = Net()
    ends = net.add(
        "strided_slice", [net.x], (1, 9, 4, 3), StridedSliceAttrs((WHOLE, (1, -2, 2), WHOLE, WHOLE))
    )
    time = find_time_axis(net.graph(net.mean(ends)))
    assert time.counts[ends] == RowCount(2, -2) and time.min_frames == 4
    last_five = StridedSliceAttrs((WHOLE, (-5, None, 1), WHOLE, WHOLE))
    last = net.add("strided_slice", [net.x], (1, 5, 4, 3), last_five)
    assert find_time_axis(net.graph(net.mean(last))).min_frames == 5


def test_windows_over_the_clip_leave_its_last_row() -> None:
    net = Net()
    y = net.conv(net.x, Window(20, 4))
    flat = net.add("reshape", [y], (1, 3), ReshapeAttrs((1, 3)))
    time = find_time_axis(net.graph(flat))
    (taken,) = (node for node in time.graph.nodes if node.op == "strided_slice")
    assert time.behaviours[taken.name] is TimeBehaviour.REDUCING and time.min_frames == 20


def test_a_model_of_one_frame_is_no_window_over_a_clip() -> None:
    net = Net((1, 1, 4, 3))
    flat = net.add("reshape", [net.x], (1, 12), ReshapeAttrs((1, 12)))
    ((_, reason),) = reasons(net.graph(flat))
    assert "is an input as it came" in reason
