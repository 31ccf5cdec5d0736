"""The cycle model on short sequences counted by hand with the Cortex-M4's timing table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import tiny
from toolkit.profiling.cycles import CycleModel, load_cycle_table
from toolkit.simulate import SimulationResult, simulate
from toolkit.toolchain.elf import read_elf

# Assembly (r0 points at writable memory; without the final return), cycles without the return.
SEQUENCES = {
    "nothing": ("", 0),
    "alu": ("add r1, r0, r0\n mul r2, r1, r1\n smlal r2, r3, r1, r1\n mla r1, r2, r3, r1", 4),
    "one load": ("ldr r1, [r0]", 2),
    "loads back to back": ("ldr r1, [r0]\n ldrb r2, [r0, #4]\n ldrsh r3, [r0, #8]", 2 + 1 + 1),
    "wide loads": ("ldr.w r12, [r0]\n ldr.w r2, [r0, #64]\n ldr.w r3, [r0, #68]", 2 + 1 + 1),
    "load of a loaded address": ("str r0, [r0]\n ldr r1, [r0]\n ldr r1, [r1]", 1 + 2 + 2),
    "load after post-increment": ("mov r1, r0\n ldr r2, [r1], #4\n ldr r3, [r1]", 1 + 2 + 2),
    "loads with work between": ("ldr r1, [r0]\n add r2, r0, r0\n ldr r3, [r0]", 2 + 1 + 2),
    "stores": ("str r1, [r0]\n strb r1, [r0, #4]", 2),
    "pairs": ("ldrd r2, r3, [r0]\n strd r2, r3, [r0]", 3 + 3),
    "several": ("ldm r0, {r1, r2, r3}\n stm r0, {r1, r2, r3}", 4 + 4),
    "push and pop": ("push {r4, r5, r6}\n pop {r4, r5, r6}", 4 + 4),
    "divide": ("mov r1, #3\n udiv r2, r0, r1\n sdiv r2, r0, r1", 1 + 12 + 12),
    "float": ("vadd.f32 s0, s1, s2\n vmul.f32 s0, s1, s2\n vfma.f32 s0, s1, s2", 1 + 1 + 3),
    "long float": ("vmov.f32 s1, #1.0\n vdiv.f32 s0, s1, s1\n vsqrt.f32 s0, s1", 1 + 14 + 14),
    "float memory": (
        "vldr s0, [r0]\n vldr d1, [r0]\n vstr s0, [r0]\n vstr d1, [r0]",
        2 + 3 + 2 + 3,
    ),
    "float block": ("vldmia r0, {s0-s3}\n vpush {d8, d9}\n vpop {d8, d9}", 5 + 5 + 5),
    "condition": ("cmp r0, #0\n itte eq\n moveq r1, #1\n moveq r2, #1\n movne r1, #2", 5),
    "branch not taken": ("cmp r0, #0\n beq 1f\n 1:", 2),
    "branch taken": ("cmp r0, #0\n bne 1f\n nop\n 1:", 2 + 2),
    "loop": ("mov r1, #5\n 1: subs r1, #1\n bne 1b", 1 + 5 * 2 + 4 * 2),
    "loop of loads": (
        "mov r1, #3\n 1: ldr r2, [r0]\n ldr r3, [r0, #4]\n subs r1, #1\n bne 1b",
        1 + 3 * (2 + 1 + 1 + 1) + 2 * 2,
    ),
    # The load at the loop's start overlaps with the one above it in the first round only.
    "load above a loop": (
        "mov r1, #3\n ldr r3, [r0]\n 1: ldr r2, [r0, #4]\n subs r1, #1\n bne 1b",
        1 + 2 + (1 + 2 + 2) + 3 + 3 + 2 * 2,
    ),
}
RETURN = 1 + 2


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimulationResult, CycleModel]:
    before, calls = "", "(void)m;\n"
    for index, (assembly, _) in enumerate(SEQUENCES.values()):
        lines = " ".join(f'"{line.strip()}\\n"' for line in (*assembly.split("\n"), "bx lr"))
        before += f"void probe_{index}(void *p);\n"
        before += f"__attribute__((naked, noinline, used)) void probe_{index}(void *p) {{\n"
        before += f"    __asm__ volatile({lines});\n}}\n"
        calls += f"    probe_{index}(m->arena);\n"
    before = '#pragma GCC diagnostic ignored "-Wunused-parameter"\n' + before
    folder: Path = tmp_path_factory.mktemp("cycles") / "tiny"
    firmware = tiny.build_body(folder, calls, "zig", before)
    result = simulate(firmware.elf, tiny.tensor_input(1), "unicorn", tiny.TARGET)
    return result, CycleModel(read_elf(firmware.elf), load_cycle_table(tiny.TARGET))


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence(name: str, run: tuple[SimulationResult, CycleModel]) -> None:
    result, model = run
    estimate = model.estimate(result.phase("model"))
    index = list(SEQUENCES).index(name)
    row = next(row for row in estimate.functions if row.function == f"probe_{index}")
    assert row.cycles == SEQUENCES[name][1] + RETURN


def test_parts_add_up(run: tuple[SimulationResult, CycleModel]) -> None:
    result, model = run
    for phase in ("startup", "other", "model"):
        interval = result.phase(phase)
        estimate = model.estimate(interval)
        assert estimate.instructions == interval.instructions
        assert estimate.cycles == sum(row.cycles for row in estimate.functions)
        assert estimate.cycles == model.cycles(interval) >= estimate.instructions > 0
        each = [model.cycles(part) for part in result.intervals if part.phase == phase]
        assert sum(each) == estimate.cycles
    assert result.phase("features").instructions == 0
    assert model.cycles(result.phase("features")) == 0


def test_basis_says_how(run: tuple[SimulationResult, CycleModel]) -> None:
    basis = run[1].basis("unicorn")
    assert basis.startswith("unicorn instruction counts x Cortex-M4 table")
    assert "no flash wait states" in basis
