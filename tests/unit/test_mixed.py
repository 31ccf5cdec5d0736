"""int16 where it pays: what can be chosen, what the search finds, what the layer report says."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.support.host_run import assert_c_matches_numpy
from tests.support.onnx_models import ModelMaker, save
from tests.support.oracle import assert_matches_tflm
from tests.support.stream_host import Streamed, assert_streams_like_batch
from tests.support.variants import dsp_variants
from tests.unit.test_quantize import cases, float_graph, needs_tflm, outputs
from toolkit.errors import InputError
from toolkit.frontend.load import load_onnx
from toolkit.ir import DType, Graph
from toolkit.model.load import load_source
from toolkit.ops.execute import run_graph
from toolkit.passes.expand_hard_swish import expand_hard_swish
from toolkit.passes.optimize import optimize
from toolkit.plan import plan_stream
from toolkit.quantize.advice import MINOR_SHARE, advice, attention_issues, summary
from toolkit.quantize.convert import convert
from toolkit.quantize.holdout import held_out
from toolkit.quantize.layers import TensorError, rounding_noise, tensor_errors
from toolkit.quantize.mixed import MARGIN_DB, Trial, choose_wide
from toolkit.quantize.outputs import Batch
from toolkit.quantize.ranges import Ranges, calibrate
from toolkit.quantize.recipe import Data, Recipe, apply_recipe
from toolkit.quantize.snr import int8_snr_db
from toolkit.quantize.wide import candidates, head_tensors, named_tensors, wide_tensors
from toolkit.report.accuracy import AccuracyReport, AccuracyRow, render
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite


def prepared(name: str, folder: Path) -> tuple[Graph, Ranges, list[Batch]]:
    graph = float_graph(name, folder)
    batches: list[Batch] = [{"x": x} for x in cases(graph, 40)]
    return graph, calibrate(graph, batches), batches


def wide_nodes(graph: Graph) -> set[str]:
    return {
        node.op
        for node in graph.nodes
        if graph.tensors[node.outputs[0]].dtype is DType.INT16 and node.op != "quantize"
    }


@needs_tflm
@pytest.mark.parametrize("name", ["ds_cnn", "resnet", "mobilenet_v3", "conv_1d", "dense"])
def test_networks_wholly_in_int16_have_tflms_bits(name: str, tmp_path: Path) -> None:
    graph, ranges, _ = prepared(name, tmp_path)
    form = convert(graph, ranges, wide=candidates(graph))
    assert len(wide_nodes(form)) >= 1
    assert_matches_tflm(form, cases=5)
    assert_c_matches_numpy(read_tflite(write_tflite(form), name), tmp_path / "c", cases=3)


@pytest.mark.parametrize("quotient", [False, True])
def test_rectifiers_and_quotients_have_16_bits(quotient: bool, tmp_path: Path) -> None:
    """TFLM has the rectifiers alone."""
    m = ModelMaker(1, 3, 6, 8)
    slopes = m.constant(m.rng.uniform(0, 0.5, (4, 1, 1)).astype(np.float32))
    y = m.op("PRelu", m.conv("x", (3, 4), (3, 3)), slopes)
    y = m.op("LeakyRelu", m.conv(y, (4, 4), (1, 1)), alpha=0.2)
    if quotient:
        y = m.op("Div", y, m.op("Add", m.op("Abs", m.conv(y, (4, 4), (1, 1))), m.weights(4, 1, 1)))
    graph = optimize(load_onnx(save(m.model(m.conv(y, (4, 2), (2, 2))), tmp_path)))
    rng = np.random.default_rng(0)
    batches: list[Batch] = [
        {"x": rng.standard_normal(graph.tensors["x"].shape).astype(np.float32)} for _ in range(8)
    ]
    form = convert(graph, calibrate(graph, batches), wide=candidates(graph))
    wanted = {"prelu", "leaky_relu", *(("div",) if quotient else ())}
    assert wanted <= wide_nodes(form)
    slopes_of = next(node.inputs[1] for node in form.nodes if node.op == "prelu")
    assert form.tensors[slopes_of or ""].dtype is DType.INT8
    if not quotient:
        assert_matches_tflm(form, cases=5)
    assert_c_matches_numpy(read_tflite(write_tflite(form), "m"), tmp_path / "c", cases=3)


def test_a_streamed_network_in_int16_has_the_batch_networks_bits(tmp_path: Path) -> None:
    """Every layer of Wav2Small but the logits and what they weigh."""
    source = load_source("wav2small", 0.1)
    assert source.float_graph is not None and source.ranges is not None
    graph = convert(source.float_graph, source.ranges, wide=candidates(source.float_graph))
    assert {"conv_2d", "max_pool_2d"} <= wide_nodes(graph)
    for name, variants in (("portable", {}), ("dsp", dsp_variants(graph))):
        plan = plan_stream(graph, variants=variants)
        streamed = Streamed(graph, plan, tmp_path / name)
        assert_streams_like_batch(streamed, [31, 8, 57])


def test_int16_is_closer_to_float(tmp_path: Path) -> None:
    graph, ranges, _ = prepared("resnet", tmp_path)
    inputs = cases(graph)[60:]
    want = outputs(graph, inputs)
    ratios = [
        int8_snr_db(want, outputs(convert(graph, ranges, wide=chosen), inputs))
        for chosen in ((), candidates(graph))
    ]
    assert ratios[1] > ratios[0] + 1


def test_hard_swish_spelt_out_is_the_same_function(tmp_path: Path) -> None:
    graph, _, batches = prepared("mobilenet_v3", tmp_path)
    names = [node.outputs[0] for node in graph.nodes if node.op == "hard_swish"]
    spelt = expand_hard_swish(graph, names[:1])
    left = [node for node in spelt.nodes if node.op == "hard_swish"]
    assert len(left) == len(names) - 1 >= 1
    for batch in batches[:3]:
        want, have = (run_graph(g, batch)[graph.outputs[0]] for g in (graph, spelt))
        np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-5)


def test_names_are_checked(tmp_path: Path) -> None:
    graph, _, _ = prepared("resnet", tmp_path)
    first = candidates(graph)[0]
    assert named_tensors(graph, [first]) == {first}
    with pytest.raises(InputError, match="computes no such tensor"):
        named_tensors(graph, ["nowhere"])
    with pytest.raises(InputError, match="computes no such tensor"):
        named_tensors(graph, graph.inputs)


def test_softmax_weights_are_int16_whatever_is_chosen(tmp_path: Path) -> None:
    graph, _, _ = prepared("softmax_over_rows", tmp_path)
    (softmax,) = (node for node in graph.nodes if node.op == "softmax")
    assert softmax.outputs[0] in wide_tensors(graph, ())


def test_the_search_takes_nothing_where_int8_does(tmp_path: Path) -> None:
    graph, ranges, batches = prepared("conv_1d", tmp_path)
    choice = choose_wide(graph, Trial(ranges, (), batches), 10.0)
    assert (choice.wide, choice.reached) == ((), True)
    assert choice.snr_db == choice.int8_snr_db >= 10.0 + MARGIN_DB


def test_the_search_reaches_more_and_needs_what_it_takes(tmp_path: Path) -> None:
    graph, ranges, batches = prepared("resnet", tmp_path)
    plain = choose_wide(graph, Trial(ranges, (), batches), 0.0).int8_snr_db
    target = plain - MARGIN_DB + 0.5
    choice = choose_wide(graph, Trial(ranges, (), batches), target)
    assert choice.reached and choice.snr_db >= target + MARGIN_DB
    assert 0 < len(choice.wide) <= len(candidates(graph))
    inputs = np.stack([batch["x"] for batch in batches])[:: -(-len(batches) // 24)]
    want = outputs(graph, inputs)
    for name in choice.wide:
        rest = [other for other in choice.wide if other != name]
        ratio = int8_snr_db(want, outputs(convert(graph, ranges, wide=rest), inputs))
        assert ratio < target + MARGIN_DB, f"{name} is not needed"


def test_the_search_starts_from_attentions_head(tmp_path: Path) -> None:
    """Even where int8 alone would do on the cases that it is judged by."""
    graph, ranges, batches = prepared("attention", tmp_path)
    head = head_tensors(graph)
    for target in (0.0, 200.0):
        choice = choose_wide(graph, Trial(ranges, (), batches), target)
        assert head and head <= wide_tensors(graph, choice.wide)
        assert choice.snr_db >= choice.head_snr_db > choice.int8_snr_db


def test_what_is_held_out_shapes_neither_ranges_nor_biases(tmp_path: Path) -> None:
    """The search's figures are those of a conversion that never saw the cases held out."""
    graph, _, batches = prepared("attention", tmp_path)
    judges = held_out(range(len(batches)))
    seen = [batch for index, batch in enumerate(batches) if index not in judges]
    inputs = np.stack([batches[index]["x"] for index in judges])
    recipe = Recipe(mixed="auto", bias_correction=True, target_snr_db=0.0)
    found = apply_recipe(graph, recipe, None, Data(batches)).search
    assert found is not None and found.cases == len(judges)
    form = apply_recipe(graph, replace(recipe, mixed="head"), None, Data(seen)).quantized
    assert found.snr_db == int8_snr_db(outputs(graph, inputs), outputs(form, inputs))


