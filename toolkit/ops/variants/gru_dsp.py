"""``tk_gru_dsp``: all gates of a unit of a GRU at a time, by dual multiply-accumulate."""

from __future__ import annotations

from dataclasses import replace

from toolkit.ops.parts.base import KernelCall, Work
from toolkit.ops.parts.recurrent_words import with_words


def gru_dsp_call(call: KernelCall, work: Work) -> KernelCall:
    """The kernel for the DSP extension in place of the portable ``call``; ``work`` on vectors that
    are filled up."""
    return replace(
        call,
        kernel="tk_gru_dsp",
        params=with_words(call),
        extra_kernels=("tk_gru", "tk_dsp"),
        variant="dsp",
        work=work,
    )
