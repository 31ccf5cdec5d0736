"""TFLM from a checkout: the kernel of attention pooling, and whole applications, compiled and run.

$TOOLKIT_TFLM names the checkout; without it the tests that compile are skipped.
"""

from __future__ import annotations

import re
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.ops import test_normalization, test_recurrent, test_table
from tests.ops.test_attention_pool import pool_graph, random_case, random_graph
from tests.support import outside
from tests.support.onnx_models import ModelMaker, save
from tests.support.operators import AddCase, pack
from tests.support.oracle import run_numpy
from tests.support.states import listening_model
from toolkit.deploy.model import load
from toolkit.deploy.tflm import NAME
from toolkit.emit import Library
from toolkit.emit.c_text import comment_text
from toolkit.emit.tflm import CUSTOM, Arena, TflmModel, resolver_method
from toolkit.errors import InputError, UnsupportedError
from toolkit.ir import Graph, GraphBuilder
from toolkit.measurement import Provenance
from toolkit.ops import OPERATORS
from toolkit.ops.attention_pool import AttentionPoolAttrs
from toolkit.plan import plan_arena, plan_stream
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import Report
from toolkit.resources import data_dir
from toolkit.tflite.oracle import tflm_available
from toolkit.tflite.write import write_tflite
from toolkit.toolchain.tflm import CXX_FLAGS, Checkout
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.stages import silent

CASES = 1200
DRIVER = Path(__file__).resolve().parents[1] / "support" / "tflm_cases.cc"
TEMPLATES = data_dir("firmware_templates")


@pytest.fixture(scope="module")
def checkout() -> Checkout:
    return Checkout.at(outside.folder(outside.TFLM))