def test_every_third_recording_is_held_out() -> None:
    assert held_out([0, 0, 1, 1, 2, 3, 4, 4, 5]) == (2, 3, 6, 7)
    assert held_out([0] * 9) == (6, 7, 8), "the end of a lone one"
    assert held_out([0, 0, 0, 0, 1, 1, 1, 1]) == (3, 7)
    assert held_out(range(7)) == (), "too few"


def test_the_search_says_when_nothing_is_enough(tmp_path: Path) -> None:
    graph, ranges, batches = prepared("dense", tmp_path)
    choice = choose_wide(graph, Trial(ranges, (), batches), 200.0)
    assert not choice.reached
    assert choice.snr_db >= choice.int8_snr_db


def test_rounding_noise_adds_up_to_the_error_at_the_output(tmp_path: Path) -> None:
    graph, ranges, batches = prepared("resnet", tmp_path)
    form = convert(graph, ranges, wide=())
    rows = tensor_errors(graph, form, batches[:8])
    assert sum(row.output_share for row in rows) == pytest.approx(1.0)
    noise = rounding_noise(graph, form, batches[:8])
    inputs = np.stack([batch["x"] for batch in batches[:8]])
    error = float(np.mean((outputs(form, inputs) - outputs(graph, inputs)) ** 2))
    assert 0.1 * error < sum(noise.values()) < error, "weights and the input make the rest"


