"""Variables, several subgraphs, splits and ends of third-party ``.tflite`` files, against TFLM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.support import outside
from tests.support.states import listening_network, random_clips
from tests.support.tflite_maker import Subgraph, TfliteMaker, float_ring
from toolkit.deploy.model import load
from toolkit.errors import ModelError, ToolkitError, UnsupportedError
from toolkit.ir import DType, Graph
from toolkit.ir.tensor import Array
from toolkit.model.reference import run_case
from toolkit.tflite.oracle import run_litert_reference, run_tflm, tflm_available
from toolkit.tflite.read import load_tflite, read_tflite, stripped_ends
from toolkit.tflite.write import write_tflite

SHAPE = (1, 6)
LENGTHS = (9, 5)
needs_tflm = pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")


def equals_tflm(data: bytes, written: bool = False) -> Graph:
    """The graph in ``data``, which gives TFLM's outputs at every step of two clips; and so does the
    file that it is ``written`` to."""
    graph = read_tflite(data, "m")
    clips = random_clips(graph, LENGTHS)
    columns = [np.concatenate(column) for column in zip(*clips, strict=True)]
    found = [np.concatenate(parts) for parts in zip(*(steps(graph, c) for c in clips), strict=True)]
    for model in (data, write_tflite(graph)) if written else (data,):
        for theirs, ours in zip(
            run_tflm(model, columns, clips=LENGTHS).outputs, found, strict=True
        ):
            np.testing.assert_array_equal(ours.reshape(theirs.shape), theirs)
            assert len(np.unique(ours)) > 1
    return graph


def steps(graph: Graph, clip: list[Array]) -> list[Array]:
    if graph.states:
        return run_case(graph, clip)
    each = [run_case(graph, case) for case in zip(*clip, strict=True)]
    return [np.stack(column) for column in zip(*each, strict=True)]


def begins(maker: TfliteMaker, **values: int | None) -> None:
    """CALL_ONCE of a subgraph that sets variables to values, or mixed ones for None."""
    initial = maker.subgraph("NoOp")
    for name, value in values.items():
        data = np.arange(-3, 3, dtype=np.int8) if value is None else np.full(6, value, np.int8)
        constant = initial.tensor(SHAPE, data=data.reshape(SHAPE))
        initial.op("ASSIGN_VARIABLE", [initial.handle(name), constant], [])
    maker.main.op("CALL_ONCE", [], [], schema.CallOnceOptionsT(len(maker.others)))


def read(main: Subgraph, handle: int) -> int:
    output = main.tensor(SHAPE)
    main.op("READ_VARIABLE", [handle], [output])
    return output


def accumulator(maker: TfliteMaker) -> tuple[list[int], list[int]]:
    main = maker.main
    x, handle = main.tensor(SHAPE, scale=0.01), main.handle("sum")
    total = main.add(read(main, handle), x)
    main.op("ASSIGN_VARIABLE", [handle, total], [])
    return [x], [total]


# --- variables -----------------------------------------------------------------------------------
def sums(maker: TfliteMaker) -> tuple[list[int], list[int]]:
    begins(maker, sum=None)
    return accumulator(maker)


def sums_from_nothing(maker: TfliteMaker) -> tuple[list[int], list[int]]:
    return accumulator(maker)


def read_again(maker: TfliteMaker) -> tuple[list[int], list[int]]:
    """What is read behind an assignment is the new value; of two assignments the last one stays."""
    begins(maker, v=7)
    main = maker.main
    x, handle = main.tensor(SHAPE, scale=0.02), main.handle("v")
    old = read(main, handle)
    main.op("ASSIGN_VARIABLE", [handle, main.add(old, x)], [])
    new = read(main, main.handle("v"))
    twice = main.add(new, x)
    main.op("ASSIGN_VARIABLE", [handle, twice], [])
    return [x], [main.add(old, new, 0.1), read(main, handle)]


def written_first(maker: TfliteMaker) -> tuple[list[int], list[int]]:
    """A variable that carries nothing from step to step, and one that does."""
    begins(maker, v=7, w=1)
    main = maker.main
    x, v, w = main.tensor(SHAPE), main.handle("v"), main.handle("w")
    main.op("ASSIGN_VARIABLE", [v, x], [])
    total = main.add(read(main, v), read(main, w))
    main.op("ASSIGN_VARIABLE", [w, total], [])
    return [x], [total]


def shifted(maker: TfliteMaker) -> tuple[list[int], list[int]]:
    """Each variable becomes what another was: both are read before either is written."""
    begins(maker, a=None, b=5)
    main = maker.main
    x, a, b = main.tensor(SHAPE), main.handle("a"), main.handle("b")
    was_a, was_b = read(main, a), read(main, b)
    main.op("ASSIGN_VARIABLE", [a, x], [])
    main.op("ASSIGN_VARIABLE", [b, was_a], [])
    return [x], [was_b, main.add(was_a, was_b, 0.1)]


def never_written(maker: TfliteMaker) -> tuple[list[int], list[int]]:
    begins(maker, v=None)
    main = maker.main
    x = main.tensor(SHAPE)
    return [x], [main.add(read(main, main.handle("v")), x)]


@needs_tflm
@pytest.mark.parametrize(
    ("build", "states"),
    [
        (sums, 1),
        (sums_from_nothing, 1),
        (read_again, 1),
        (written_first, 1),
        (shifted, 2),
        (never_written, 1),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_variables_are_tflm_s(
    build: Callable[[TfliteMaker], tuple[list[int], list[int]]], states: int
) -> None:
    maker = TfliteMaker()
    graph = equals_tflm(maker.data(*build(maker)), written=True)
    assert len(graph.states) == states


def test_a_subgraph_that_nothing_runs_is_passed_over() -> None:
    maker = TfliteMaker()
    x = maker.main.tensor(SHAPE)
    maker.subgraph().op("WHILE", [], [])
    assert len(read_tflite(maker.data([x], [maker.main.add(x, x, 0.1)]), "m").nodes) == 1


def rejected(maker: TfliteMaker, ends: tuple[list[int], list[int]]) -> ToolkitError:
    with pytest.raises(ToolkitError) as caught:
        read_tflite(maker.data(*ends), "m")
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("number", [0, 2, -1])
def test_call_once_of_a_subgraph_that_is_not_there(number: int) -> None:
    maker = TfliteMaker()
    maker.subgraph()
    maker.main.op("CALL_ONCE", [], [], schema.CallOnceOptionsT(number))
    error = rejected(maker, accumulator(maker))
    assert isinstance(error, ModelError) and f"CALL_ONCE of subgraph {number}" in error.message


def test_what_variables_begin_as_must_be_constant() -> None:
    maker = TfliteMaker()
    initial = maker.subgraph()
    initial.add(initial.tensor(SHAPE), initial.tensor(SHAPE))
    maker.main.op("CALL_ONCE", [], [], schema.CallOnceOptionsT(1))
    error = rejected(maker, accumulator(maker))
    assert isinstance(error, UnsupportedError) and "computed (ADD in the subgraph" in error.message


@pytest.mark.parametrize("op", ["READ_VARIABLE", "ASSIGN_VARIABLE"])
def test_a_variable_without_a_handle(op: str) -> None:
    maker = TfliteMaker()
    x = maker.main.tensor(SHAPE)
    maker.main.op(
        op, [x, x][: 1 + (op == "ASSIGN_VARIABLE")], [maker.main.tensor(SHAPE)][: op[0] == "R"]
    )
    assert f"{op} of no variable" in rejected(maker, ([x], [x])).message


def test_a_variable_of_two_scales() -> None:
    maker = TfliteMaker()
    main = maker.main
    x, handle = main.tensor(SHAPE), main.handle("v")
    total = main.add(read(main, handle), x, 0.3)
    main.op("ASSIGN_VARIABLE", [handle, total], [])
    assert "becomes 't3', which is another kind" in rejected(maker, ([x], [total])).message


def test_a_variable_that_begins_with_too_few_values() -> None:
    maker = TfliteMaker()
    initial = maker.subgraph()
    few = initial.tensor([1, 5], data=np.zeros((1, 5), np.int8))
    initial.op("ASSIGN_VARIABLE", [initial.handle("sum"), few], [])
    maker.main.op("CALL_ONCE", [], [], schema.CallOnceOptionsT(1))
    assert "begins as 5 bytes" in rejected(maker, accumulator(maker)).message


# --- splits --------------------------------------------------------------------------------------
def split(maker: TfliteMaker, axis: int, sizes: tuple[int, ...] | None, parts: list[int]) -> bytes:
    """A model that splits [1, 4, 6] along ``axis`` into parts of so many."""
    main, shape = maker.main, [1, 4, 6]
    x = main.tensor(shape)
    outputs = [main.tensor([*shape[: axis % 3], n, *shape[axis % 3 + 1 :]]) for n in parts]
    at = main.integers(axis, scalar=True)
    if sizes is None:
        main.op("SPLIT", [at, x], outputs, schema.SplitOptionsT(len(parts)))
    else:
        inputs = [x, main.integers(*sizes), at]
        main.op("SPLIT_V", inputs, outputs, schema.SplitVOptionsT(len(parts)))
    return maker.data([x], outputs)


@needs_tflm
@pytest.mark.parametrize(
    ("axis", "sizes", "parts"),
    [(1, None, [2, 2]), (-1, None, [2, 2, 2]), (2, (1, 5), [1, 5]), (-2, (1, 1, 2), [1, 1, 2])],
)
def test_splits_are_tflm_s(axis: int, sizes: tuple[int, ...] | None, parts: list[int]) -> None:
    graph = equals_tflm(split(TfliteMaker(), axis, sizes, parts))
    assert [node.op for node in graph.nodes] == ["strided_slice"] * len(parts)


def test_the_rest_of_a_split() -> None:
    graph = read_tflite(split(TfliteMaker(), 1, (1, -1), [1, 3]), "m")
    assert [graph.tensors[name].shape[1] for name in graph.outputs] == [1, 3]


@pytest.mark.parametrize(
    ("axis", "sizes", "parts"),
    [(1, (1, 2), [1, 2]), (1, (5, -1), [5, 1]), (1, (2,), [2, 2]), (5, (2, 2), [2, 2])],
)
def test_a_malformed_split(axis: int, sizes: tuple[int, ...], parts: list[int]) -> None:
    with pytest.raises(ModelError, match="SPLIT_V with malformed inputs"):
        read_tflite(split(TfliteMaker(), axis, sizes, parts), "m")


def test_a_split_of_a_part_that_the_file_gives_another_shape() -> None:
    with pytest.raises(ModelError, match="output shape must be"):
        read_tflite(split(TfliteMaker(), 1, (1, 3), [2, 2]), "m")


# --- ends ----------------------------------------------------------------------------------------
def with_ends(kind: str, scale: float, zero: int) -> bytes:
    """The accumulator between conversions from and to another type."""
    maker = TfliteMaker()
    begins(maker, sum=None)
    main = maker.main
    outer = main.tensor(SHAPE, kind, scale, zero, name="audio")
    (x,), (total,) = accumulator(maker)
    main.table.operators.insert(1, None)
    main.op("QUANTIZE", [outer], [x])
    main.table.operators[1] = main.table.operators.pop()
    result = main.tensor(SHAPE, kind, 0.05, 3 + zero, name="score")
    main.op("DEQUANTIZE" if kind == "float32" else "QUANTIZE", [total], [result])
    return maker.data([outer], [result])


@needs_tflm
def test_uint8_ends() -> None:
    data = with_ends("uint8", 0.01, 131)
    graph = read_tflite(data, "m")
    assert stripped_ends(data, "m") == ("audio", "score") and len(graph.nodes) == 1
    assert graph.tensors["audio"].dtype is DType.INT8
    clips = random_clips(graph, LENGTHS)
    x = np.concatenate([clip[0] for clip in clips])
    theirs = run_tflm(data, [(x.astype(int) + 128).astype(np.uint8)], clips=LENGTHS).outputs[0]
    ours = np.concatenate([run_case(graph, clip)[0] for clip in clips])
    np.testing.assert_array_equal(theirs.astype(int) - 131, ours)


@needs_tflm
def test_int16_ends_stay_what_they_are() -> None:
    graph = equals_tflm(with_ends("int16", 0.001, 0))
    assert [graph.tensors[n].dtype for n in ("audio", "score")] == [DType.INT16] * 2


@needs_tflm
@pytest.mark.parametrize("kind", ["int8", "int16"])
def test_float_variables_between_conversions(kind: str) -> None:
    """As TensorFlow's converter writes them unless it is told to quantise variables."""
    graph = equals_tflm(float_ring(kind))
    assert [node.op for node in graph.nodes] == ["concatenation", "strided_slice"]


