"""`toolkit build --package`: what each build system makes of its form, and the example run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from tests.support.cli import built, image_model, speech_model, toolkit
from tests.support.outside import folder
from toolkit.emit.packages import FORMS
from toolkit.resources import find_program

NAME = "small"
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")


def program(name: str) -> str:
    """Path of a program; skips the test without it."""
    found = find_program(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def ran(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What a command printed, which must succeed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def build(home: Path, model: onnx.ModelProto, *options: str) -> Path:
    """The packages of a model, all forms."""
    onnx.save(model, home / "model.onnx")
    forms = [part for form in FORMS for part in ("--package", form)]
    arguments = ["model.onnx", "--name", NAME, "--out", "out", *forms, *options]
    report = built(toolkit("build", *arguments, "--json", cwd=home))
    checks = {check["name"]: check["passed"] for check in report["checks"]}
    assert checks["package_example"] is not False
    return home / "out" / "packages"


def host_run(package: Path, scratch: Path) -> str:
    """What the example prints on this workstation, compiled as library.json says."""
    manifest = json.loads((package / "library.json").read_text(encoding="utf-8"))
    filters = [
        entry.removeprefix("+<").removesuffix(">") for entry in manifest["build"]["srcFilter"]
    ]
    sources = [path for entry in filters for path in sorted(package.glob(entry))]
    example = package / manifest["examples"][0]["base"]
    flags = [*manifest["build"]["flags"], "-I", manifest["build"]["includeDir"]]
    out = scratch / "example"
    sources += sorted(example.glob("*.c"))
    ran(program("gcc"), "-O2", *WARNINGS, *flags, "-I", example, *sources, "-o", out, cwd=package)
    return subprocess.run([out], capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a network that takes audio, frame by frame."""
    return build(tmp_path_factory.mktemp("packages"), speech_model(), "--target", "cortex-m4")


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one that takes arrays, for cores without the DSP extension, floats or unaligned loads."""
    return build(tmp_path_factory.mktemp("arrays"), image_model(), "--target", "cortex-m0plus")


def test_every_form_has_the_whole_library(packages: Path) -> None:
    library = packages.parent / NAME
    code = {path.name: path.read_bytes() for path in library.rglob("*.[ch]")}
    for form in FORMS:
        here = {path.name: path.read_bytes() for path in (packages / form / NAME).rglob("*.[ch]")}
        assert code.items() <= here.items(), form
        assert (packages / form / NAME / "LICENSE").read_bytes() == (
            library / "LICENSE"
        ).read_bytes()


def test_the_example_runs(packages: Path, tmp_path: Path) -> None:
    assert host_run(packages / "platformio" / NAME, tmp_path) == f"{NAME}: as built (0)\n"


def test_the_example_finds_other_outputs(packages: Path, tmp_path: Path) -> None:
    """Other input stands for a model that computes otherwise."""
    package = tmp_path / "package"
    shutil.copytree(packages / "platformio" / NAME, package)
    source = package / "examples" / f"{NAME}_example" / f"{NAME}_example.c"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("noise = 1;", "noise = 2;"), encoding="utf-8")
    assert host_run(package, tmp_path) == f"{NAME}: not as built (2)\n"


def test_arrays_run(arrays: Path, tmp_path: Path) -> None:
    assert host_run(arrays / "platformio" / NAME, tmp_path) == f"{NAME}: as built (0)\n"


def _smooth() -> onnx.ModelProto:
    """A level that a step leaves for the next one."""
    return onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        smooth (float[1,4] x, float[1,4] h) => (float[1,4] y, float[1,4] h_out)
        <float[1] kept = {0.9}, float[1] new = {0.1}>
        { a = Mul(h, kept)  b = Mul(x, new)  h_out = Add(a, b)  y = Sigmoid(h_out) }
    """)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("model", "options", "printed"),
    [
        (image_model, ("--time-axis", "2", "--schedule", "stream"), "as built (0)"),
        (speech_model, ("--schedule", "batch"), "as built (0)"),
        (speech_model, ("--hop-out", "0.5"), "as built (0)"),
        (speech_model, ("--arithmetic", "fixed"), "as built (0)"),
        (_smooth, ("--state", "h=h_out"), "as built (0)"),
    ],
    ids=["frames", "batch", "continuous", "fixed", "steps"],
)
def test_every_kind_of_model_runs(
    model: object, options: tuple[str, ...], printed: str, tmp_path: Path
) -> None:
    assert callable(model)
    made = build(tmp_path, model(), "--target", "cortex-m4", *options)
    assert host_run(made / "platformio" / NAME, tmp_path) == f"{NAME}: {printed}\n"


