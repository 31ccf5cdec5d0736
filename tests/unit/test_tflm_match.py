"""What TFLM's interpreter confirms of a run, and what it cannot."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.support.tflite_maker import TfliteMaker
from toolkit.compare.outputs import stock_file, tflm_match
from toolkit.model.reference import output_bytes
from toolkit.model.source import Source
from toolkit.ops.check import custom_operators
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite


def elu() -> bytes:
    """TFLM's own operators, of which ours are a table and an addition."""
    maker = TfliteMaker()
    main = maker.main
    x, y, z = (main.tensor([1, 16]) for _ in range(3))
    main.op("ELU", [x], [y])
    main.op("ADD", [x, y], [z], schema.AddOptionsT())
    return maker.data([x], [z])


def test_a_file_of_its_operators_is_run_as_it_came() -> None:
    data = elu()
    graph = read_tflite(data, "m")
    source = Source("m", "m", "", tflite=data)
    file = stock_file(source, graph)
    assert custom_operators(graph) == ("tk.table",) and file == data
    rng = np.random.default_rng(0)
    cases = [[rng.integers(-128, 128, (1, 16)).astype(np.int8)] for _ in range(3)]
    found = [output_bytes(graph, case) for case in cases]
    assert tflm_match(source, graph, cases, found).passed
    wrong = [[bytes([data[0] ^ 1]) + data[1:] for data in case] for case in found]
    check = tflm_match(source, graph, cases, wrong)
    assert check.failed and check.detail == "3 output bytes differ from TFLM's interpreter"


def test_custom_operators_are_named() -> None:
    graph = read_tflite(elu(), "m")
    written = write_tflite(graph)
    check = tflm_match(Source("m", "m", "", tflite=written), graph, [], [])
    assert check.passed is None
    assert check.detail == ("not checked: has custom operators tk.table, TFLM cannot run them")
