"""Functions of one real value, a row each: what any of them needs on the device is a table
(`toolkit.ops.table`), so a row is all that there is to add.

A `Formula` composes them into one function of one value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

import numpy as np

from toolkit.ir.tensor import Array

_erf = np.vectorize(math.erf, otypes=[np.float64])


class Kind(Enum):
    """Whether a function has an operator of its own, and whether that is worth replacing."""

    TABLED = "has none"
    CURVED = "a curve, which rounding between several functions blurs"
    STRAIGHT = "lines, which cost little"


@dataclass(frozen=True)
class Function:
    """``compute`` takes a float64 array and numbers, as many as ``attributes``: ONNX's attributes
    of the operator ``onnx`` ("" where there is none), each with its default, in that order.
    ``tflite`` is its name in a float ``.tflite``."""

    compute: Callable[..., Array]
    onnx: str = ""
    attributes: Mapping[str, float] = field(default_factory=dict)
    kind: Kind = Kind.TABLED
    tflite: str = ""


def _sigmoid(x: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0, -x)))


def _softplus(x: Array) -> Array:
    return np.asarray(np.logaddexp(0, x))


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def _gelu(x: Array) -> Array:
    return np.asarray(x * (1 + _erf(x / math.sqrt(2))) / 2)


def _gelu_tanh(x: Array) -> Array:
    return np.asarray(x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2)


def _shrink(x: Array, lambd: float, bias: float) -> Array:
    return np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, 0))


def _hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    return np.clip(alpha * x + beta, 0, 1)


_SELU = {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}

FUNCTIONS: dict[str, Function] = {
    "abs": Function(np.abs, "Abs", tflite="ABS"),
    "add": Function(np.add, kind=Kind.STRAIGHT),
    "atan": Function(np.arctan, "Atan"),
    "ceil": Function(np.ceil, "Ceil", tflite="CEIL"),
    "celu": Function(lambda x, a: _elu(x / a, 1) * a, "Celu", {"alpha": 1.0}),
    "clip": Function(np.clip),
    "cos": Function(np.cos, "Cos", tflite="COS"),
    "div": Function(np.divide, kind=Kind.STRAIGHT),
    "elu": Function(_elu, "Elu", {"alpha": 1.0}),
    "erf": Function(_erf, "Erf"),
    "exp": Function(np.exp, kind=Kind.CURVED),
    "floor": Function(np.floor, "Floor", tflite="FLOOR"),
    "gelu": Function(_gelu, tflite="GELU"),
    "gelu_tanh": Function(_gelu_tanh),
    "hard_sigmoid": Function(_hard_sigmoid),
    "hard_swish": Function(lambda x: x * np.clip(x + 3, 0, 6) / 6, kind=Kind.CURVED),
    "leaky_relu": Function(lambda x, a: np.where(x < 0, a * x, x), kind=Kind.STRAIGHT),
    "log": Function(np.log, "Log", tflite="LOG"),
    "max": Function(np.maximum, kind=Kind.STRAIGHT),
    "min": Function(np.minimum, kind=Kind.STRAIGHT),
    "mish": Function(lambda x: x * np.tanh(_softplus(x)), "Mish"),
    "mul": Function(np.multiply, kind=Kind.STRAIGHT),
    "neg": Function(np.negative, kind=Kind.STRAIGHT, tflite="NEG"),
    "pow": Function(np.power),
    "reciprocal": Function(np.reciprocal, "Reciprocal"),
    "relu": Function(lambda x: np.maximum(x, 0), kind=Kind.STRAIGHT),
    "relu6": Function(lambda x: np.clip(x, 0, 6), kind=Kind.STRAIGHT),
    "round": Function(np.rint, "Round", tflite="ROUND"),
    "selu": Function(lambda x, a, g: g * _elu(x, a), "Selu", _SELU),
    "shrink": Function(_shrink, "Shrink", {"lambd": 0.5, "bias": 0.0}),
    "sigmoid": Function(_sigmoid, kind=Kind.CURVED),
    "sign": Function(np.sign, "Sign", tflite="SIGN"),
    "sin": Function(np.sin, "Sin", tflite="SIN"),
    "softplus": Function(_softplus, "Softplus"),
    "softsign": Function(lambda x: x / (1 + np.abs(x)), "Softsign"),
    "sqrt": Function(np.sqrt, kind=Kind.CURVED),
    "sub": Function(np.subtract, kind=Kind.STRAIGHT),
    "swish": Function(lambda x, a: x * _sigmoid(a * x), "Swish", {"alpha": 1.0}),
    "tanh": Function(np.tanh, kind=Kind.CURVED),
    "thresholded_relu": Function(
        lambda x, a: np.where(x > a, x, 0), "ThresholdedRelu", {"alpha": 1.0}
    ),
}


@dataclass(frozen=True)
class Result:
    """The value that step number ``step`` gives; -1: the argument of the whole."""

    step: int


#: What a step takes: a number, or the result of a step before it.
Operand: TypeAlias = float | Result

ARGUMENT = Result(-1)


@dataclass(frozen=True)
class Step:
    """One function of `FUNCTIONS`, on earlier results and numbers."""

    function: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Formula:
    """A function of one value, step by step; the last step's result is its value."""

    steps: tuple[Step, ...]

    def __call__(self, x: Array) -> Array:
        """Values of float64 ``x``, of its shape; not a number where it is none."""
        results: list[Array] = []
        argument = np.asarray(x, np.float64)
        with np.errstate(all="ignore"):
            for step in self.steps:
                operands = [
                    o if isinstance(o, float) else argument if o.step < 0 else results[o.step]
                    for o in step.operands
                ]
                results.append(np.asarray(FUNCTIONS[step.function].compute(*operands), np.float64))
        return np.broadcast_to(results[-1], argument.shape)

    def moved(self, offset: int, argument: Result) -> tuple[Step, ...]:
        """Its steps where ``offset`` steps stand before them and ``argument`` is its argument."""

        def placed(operand: Operand) -> Operand:
            if not isinstance(operand, Result):
                return operand
            return argument if operand == ARGUMENT else Result(operand.step + offset)

        return tuple(Step(s.function, tuple(map(placed, s.operands))) for s in self.steps)


def formula(function: str, *numbers: float) -> Formula:
    """One function of the argument, and of numbers after it."""
    return Formula((Step(function, (ARGUMENT, *map(float, numbers))),))


#: Of such functions alone no formula is worth a table, whatever their operands.
PLAIN = {name for name, f in FUNCTIONS.items() if f.kind is Kind.STRAIGHT} - {"div"}


def is_worth_a_table(made: Formula) -> bool:
    """Whether a formula is more than what operators of their own do well: it has a function that
    none of them has, divides by its argument, or has a curve and joins two results."""
    kinds = {FUNCTIONS[step.function].kind for step in made.steps}
    joins = [s for s in made.steps if all(isinstance(o, Result) for o in s.operands[:2])]
    joins = [step for step in joins if len(step.operands) > 1]
    divides = any(s.function == "div" and isinstance(s.operands[1], Result) for s in made.steps)
    return Kind.TABLED in kinds or divides or (Kind.CURVED in kinds and bool(joins))
