"""Worst-case stack of a linked firmware, from its instructions: a bound, not a measurement.

Every function's code is followed along all its paths (run-time library included), tracking the
stack pointer; the deepest chain of calls, tail calls included, is the bound. What cannot be bound
(recursion, calls through pointers, stack of variable size) is reported by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from toolkit.errors import ToolFailedError
from toolkit.profiling.disassembly import Disassembler
from toolkit.profiling.frame import Frame, analyse_function
from toolkit.toolchain.elf import ElfImage


@dataclass(frozen=True)
class StackBound:
    """The bound in bytes and the call chain that sets it, outermost first.

    ``chain_bytes`` are what each of them holds while the next one runs; they add up to the bound.
    ``recursive``, ``indirect`` (calls or jumps through pointers) and ``dynamic`` (stack pointer set
    to what is not known) name the functions that the bound leaves out; it holds if all are empty.
    """

    bound_bytes: int
    chain: tuple[str, ...]
    recursive: tuple[str, ...]
    indirect: tuple[str, ...]
    dynamic: tuple[str, ...]
    chain_bytes: tuple[int, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was left out."""
        return not (self.recursive or self.indirect or self.dynamic)


def bound_stack(
    elf: ElfImage, root: str = "Reset_Handler", without: tuple[str, ...] = ()
) -> StackBound:
    """Return the worst-case stack of ``root`` and all it calls; ToolFailedError without ``root``.

    With the default root the bound is comparable with the painted stack; with ``model_invoke`` it
    is what the model alone needs.  Functions whose names begin with one of ``without`` count
    nothing, nor does what they call.
    """
    start = elf.function(root)
    if start is None:
        raise ToolFailedError(f"stack bound: the firmware has no function '{root}'.")
    walk = _Walk(elf, without)
    size_bytes, chain = walk.bound(start.address, ())
    return StackBound(
        bound_bytes=size_bytes,
        chain=tuple(walk.name(address) for address in chain),
        recursive=walk.names(walk.recursive),
        indirect=walk.names({a for a, frame in walk.frames.items() if frame.indirect}),
        dynamic=walk.names({a for a, frame in walk.frames.items() if frame.dynamic}),
        chain_bytes=walk.shares(chain),
    )


class _Walk:
    """Depth-first walk of the call graph, each function bounded once."""

    def __init__(self, elf: ElfImage, without: tuple[str, ...]) -> None:
        self._without = without
        self.frames: dict[int, Frame] = {}
        self.recursive: set[int] = set()
        self._elf = elf
        self._code = Disassembler(elf)
        self._entries = frozenset(symbol.address for symbol in elf.functions)
        self._analysing: set[int] = set()
        self._bounds: dict[int, tuple[int, tuple[int, ...]]] = {}

    def name(self, address: int) -> str:
        symbol = self._elf.function_at(address)
        return symbol.name if symbol else f"0x{address:08x}"

    def names(self, addresses: set[int]) -> tuple[str, ...]:
        return tuple(sorted({self.name(address) for address in addresses}))

    def shares(self, chain: tuple[int, ...]) -> tuple[int, ...]:
        """Return what each function of a chain adds to the bound of the next."""
        bounds = [*(self._bounds[address][0] for address in chain), 0]
        return tuple(outer - inner for outer, inner in pairwise(bounds))

    def _frame(self, address: int) -> Frame:
        if address not in self.frames:
            self._analysing.add(address)
            self.frames[address] = analyse_function(
                self._code, address, self._entries, self._returns
            )
            self._analysing.discard(address)
        return self.frames[address]

    def _returns(self, address: int) -> bool:
        """Tell whether a function returns; of one under analysis (recursion) it is assumed."""
        return address in self._analysing or self._frame(address).returns

    def bound(self, address: int, callers: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Return bytes needed from ``address`` on, and the chain of functions that needs them."""
        if address in callers:
            self.recursive.update(callers[callers.index(address) :])
            return 0, ()
        if address in self._bounds:
            return self._bounds[address]
        frame = self._frame(address)
        deepest = frame.size_bytes
        chain: tuple[int, ...] = (address,)
        for depth, callee in sorted(frame.calls):
            if self.name(callee).startswith(self._without):
                continue
            below, called = self.bound(callee, (*callers, address))
            if depth + below > deepest:
                deepest, chain = depth + below, (address, *called)
        self._bounds[address] = deepest, chain
        return deepest, chain
