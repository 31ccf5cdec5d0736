"""``tk_lstm_dsp``: all gates of a unit of an LSTM at a time, by dual multiply-accumulate."""

from __future__ import annotations

from dataclasses import replace

from toolkit.ops.parts.base import KernelCall
from toolkit.ops.parts.recurrent_words import with_words


def lstm_dsp_call(call: KernelCall) -> KernelCall:
    """The kernel for the DSP extension in place of the portable ``call``."""
    return replace(
        call,
        kernel="tk_lstm_dsp",
        params=with_words(call),
        extra_kernels=("tk_lstm", "tk_dsp"),
        variant="dsp",
    )