def _fused(source: Path, *options: str) -> int:
    """Floating multiplications fused with an addition in the code of a file."""
    text = ran(
        program("arm-none-eabi-gcc"), *M4, "-O2", "-std=gnu11", *options, "-S", source, "-o-"
    )
    return text.count("\tvfm") + text.count("\tvfnm")


def test_arduino_floats_are_not_fused(packages: Path) -> None:
    """Its build takes no flags of a library, and the bits of features hang on them."""
    sources = sorted((packages / "arduino" / NAME / "src").glob("*.c"))
    assert sum(_fused(source, "-DARDUINO=10819") for source in sources) == 0
    assert _fused(packages / "arduino" / NAME / "src" / f"{NAME}_features.c") > 0


@pytest.mark.exhaustive
def test_arduino_runs_on_an_avr(arrays: Path, tmp_path: Path) -> None:
    """8 bits, 2 KB of RAM: compiled with Debian's core, run in simavr, with the build's bits."""
    hardware, builder = Path("/usr/share/arduino/hardware"), program("arduino-builder")
    if not (hardware / "arduino" / "avr").is_dir():
        pytest.skip("arduino-core-avr is not installed")
    (tmp_path / "tools").mkdir()
    package = arrays / "arduino"
    folders = ("-hardware", "/usr/share/arduino-builder", "-hardware", hardware)
    tools = ("-tools", tmp_path / "tools", "-prefs", "runtime.tools.avr-gcc.path=/usr")
    # Debian's avr-gcc lacks this macro, which Arduino's core uses.
    core = ("-prefs", "compiler.cpp.extra_flags=-DDECIMAL_DIG=__DECIMAL_DIG__")
    out = ("-build-path", tmp_path, "-fqbn", "arduino:avr:uno", "-libraries", package)
    sketch = package / NAME / "examples" / f"{NAME}_example"
    said = ran(builder, *folders, *tools, *core, *out, "-warnings", "all", "-compile", sketch)
    assert f"libraries/{NAME}/" not in said and "overflow" not in said, said
    elf = tmp_path / f"{NAME}_example.ino.elf"
    command = [program("simavr"), "-m", "atmega328p", "-f", "16000000", elf]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as simulated:
        assert simulated.stdout is not None
        lines = iter(simulated.stdout.readline, b"")
        line = next((text for text in lines if NAME.encode() + b": " in text), b"")
        simulated.kill()
    assert f"{NAME}: as built".encode() in line


def test_platformio_packs_it(packages: Path, tmp_path: Path) -> None:
    """Its own packer looks at the manifest; names of licences it would fetch, so they are given."""
    pytest.importorskip("platformio", reason="platformio is not installed")
    patch = (
        "import sys; from platformio.package.manifest.schema import ManifestSchema as s; "
        "s.load_spdx_licenses = staticmethod(lambda: {'licenses': [{'licenseId': 'Apache-2.0'}]}); "
        "from platformio.__main__ import main; sys.exit(main())"
    )
    package, out = packages / "platformio" / NAME, tmp_path / "packed.tar.gz"
    home = str(tmp_path / "home")
    ran(sys.executable, "-c", patch, "pkg", "pack", "-o", out, package, PLATFORMIO_CORE_DIR=home)
    names = ran("tar", "tzf", out).split()
    assert {"library.json", f"include/{NAME}.h", f"src/{NAME}.c"} <= set(names)


def test_zephyr_takes_the_module(packages: Path, tmp_path: Path) -> None:
    """Zephyr's own script reads module.yml, kconfiglib what that gives."""
    base = folder("ZEPHYR_BASE")
    kconfiglib = pytest.importorskip("kconfiglib", reason="kconfiglib is not installed")
    pytest.importorskip("pykwalify", reason="pykwalify is not installed")
    script, module = base / "scripts" / "zephyr_module.py", packages / "zephyr" / NAME
    kconfig, twister = tmp_path / "Kconfig", tmp_path / "twister"
    written = ("--kconfig-out", kconfig, "--twister-out", twister)
    given = ("--zephyr-base", base, "--modules", module)
    ran(sys.executable, script, *given, *written, ZEPHYR_BASE=str(base))
    assert str(module / "samples") in twister.read_text(encoding="utf-8")
    symbols = kconfiglib.Kconfig(kconfig, warn=False).syms
    assert symbols[f"{NAME.upper()}_MAY_USE_R9"].str_value == "n"
    symbols[NAME.upper()].set_value(2)
    assert symbols[f"{NAME.upper()}_MAY_USE_R9"].str_value == "y"


