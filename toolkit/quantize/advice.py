"""What to do about the accuracy a conversion loses, in words."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.ir import Graph
from toolkit.measurement import Issue
from toolkit.quantize.layers import TensorError

#: Layers that make less than this part of the output's error need no advice.
MINOR_SHARE = 0.05

#: A layer whose channels' peaks differ by more than this wastes most of its steps on a few.
UNEVEN_SPREAD = 8.0

#: Beyond this span in nats the smallest weights of fused attention fall below its table.
LOGIT_SPAN_NATS = 18.0


def advice(row: TensorError, int16_possible: bool, is_output: bool) -> str:
    """What would make the error of one layer smaller, empty where it hardly matters."""
    if row.output_share < MINOR_SHARE:
        return ""
    if row.clipped > 1e-3:
        return (
            f"{100 * row.clipped:.1f} % of its values are clipped: calibrate on more varied data, "
            "or with --calibration minmax"
        )
    if row.shift_share > 0.3:
        return "much of its error is a constant shift: try --bias-correction"
    if row.op == "input":
        return "the input's own int8 steps: narrow the features' range, or remove outliers"
    if is_output and row.dtype == "int16":
        return "the int8 output's own steps: only a narrower range of outputs would make it smaller"
    if row.weight_share > 0.5:
        return "its weights' rounding dominates, more bits here would not help: train with it (QAT)"
    if row.channel_spread > UNEVEN_SPREAD and row.dtype == "int8":
        return f"its largest channel is {row.channel_spread:.0f} times the median: try --equalize"
    if row.dtype == "int8" and int16_possible:
        return f"rounding to 256 steps: --mixed auto, or name {row.name!r} and what reads it"
    return "rounding of the stored values; no wider form exists here"


def summary(rows: Sequence[TensorError]) -> str:
    """One sentence: which layer loses most."""
    worst = max(rows, key=lambda row: row.output_share)
    return (
        f"most of the output's error ({100 * worst.output_share:.0f} %) enters at {worst.name!r} "
        f"({worst.op}, {worst.dtype}, {worst.snr_db:.1f} dB there)"
    )


def attention_issues(quantized: Graph) -> tuple[Issue, ...]:
    """A warning for each fused attention whose logits span more than its table resolves."""
    issues = []
    for node in quantized.nodes:
        if node.op != "attention_pool" or node.inputs[1] is None:
            continue
        logits = quantized.tensors[node.inputs[1]]
        span = 255 * logits.scale
        if span > LOGIT_SPAN_NATS:
            text = (
                f"attention logits {logits.name!r} span {span:.1f} nats, more than "
                f"{LOGIT_SPAN_NATS:g}: int8 steps of {logits.scale:.3f} nats are coarse; "
                "scale them down in training, or calibrate without outliers"
            )
            issues.append(Issue("attention.span", text))
    return tuple(issues)
