"""Continuous mode on the target core: real speech through features and model, hop by hop."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from toolkit.deploy.harness import Harness
from toolkit.emit import write_project
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import feature_spec, frames_of
from toolkit.features.quantise import quantise_features
from toolkit.model.load import load_source
from toolkit.model.source import demo_clip
from toolkit.plan import plan_continuous, plan_stream
from toolkit.plan.continuous_reference import continuous_outputs
from toolkit.quantize.convert import convert
from toolkit.simulate import simulate
from toolkit.simulate.protocol import decode_output, encode_audio
from toolkit.targets import load_target
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite


def test_speech_on_the_core(tmp_path: Path) -> None:
    source = load_source("wav2small")
    assert source.float_graph is not None and source.ranges is not None
    data = write_tflite(convert(source.float_graph, source.ranges, "fused"))
    graph, target = read_tflite(data, "wav2small"), load_target("cortex-m4")
    spec = feature_spec(graph)
    assert spec is not None
    plan = plan_continuous(plan_stream(graph), frames_of(0.1, spec), frames_of(0.3, spec))
    project = tmp_path / "project"
    front_end = FrontEnd.feeding(graph.tensors[graph.inputs[0]], spec)
    harness = Harness(plan, target, data, front_end)
    write_project(harness.project(), project)
    facts = harness.compile(project, "zig")
    (instance,) = (symbol for symbol in facts.elf.objects if symbol.name == "instance")
    assert instance.size_bytes == plan.state_bytes
    clips = [load_clip(demo_clip(), 16000).samples[:n] for n in (16000, 8000)]
    outputs, stacks = [], []
    for clip in clips:
        result = simulate(facts.binaries.elf, encode_audio([clip]), "unicorn", target)
        output = decode_output(result.output, [3], spec.n_mels, hops="hops")
        outputs.append(output.cases[0])
        stacks.append(output.stack_painted_bytes)
    assert stacks[0] == stacks[1] <= facts.stack.bound_bytes
    entry = graph.tensors[graph.inputs[0]]
    for clip, case in zip(clips, outputs, strict=True):
        rows = quantise_features(extract(clip, spec), entry.scale, entry.zero_point)
        assert case.rows is not None
        assert np.count_nonzero(case.rows != rows) <= 0.001 * rows.size
        hops = continuous_outputs(plan, case.rows[:, :, None])
        assert case.hops == tuple((outs[0].tobytes(),) for outs in hops)
    assert len(outputs[0].hops) == 9 and outputs[0].hops[:4] == outputs[1].hops