def test_float_ends() -> None:
    data = with_ends("float32", 1, 0)
    assert stripped_ends(data, "m") == ("audio", "score")
    assert [node.op for node in read_tflite(data, "m").nodes] == ["add"]


# --- pairs of inputs and outputs that the user states --------------------------------------------
@needs_tflm
@pytest.mark.parametrize(("scale", "zero"), [(0.05, 3), (0.04, -7)])
def test_pairs_of_a_file(scale: float, zero: int, tmp_path: Path) -> None:
    """As kws_streaming writes its external state: where the scales differ, a layer rescales."""
    maker = TfliteMaker()
    main = maker.main
    x, h = main.tensor(SHAPE, scale=0.01), main.tensor(SHAPE, name="h")
    total = main.add(h, x, scale, zero)
    main.table.tensors[total].name = "h_out"
    (tmp_path / "m.tflite").write_bytes(maker.data([x, h], [main.add(total, total, 0.1), total]))
    assert "--state h=h_out" in load(tmp_path / "m.tflite").source.issues[0].message
    model = load(tmp_path / "m.tflite", states=["h=h_out"])
    graph = equals_tflm(model.int8.data)
    assert len(graph.states) == len(graph.free_outputs) == 1
    rescales = [node.op for node in graph.nodes].count("quantize")
    assert rescales == ((scale, zero) != (0.05, 3))


