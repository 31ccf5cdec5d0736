"""The operator table: one row an operator, one file each."""

from __future__ import annotations

from typing import Any

from toolkit.ops.attention_pool import AttentionPool
from toolkit.ops.base import Operator
from toolkit.ops.conv_2d import Conv2D

OPERATORS: dict[str, Operator[Any]] = {op.name: op for op in (AttentionPool(), Conv2D())}
