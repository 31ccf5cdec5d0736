"""Every compiler, every kind of features, every simulator: the same rows, and no refusal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from benchmarks.features import DEMO_CLIP, HARNESS, quantisation, write_project
from tests.support.cli import speech_model
from tests.support.specs import as_mfcc, as_spectrogram
from toolkit.deploy.model import load
from toolkit.emit.features_only import OUTPUT_BYTES
from toolkit.errors import ToolMissingError
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.kinds import KINDS
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import MICRO_SPEECH, WAV2SMALL_RUNNING, FeatureSpec, LevelSpec, Raw
from toolkit.simulate import simulate
from toolkit.simulate.protocol import decode_output, encode_audio
from toolkit.targets import load_target
from toolkit.toolchain import device_sources, find_toolchain, host_sources

_CENTRED = replace(WAV2SMALL_RUNNING, frame_samples=400, hop_samples=160, n_mels=20, center=True)
SPECS: dict[str, FeatureSpec] = {
    "log_mel": replace(_CENTRED, n_fft=400, padding="reflect"),
    "mfcc": as_mfcc(_CENTRED, n_mfcc=10),
    "micro_frontend": MICRO_SPEECH,
    "raw": Raw(16_000, 100, 100, LevelSpec("running")),
    "spectrogram": as_spectrogram(_CENTRED, floor=1e-6),
}
TOOLCHAINS = ("zig", "gcc")
SIMULATORS = ("unicorn", "qemu", "host")
EVERY = list(product(TOOLCHAINS, SPECS, SIMULATORS))
#: Every two of a toolchain, a kind and a simulator together once.
PAIRWISE = {
    (TOOLCHAINS[(n + (simulator == "host")) % 2], kind, simulator)
    for n, kind in enumerate(SPECS)
    for simulator in SIMULATORS
}


def test_every_kind_is_there() -> None:
    assert set(SPECS) == set(KINDS)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert {(row[a], row[b]) for row in PAIRWISE} == {(row[a], row[b]) for row in EVERY}


@cache
def clip() -> NDArray[np.int16]:
    return load_clip(DEMO_CLIP, 16_000).samples[4000:12_000]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Compiles what is asked for, once."""

    @cache
    def program(toolchain: str, kind: str, for_host: bool) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        target = load_target("cortex-m4")
        write_project(SPECS[kind], "float32", folder, target)
        try:
            compiler = find_toolchain(toolchain)
            if for_host:
                return compiler.compile_host(folder, host_sources(folder), folder, HARNESS)
            return compiler.compile(folder, device_sources(folder), target, folder, HARNESS).elf
        except ToolMissingError as error:
            pytest.skip(str(error))

    yield program


@pytest.mark.parametrize(
    ("toolchain", "kind", "simulator"),
    [pytest.param(*row, marks=() if row in PAIRWISE else pytest.mark.exhaustive) for row in EVERY],
)
def test_rows_are_the_reference_s(toolchain: str, kind: str, simulator: str, programs) -> None:  # type: ignore[no-untyped-def]
    if simulator == "qemu" and shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")
    spec, target = SPECS[kind], load_target("cortex-m4")
    program = programs(toolchain, kind, simulator == "host")
    output = simulate(program, encode_audio([clip()]), simulator, target).output
    rows = decode_output(output, [OUTPUT_BYTES], spec.row_values).cases[0].rows
    expected = quantise_features(extract(clip(), spec), *quantisation(spec))
    assert rows is not None
    assert rows.shape == expected.shape
    assert np.abs(rows.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("toolchain", ["gcc", pytest.param("zig", marks=pytest.mark.exhaustive)])
def test_a_streamed_model_of_centred_frames_builds_for_the_host(
    toolchain: str, tmp_path: Path
) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    spec = replace(_CENTRED, n_mels=26)
    onnx.save(speech_model(spec.to_json()), tmp_path / "m.onnx")
    deployment = load(tmp_path / "m.onnx").deploy("cortex-m4")
    assert deployment.plan.schedule == "stream"
    try:
        run = deployment.compile(toolchain).run(simulator="host")
    except ToolMissingError as error:
        pytest.skip(str(error))
    assert run.report.find("output_mismatches").value == 0
