"""Every kernel under AddressSanitizer and UndefinedBehaviorSanitizer, against numpy.

Run as a module, this file is the program under test: the sanitiser must be loaded before Python.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.ops import (
    test_arithmetic,
    test_attention_pool,
    test_batch_matmul,
    test_concatenation,
    test_conv_2d,
    test_depthwise_conv_2d,
    test_div,
    test_extremum,
    test_fully_connected,
    test_int16,
    test_l2_normalization,
    test_log_softmax,
    test_lookup,
    test_mean,
    test_normalization,
    test_pad,
    test_pooling,
    test_quantize,
    test_recurrent,
    test_reduce_max,
    test_resize_bilinear,
    test_softmax,
    test_softmax_int16,
    test_streaming,
    test_strided_slice,
    test_sum,
    test_svdf,
    test_table,
    test_transpose,
    test_variance,
)
from tests.support.kernel import SANITIZE, kernel_sources, run_graph_in_c
from tests.support.operators import AddCase, case_inputs, pack
from tests.support.oracle import run_numpy
from toolkit.ir import DType
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import view

ROOT = Path(__file__).resolve().parents[2]

CASES: list[AddCase] = [
    test_conv_2d.case,
    test_depthwise_conv_2d.case,
    test_fully_connected.case_int8,
    test_fully_connected.case_int16,
    *(partial(test_arithmetic.case, op) for op in test_arithmetic.OPS),
    *(partial(test_pooling.windowed, op) for op in test_pooling.OPS),
    *(partial(test_pooling.whole_input, op) for op in test_pooling.OPS),
    *(partial(test_pad.case, op) for op in test_pad.OPS),
    *(partial(add, op) for op, add in test_int16.OPS),
    *(partial(test_quantize.case, *pair) for pair in test_quantize.PAIRS),
    partial(test_lookup.case, "relu"),
    test_softmax.case,
    test_log_softmax.case,
    test_l2_normalization.case,
    test_resize_bilinear.case,
    test_softmax_int16.case,
    test_mean.case,
    test_sum.case,
    test_reduce_max.case,
    *(
        partial(test_extremum.case, op, kind)
        for op in test_extremum.OPS
        for kind in (DType.INT8, DType.INT16)
    ),
    *(
        partial(made, kind)
        for made in (test_extremum.prelu_case, test_extremum.leaky_case, test_extremum.square_case)
        for kind in test_extremum.BOTH
    ),
    partial(test_div.wide_case, DType.INT16),
    *(partial(test_normalization.case, kinds) for kinds in test_normalization.KINDS),
    *(partial(test_table.case, kinds) for kinds in test_table.KINDS),
    test_recurrent.lstm,
    test_recurrent.other,
    test_recurrent.begun,
    test_recurrent.begun_lstm,
    test_variance.case,
    test_variance.weighted_case,
    test_attention_pool.broadcast_case,
    partial(test_arithmetic.case, "div"),
    *(
        module.case(dtype)
        for module in (test_batch_matmul, test_concatenation, test_strided_slice, test_transpose)
        for dtype in (DType.INT8, DType.INT16)
    ),
]

#: Sanitised too, in test_attention_pool.py, test_blocked.py, test_dsp.py and test_dsp_int16.py.
ELSEWHERE = {
    "tk_attention_pool_s8",
    "tk_attention_pool_s8_s16",
    "tk_blocked_1x3_s8",
    "tk_blocked_2x2_s16",
    "tk_blocked_2x2_s8",
    "tk_conv_2d_s16_blocked",
    "tk_conv_2d_s8_blocked",
    "tk_depthwise_conv_2d_s8_blocked",
    "tk_fully_connected_s16_dsp",
    "tk_fully_connected_s8_blocked",
    "tk_fully_connected_s8_dsp",
    "tk_gru_begun_dsp",
    "tk_gru_dsp",
    "tk_lstm_begun_dsp",
    "tk_lstm_dsp",
    "tk_matmul_s16",
    "tk_short_block",
    # No layers' arithmetic: tests/host_c/test_audio_c.py, test_decimate_c.py and test_weights.py.
    "tk_decimate",
    "tk_decimate_tables",
    "tk_samples",
    "tk_weights",
}


def run_all() -> set[str]:
    """Run every case; the names of the kernels that ran."""
    kernels = set()
    for add_case in CASES:
        graph = pack(add_case, 12, seed=3)
        for node in graph.nodes:
            kernels.add(OPERATORS[node.op].kernel_call(view(graph, node)).kernel)
        inputs = case_inputs(graph)
        expected = run_numpy(graph, inputs)
        for index, case in enumerate(zip(*inputs, strict=True)):
            values = run_graph_in_c(graph, dict(zip(graph.inputs, case, strict=True)), *SANITIZE)
            for name, want in zip(graph.outputs, expected, strict=True):
                np.testing.assert_array_equal(values[name], want[index])
    for wide in (True, False):
        test_svdf.assert_steps(test_svdf.svdf_model(1, wide), *SANITIZE)
    for part in test_streaming.PARTS:
        test_streaming.keep_rows(part, 13, DType.INT8, *SANITIZE)
    test_streaming.tall_max_row(*SANITIZE)
    return kernels | {"tk_keep_rows", "tk_max_pool_tall_s8", "tk_svdf", "tk_svdf_state"}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="AddressSanitizer comes with gcc")
def test_kernels_are_clean_under_the_sanitisers() -> None:
    def library(name: str) -> str:
        command = ["gcc", f"-print-file-name={name}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    environment = {
        **os.environ,
        "LD_PRELOAD": f"{library('libasan.so')} {library('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.ops.test_sanitized"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    ran = set(done.stdout.split())
    there = {Path(path).stem for path in kernel_sources()}
    assert not there - ran - ELSEWHERE, "kernels that no row of CASES runs"
    assert there == ran | ELSEWHERE


if __name__ == "__main__":
    print(*sorted(run_all()))
