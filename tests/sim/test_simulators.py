"""Every compiler with every simulator: same outputs everywhere, same counts in both simulators."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.support import tiny
from toolkit.errors import InputError, ToolFailedError, ToolMissingError
from toolkit.profiling.disassembly import Disassembler
from toolkit.simulate import Watch, simulate
from toolkit.simulate.protocol import decode_output
from toolkit.toolchain import TOOLCHAINS, Binaries, host_sources
from toolkit.toolchain.elf import read_elf

CLIPS = 3


@pytest.fixture(scope="module", params=TOOLCHAINS)
def firmware(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Binaries:
    return tiny.build_tiny(tmp_path_factory.mktemp("tiny") / "project", request.param)


def _rows(clip: np.ndarray) -> np.ndarray:
    """What features.c computes, in numpy's float32."""
    mean = np.float32(0)
    values = np.zeros(clip.size, np.int64)
    for n, sample in enumerate(clip.tolist()):
        mean = mean + np.float32(0.01) * (np.float32(sample) - mean)
        values[n] = sample - int(mean)
    sums = values[:128].reshape(8, 4, 4).sum(axis=1)
    return np.clip(np.trunc(sums / 1024), -128, 127).astype(np.int8)


def _outputs(tensor: np.ndarray) -> tuple[bytes, bytes]:
    """What kernels/tk_tiny.c computes."""
    x = tensor.astype(np.int64).reshape(-1)
    o, i = np.mgrid[0:8, 0:32]
    dense = np.clip((x * ((7 * o + 3 * i) % 11 - 5)).sum(axis=1) >> 4, -128, 127).astype(np.int8)
    ratio = ((1 + int((x * x).sum())) << 20) // ((1 + int(np.abs(x).sum())) << 4)
    return dense.tobytes(), np.uint32(ratio & 0xFFFFFFFF).tobytes()


@pytest.mark.parametrize("simulator", ["unicorn", "qemu"])
def test_audio_through_features_and_model(firmware: Binaries, simulator: str) -> None:
    tiny.simulator_or_skip(simulator)
    result = simulate(firmware.elf, tiny.audio_input(CLIPS), simulator, tiny.TARGET)
    output = decode_output(result.output, tiny.OUTPUT_BYTES, tiny.ROW_VALUES)
    for case, clip in zip(output.cases, tiny.clips(CLIPS), strict=True):
        assert case.rows is not None
        assert np.array_equal(case.rows, _rows(clip))
        assert case.outputs == _outputs(case.rows)
    phases = [interval.phase for interval in result.intervals]
    assert phases == ["startup", "other", *["features", "other", "model", "other"] * CLIPS]
    assert 0 < output.stack_painted_bytes < tiny.TARGET.stack_bytes
    assert result.console == ""


def test_counts_are_equal_in_both_simulators(firmware: Binaries) -> None:
    tiny.simulator_or_skip("qemu")
    unicorn, qemu = (
        simulate(firmware.elf, tiny.audio_input(CLIPS), name, tiny.TARGET)
        for name in ("unicorn", "qemu")
    )
    assert unicorn.output == qemu.output
    assert unicorn.instructions == qemu.instructions > 10_000
    for ours, theirs in zip(unicorn.intervals, qemu.intervals, strict=True):
        assert ours.phase == theirs.phase
        assert np.array_equal(ours.addresses, theirs.addresses)
        assert np.array_equal(ours.executions, theirs.executions)
        assert np.array_equal(ours.taken, theirs.taken)


