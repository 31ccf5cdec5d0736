"""What a target is: a core in a part under a memory policy; pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from toolkit.errors import InputError
from toolkit.targets.core import Core, FeatureRates, Rates, Simulation
from toolkit.targets.memory import Access, Memory


@dataclass(frozen=True)
class LinkerContext:
    """Everything ``linker.ld.jinja`` may use; addresses and sizes are bytes."""

    target: str
    flash_origin: int
    flash_bytes: int
    ram_origin: int
    ram_bytes: int
    harness_origin: int
    harness_bytes: int
    stack_bytes: int


@dataclass(frozen=True)
class Power:
    """Supply current, with where the figures come from; ``sleep_ua`` retains the RAM.

    ``active_documented`` and ``sleep_documented`` say of which current a document of the part, or a
    measurement, stands behind it.
    """

    voltage_v: float
    active_ua_per_mhz: float
    sleep_ua: float
    active_documented: bool
    sleep_documented: bool
    source: str


@dataclass(frozen=True)
class Placement:
    """What start-up code copies from flash to RAM: the code of the layers, the weights."""

    hot_code: bool = False
    weights: bool = False

    @classmethod
    def of_words(cls, hot_code: str, weights: str) -> Placement:
        """From "flash" or "ram" for each, as options and budgets say it."""
        return cls(hot_code == "ram", weights == "ram")


#: Everything stays in flash.
IN_FLASH = Placement()


@dataclass(frozen=True)
class Policy:
    """What of a part's memory a model may have, and where it goes.

    ``code`` (with constants) and ``data`` (with stack) name memories of the part.  The reserves are
    the application's; ``interrupt_bytes`` is what interrupts may put on the stack on top of the
    firmware's own ``stack_bytes``.  ``hot_code`` names the memory that the layers' code is copied
    to (None: to none), ``ram_weights`` says whether the weights are copied to ``data``;
    `Target.placing` sets both.
    """

    name: str
    code: str
    data: str
    reserve_flash_bytes: int
    reserve_ram_bytes: int
    stack_bytes: int
    interrupt_bytes: int
    hot_code: str | None = None
    ram_weights: bool = False


@dataclass(frozen=True)
class Target:
    """One microcontroller under a memory policy: core, clock in Hz, memories, power.

    ``real_time`` says whether a firmware that does not keep up with its audio is a failure here;
    ``power`` is None where no document gives the current; ``source`` names what the part's other
    figures were read from.  ``own_rates`` and ``own_features`` are those of the core with this
    part's memory; None where there are no other than the core's.  ``hot_code`` names the memory
    that hot code may be copied to: it feeds the core without waiting; None where there is none.
    """

    name: str
    description: str
    source: str
    core: Core
    clock_hz: int
    real_time: bool
    memories: tuple[Memory, ...]
    power: Power | None
    policy: Policy
    own_rates: Mapping[str, Rates] | None = None
    own_features: Mapping[str, FeatureRates] | None = None
    hot_code: str | None = None

    @property
    def simulation(self) -> Simulation:
        """The simulated board."""
        return self.core.simulation

    @property
    def default_simulator(self) -> str:
        """The simulator used when none is asked for."""
        return self.simulation.simulators[0]

    @property
    def dsp(self) -> bool:
        """Whether the core has the DSP extension."""
        return "dsp" in self.core.extensions

    def arithmetic(self, asked: str = "auto") -> str:
        """What features are computed in: as ``asked``, or with "auto" float32 where the core has
        registers for it and fixed point elsewhere."""
        if asked not in ("auto", "float32", "fixed"):
            raise InputError(f"arithmetic must be auto, float32 or fixed; got '{asked}'.")
        if asked != "auto":
            return asked
        return "float32" if "fpu" in self.core.extensions else "fixed"

    @property
    def rates(self) -> Mapping[str, Rates]:
        """Rates by kernel: the part's with its memory, else its core's."""
        return self.core.rates if self.own_rates is None else self.own_rates

    @property
    def feature_rates(self) -> Mapping[str, FeatureRates]:
        """Rates of features: the part's with its memory, else its core's."""
        return self.core.features if self.own_features is None else self.own_features

    @property
    def rates_know_memory(self) -> bool:
        """Whether cycles by the rates are those of the core and its memory."""
        return self.is_zero_wait or None not in (self.own_rates, self.own_features)

    @property
    def flash_bytes(self) -> int:
        """Flash that the policy leaves for the firmware."""
        return self.memory(self.policy.code).size_bytes - self.policy.reserve_flash_bytes

    @property
    def ram_bytes(self) -> int:
        """RAM that the policy leaves for the firmware, stack included."""
        return self.memory(self.policy.data).size_bytes - self.policy.reserve_ram_bytes

    @property
    def stack_bytes(self) -> int:
        """Reservation for the stack."""
        return self.policy.stack_bytes

    def memory(self, name: str) -> Memory:
        """Return the memory of that name; raise InputError where the part has none."""
        found = next((m for m in self.memories if m.name == name), None)
        if found is None:
            raise InputError(
                f"policy '{self.policy.name}': target '{self.name}' has no memory '{name}'.",
                hint=f"It has {', '.join(m.name for m in self.memories)}.",
            )
        return found

    def placing(self, placement: Placement) -> Target:
        """The target with that copied to RAM.  Raises InputError where it would gain nothing."""
        if placement != IN_FLASH and self.is_zero_wait:
            raise InputError(
                f"target '{self.name}': its memory never waits, copies in RAM gain nothing.",
                hint="Leave --hot-code and --weights out, or take a part with its flash.",
            )
        if placement.hot_code and self.hot_code is None:
            raise InputError(
                f"--hot-code ram: target '{self.name}' has no memory but flash that is known to "
                "feed the core without waiting.",
                hint="--weights ram is there for every part whose flash waits.",
            )
        hot_code = self.hot_code if placement.hot_code else None
        policy = replace(self.policy, hot_code=hot_code, ram_weights=placement.weights)
        return replace(self, policy=policy)

    @property
    def with_code_in_flash(self) -> Target:
        """The target as it is for code that is not hot."""
        return replace(self, policy=replace(self.policy, hot_code=None))

    @property
    def hot_memory(self) -> Memory | None:
        """The memory that the layers' code is copied to; None where it stays in flash."""
        return None if self.policy.hot_code is None else self.memory(self.policy.hot_code)

    @property
    def placements(self) -> tuple[Placement, ...]:
        """What may be copied to RAM here, the least first."""
        if self.is_zero_wait:
            return ()
        weights, both = Placement(weights=True), Placement(hot_code=True, weights=True)
        return (weights,) if self.hot_code is None else (Placement(hot_code=True), weights, both)

    @property
    def is_zero_wait(self) -> bool:
        """Whether code, constants and data answer at once: a bare core's memory."""
        return not any(self.memory(m).wait_states for m in (self.policy.code, self.policy.data))

    @property
    def code_settings(self) -> tuple[Access, ...]:
        """How the memory of code and constants may answer; nothing where no access waits."""
        return () if self.is_zero_wait else self.memory(self.policy.code).settings

    def has_rates(self, kernel: str, variant: str) -> bool:
        """Whether a kernel has rates of its own."""
        return f"{kernel}/{variant}" in self.rates

    def rates_of(self, kernel: str, variant: str) -> Rates:
        """Rates of a kernel; those of the portable kernels in general where it has none."""
        rates = self.rates.get(f"{kernel}/{variant}", self.rates["portable"])
        return rates.without(self.policy.hot_code is not None, self.policy.ram_weights)

    def compiler_flags(self, toolchain: str) -> tuple[str, ...]:
        """Return the flags that name this core to ``zig`` or ``gcc``."""
        if toolchain not in self.core.flags:
            raise InputError(
                f"target '{self.name}': no compiler flags for toolchain '{toolchain}'.",
                hint=f"It has flags for {', '.join(sorted(self.core.flags))}.",
            )
        return self.core.flags[toolchain]

    def linker_context(self) -> LinkerContext:
        """Return the linker script's context for the simulated board's memory map."""
        simulation = self.simulation
        return LinkerContext(
            target=self.name,
            flash_origin=simulation.flash.origin,
            flash_bytes=simulation.flash.size_bytes,
            ram_origin=simulation.ram.origin,
            ram_bytes=simulation.ram.size_bytes,
            harness_origin=simulation.harness.origin,
            harness_bytes=simulation.harness.size_bytes,
            stack_bytes=self.stack_bytes,
        )