@needs_tflm
def test_a_pair_beside_a_variable(tmp_path: Path) -> None:
    maker = TfliteMaker()
    (x,), (total,) = sums(maker)
    main = maker.main
    h = main.tensor(SHAPE, name="h")
    both = main.add(h, total)
    (tmp_path / "m.tflite").write_bytes(maker.data([x, h], [total, both]))
    name = main.table.tensors[both].name
    graph = equals_tflm(load(tmp_path / "m.tflite", states=[f"h={name}"]).int8.data)
    assert [state.read == "h" for state in graph.states] == [False, True]


@needs_tflm
def test_litert_keeps_the_states_too() -> None:
    graph = listening_network()
    (clip,) = random_clips(graph, (12,))
    (found,) = run_litert_reference(write_tflite(graph), clip)
    assert found.tobytes() == run_case(graph, clip)[0].tobytes()


# --- a published model ---------------------------------------------------------------------------
@needs_tflm
def test_a_published_wake_word_network() -> None:
    path = outside.file(outside.CASES, "models/real/mww_vad.tflite")
    graph = load_tflite(path)
    assert [len(graph.states), len(graph.free_inputs), len(graph.free_outputs)] == [4, 1, 1]
    clips = random_clips(graph, LENGTHS)
    x = np.concatenate([clip[0] for clip in clips])
    expected = run_tflm(path.read_bytes(), [x], clips=LENGTHS).outputs[0]
    found = np.concatenate([run_case(graph, clip)[0] for clip in clips])
    np.testing.assert_array_equal(expected.astype(int) - 128, found)
    written = write_tflite(graph)
    np.testing.assert_array_equal(run_tflm(written, [x], clips=LENGTHS).outputs[0], found)
    assert write_tflite(read_tflite(written, "m")) == written
