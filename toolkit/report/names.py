"""The fixed names of figures: what each is called for people, and whether less or more is better.

docs/REPORT.md says what each means; a test holds the two lists against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Better = Literal["less", "more", ""]
#: What a figure comes of, and so what changes it: the parts of a memory, the work of layers, the
#: error that enters in each; nothing where no part is to blame.
Origin = Literal[
    "",
    "flash",
    "weights",
    "ram",
    "stack",
    "macs",
    "instructions",
    "cycles",
    "accuracy",
    "features",
    "bits",
]


@dataclass(frozen=True)
class Figure:
    """How a figure is shown and judged, and what it comes of; ``part`` marks one that is part of
    the figure before it."""

    title: str
    better: Better = "less"
    part: bool = False
    origin: Origin = ""


#: In the order of a report.
FIGURES: Mapping[str, Figure] = {
    "flash_bytes": Figure("flash", origin="flash"),
    "weights_bytes": Figure("of it weights", part=True, origin="weights"),
    "kernel_code_bytes": Figure("of it code of kernels", part=True),
    "layer_code_bytes": Figure("of it code of layers", part=True),
    "other_code_bytes": Figure("of it code around them", part=True),
    "feature_flash_bytes": Figure("of it features", part=True),
    "library_flash_bytes": Figure("of it the library", part=True, origin="flash"),
    "ram_static_bytes": Figure("RAM (static)", origin="ram"),
    "library_ram_bytes": Figure("of it the library", part=True, origin="ram"),
    "board_flash_bytes": Figure("flash, image of the board"),
    "board_ram_static_bytes": Figure("RAM (static), image of the board"),
    "arena_bytes": Figure("of it arena", part=True, origin="ram"),
    "arena_lower_bound_bytes": Figure("arena, lower bound", part=True, origin="ram"),
    "state_bytes": Figure("of it state", part=True, origin="ram"),
    "state_lower_bound_bytes": Figure("state, lower bound", part=True, origin="ram"),
    "batch_arena_bytes": Figure("(batch would take)", part=True, origin="ram"),
    "stream_state_bytes": Figure("(streamed would take)", part=True, origin="ram"),
    "stack_bound_bytes": Figure("stack, static bound", origin="stack"),
    "stack_painted_bytes": Figure("stack, painted", origin="stack"),
    "macs_per_inference": Figure("MACs per inference", origin="macs"),
    "dead_channels": Figure("dead channels removed", ""),
    "dead_weights": Figure("weights that went with them", "", part=True),
    "dead_macs": Figure("MACs that went with them", "", part=True),
    "instructions_per_inference": Figure("instructions per inference", origin="instructions"),
    "cycles_per_inference": Figure("cycles per inference", origin="cycles"),
    "core_cycles_per_inference": Figure("of it the core", part=True, origin="cycles"),
    "stall_cycles_instruction": Figure(
        "of it waiting for instructions", part=True, origin="cycles"
    ),
    "stall_cycles_data": Figure("of it waiting for data", part=True, origin="cycles"),
    "cycles_fastest_memory": Figure("(fastest memory setting)", part=True, origin="cycles"),
    "cycles_features": Figure("cycles, features", origin="cycles"),
    "cycles_model": Figure("cycles, model", origin="cycles"),
    "macs_per_frame_mean": Figure("MACs per frame, mean", origin="macs"),
    "macs_per_frame_worst": Figure("MACs per frame, worst", origin="macs"),
    "delay_frames": Figure("delay"),
    "algorithmic_delay_frames": Figure("algorithmic delay of rows"),
    "algorithmic_delay_ms": Figure("algorithmic delay of rows"),
    "cycles_per_frame_mean": Figure("cycles per frame, mean", origin="cycles"),
    "cycles_per_frame_worst": Figure("cycles per frame, worst", origin="cycles"),
    "frame_latency_ms_mean": Figure("latency per frame, mean", origin="cycles"),
    "frame_latency_ms_worst": Figure("latency per frame, worst", origin="cycles"),
    "input_buffer_frames": Figure("input buffer for real time", origin="cycles"),
    "cycles_at_end_of_clip": Figure("cycles at the end of the clip", origin="cycles"),
    "cycles_per_audio_second": Figure("cycles per second of audio", origin="cycles"),
    "cycles_per_push_worst": Figure("cycles of the dearest push, on a board", origin="cycles"),
    "board_overruns": Figure("blocks of audio lost, real time", origin="cycles"),
    "board_clock_needed_mhz": Figure("clock needed for none", origin="cycles"),
    "board_margin": Figure("least time left for a block", "more"),
    "latency_ms": Figure("latency", origin="cycles"),
    "latency_ms_per_audio_second": Figure("latency per second of audio", origin="cycles"),
    "realtime_factor": Figure("real-time factor", origin="cycles"),
    "duty_cycle": Figure("duty cycle"),
    "energy_uj_per_audio_second": Figure("energy per second of audio", origin="cycles"),
    "average_power_uw": Figure("average power"),
    "energy_uj_per_inference": Figure("energy per inference", origin="cycles"),
    "output_mismatches": Figure("output bytes that differ", origin="bits"),
    "output_bytes_compared": Figure("of so many compared", "", part=True, origin="bits"),
    "feature_identical_fraction": Figure("features identical", "more", origin="features"),
    "feature_max_error_steps": Figure("features, largest error", origin="features"),
    "feature_values": Figure("features compared", ""),
    "feature_latency_ms": Figure("latency"),
    "feature_state_bytes": Figure("state"),
    "feature_tables_bytes": Figure("tables"),
    "frame_ms": Figure("frame", ""),
    "hop_ms": Figure("hop", ""),
    "frames_per_second": Figure("frames per second", ""),
    "row_values": Figure("features of a frame", ""),
    "int8_snr_db": Figure("int8 against float, SNR", "more", origin="accuracy"),
    "all_int8_snr_db": Figure("without int16", "more", part=True),
    "own_snr_db": Figure("SNR beside TensorFlow's", "more", origin="accuracy"),
    "tensorflow_snr_db": Figure("TensorFlow's conversion, SNR", "more"),
    "tensorflow_tflite_bytes": Figure("size of TensorFlow's .tflite"),
    "head_snr_db": Figure("with attention's head in int16", "more", part=True),
    "mixed_snr_db": Figure("as chosen, on cases held out", "more", part=True),
    "int8_max_deviation": Figure("int8 against float, largest deviation", origin="accuracy"),
    "c_max_deviation": Figure("C against float, largest deviation", origin="accuracy"),
    "accuracy": Figure("accuracy", "more", origin="accuracy"),
    "tflite_bytes": Figure("size of the .tflite", origin="weights"),
    "activations": Figure("activations", ""),
    "int16_activations": Figure("of them int16", "", part=True),
    "int16_ram_bytes": Figure("RAM that int16 adds"),
    "int16_cycles": Figure("cycles that int16 adds"),
    "tflm_arena_bytes": Figure("stock TFLM arena, builtin form"),
    "tflm_flash_bytes": Figure("TFLM application, flash"),
    "tflm_ram_static_bytes": Figure("TFLM application, static RAM"),
    "tflm_core_arena_bytes": Figure("of that its arena", part=True),
    "tflm_stack_painted_bytes": Figure("TFLM application, stack"),
    "tflm_cycles_per_inference": Figure("TFLM application, cycles"),
    "continuous_max_deviation": Figure("continuous, largest deviation"),
    "continuous_max_same_level_deviation": Figure("continuous, largest deviation, same level"),
}
#: Families of figures, one for each output of a model.
FAMILIES: Mapping[str, Figure] = {
    "ccc_": Figure("CCC", "more", origin="accuracy"),
    "low_ccc_": Figure("CCC, low end of the interval", "more"),
    "high_ccc_": Figure("CCC, high end of the interval", "more"),
    "mean_ccc_": Figure("CCC, mean of the models", "more", origin="accuracy"),
    "sd_ccc_": Figure("CCC, deviation of the models"),
    "int8_ccc_to_float_": Figure("CCC int8 to float", "more", origin="accuracy"),
    "c_ccc_to_float_": Figure("CCC C to float", "more", origin="accuracy"),
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
            return replace(family, title=f"{family.title} {output}")
    return Figure(name, "")


def place(name: str) -> int:
    """Where a figure stands in a report: in the order of `FIGURES`, others behind."""
    return _ORDER.get(name, len(_ORDER))
