"""The fixed names of figures: what each is called for people, and whether less or more is better.

docs/REPORT.md says what each means; a test holds the two lists against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Better = Literal["less", "more", ""]


@dataclass(frozen=True)
class Figure:
    """How a figure is shown and judged; ``part`` marks one that is part of the figure before it."""

    title: str
    better: Better = "less"
    part: bool = False


#: In the order of a report.
FIGURES: Mapping[str, Figure] = {
    "flash_bytes": Figure("flash"),
    "weights_bytes": Figure("of it weights", part=True),
    "kernel_code_bytes": Figure("of it code of kernels", part=True),
    "layer_code_bytes": Figure("of it code of layers", part=True),
    "other_code_bytes": Figure("of it code around them", part=True),
    "feature_flash_bytes": Figure("of it features", part=True),
    "ram_static_bytes": Figure("RAM (static)"),
    "arena_bytes": Figure("of it arena", part=True),
    "arena_lower_bound_bytes": Figure("arena, lower bound", part=True),
    "state_bytes": Figure("of it state", part=True),
    "state_lower_bound_bytes": Figure("state, lower bound", part=True),
    "batch_arena_bytes": Figure("(batch would take)", part=True),
    "stream_state_bytes": Figure("(streamed would take)", part=True),
    "stack_bound_bytes": Figure("stack, static bound"),
    "stack_painted_bytes": Figure("stack, painted"),
    "macs_per_inference": Figure("MACs per inference"),
    "instructions_per_inference": Figure("instructions per inference"),
    "cycles_per_inference": Figure("cycles per inference"),
    "cycles_features": Figure("cycles, features"),
    "cycles_model": Figure("cycles, model"),
    "macs_per_frame_mean": Figure("MACs per frame, mean"),
    "macs_per_frame_worst": Figure("MACs per frame, worst"),
    "delay_frames": Figure("delay"),
    "cycles_per_frame_mean": Figure("cycles per frame, mean"),
    "cycles_per_frame_worst": Figure("cycles per frame, worst"),
    "frame_latency_ms_mean": Figure("latency per frame, mean"),
    "frame_latency_ms_worst": Figure("latency per frame, worst"),
    "input_buffer_frames": Figure("input buffer for real time"),
    "cycles_at_end_of_clip": Figure("cycles at the end of the clip"),
    "cycles_per_audio_second": Figure("cycles per second of audio"),
    "latency_ms": Figure("latency"),
    "latency_ms_per_audio_second": Figure("latency per second of audio"),
    "realtime_factor": Figure("real-time factor"),
    "duty_cycle": Figure("duty cycle"),
    "energy_uj_per_audio_second": Figure("energy per second of audio"),
    "average_power_uw": Figure("average power"),
    "energy_uj_per_inference": Figure("energy per inference"),
    "output_mismatches": Figure("output bytes that differ"),
    "feature_identical_fraction": Figure("features identical", "more"),
    "feature_max_error_steps": Figure("features, largest error"),
    "feature_values": Figure("features compared", ""),
    "feature_latency_ms": Figure("latency"),
    "feature_state_bytes": Figure("state"),
    "feature_tables_bytes": Figure("tables"),
    "frame_ms": Figure("frame", ""),
    "hop_ms": Figure("hop", ""),
    "frames_per_second": Figure("frames per second", ""),
    "row_values": Figure("features of a frame", ""),
    "int8_snr_db": Figure("int8 against float, SNR", "more"),
    "int8_max_deviation": Figure("int8 against float, largest deviation"),
    "c_max_deviation": Figure("C against float, largest deviation"),
    "accuracy": Figure("accuracy", "more"),
    "tflite_bytes": Figure("size of the .tflite"),
    "tflm_arena_bytes": Figure("stock TFLM arena, builtin form"),
    "continuous_max_deviation": Figure("continuous, largest deviation"),
    "continuous_max_same_level_deviation": Figure("continuous, largest deviation, same level"),
}
#: Families of figures, one for each output of a model.
FAMILIES: Mapping[str, Figure] = {
    "ccc_": Figure("CCC", "more"),
    "int8_ccc_to_float_": Figure("CCC int8 to float", "more"),
    "c_ccc_to_float_": Figure("CCC C to float", "more"),
    "continuous_ccc_": Figure("continuous, CCC", "more"),
}
_ORDER = {name: place for place, name in enumerate(FIGURES)}


def figure(name: str) -> Figure:
    """How to show and judge the figure ``name``; one that is not listed shows its name."""
    if name in FIGURES:
        return FIGURES[name]
    for prefix, family in FAMILIES.items():
        if name.startswith(prefix):
            output = name.removeprefix(prefix).replace("_", " ")
            return Figure(f"{family.title} {output}", family.better)
    return Figure(name, "")


def place(name: str) -> int:
    """Where a figure stands in a report: in the order of `FIGURES`, others behind."""
    return _ORDER.get(name, len(_ORDER))
