"""The time model on code that is not ours: ``python -m benchmarks.validation --tvm D --cmsis D``.

microTVM's generated C of MLPerf Tiny v1.0 (github.com/mlcommons/tiny_results_v1.0,
``closed/OctoML/code/microtvm_cmsis_nn``: the folder given as ``--tvm``) with CMSIS-NN of
ARM-software/CMSIS_5 at 51263182 (``--cmsis``: the checkout), built with arm-none-eabi-gcc, -O2 and
newlib-nano as Zephyr 2.7.3 builds it, traced under the memory models of the two parts and set
against the eight times that were published.  No parameter is fitted: those of the parts stand in
their ``target.toml``, read from documents.  None of that code is part of this project.
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from benchmarks.documents import RESULTS, write_generated
from benchmarks.tables import markdown
from toolkit.profiling.cycles import CycleModel, load_cycle_table
from toolkit.profiling.memory import memory_watch
from toolkit.resources import data_dir
from toolkit.simulate import Watch, simulate
from toolkit.targets import Target, load_target
from toolkit.toolchain.elf import read_elf

MODULE = "benchmarks.validation"
_COMPILER = "arm-none-eabi-gcc"
_FLAGS = ("-O2", "-fno-strict-overflow", "-fno-common", "-ffunction-sections", "-fdata-sections")
_LINK = ("-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--gc-sections", "-lm")
_NN = (
    *("Activation", "BasicMath", "Concatenation", "Convolution", "FullyConnected", "NNSupport"),
    *("Pooling", "Reshape", "Softmax"),
)
_STACK_BYTES = 16_384
TEXT = """\
microTVM's generated C of MLPerf Tiny v1.0 and CMSIS-NN at the commit that ran, built by
arm-none-eabi-gcc 12.2 (the submission: 10.3) with -O2 and newlib-nano. Published: *measured*. The
others: *simulated*. No parameter is fitted; all stand in `target.toml`, read from documents before
the first comparison. Headline: the slowest setting of the part, which for the L4R5 is also the one
that these programs ran under (dual bank as delivered, prefetch off as Zephyr leaves it)."""


@dataclass(frozen=True)
class Network:
    """A network of MLPerf Tiny: its folder, and the bytes of its input and output."""

    name: str
    folder: str
    input_bytes: int
    output_bytes: int
    workspace_bytes: int
    is_float: bool = False


@dataclass(frozen=True)
class Board:
    """A board: its folder, our target for it, and the published milliseconds by network."""

    folder: str
    target: str
    published_ms: dict[str, float]


NETWORKS = (
    Network("autoencoder", "ad", 2560, 2560, 1672, is_float=True),
    Network("ResNet-8", "ic", 3072, 10, 66_624),
    Network("DS-CNN", "kws", 490, 12, 17_744),
    Network("MobileNetV1 0.25", "vww", 27_648, 2, 65_312),
)
BOARDS = (
    Board(
        "NUCLEO_L4R5ZI",
        "stm32l4r5",
        {"ad": 8.605, "ic": 389.56, "kws": 99.81, "vww": 301.205},
    ),
    Board(
        "NRF5340DK",
        "nrf5340",
        {"ad": 6.266, "ic": 316.156, "kws": 76.086, "vww": 232.019},
    ),
)


@dataclass(frozen=True)
class Found:
    """Core cycles of an inference, and with memory by setting."""

    core: int
    by_setting: dict[str, int]


def build(board: Board, network: Network, tvm: Path, cmsis: Path, out: Path) -> Path:
    """Compile a network for a board; the ELF.  SystemExit where the compiler fails."""
    target, here = load_target(board.target), tvm / board.folder / network.folder
    harness, crt = data_dir("firmware_templates") / "harness", here / "crt"
    nn = cmsis / "CMSIS" / "NN"
    script = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(
        (harness / "linker.ld.jinja").read_text(encoding="utf-8")
    )
    context = dataclasses.asdict(target.linker_context()) | {"stack_bytes": _STACK_BYTES}
    (out / "linker.ld").write_text(script.render(context), encoding="utf-8")
    sources = [
        *sorted((here / "model/codegen/host/src").glob("*.c")),
        *(p for part in _NN for p in sorted((nn / "Source" / f"{part}Functions").glob("*.c"))),
        crt / "src/runtime/crt/memory/stack_allocator.c",
        *(harness / name for name in ("startup.c", "tk_io_semihosting.c")),
        Path(__file__).with_name("peer_main.c"),
    ]
    includes = [here / "include", here / "crt_config", crt / "include", nn / "Include", harness]
    includes.append(cmsis / "CMSIS/Core/Include")
    defines = {
        "WORKSPACE_SIZE": network.workspace_bytes,
        "INPUT_BYTES": network.input_bytes,
        "OUTPUT_BYTES": network.output_bytes,
        "FLOAT_INPUT": int(network.is_float),
    }
    elf = out / "firmware.elf"
    command = [_COMPILER, *target.compiler_flags("gcc"), *_FLAGS, "-w"]
    command += [f"-D{name}={value}" for name, value in defines.items()]
    command += [f"-I{folder}" for folder in includes]
    command += [*map(str, sources), *_LINK, f"-T{out / 'linker.ld'}", "-o", str(elf)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{board.folder}/{network.folder}: {done.stderr.strip()[-2000:]}")
    return elf


def trace(path: Path, target: Target) -> Found:
    """Run a firmware once under every setting of the target's memory."""
    elf = read_elf(path)
    watch = Watch(memory=memory_watch(elf, target))
    result = simulate(path, bytes(16), "unicorn", target, watch)
    model, phase = CycleModel(elf, load_cycle_table(target)), result.phase("model")
    by_setting = {a.name: model.cycles(phase, i) for i, a in enumerate(result.memory)}
    return Found(model.cycles(phase), by_setting)


