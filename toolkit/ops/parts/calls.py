"""How generated code runs a node, and what that costs in principle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toolkit.ir.tensor import Array


@dataclass(frozen=True)
class Work:
    """What one inference of a node costs in principle; targets turn it into cycles."""

    macs: int = 0
    accumulators: int = 0  # results finished: rounded, clamped and stored; runs of values begun
    elementwise: int = 0  # simple per-element operations other than MACs


@dataclass(frozen=True)
class LinkedFunction:
    """A C function that a layer links from a kernel file which is linked function by function.

    Its code depends on the ``pairs`` of products that it sums up.  ``stack_apart``: a core's code
    table states the layer's stack without this one's.
    """

    symbol: str
    stem: str
    pairs: int
    stack_apart: bool = False


@dataclass(frozen=True)
class CodeFacts:
    """What a kernel's code depends on, besides its name and variant, and what it links.

    ``size`` decides which loops an inlined kernel unrolls, ``form`` names a further difference of
    its code; a core's code table has rows by both.  One that ``divides`` links the compiler's
    division of 64 bits.
    """

    form: str = ""
    size: int | None = None
    functions: tuple[LinkedFunction, ...] = ()
    divides: bool = False


@dataclass(frozen=True)
class KernelCall:
    """How generated code runs a node.

    ``kernel`` is the stem of ``firmware_templates/kernels/<kernel>.{c,h}``, the function's name and
    the prefix of its parameter struct ``<kernel>_params``.  ``params`` are that struct's fields in
    declaration order: an int, or an array placed in flash.  The call is
    ``kernel(&params, inputs..., outputs..., [scratch])`` with activation tensors only.  A kernel
    with the parameter ``element_bytes`` works on either element type and takes pointers to void.

    A streamed WINDOWED kernel that makes several ``rows`` of output a call is named
    ``<kernel>_rows`` and takes a pointer for each, NULL for one that the clip does not have.
    One that is ``inlined`` is a header alone, folded into the layer with constant parameters.
    ``work`` is what it executes where that is not the operator's work: ``macs`` are executed
    multiplications, ``elementwise`` the values that it gathers or transforms.  ``code`` is what is
    known of its code in flash.
    """

    kernel: str
    params: Mapping[str, int | Array]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scratch_bytes: int = 0
    extra_kernels: tuple[str, ...] = field(default=())  # further kernel files it needs
    variant: str = "portable"
    inlined: bool = False
    rows: int = 1
    work: Work | None = None
    code: CodeFacts = CodeFacts()

    @property
    def files(self) -> tuple[str, ...]:
        """Stems of all kernel files that it needs."""
        return (self.kernel, *self.extra_kernels)

    @property
    def untyped(self) -> bool:
        return "element_bytes" in self.params
