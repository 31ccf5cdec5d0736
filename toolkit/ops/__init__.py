"""The operator table: one row an operator, one file each."""

from __future__ import annotations

from typing import Any

from toolkit.ops.attention_pool import AttentionPool
from toolkit.ops.base import Operator
from toolkit.ops.batch_matmul import BatchMatmul
from toolkit.ops.concatenation import Concatenation
from toolkit.ops.conv_2d import Conv2D
from toolkit.ops.transpose import Transpose

OPERATORS: dict[str, Operator[Any]] = {
    op.name: op
    for op in (
        AttentionPool(),
        BatchMatmul(),
        Concatenation(),
        Conv2D(),
        Transpose(),
    )
}