@pytest.fixture(scope="module")
def driver(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel with TFLM's interpreter around it, for this workstation."""
    folder = tmp_path_factory.mktemp("tflm")
    own = [f"-I{TEMPLATES / room}" for room in ("tflm", "kernels")]
    cxx = ["g++", *CXX_FLAGS, "-O1", *checkout.include_flags, *own]
    strict = ["-Wall", "-Wextra", "-Werror"]
    commands = [[*cxx, "-w", str(path)] for path in (*checkout.core(), *checkout.kernels([]))]
    operators = [TEMPLATES / "tflm" / f"{kernel.stem}.cc" for kernel in CUSTOM.values()]
    commands += [[*cxx, *strict, str(path)] for path in (*operators, DRIVER)]
    commands += [
        ["gcc", "-std=c99", "-O1", *own, str(TEMPLATES / "kernels" / f"{stem}.c")]
        for kernel in CUSTOM.values()
        for stem in kernel.kernels
    ]
    objects = [str(folder / f"{number}.o") for number in range(len(commands))]

    def compile_one(number: int) -> None:
        subprocess.run([*commands[number], "-c", "-o", objects[number]], check=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(compile_one, range(len(commands))))
    program = folder / "driver"
    subprocess.run(["g++", "-Wl,--gc-sections", *objects, "-o", str(program)], check=True)
    return program


def run_driver(driver: Path, cases: list[tuple[bytes, bytes]]) -> bytes:
    parts = [struct.pack("<I", len(cases))]
    for file, values in cases:
        parts += [struct.pack("<I", len(file)), file, struct.pack("<I", len(values)), values]
    return subprocess.run([driver], input=b"".join(parts), stdout=-1, check=True).stdout


@pytest.mark.exhaustive
def test_the_kernel_in_tflms_interpreter_gives_the_bits_of_the_reference(driver: Path) -> None:
    rng = np.random.default_rng(0)
    graphs = [random_graph(rng) for _ in range(CASES)]
    inputs = [random_case(graph, rng) for graph in graphs]
    cases = [
        (write_tflite(graph), b"".join(case[name].tobytes() for name in graph.inputs))
        for graph, case in zip(graphs, inputs, strict=True)
    ]
    expected = []
    for graph, case in zip(graphs, inputs, strict=True):
        (want,) = run_numpy(graph, [case[name][None] for name in graph.inputs])
        expected.append(struct.pack("<I", 1) + want.tobytes())
    assert len({graph.tensors["y"].dtype for graph in graphs}) == 2
    assert run_driver(driver, cases) == b"".join(expected)


def gru(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """Along any of three axes, both ways, from zeros or from a known state."""
    shape = tuple(int(n) for n in rng.integers((1, 1, 1, 1), (4, 5, 4, 10)))
    x = test_recurrent.add_activation(builder, rng, shape)
    return test_recurrent.add_gru(builder, rng, x, int(rng.integers(1, 11)), plain=False)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "case",
    [
        *(partial(test_table.case, kinds) for kinds in test_table.KINDS),
        *(partial(test_normalization.case, kinds) for kinds in test_normalization.KINDS),
        gru,
        test_recurrent.begun,
    ],
)
def test_the_other_kernels_too(case: AddCase, driver: Path) -> None:
    """Tables, normalisation and GRU of random shapes and scales, one a file."""
    graphs = [pack(case, 1, seed) for seed in range(40)]
    rng = np.random.default_rng(0)
    cases, expected = [], b""
    for graph in graphs:
        tensors = [graph.tensors[name] for name in graph.inputs]
        inputs = [
            rng.integers(*t.dtype.limits, t.shape, t.dtype.numpy, endpoint=True) for t in tensors
        ]
        cases.append((write_tflite(graph), b"".join(values.tobytes() for values in inputs)))
        (want,) = run_numpy(graph, [values[None] for values in inputs])
        expected += struct.pack("<I", 1) + want.tobytes()
    assert run_driver(driver, cases) == expected
    options = graphs[0].nodes[0]
    file = cases[0][0]
    magic = {"table": b"TKTA", "normalization": b"TKNO", "gru": b"TKGR"}[options.op] + b"\x01\x00"
    assert file.count(magic) == 1
    assert run_driver(driver, [(file.replace(magic, magic[:4] + b"\x02\x00"), b"")]) == bytes(4)


@pytest.mark.exhaustive
def test_the_kernel_refuses_what_it_does_not_know(driver: Path) -> None:
    """Another version, another axis, a table with a weight of 0 or above 1."""
    file, values = write_tflite(pool_graph()), bytes(2 * 20 * 3 * 4)
    one = struct.pack("<I", 1 << 30)
    changes = [
        (b"TKAP\x01\x00\x01\x00", b"TKAP\x02\x00\x01\x00"),
        (b"TKAP\x01\x00\x01\x00", b"TKAP\x01\x00\x02\x00"),
        (one, bytes(4)),
        (one, struct.pack("<I", (1 << 30) + 1)),
    ]
    assert all(file.count(old) == 1 for old, _ in changes)
    cases = [(file.replace(old, new), values) for old, new in changes]
    assert run_driver(driver, cases) == bytes(4 * len(changes))
    assert run_driver(driver, [(file, values)])[:4] == struct.pack("<I", 1)


def test_every_builtin_operator_has_a_method_and_a_kernel_of_that_name(checkout: Checkout) -> None:
    header = checkout.folder / "tensorflow/lite/micro/micro_mutable_op_resolver.h"
    text = header.read_text(encoding="utf-8")
    names = {op.tflite_name for op in OPERATORS.values() if not op.custom}
    names |= {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"}
    assert not [name for name in names if f" {resolver_method(name)}(" not in text]
    assert checkout.kernels(names)


def built(model: str, folder: Path, **options: object) -> Report:
    request = BuildRequest(model, "cortex-m4", folder, engine="tflm", allow_misfit=True, **options)  # type: ignore[arg-type]
    return build(request, silent)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "model", ["wav2small", "mlperf_tiny_kws_int8.tflite", "listening", "custom"]
)
def test_the_application_has_the_bits_of_the_reference_on_the_core(
    model: str, checkout: Checkout, tmp_path: Path
) -> None:
    """A custom operator; builtin ones, whose reference TFLM's own interpreter confirms; states,
    step by step; the other custom operators."""
    path = model
    if model == "custom":
        path = str(save(custom(), tmp_path))
    if model == "listening":
        path = str(listening_model(tmp_path / "listening.onnx"))
    elif model.endswith(".tflite"):
        path = str(outside.file(outside.MODELS, model))
    options = {"tflm_dir": checkout.folder, "toolchain": "gcc", "simulator": "qemu"}
    report = built(path, tmp_path / "out", **options)
    checks = {check.name: check for check in report.checks}
    assert checks[NAME].passed and checks[NAME].required, checks[NAME].detail
    assert checks["bit_match"].passed
    arena = report.find("tflm_core_arena_bytes", Provenance.MEASURED)
    assert arena is not None and "on the core" in arena.basis
    if model in ("wav2small", "custom"):  # which the Python interpreter does not know
        assert checks["tflm_match"].passed is None
    else:
        assert checks["tflm_match"].passed
        on_a_workstation = report.find("tflm_arena_bytes", Provenance.MEASURED)
        assert on_a_workstation is not None and arena.value < on_a_workstation.value
    assert report.find("tflm_cycles_per_inference", Provenance.SIMULATED) is not None
    assert (tmp_path / "out" / "tflm" / "firmware.elf").is_file()


def custom() -> onnx.ModelProto:
    """A GRU, layer normalisation and a function, one behind the other."""
    m = ModelMaker(9, 1, 10)
    shapes = ((1, 36, 10), (1, 36, 12), (1, 72))
    y = m.op("GRU", "x", *(m.weights(*shape) for shape in shapes), hidden_size=12)
    y = m.op("Reshape", y, m.constant(np.array([9, 12])))
    y = m.op("LayerNormalization", y, m.weights(12), m.weights(12))
    return m.model(m.dense(m.op("Softplus", y), 12, 5))


def test_the_other_custom_operators_are_in_the_application(tmp_path: Path) -> None:
    report = built(
        str(save(custom(), tmp_path)), tmp_path / "out", toolchain="gcc", simulator="host"
    )
    assert report.passed
    (source,) = (tmp_path / "out" / "tflm").glob("model*.cc")
    text = " ".join(source.read_text(encoding="utf-8").split())
    for name in ("Gru", "Normalization", "Table"):
        assert f"AddCustom(toolkit::k{name}Name, toolkit::Register{name}()) == kTfLiteOk" in text
    there = {path.name for path in (tmp_path / "out" / "tflm").iterdir()}
    assert {"tk_gru_op.cc", "tk_normalization_op.h", "tk_table_op.cc", "tk_tflm.h"} <= there


def test_without_a_checkout_the_application_is_written_and_not_checked(tmp_path: Path) -> None:
    path = str(listening_model(tmp_path / "listening.onnx"))
    report = built(path, tmp_path / "out", toolchain="gcc", simulator="host")
    (check,) = (one for one in report.checks if one.name == NAME)
    assert check.passed is None and not check.required and "--tflm-dir" in check.detail
    (header,) = (tmp_path / "out" / "tflm").glob("listening*.h")
    text = header.read_text(encoding="utf-8")
    assert "measured by TFLM on x86-64" in text or not tflm_available()


def test_the_resolver_has_the_operators_of_the_file_alone() -> None:
    deployment = load("wav2small", 0.2).deploy("cortex-m4", ScheduleRequest("batch"))
    library = Library("wav2small", deployment.plan, b"", deployment.front_end)
    files = TflmModel.of(library, "cortex-m4").files(Arena(4096, comment_text("of a test")))
    text = files["tflm/wav2small.cc"].decode()
    calls = re.findall(r"resolver->(\w+)\(", text)
    assert {"AddConv2D", "AddCustom"} <= set(calls) and "AddSoftmax" not in calls
    count = re.search(r"MicroMutableOpResolver<(\d+)>", text)
    assert count is not None and int(count[1]) == len(calls) == len(set(calls))
    assert "tflm/tk_attention_pool.cc" in files
    assert "4096 B, of a test" in files["tflm/wav2small.h"].decode()


def test_what_tflm_cannot_do_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--schedule stream: TFLM"):
        built("wav2small", tmp_path, schedule=ScheduleRequest("stream"))
    with pytest.raises(InputError, match="--hop-out: TFLM"):
        built("wav2small", tmp_path, schedule=ScheduleRequest(hop_out_seconds=0.5))
    with pytest.raises(InputError, match="--tflm-dir goes with --engine tflm"):
        BuildRequest("wav2small", "cortex-m4", tmp_path, tflm_dir=tmp_path)
    with pytest.raises(InputError, match="no checkout of tflite-micro"):
        built("wav2small", tmp_path / "out", tflm_dir=tmp_path)
    whole = pool_graph()
    plan = plan_arena(whole)
    assert TflmModel.of(Library("pool", plan, b""), "cortex-m4").custom == ("tk.attention_pool",)
    streamed = plan_stream(whole)
    with pytest.raises(InputError, match="this plan is stream"):
        TflmModel.of(Library("pool", streamed, b""), "cortex-m4")
    plan = plan_arena(repeating_pool())
    with pytest.raises(UnsupportedError, match="attention_pool of weights that repeat"):
        TflmModel.of(Library("pool", plan, b""), "cortex-m4")


def repeating_pool() -> Graph:
    """A pool whose weights are one a frame."""
    whole = pool_graph((1, 20, 1, 5))
    builder = GraphBuilder("repeating")
    builder.add_input(whole.tensors["lin"])
    builder.add_input(replace(whole.tensors["logits"], shape=(1, 20, 1, 1)))
    values = whole.tensors["table"].values
    inputs = ["lin", "logits", builder.constant("table", values)]
    y = builder.add_node("attention_pool", inputs, whole.tensors["y"], AttentionPoolAttrs())
    builder.outputs = [y]
    return builder.build()