@pytest.mark.exhaustive
def test_zephyr_builds_and_runs_the_sample(packages: Path, tmp_path: Path) -> None:
    """With all of Zephyr and its CMSIS module ($ZEPHYR_MODULES), on a Cortex-M3 in QEMU."""
    base, modules = folder("ZEPHYR_BASE"), folder("ZEPHYR_MODULES")
    if not (base / "kernel").is_dir():
        pytest.skip("$ZEPHYR_BASE holds scripts only")
    pytest.importorskip("pykwalify", reason="pykwalify is not installed")
    gcc = program("arm-none-eabi-gcc").removesuffix("gcc")
    sample, out = packages / "zephyr" / NAME / "samples" / NAME, tmp_path / "build"
    cross = {"ZEPHYR_TOOLCHAIN_VARIANT": "cross-compile", "CROSS_COMPILE": gcc}
    options = ("-DBOARD=mps2_an385", f"-DZEPHYR_MODULES={modules}")
    python = f"-DPython3_EXECUTABLE={sys.executable}"
    cmake = program("cmake")
    ran(cmake, "-S", sample, "-B", out, *options, python, ZEPHYR_BASE=str(base), **cross)
    ran(cmake, "--build", out, ZEPHYR_BASE=str(base), **cross)
    image = out / "zephyr" / "zephyr.elf"
    command = [program("qemu-system-arm"), "-M", "mps2-an385", "-nographic", "-kernel", image]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulated:
        assert simulated.stdout is not None
        line = next((text for text in simulated.stdout if text.startswith(f"{NAME}: ")), "")
        simulated.kill()
    assert line == f"{NAME}: as built (0)\n"


_STAND_IN = """
cmake_minimum_required(VERSION 3.16)
project(stand_in C)
macro(idf_component_register)
  cmake_parse_arguments(IDF "" "" "SRCS;INCLUDE_DIRS;PRIV_INCLUDE_DIRS" ${ARGN})
  if(IDF_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "unknown: ${IDF_UNPARSED_ARGUMENTS}")
  endif()
  set(COMPONENT_LIB component)
  add_library(component STATIC ${IDF_SRCS})
  target_include_directories(component PUBLIC ${IDF_INCLUDE_DIRS} PRIVATE ${IDF_PRIV_INCLUDE_DIRS})
endmacro()
add_subdirectory(@component@ component)
file(GLOB sources @component@/examples/*/main/*.c)
add_library(example STATIC ${sources})
target_link_libraries(example component)
"""


def test_esp_idf_component_compiles(packages: Path, tmp_path: Path) -> None:
    """With a stand-in for idf_component_register: the lists are right, and all compiles."""
    component = packages / "esp-idf" / NAME
    text = _STAND_IN.replace("@component@", str(component))
    (tmp_path / "CMakeLists.txt").write_text(text, encoding="utf-8")
    flags = "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror"
    ran(program("cmake"), "-S", tmp_path, "-B", tmp_path / "build", flags)
    ran(program("cmake"), "--build", tmp_path / "build")


def test_esp_idf_manifest(packages: Path, tmp_path: Path) -> None:
    """ESP's own component manager accepts the manifest."""
    compote = program("compote")
    where = ("--project-dir", packages / "esp-idf" / NAME, "--dest-dir", tmp_path)
    ran(compote, "component", "pack", "--name", NAME, *where, HOME=str(tmp_path))
    assert list(tmp_path.glob(f"{NAME}_*.tgz"))


@pytest.mark.exhaustive
def test_esp_idf_builds_and_runs_the_example(packages: Path, tmp_path: Path) -> None:
    """With ESP-IDF itself, as its export.sh leaves the environment, for its target `linux`."""
    idf, environment = folder("IDF_PATH"), folder("IDF_PYTHON_ENV_PATH")
    if not Path("/usr/include/bsd/sys/cdefs.h").is_file():
        pytest.skip("libbsd-dev is not installed")
    component, out = tmp_path / NAME, tmp_path / "build"
    shutil.copytree(packages / "esp-idf" / NAME, component)
    path = os.pathsep.join((str(environment / "bin"), os.environ["PATH"]))
    given = {"IDF_PATH": str(idf), "IDF_TARGET": "linux", "PATH": path, "HOME": str(tmp_path)}
    options = ("-DIDF_TARGET=linux", "-DPYTHON_DEPS_CHECKED=1", "-DCOMPONENTS=main")
    python = f"-DPYTHON={environment}/bin/python"
    example = component / "examples" / f"{NAME}_example"
    ran("cmake", "-S", example, "-B", out, *options, python, **given, PYTHONPATH="")
    ran("cmake", "--build", out, **given, PYTHONPATH="")
    command = [out / f"{NAME}_example.elf"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        line = next((text for text in running.stdout if text.startswith(f"{NAME}: ")), "")
        running.kill()
    assert line == f"{NAME}: as built (0)\n"