def test_counts_are_those_of_single_steps(firmware: Binaries) -> None:
    """The block counter against Unicorn's own instruction hook, one call an instruction."""
    from unicorn import UC_HOOK_CODE

    from toolkit.simulate import unicorn_core

    executed: list[tuple[int, int]] = []
    load = unicorn_core._load

    def load_and_trace(*arguments: object) -> object:
        engine = load(*arguments)  # type: ignore[arg-type]
        engine.hook_add(
            UC_HOOK_CODE, lambda _e, address, size, _d: executed.append((address, size))
        )
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unicorn_core, "_load", load_and_trace)
        result = simulate(firmware.elf, tiny.audio_input(1), "unicorn", tiny.TARGET)
    counted: dict[int, int] = {}
    taken: dict[int, int] = {}
    for interval in result.intervals:
        rows = (interval.addresses.tolist(), interval.executions.tolist(), interval.taken.tolist())
        for address, executions, jumps in zip(*rows, strict=True):
            counted[address] = counted.get(address, 0) + executions
            taken[address] = taken.get(address, 0) + jumps
    traced = Counter(address for address, _ in executed)
    jumped = Counter(
        address
        for (address, size), (following, _) in itertools.pairwise(executed)
        if following != address + size
    )
    # Unicorn's hook is silent on instructions that their condition skips; a core fetches them.
    code = Disassembler(read_elf(firmware.elf))
    maybe = {a for at in counted for a in _conditional_after(code, at)}
    before_maybe = {a for a in counted if a + code.at(a).size in maybe}
    assert {a: n for a, n in counted.items() if a not in maybe} == {
        a: n for a, n in traced.items() if a not in maybe
    }
    assert all(traced[a] <= counted[a] for a in maybe)
    sure = counted.keys() - maybe - before_maybe
    assert {a: taken[a] for a in sure} == {a: jumped[a] for a in sure}
    assert len(maybe) < 0.2 * len(counted)


def _conditional_after(code: Disassembler, address: int) -> list[int]:
    """Addresses of the instructions that the one at ``address`` makes conditional, if it is IT."""
    it = code.at(address)
    following = [address + it.size]
    if it.insn_name() != "it":
        return []
    for _ in range(len(it.mnemonic) - 2):
        following.append(following[-1] + code.at(following[-1]).size)
    return following


@pytest.mark.parametrize("simulator", ["unicorn", "qemu"])
def test_tensors(firmware: Binaries, simulator: str) -> None:
    tiny.simulator_or_skip(simulator)
    data = tiny.tensor_input(5)
    result = simulate(firmware.elf, data, simulator, tiny.TARGET)
    output = decode_output(result.output, tiny.OUTPUT_BYTES)
    for index, case in enumerate(output.cases):
        tensor = np.frombuffer(data[12 + 32 * index :][:32], np.int8)
        assert case.outputs == _outputs(tensor)
        assert case.rows is None


@pytest.mark.parametrize("name", TOOLCHAINS)
def test_workstation_program_gives_the_same(name: str, firmware: Binaries, tmp_path: Path) -> None:
    folder = tiny.write_tiny(tmp_path / "tiny")
    compiler = tiny.toolchain_or_skip(name)
    program = compiler.compile_host(folder, host_sources(folder), tmp_path, tiny.FEATURES)
    host, device = (
        decode_output(
            simulate(path, tiny.audio_input(CLIPS), simulator, tiny.TARGET).output,
            tiny.OUTPUT_BYTES,
            tiny.ROW_VALUES,
        )
        for path, simulator in ((program, "host"), (firmware.elf, "unicorn"))
    )
    assert [case.outputs for case in host.cases] == [case.outputs for case in device.cases]
    for ours, theirs in zip(host.cases, device.cases, strict=True):
        assert np.array_equal(ours.rows, theirs.rows)  # type: ignore[arg-type]
    assert host.stack_painted_bytes == 0


FAULTS = {
    "unmapped read": (
        "*(volatile uint8_t *)m->arena = *(volatile uint8_t *)0x70000000u;",
        r"(read|fault).* at 0x[0-9a-f]{8} in model_invoke",
    ),
    "endless loop": (
        '(void)m; for (;;) { __asm__ volatile(""); }',
        r"stopped at 0x[0-9a-f]{8} in model_invoke after the limit of 1,000,000 instructions",
    ),
    "stack overflow": (
        "uint8_t big[9000]; big[0] = m->arena[0];"
        '__asm__ volatile("" ::"r"(big) : "memory"); m->arena[0] = big[1];',
        r"at 0x[0-9a-f]{8} in model_invoke|outside the memory map.*stack overflowed",
    ),
    "jump into the void": (
        "(void)m; ((void (*)(void))0x60000001u)();",
        r"0x60000000",
    ),
    "undefined instruction": (
        '(void)m; __asm__ volatile("udf #0");',
        r"at 0x[0-9a-f]{8} in model_invoke",
    ),
}


