"""Names and numbers as C text."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.graphs import activation
from toolkit.emit.c_text import (
    IdentifierPool,
    c_type,
    comment_text,
    identifier_stem,
    integer,
    word_lines,
    words,
)
from toolkit.emit.parts import label_macros
from toolkit.errors import UnsupportedError
from toolkit.ir import DType, GraphBuilder
from toolkit.ir.labels import LABELS_KEY


@given(st.text())
def test_comments_hold_plain_characters_only(name: str) -> None:
    text = comment_text(name)
    assert re.fullmatch(r"[A-Za-z0-9 _.,:;/()\[\]+=-]{0,80}", text)


@given(st.lists(st.tuples(st.text(), st.sampled_from(["params", "bias"])), max_size=20))
def test_identifiers_are_valid_and_unique(names: list[tuple[str, str]]) -> None:
    pool = IdentifierPool("model_")
    made = [pool.take(identifier_stem(name, "conv_2d"), suffix) for name, suffix in names]
    assert len(set(made)) == len(made)
    for identifier in made:
        assert re.fullmatch(r"model_[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", identifier)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("conv_2", "conv_2"),
        ("functional_1/activation/Relu;functional_1/batch_norm", "functional_1_activation_Relu"),
        ("7", "conv_2d_7"),
        ("7up", "n_7up"),
        ("日本", "conv_2d"),
        ("", "conv_2d"),
        ("__x__", "x"),
        ("a" * 10_000, "a" * 40),
    ],
)
def test_stems(name: str, stem: str) -> None:
    assert identifier_stem(name, "conv_2d") == stem


def test_names_that_meet_are_numbered_and_the_api_is_never_shadowed() -> None:
    pool = IdentifierPool("model_")
    assert [pool.take("a", "b_c"), pool.take("a_b", "c"), pool.take("input", "bytes")] == [
        "model_a_b_c",
        "model_a_b_2_c",
        "model_input_2_bytes",
    ]


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (-(2**31), "INT32_MIN"),
        (2**31 - 1, "2147483647"),
        (2**31, "2147483648u"),
        (2**32 - 1, "4294967295u"),
        (2**32, "INT64_C(4294967296)"),
        (-(2**31) - 1, "INT64_C(-2147483649)"),
        (2**63 - 1, "INT64_C(9223372036854775807)"),
        (-(2**63), "INT64_MIN"),
        (-128, "-128"),
    ],
)
def test_literals(value: int, literal: str) -> None:
    assert integer(value) == literal


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=200))
def test_words_hold_every_value_in_100_columns(values: list[int]) -> None:
    lines = word_lines(words(np.array(values, np.int32)))
    assert max(map(len, lines)) <= 100
    found = [int(word, 16) for word in " ".join(lines).replace("u,", "").split()]
    assert np.array(found, np.uint32).view(np.int32).tolist() == values


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=9))
def test_bytes_fill_words_from_their_low_end(values: list[int]) -> None:
    found = words(np.array(values, np.int8))
    assert found.tobytes() == np.array(values, np.int8).tobytes() + bytes(-len(values) % 4)


def test_floats_have_no_place_in_generated_code() -> None:
    with pytest.raises(UnsupportedError, match=r"tensor 'x'.+ got float32"):
        c_type(DType.FLOAT32, "tensor 'x'")


@pytest.mark.parametrize(
    ("labels", "macros"),
    [
        (["yes", "no", "may be"], ("YES", "NO", "MAY_BE")),
        (["c++", "C", "scale"], ("VALUE_0", "VALUE_1", "VALUE_2")),
        (["1", "-", "é"], ("1", "VALUE_1", "VALUE_2")),
        (["value 1", "-", "x"], ()),
    ],
)
def test_every_label_gives_a_macro(labels: list[str], macros: tuple[str, ...]) -> None:
    builder = GraphBuilder("labelled")
    builder.outputs.append(builder.add_input(activation("x", (1, 3), 0.1, 0)))
    graph = replace(builder.build(), metadata={LABELS_KEY: json.dumps(labels)})
    assert label_macros(graph, [graph.tensors["x"]]) == macros
