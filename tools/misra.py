"""Records what cppcheck's MISRA addon finds in a generated library: ``python -m tools.misra``.

The library under examples/ is looked at, or the one that an argument names; docs/MISRA.md gets the
counts of the former between its two marks.  A C file is looked at again only where it, what it
includes or cppcheck changed (build/misra/).  Texts of rules are licensed and stand nowhere: rules
are numbers, reasons are our own words.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.documents import with_generated

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "wav2small_cortex_m4"
PAGE = ROOT / "docs" / "MISRA.md"
CACHE = ROOT / "build" / "misra"
MODULE = "tools.misra"

#: gcc for a Cortex-M4 with its FPU, as far as the C asks.
_DEFINES = (
    *("__GNUC__=12", "__ELF__=1", "__arm__=1", "__thumb__=1", "__OPTIMIZE__=1", "__ARM_FP=4"),
    *("__ARM_FEATURE_DSP=1", "__ARM_FEATURE_SIMD32=1", "TK_MAY_USE_R9=1"),
)
_OPTIONS = (
    *("--addon=misra", "--std=c99", "--platform=arm32-wchar_t4", "--quiet"),
    *("--template={file}:{line}:{column}:{id}", *(f"-D{define}" for define in _DEFINES)),
)
_FOLDERS = ("include", "src", "kernels")
_INCLUDE = re.compile(r'^\s*#\s*include "(\S+)"', re.MULTILINE)
_FINDING = re.compile(r"^(?:.*/)?([^/:]+):(\d+):(\d+):misra-c2012-(\d+)\.(\d+)$")
#: How many rules each chapter of MISRA C:2012 with its first amendment has.
_RULES = (3, 7, 2, 2, 9, 2, 4, 14, 5, 8, 9, 5, 6, 4, 7, 7, 8, 8, 2, 14, 20, 10)

#: Why findings stand, by rule.
REASONS: Mapping[str, str] = {
    "2.2": "an offset of 0 or a second cast that a template writes as it writes the others",
    "2.3": "types that only serve a check at compile time, or of a kernel's header",
    "2.4": "tags and constants of a header that not every file uses",
    "2.5": "include guards, macros of the interface and of shared headers; a file uses some",
    "2.7": "operands that a function takes to look like its siblings, or that assembly reads",
    "4.1": "escapes within the text of assembly",
    "7.2": "masks and hashes whose hexadecimal form has its type by its size",
    "8.2": "declarations that a macro writes",
    "8.7": "the library's interface: the caller is outside the files looked at",
    "8.9": "parameters of a layer stand together, above the layer functions",
    "9.3": "the rest is zero, as C says",
    "10.1": "right shifts of negative values, which gcc and clang define as arithmetic",
    "10.3": "widths are held by -Wconversion, which the tests compile with",
    "10.4": "`size_t` beside `unsigned`, a macro's literal beside `uint32_t`",
    "10.6": "a product or choice of small integers whose range is known",
    "10.8": "a cast of a whole expression is what the arithmetic means there",
    "11.4": "a limit of an array as an address",
    "11.5": "an arena and a state are bytes: tensors in them are read by their own types, at "
    "offsets that the planner aligns",
    "12.1": "precedence that a reader of C knows; clang-format and -Wparentheses look at it",
    "12.3": "several variables of one kind in a declaration, loops with two counters",
    "13.3": "`*p++`, the idiom of a walk through memory",
    "14.2": "loops whose step depends on what is left",
    "14.4": "an integer that is 0 or 1, or a pointer",
    "15.5": "a call that is refused returns where it is found out",
    "15.7": "the other case has nothing to do",
    "17.7": "an address that the caller needs no more",
    "17.8": "parameters that count down or walk on",
    "18.4": "pointers that walk: kernels are made of them",
    "19.2": "a weight is an array of its own type and, for the hash of the image, of words",
    "20.1": "an include that only another compiler needs, beside what it is for",
    "20.5": "macros of one file end with it",
    "20.7": "an argument that is a name, a string or a type, where brackets mean something else",
    "20.10": "one text serves several blocks of assembly or several functions",
}


@dataclass(frozen=True, order=True)
class Finding:
    """A place of a file (by name; line and column count from 1) where a rule is not kept."""

    file: str
    line: int
    column: int
    rule: tuple[int, int]

    @property
    def number(self) -> str:
        return f"{self.rule[0]}.{self.rule[1]}"


def findings(library: Path, cache: Path = CACHE) -> tuple[Finding, ...]:
    """What the addon finds in the C files of a library and their headers, each place once.

    Raises SystemExit without cppcheck, or where it fails.
    """
    files = {path.name: path for folder in _FOLDERS for path in (library / folder).glob("*.[ch]")}
    version = _ran("cppcheck", "--version")
    found: set[Finding] = set()
    for name in sorted(name for name in files if name.endswith(".c")):
        key = hashlib.sha256(f"{version}{_OPTIONS}".encode())
        for part in sorted(_closure(name, files)):
            key.update(part.encode() + b"\0" + files[part].read_bytes())
        kept = cache / f"{Path(name).stem}.{key.hexdigest()[:16]}.json"
        if not kept.is_file():
            cache.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(_looked_at(files[name], library)), encoding="utf-8")
        rows = json.loads(kept.read_text(encoding="utf-8"))
        found |= {Finding(file, line, col, (a, b)) for file, line, col, a, b in rows}
    return tuple(sorted(found))


def _looked_at(path: Path, library: Path) -> list[list[str | int]]:
    """Rows of `Finding` of a C file."""
    includes = [f"-I{library / folder}" for folder in _FOLDERS]
    lines = _ran("cppcheck", *_OPTIONS, *includes, str(path)).splitlines()
    matches = (_FINDING.match(line) for line in lines)
    return [[m[1], *map(int, m.groups()[1:])] for m in matches if m]


def _closure(name: str, files: Mapping[str, Path]) -> set[str]:
    """A file and all of the library that it includes."""
    known, waiting = {name}, [name]
    while waiting:
        text = files[waiting.pop()].read_text(encoding="utf-8")
        new = {part for part in _INCLUDE.findall(text) if part in files} - known
        known |= new
        waiting += new
    return known


def _ran(*command: str) -> str:
    """What a command printed, on both ways."""
    if shutil.which(command[0]) is None:
        raise SystemExit(f"{command[0]} is not installed (Debian: cppcheck).")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout + done.stderr


def unlooked_for() -> tuple[str, ...]:
    """Rules that the installed addon has no function for.

    Raises SystemExit where the addon is not found.
    """
    listed = _ran("dpkg", "-L", "cppcheck").splitlines()
    addon = next((Path(path) for path in listed if path.endswith("/addons/misra.py")), None)
    if addon is None:
        raise SystemExit("cppcheck's addon misra.py is not installed.")
    text = addon.read_text(encoding="utf-8")
    has = set(re.findall(r"def misra_(\d+)_(\d+)\(", text))
    has |= set(re.findall(r"reportError\([^()]*, (\d+), (\d+)\)", text))
    every = ((a, b) for a, count in enumerate(_RULES, 1) for b in range(1, count + 1))
    return tuple(f"{a}.{b}" for a, b in every if (str(a), str(b)) not in has)


def block(found: Iterable[Finding], library: Path) -> str:
    """What stands between the marks of the page.

    Raises SystemExit for a rule that was kept so far.
    """
    found = tuple(found)
    rules = Counter(finding.rule for finding in found)
    new = sorted({finding.number for finding in found} - REASONS.keys())
    if new:
        raise SystemExit(f"Mend what breaks rule {', '.join(new)}, or say why it stands (REASONS).")
    names = sorted(path.name for folder in _FOLDERS for path in (library / folder).glob("*.[ch]"))
    lines = [
        f"{_ran('cppcheck', '--version').strip()}, {len(found)} findings in {len(names)} files of "
        f"`{library.relative_to(ROOT)}`.",
        "",
        "| rule | findings | files | why it stands |",
        "|---|---|---|---|",
    ]
    for rule in sorted(rules):
        number = f"{rule[0]}.{rule[1]}"
        files = len({finding.file for finding in found if finding.rule == rule})
        lines.append(f"| {number} | {rules[rule]} | {files} | {REASONS[number]} |")
    lines += ["", "| file | findings | by rule |", "|---|---|---|"]
    for name in names:
        here = Counter(finding.rule for finding in found if finding.file == name)
        shown = ", ".join(f"{a}.{b}: {here[a, b]}" for a, b in sorted(here)) or "none"
        lines.append(f"| `{name}` | {here.total()} | {shown} |")
    lines += ["", "Rules that this addon does not look for: " + ", ".join(unlooked_for()) + "."]
    return "\n".join(lines)


def page(text: str, new: str) -> str:
    """The page with another block between its marks."""
    return with_generated(text, MODULE, new)


def main() -> None:
    """Rewrite the page; with a folder print what is found in that library."""
    if len(sys.argv) > 1:
        for finding in findings(Path(sys.argv[1])):
            print(f"{finding.file}:{finding.line}:{finding.column}: {finding.number}")
        return
    text = page(PAGE.read_text(encoding="utf-8"), block(findings(EXAMPLE), EXAMPLE))
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
