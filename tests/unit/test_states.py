"""States: pairs of an input and an output that are one tensor, and variables of a ``.tflite``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support import outside
from tests.support.graphs import activation, add_conv
from tests.support.onnx_models import ModelMaker
from tests.support.states import (
    random_clips,
    random_stateful,
    recurrent_model,
    ring_model,
    run_steps_on_host,
    wandering,
)
from toolkit.compare.accuracy import int8_agreement
from toolkit.compare.import_match import import_cases, import_checks
from toolkit.deploy.model import load
from toolkit.errors import InputError, ToolkitError
from toolkit.ir import DType, Graph, GraphBuilder, State
from toolkit.ir.check import check_graph
from toolkit.ir.tensor import dequantize
from toolkit.model.cases import given_cases, model_cases
from toolkit.model.int8 import Int8Model
from toolkit.model.reference import output_bytes
from toolkit.model.states import STATES_KEY, likely_states
from toolkit.ops.check import custom_operators
from toolkit.ops.execute import run_steps
from toolkit.ops.parts.window import Window
from toolkit.plan import Buffer, PlacedBuffer, check_plan, plan_arena
from toolkit.quantize.outputs import real_outputs, renamed
from toolkit.quantize.recipe import Recipe
from toolkit.quantize.wide import candidates
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

STEPS = 60
RING = ("a=new_a", "b=new_b")
needs_tflm = pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ring_model(tmp_path_factory.mktemp("ring") / "ring.onnx")


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recurrent_model(tmp_path_factory.mktemp("cell") / "cell.onnx")


def saved(folder: Path, values: np.ndarray, name: str = "x.npz") -> Path:
    np.savez(folder / name, x=values)
    return folder / name


def test_a_step_is_the_float_model_s_own(cell: Path) -> None:
    """The loop in onnxruntime, which knows of no states, gives what the network with them gives."""
    import onnxruntime

    graph = load(cell, states=["h=h_out"]).source.float_graph
    assert graph is not None and (graph.free_inputs, graph.free_outputs) == (("x",), ("y",))
    x = wandering((1, 8), STEPS)[0]
    session, h, expected = onnxruntime.InferenceSession(cell), np.zeros((1, 12), np.float32), []
    for step in x:
        y, h = session.run(["y", "h_out"], {"x": step, "h": h})
        expected.append(y)
    found = run_steps(graph, {"x": x})["y"]
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-5)
    assert not np.allclose(found[1:], found[:-1])


# --- one scale, calibrated by running the loop ---------------------------------------------------
def int8_of(
    path: Path, states: tuple[str, ...], calib: Path, recipe: Recipe | None = None
) -> Int8Model:
    return load(path, states=states).quantize(calib, recipe).int8


def snr_db(model: Int8Model, test: Path) -> float:
    assert model.float_graph is not None
    data = model_cases(test, model.float_graph)
    return float(next(int8_agreement(model.float_graph, model.graph, data, test)).value)


def test_a_ring_has_one_scale_and_loses_nothing_in_the_loop(ring: Path, tmp_path: Path) -> None:
    calib = saved(tmp_path, wandering((1, 4, 1), STEPS, clips=4))
    model = int8_of(ring, RING, calib)
    for state in model.graph.states:
        assert model.graph.tensors[state.read].quant == model.graph.tensors[state.write].quant
    assert not {"quantize", "transpose"} & {node.op for node in model.graph.nodes}
    test = saved(tmp_path, wandering((1, 4, 1), STEPS, seed=1), "test.npz")
    assert snr_db(model, test) > 32
    assert all(check.passed for check in import_checks(model, import_cases(model)))


def test_a_published_pair_beats_two_scales(tmp_path: Path) -> None:
    """Requantised between two scales it had 24.4 dB, with bytes copied 7.1 dB."""
    path = outside.file(outside.CASES, "models/tq_stream_conv.onnx")
    calib = saved(tmp_path, wandering((1, 4, 1), STEPS))
    test = saved(tmp_path, wandering((1, 4, 1), STEPS, seed=1), "test.npz")
    assert snr_db(int8_of(path, ("h=h_out",), calib), test) > 34


def test_the_cell_is_as_good_as_its_int8_layers(cell: Path, tmp_path: Path) -> None:
    calib = saved(tmp_path, wandering((1, 8), STEPS, clips=4))
    test = saved(tmp_path, wandering((1, 8), STEPS, clips=2, seed=1), "test.npz")
    plain = int8_of(cell, ("h=h_out",), calib)
    assert plain.graph.tensors["h"].dtype is DType.INT8 and snr_db(plain, test) > 28
    assert plain.float_graph is not None
    every = Recipe(mixed=candidates(plain.float_graph))
    wide = int8_of(cell, ("h=h_out",), calib, every)
    assert wide.graph.tensors["h"].dtype is DType.INT16
    assert snr_db(wide, test) > snr_db(plain, test) + 1


def test_ranges_are_those_of_the_loop(cell: Path, tmp_path: Path) -> None:
    """What the state takes after many steps, not what it takes after the first."""
    calib = saved(tmp_path, np.ones((1, 200, 1, 8), np.float32))
    model = load(cell, states=["h=h_out"]).quantize(calib)
    assert model.int8.quantized is not None and model.source.float_graph is not None
    looped = model.int8.quantized.conversion.ranges.limits["h_out"]
    one = saved(tmp_path, np.ones((1, 1, 1, 8), np.float32), "one.npz")
    single = load(cell, states=["h=h_out"]).quantize(one).int8.quantized
    assert single is not None
    once = single.conversion.ranges.limits["h_out"]
    assert looped[0] < 1.2 * once[0] or looped[1] > 1.2 * once[1]


def test_what_was_heard_before(tmp_path: Path) -> None:
    """A difference from step to step: what the state becomes is the input itself."""
    maker = ModelMaker(1, 4)
    difference = maker.op("Sub", "x", "old")
    model = maker.model(maker.op("Tanh", difference))
    new = maker.op("Identity", "x")
    model.graph.node.append(maker.nodes[-1])
    for end, name in ((model.graph.input, "old"), (model.graph.output, new)):
        end.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4]))
    onnx.save(model, tmp_path / "m.onnx")
    calib = saved(tmp_path, wandering((1, 4), STEPS))
    graph = int8_of(tmp_path / "m.onnx", (f"old={new}",), calib).graph
    plan = plan_arena(graph)
    check_plan(plan.graph, plan)
    assert [node.name for node in plan.graph.nodes if "copy" in node.name][-1:] == [f"{new}/copy"]
    (clip,) = random_clips(graph, (9,))
    assert run_steps_on_host(graph, [clip], tmp_path) == [output_bytes(graph, clip)]


# --- stated, never guessed -----------------------------------------------------------------------
def test_likely_states_are_named_and_left_alone(ring: Path) -> None:
    source = load(ring).source
    assert source.float_graph is not None and not source.float_graph.states
    notes = [issue.message for issue in source.issues if issue.code == "model.states"]
    assert ["--state a=new_a" in notes[0], "--state b=new_b" in notes[1]] == [True, True]
    assert not load(ring, states=RING).source.issues


@pytest.mark.parametrize(
    ("read", "write", "alike"),
    [
        ("h", "h_out", True),
        ("h0", "hn", True),
        ("gru.h_in", "gru.h_n", True),
        ("cacheIn", "cacheOut", True),
        ("conv1.state", "conv1.next_state", True),
        ("conv1.state", "conv2.next_state", False),
        ("input_1", "output_1", False),
        ("t0", "t3", False),
        ("noisy", "clean", False),
    ],
)
def test_names_that_look_like_state(read: str, write: str, alike: bool) -> None:
    builder = GraphBuilder("names")
    x = builder.add_input(activation("audio", (1, 1, 2, 4), 0.07, -5))
    builder.add_input(activation(read, (1, 1, 2, 4), 0.07, -5))
    builder.outputs.append(add_conv(builder, x, Window(1, 1), 4, np.random.default_rng(0), write))
    assert len(likely_states(builder.build())) == alike


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (["h"], r"must be INPUT=OUTPUT"),
        (["h="], r"must be INPUT=OUTPUT"),
        (["g=h_out"], r"no input 'g'; it has 'x', 'h'"),
        (["h=g"], r"no output 'g'; it has 'y', 'h_out'"),
        (["h=y"], r"must have one shape; got \[1, 12\] and \[1, 3\]"),
        (["h=h_out", "h=h_out"], "'h' is named twice"),
        (["h=h_out=absent.npy"], "absent.npy: cannot be read"),
    ],
)
def test_what_is_no_pair_is_refused(cell: Path, states: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(cell, states=states)


def test_a_model_of_nothing_but_state_is_refused(tmp_path: Path) -> None:
    maker = ModelMaker(1, 4)
    onnx.save(maker.model(maker.op("Relu", "x")), tmp_path / "m.onnx")
    with pytest.raises(InputError, match="every input of test would be state"):
        load(tmp_path / "m.onnx", states=["x=t0"])


def test_metadata_states_them_too(ring: Path, tmp_path: Path) -> None:
    model = onnx.load(ring)
    model.metadata_props.add(key=STATES_KEY, value=json.dumps({"a": "new_a", "b": "new_b"}))
    onnx.save(model, tmp_path / "m.onnx")
    graph = load(tmp_path / "m.onnx").source.float_graph
    assert graph is not None and [state.read for state in graph.states] == ["a", "b"]
    model.metadata_props[0].value = "[1]"
    onnx.save(model, tmp_path / "bad.onnx")
    with pytest.raises(InputError, match="must be an object, input name to output name"):
        load(tmp_path / "bad.onnx")


def test_a_state_begins_as_a_file_says(cell: Path, tmp_path: Path) -> None:
    begins = np.linspace(-0.5, 0.5, 12, dtype=np.float32).reshape(1, 12)
    np.save(tmp_path / "h.npy", begins)
    model = load(cell, states=[f"h=h_out={tmp_path / 'h.npy'}"])
    graph = read_tflite(model.int8.data, "m")
    (state,) = graph.states
    tensor = graph.tensors[state.read]
    real = (state.initial.astype(np.float32) - tensor.zero_point) * tensor.scale
    np.testing.assert_allclose(real, begins, atol=tensor.scale)
    with pytest.raises(InputError, match="begins as 3 values, not 12"):
        np.save(tmp_path / "short.npy", begins[0, :3])
        load(cell, states=[f"h=h_out={tmp_path / 'short.npy'}"])


# --- arrays --------------------------------------------------------------------------------------
def test_several_inputs_take_an_npz(ring: Path, tmp_path: Path) -> None:
    arrays = {"x": (7, 1, 4, 1), "a": (7, 1, 4, 2), "b": (7, 1, 8, 2)}
    rng = np.random.default_rng(3)
    np.savez(tmp_path / "all.npz", **{n: rng.normal(size=s) for n, s in arrays.items()})
    graph = load(ring).quantize(tmp_path / "all.npz").source.float_graph
    assert graph is not None
    cases = model_cases(tmp_path / "all.npz", graph).batches(graph)
    assert len(cases) == 7 and list(cases[0]) == list(graph.inputs)
    np.savez(tmp_path / "few.npz", x=rng.normal(size=(7, 1, 4, 1)))
    with pytest.raises(InputError, match="holds no array for input 'a'; it holds 'x'") as caught:
        load(ring).quantize(tmp_path / "few.npz")
    assert "--state" in (caught.value.hint or "")
    np.savez(
        tmp_path / "odd.npz",
        **{n: rng.normal(size=s) for n, s in arrays.items()} | {"x": rng.normal(size=(6, 1, 4, 1))},
    )
    with pytest.raises(InputError, match="same number of cases; got 'x' 6, 'a' 7"):
        load(ring).quantize(tmp_path / "odd.npz")


def test_clips_begin_afresh(cell: Path, tmp_path: Path) -> None:
    graph = load(cell, states=["h=h_out"]).source.float_graph
    assert graph is not None
    x = wandering((1, 8), 5, clips=3)
    cases = model_cases(saved(tmp_path, x), graph)
    assert cases.recordings == (0,) * 5 + (1,) * 5 + (2,) * 5
    batches = cases.batches(graph)
    assert [not batch["h"].any() for batch in batches] == [n % 5 == 0 for n in range(15)]


def test_steps_go_on_where_their_clip_does(cell: Path, tmp_path: Path) -> None:
    """Some steps of a clip alone begin with the states that the float network has there."""
    calib = saved(tmp_path, wandering((1, 8), 12, clips=3))
    model = int8_of(cell, ("h=h_out",), calib)
    assert model.float_graph is not None and model.quantized is not None
    steps = model.quantized.batches
    exact = real_outputs(model.float_graph, steps)
    for some in (slice(None, None, 3), slice(5, 20), slice(12, 13)):
        np.testing.assert_array_equal(real_outputs(model.float_graph, steps[some]), exact[some])
    found = real_outputs(model.graph, [renamed(step, model.graph.inputs) for step in steps])
    (clips,) = given_cases(calib, model.graph)[1]
    again = run_steps(model.graph, {model.graph.inputs[0]: clips})
    real = dequantize(again["y"], model.graph.tensors["y"].quant)
    np.testing.assert_array_equal(found[12:24], real.reshape(12, 3))


# --- in memory -----------------------------------------------------------------------------------
def stateful(seed: int, builtin: bool = False) -> Graph:
    rng = np.random.default_rng(seed)
    while True:
        graph = random_stateful(lambda low, high: int(rng.integers(low, high, endpoint=True)))
        if not builtin or not custom_operators(graph):
            return check_graph(graph, "random")


@pytest.mark.parametrize("seed", range(60))
def test_random_plans_hold(seed: int) -> None:
    plan = plan_arena(stateful(seed))
    check_plan(plan.graph, plan)
    for state in plan.graph.states:
        assert plan.tensor_offsets[state.read] == plan.tensor_offsets[state.write]


@needs_tflm
@pytest.mark.parametrize("seed", range(2))
def test_random_networks_equal_tflm_on_a_host(seed: int, tmp_path: Path) -> None:
    equal_everywhere(stateful(seed, builtin=True), tmp_path)


@needs_tflm
@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100))
def test_many_random_networks_equal_tflm_on_a_host(seed: int, tmp_path: Path) -> None:
    equal_everywhere(stateful(100 + seed, builtin=True), tmp_path)


def equal_everywhere(graph: Graph, folder: Path) -> None:
    """numpy, TFLM on the written file, and C agree at every step of two clips."""
    lengths = (23, 9)
    clips = random_clips(graph, lengths)
    back = read_tflite(write_tflite(graph), "m")
    assert [s.initial.tobytes() for s in back.states] == [s.initial.tobytes() for s in graph.states]
    expected = [output_bytes(graph, clip) for clip in clips]
    assert [output_bytes(back, clip) for clip in clips] == expected
    columns = [np.concatenate(column) for column in zip(*clips, strict=True)]
    outputs = run_tflm(write_tflite(graph), columns, clips=lengths).outputs
    cut = [np.split(values, [lengths[0]]) for values in outputs]
    assert [tuple(parts[i].tobytes() for parts in cut) for i in (0, 1)] == expected
    assert run_steps_on_host(graph, clips, folder) == expected


def test_a_state_that_is_left_elsewhere_is_found() -> None:
    """The checker, which shares no code with the planner, knows where the next step looks."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("elsewhere")
    builder.add_input(activation("x", (1, 1, 2, 4), 0.07, -5))
    read = builder.add_input(activation("h", (1, 1, 2, 4), 0.07, -5))
    write = add_conv(builder, read, Window(1, 1), 4, rng, "y")
    builder.outputs += [write, write]
    builder.states.append(State(read, write, np.zeros((1, 1, 2, 4), np.int8)))
    plan = plan_arena(builder.build())
    check_plan(plan.graph, plan)
    apart = tuple(
        PlacedBuffer(Buffer(8, 0, 9, (name,)), place)
        for name, place in zip(
            [*plan.graph.inputs, "y", plan.graph.outputs[-1]], range(0, 256, 32), strict=False
        )
    )
    broken = replace(plan, arena_bytes=256, buffers=apart)
    with pytest.raises(ToolkitError, match="state 'h' is not left where the next step finds it"):
        check_plan(broken.graph, broken)