def table(tvm: Path, cmsis: Path) -> str:
    """Every published time beside the model's: core alone, and the range over the settings."""
    head = ["part", "network", "published, ms", "core alone", "error"]
    head += ["headline", "error", "fastest to slowest setting"]
    rows: list[Sequence[str]] = []
    for board in BOARDS:
        target = load_target(board.target)
        for network in NETWORKS:
            with tempfile.TemporaryDirectory(prefix="peer-") as folder:
                found = trace(build(board, network, tvm, cmsis, Path(folder)), target)
            published = board.published_ms[network.folder]
            rows.append(_row(board, network, target, published, found))
    return markdown(head, rows)


def _row(
    board: Board, network: Network, target: Target, published: float, found: Found
) -> list[str]:
    def ms(cycles: int) -> float:
        return 1e3 * cycles / target.clock_hz

    def error(value: float) -> str:
        return f"{100 * (value / published - 1):+.0f} %"

    core, slowest = ms(found.core), ms(max(found.by_setting.values()))
    fastest = ms(min(found.by_setting.values()))
    return [
        *(target.name, network.name, f"{published:.1f}"),
        *(f"{core:.1f}", error(core), f"{slowest:.1f}", error(slowest)),
        f"{fastest:.1f} to {slowest:.1f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tvm", type=Path, help="closed/OctoML/code/microtvm_cmsis_nn")
    parser.add_argument("--cmsis", type=Path, help="a checkout of CMSIS_5 at 51263182")
    parser.add_argument("--dry-run", action="store_true", help="print, rewrite nothing")
    arguments = parser.parse_args()
    if arguments.tvm is None or arguments.cmsis is None:
        sys.exit("skipped: --tvm and --cmsis name the published code, which is not shipped here")
    text = table(arguments.tvm, arguments.cmsis)
    print(text)
    if not arguments.dry_run:
        write_generated(RESULTS, MODULE, f"{TEXT}\n\n{text}")


if __name__ == "__main__":
    main()