def test_the_worst_layer_is_the_one_that_was_spoilt(tmp_path: Path) -> None:
    graph, ranges, batches = prepared("resnet", tmp_path)
    victim = [node.outputs[0] for node in graph.nodes if node.op == "conv_2d"][1]
    low, high = ranges.limits[victim]
    coarse = Ranges({**ranges.limits, victim: (20 * low, 20 * high)})
    rows = tensor_errors(graph, convert(graph, coarse, wide=()), batches[:6])
    assert max(rows, key=lambda row: row.output_share).name == victim
    assert repr(victim) in summary(rows)
    clipped = Ranges({**ranges.limits, victim: (0.2 * low, 0.2 * high)})
    rows = tensor_errors(graph, convert(graph, clipped, wide=()), batches[:6])
    (row,) = (row for row in rows if row.name == victim)
    assert row.clipped > 0.01
    assert "clipped" in advice(row, True, False)


ROW = TensorError("t", "conv_2d", "int8", (1, 4), 30.0, 2.0, 0.5, 0.5, 0.1, 0.0, 0.0, 2.0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"output_share": MINOR_SHARE / 2}, ""),
        ({"clipped": 0.01}, "1.0 % of its values are clipped"),
        ({"shift_share": 0.5}, "--bias-correction"),
        ({"op": "input"}, "input's own int8 steps"),
        ({"weight_share": 0.7}, "QAT"),
        ({"channel_spread": 20.0}, "--equalize"),
        ({}, "--mixed auto"),
    ],
)
def test_advice(changes: dict[str, object], expected: str) -> None:
    row = TensorError(**{**ROW.__dict__, **changes})  # type: ignore[arg-type]
    text = advice(row, True, False)
    assert text == "" if not expected else expected in text


def test_wide_logits_are_warned_of(tmp_path: Path) -> None:
    graph, ranges, _ = prepared("attention", tmp_path)
    (pool,) = (node for node in graph.nodes if node.op == "attention_pool")
    logits = str(pool.inputs[1])
    assert attention_issues(convert(graph, Ranges({**ranges.limits, logits: (-2.0, 2.0)}))) == ()
    stretched = Ranges({**ranges.limits, logits: (-10.0, 10.0)})
    (issue,) = attention_issues(convert(graph, stretched))
    assert "span 20.0 nats" in issue.message


class Texts(HTMLParser):
    """The text of a page, and its tags, which must be balanced but for those without an end."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "img")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_format_says_the_same() -> None:
    hostile = AccuracyRow(**{**ROW.__dict__, "name": "<script>&"}, advice='say "<b>"')
    priced = AccuracyRow(**ROW.__dict__, int16_ram_bytes=1234, int16_cycles=5678)
    exact = AccuracyRow(**{**ROW.__dict__, "snr_db": float("inf")})
    report = AccuracyReport("m", "0" * 64, "4 cases", 31.26, "sum", (hostile, priced, exact))
    document = json.loads(render(report, ".json"))
    assert [row["snr_db"] for row in document["tensors"]] == [30.0, 30.0, None]
    page = Texts(render(report, ".HTML"))
    assert page.open == []
    assert "<script>&" in page.texts
    text = render(report, ".txt")
    for part in ("31.3 dB", "int16 for 1,234 B of RAM, 5,678 cycles", 'say "<b>"'):
        assert part in text
        assert any(part in piece for piece in page.texts)
    with pytest.raises(InputError, match=r"no format for '\.pdf'"):
        render(report, ".pdf")


def test_the_recipe_records_what_it_chose(tmp_path: Path) -> None:
    graph, _, batches = prepared("attention", tmp_path)
    head = apply_recipe(graph, Recipe(), None, Data(batches))
    none = apply_recipe(graph, Recipe(mixed="none"), None, Data(batches))
    assert head.wide and not none.wide
    assert wide_nodes(none.quantized) == set()
    assert head.search is None
