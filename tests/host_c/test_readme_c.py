"""The C of the README against the library that it is about."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.compilers import compile_c, host_compiler
from tests.support.kernel import FLAGS
from toolkit.deploy.model import load
from toolkit.emit.write import write_files

README = Path(__file__).resolve().parents[2] / "README.md"


def test_what_comes_out_compiles(tmp_path: Path) -> None:
    (code,) = re.findall(r"```c\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    head, statements = code.split("\n\n", 1)
    declaration, body = statements.split("\n", 1)
    text = (
        f"{head}\n{declaration}\nvoid use(float value);\n"
        "void hear(const int16_t *samples, size_t count);\n"
        f"void hear(const int16_t *samples, size_t count) {{\n{body}}}\n"
    )
    write_files(load("wav2small-ha").deploy("hearing-aid").project(), tmp_path)
    (tmp_path / "readme.c").write_text(text, encoding="utf-8")
    include = tmp_path / "wav2small_ha" / "include"
    compile_c(
        [*host_compiler(), *FLAGS, f"-I{include}", "-c", "readme.c", "-o", "readme.o"], tmp_path
    )
