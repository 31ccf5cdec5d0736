"""A library in the forms that other build systems take: a Zephyr module, an Arduino or PlatformIO
library, an ESP-IDF component, each with a program that runs the model once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from toolkit.emit.contexts import Banner
from toolkit.emit.naming import named
from toolkit.emit.project import FirmwareProject
from toolkit.resources import render

#: Where they lie in a project.
FOLDER = "packages"
#: What of a library is compiled, or included.
_CODE = ("include", "src", "kernels")
#: Of a thread that runs the example, beyond what the model takes.
_SPARE_STACK_BYTES = 1024


@dataclass(frozen=True)
class Example:
    """What the example program does.

    ``feeds`` is "audio", "frames" or "tensors", of which it takes ``count`` (samples, frames,
    runs or steps) for each of ``inputs``; all outputs together must then have the ``checksum``.
    "nothing": it begins the model, no more.
    """

    feeds: str
    takes_audio: bool
    stack_bytes: int
    count: int = 0
    inputs: int = 1
    checksum: int = 0


@dataclass(frozen=True)
class _Form:
    """A build system's: ``title`` for people, where the example lies (``NAME`` is the library's
    name), templates by path; ``flat``: all C lies in src/."""

    title: str
    example: str
    files: Mapping[str, str]
    flat: bool = False


_FORMS = {
    "zephyr": _Form(
        "Zephyr",
        "samples/NAME/src",
        {
            "zephyr/module.yml": "module.yml",
            "zephyr/Kconfig": "Kconfig",
            "zephyr/CMakeLists.txt": "CMakeLists.txt",
            "samples/NAME/CMakeLists.txt": "sample_CMakeLists.txt",
            "samples/NAME/prj.conf": "prj.conf",
            "samples/NAME/sample.yaml": "sample.yaml",
            "samples/NAME/src/main.c": "main.c",
        },
    ),
    "arduino": _Form(
        "Arduino",
        "examples/NAME_example",
        {
            "library.properties": "library.properties",
            "examples/NAME_example/NAME_example.ino": "example.ino",
        },
        flat=True,
    ),
    "platformio": _Form(
        "PlatformIO",
        "examples/NAME_example",
        {"library.json": "library.json", "examples/NAME_example/main.c": "main.c"},
    ),
    "esp-idf": _Form(
        "ESP-IDF",
        "examples/NAME_example/main",
        {
            "CMakeLists.txt": "CMakeLists.txt",
            "idf_component.yml": "idf_component.yml",
            "examples/NAME_example/CMakeLists.txt": "example_CMakeLists.txt",
            "examples/NAME_example/main/CMakeLists.txt": "main_CMakeLists.txt",
            "examples/NAME_example/main/idf_component.yml": "main_idf_component.yml",
            "examples/NAME_example/main/main.c": "main.c",
        },
    ),
}
#: The forms that there are.
FORMS = tuple(_FORMS)


@dataclass(frozen=True)
class PackageContext:
    """Everything of a form's templates; paths are relative to its folder, ``stack_bytes`` are what
    a thread takes that runs the example."""

    banner: Banner
    name: str
    form: str
    title: str
    header: str
    sources: tuple[str, ...]
    example: Example
    example_path: str
    stack_bytes: int
    hot_code: bool


def package_files(project: FirmwareProject, form: str, example: Example) -> FirmwareProject:
    """The library of ``project`` in one of `FORMS`, as files of the project; same inputs give the
    same bytes."""
    page, shape, name = project.page, _FORMS[form], project.name
    assert page is not None
    code = {_place(path, shape): data for path, data in _library(project).items()}
    context = PackageContext(
        banner=page.banner,
        name=name,
        form=form,
        title=shape.title,
        header=f"{name}_audio.h" if example.takes_audio else f"{name}.h",
        sources=tuple(sorted(path for path in code if path.endswith(".c"))),
        example=example,
        example_path=shape.example.replace("NAME", name),
        stack_bytes=-(-example.stack_bytes // 1024) * 1024 + _SPARE_STACK_BYTES,
        hot_code=page.hot_code,
    )
    text = {
        path.replace("NAME", name): render(f"{form}/{template}", context)
        for path, template in shape.files.items()
    }
    text["README.md"] = render("packages_README.md", context)
    for end in (".h", ".c"):
        path = f"{context.example_path}/{name}_example{end}"
        text[path] = named(render(f"example{end}", context), name)
    files = {**code, **{path: content.encode() for path, content in text.items()}}
    return FirmwareProject(
        {f"{FOLDER}/{form}/{name}/{path}": files[path] for path in sorted(files)}
    )


def _library(project: FirmwareProject) -> Mapping[str, bytes]:
    """The library's code and licence, by path in it."""
    own = f"{project.name}/"
    paths = {p.removeprefix(own): p for p in project.files if p.startswith(own)}
    return {
        path: project.files[full]
        for path, full in paths.items()
        if path == "LICENSE" or PurePosixPath(path).parts[0] in _CODE
    }


def _place(path: str, form: _Form) -> str:
    """Where a file of the library lies in a form."""
    own = PurePosixPath(path)
    return f"src/{own.name}" if form.flat and own.parts[0] in _CODE else path