@pytest.mark.parametrize("simulator", ["unicorn", "qemu"])
@pytest.mark.parametrize("fault", FAULTS)
def test_bad_firmware_is_one_line(fault: str, simulator: str, tmp_path: Path) -> None:
    tiny.simulator_or_skip(simulator)
    body, message = FAULTS[fault]
    firmware = tiny.build_body(tmp_path / "tiny", body)
    with pytest.raises(ToolFailedError, match=message) as caught:
        simulate(firmware.elf, tiny.tensor_input(1), simulator, tiny.TARGET, Watch(1_000_000))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("simulator", ["unicorn", "qemu"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"exit code 3 \(harness: input.bin is too short\)"),
        (bytes(12), r"exit code 2 \(harness: input.bin has the wrong magic number\)"),
        (tiny.tensor_input(1)[:-1], r"exit code 3 \(harness: input.bin is too short\)"),
        (tiny.encode_audio([np.zeros(40, np.int16)]), r"exit code 2 \(harness: clip does not fill"),
    ],
)
def test_bad_input_file(firmware: Binaries, simulator: str, data: bytes, message: str) -> None:
    tiny.simulator_or_skip(simulator)
    with pytest.raises(ToolFailedError, match=message):
        simulate(firmware.elf, data, simulator, tiny.TARGET)


def test_files_outside_the_run_folder_are_refused(tmp_path: Path) -> None:
    source = (tmp_path / "x").parent / "secret.bin"
    source.write_bytes(tiny.tensor_input(1))
    folder = tiny.write_tiny(tmp_path / "tiny")
    text = (folder / "tk_io_semihosting.c").read_text(encoding="utf-8")
    text = text.replace('open_file("input.bin", 9,', f'open_file("{source}", {len(str(source))},')
    firmware = tiny.build_tiny(tmp_path / "evil", "zig", {"tk_io_semihosting.c": text})
    with pytest.raises(ToolFailedError, match=r"cannot open input\.bin"):
        simulate(firmware.elf, tiny.tensor_input(1), "unicorn", tiny.TARGET)


def test_simulator_names(firmware: Binaries, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"no simulator 'renode'.*unicorn, qemu, host"):
        simulate(firmware.elf, b"", "renode", tiny.TARGET)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissingError, match="'qemu-system-arm' is not installed"):
        simulate(firmware.elf, b"", "qemu", tiny.TARGET)


def test_damaged_output_is_refused(firmware: Binaries) -> None:
    data = simulate(firmware.elf, tiny.tensor_input(1), "unicorn", tiny.TARGET).output
    for damaged in (data[:-1], data + b"\0", b"TKxx" + data[4:], b""):
        with pytest.raises(ToolFailedError, match=r"output\.bin"):
            decode_output(damaged, tiny.OUTPUT_BYTES)


def test_code_over_several_pages_counts_alike(tmp_path: Path) -> None:
    """QEMU miscounts instruction sizes at the end of its 1 KB pages: cross many of them, often."""
    tiny.simulator_or_skip("qemu")
    line = (
        "    x = (x ^ {n}u) * 2654435761u; if (x & 1024u) {{ m->arena[x % 96u] ^= (uint8_t){n}; }}"
    )
    body = "\n".join(["uint32_t x = m->arena[0];", *(line.format(n=7919 * n) for n in range(600))])
    firmware = tiny.build_body(tmp_path / "tiny", body)
    size = read_elf(firmware.elf).function("model_invoke")
    assert size is not None and size.size_bytes > 10 * 1024
    unicorn, qemu = (
        simulate(firmware.elf, tiny.tensor_input(20), name, tiny.TARGET).phase("model")
        for name in ("unicorn", "qemu")
    )
    assert np.array_equal(unicorn.executions, qemu.executions)
    assert np.array_equal(unicorn.taken, qemu.taken)
