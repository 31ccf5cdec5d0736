"""Lists what the toolkit runs with: ``python -m tools.dependencies``, the last part of `make lock`.

Names and versions are those of requirements.lock; licences, and what needs what, are read from the
installed packages.  Same lock, same bytes: docs/DEPENDENCIES.md for people, sbom.cdx.json
(CycloneDX) for programs.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from itertools import product
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from toolkit.resources import __version__

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
#: `sys_platform`, `platform_system` and `os_name` of environment markers.
SYSTEMS = (("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))

#: Licences, as SPDX expressions, of packages whose metadata has no such expression or leaves out
#: what their wheels hold: read in their licence files and descriptions.
READ = {
    "ai-edge-litert": "Apache-2.0",
    "backports-strenum": "MIT",
    "capstone": "BSD-3-Clause",
    "colorama": "BSD-3-Clause",
    "flatbuffers": "Apache-2.0",
    "intelhex": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "onnxruntime": "MIT",
    "protobuf": "BSD-3-Clause",
    "pyelftools": "Unlicense AND MIT",
    "rich": "MIT",
    "safetensors": "Apache-2.0",
    "soundfile": "BSD-3-Clause AND LGPL-2.1-or-later",
    "tqdm": "MPL-2.0 AND MIT",
    "unicorn": "GPL-2.0-only",
}
NOTES = {
    "numpy": "wheels also hold OpenBLAS (BSD-3-Clause) and GCC's libgfortran (GPL-3.0-or-later "
    "WITH GCC-exception-3.1)",
    "onnxruntime": "what its library is made of: `ThirdPartyNotices.txt` in the wheel",
    "soundfile": "LGPL: libsndfile in the wheel",
    "unicorn": "metadata says BSD; the engine comes of QEMU, and its description says GPL 2",
    "ziglang": "also LLVM and several C libraries, each with its licence in the wheel",
}

_PAGE = f"""# What the toolkit runs with

Written by `make lock` from [requirements.lock](../requirements.lock) (every version, transitive
ones too, with the SHA-256 of each of its files) and the packages' own metadata; for programs:
[sbom.cdx.json](../sbom.cdx.json). The lock resolves for Python {PYTHONS[0]} to {PYTHONS[-1]}.
The extras are not in it: torch's files differ by where they come from. Their versions, as tested,
are in [constraints.txt](../constraints.txt).

These packages run on your computer. Nothing of them is in the C that the toolkit writes: that is
its own (Apache-2.0), with the weights of your model. What a compiler adds when it links, its
runtime library, comes under that compiler's licence.

| package | version | licence | needed by | |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Package:
    """One line of the lock: names are in their normal form, ``licence`` is an SPDX expression."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def locked() -> dict[str, str]:
    """Name in its normal form → version, of every package in requirements.lock."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = (line.split()[0].split("==") for line in lines if line[0] not in " #")
    return {canonicalize_name(name): version for name, version in pins}


def direct() -> list[Requirement]:
    """What pyproject.toml asks for, without extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(text) for text in project["dependencies"]]


def required(name: str) -> Iterator[Requirement]:
    """What the installed package ``name`` asks for on any supported machine, without extras."""
    machines = [
        {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
        | dict(zip(("sys_platform", "platform_system", "os_name"), system, strict=True))
        for python, system in product(PYTHONS, SYSTEMS)
    ]
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        if not requirement.marker or any(map(requirement.marker.evaluate, machines)):
            yield requirement


def names(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    return tuple(sorted({canonicalize_name(requirement.name) for requirement in requirements}))


def packages() -> tuple[Package, ...]:
    """The packages of the lock, by name.

    Raises ValueError where another version is installed, or nobody has read a licence.
    """
    return tuple(_package(name, version) for name, version in sorted(locked().items()))


def _package(name: str, version: str) -> Package:
    about = metadata.metadata(name)
    if about["Version"] != version:
        raise ValueError(f"{name} {about['Version']} is installed; the lock has {version}")
    licence = READ.get(name) or str(about.json.get("license_expression", ""))
    if not licence:
        raise ValueError(f"{name}: its metadata has no SPDX expression, and READ does not")
    return Package(name, version, licence, names(required(name)))


def page(listed: tuple[Package, ...]) -> str:
    """docs/DEPENDENCIES.md."""
    needs = {"**toolkit**": names(direct())} | {p.name: p.needs for p in listed}
    rows = (
        (p.name, p.version, p.licence, _needing(p.name, needs), NOTES.get(p.name, ""))
        for p in listed
    )
    return _PAGE + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _needing(name: str, needs: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(who for who, needed in needs.items() if name in needed)


def bill(listed: tuple[Package, ...]) -> str:
    """sbom.cdx.json: CycloneDX without a time or a serial number, which would differ every time."""
    purls = {p.name: p.purl for p in listed}
    toolkit = f"pkg:pypi/hearing-aid-toolkit@{__version__}"
    needs = {toolkit: names(direct())} | {p.purl: p.needs for p in listed}
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": _component(
                "application", "hearing-aid-toolkit", __version__, toolkit, "Apache-2.0"
            )
        },
        "components": [_component("library", p.name, p.version, p.purl, p.licence) for p in listed],
        "dependencies": [
            {"ref": who, "dependsOn": [purls[name] for name in needed]}
            for who, needed in needs.items()
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _component(kind: str, name: str, version: str, purl: str, licence: str) -> dict[str, object]:
    return {
        "type": kind,
        "bom-ref": purl,
        "name": name,
        "version": version,
        "licenses": [{"expression": licence}],
        "purl": purl,
    }


def documents() -> dict[str, str]:
    """Path in the repository → what is to be written there."""
    listed = packages()
    return {"docs/DEPENDENCIES.md": page(listed), "sbom.cdx.json": bill(listed)}


if __name__ == "__main__":
    for path, text in documents().items():
        (ROOT / path).write_text(text, encoding="utf-8")
