"""Which tests are quick: about a minute on two cores, one real path through every room.

Beside those of the files named here, every test that is marked ``quick`` itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

QUICK = (
    "tests/unit",
    "tests/test_architecture.py",
    "tests/ops/test_alias.py",
    "tests/ops/test_arithmetic.py",
    "tests/ops/test_check.py",
    "tests/ops/test_conv_2d.py",
    "tests/ops/test_depthwise_conv_2d.py",
    "tests/ops/test_float_semantics.py",
    "tests/ops/test_fully_connected.py",
    "tests/ops/test_softmax.py",
    "tests/ops/test_streaming.py",
    "tests/host_c/test_stream_c.py",
    "tests/regression/test_bad_arrays.py",
    "tests/regression/test_features_verb.py",
    "tests/regression/test_inspect.py",
    "tests/sim/test_every_room.py",
)
#: Not these: they compile for many cores, train, or convert networks by the dozen.
LONG = (
    "tests/unit/test_mixed.py",
    "tests/unit/test_profile.py",
    "tests/unit/test_qdq.py",
    "tests/unit/test_quantize.py",
    "tests/unit/test_screen.py",
    "tests/unit/test_stack.py",
    "tests/unit/test_tflite_models.py",
    "tests/unit/test_toolchain.py",
    "tests/unit/test_torch_exports.py",
    "tests/unit/test_training_loop.py",
)


def mark_quick(items: list[pytest.Item]) -> None:
    quick, long = ([ROOT / name for name in names] for names in (QUICK, LONG))
    for item in items:
        if item.path not in long and any(item.path.is_relative_to(path) for path in quick):
            item.add_marker(pytest.mark.quick)
