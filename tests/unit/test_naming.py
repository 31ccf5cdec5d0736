"""Names of a library: what any model may be called, and the tags of shared kernels."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.graphs import conv_graph
from tests.support.host_run import NAME, project_of
from toolkit.emit.naming import Tags, kernel_tags, library_name, named, tags_of, untagged
from toolkit.resources import data_dir, kernel_folders

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,35}")
#: What a firmware may include beside a library.
HEADERS = """
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fenv.h>
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>
"""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Wav2Small", "wav2small"),
        ("my model (v2).onnx", "my_model_v2_onnx"),
        ("", "net"),
        ("日本", "net"),
        ("9lives", "net_9lives"),
        ("../../etc/passwd; rm -rf", "etc_passwd_rm_rf"),
        ('"\n#error', "error_net"),
        ("a" * 50, "a" * 32),
        ("a" * 31 + "-b", "a" * 31),
        ("int", "int_net"),
        ("Class", "class_net"),
        ("model", "model_net"),
        ("features", "features_net"),
        ("index", "index_net"),
        ("uint8_t", "uint8_t_net"),
        ("tk_conv", "net_tk_conv"),
        ("tk", "net_tk_net"),
        ("TK_", "net_tk_net"),
        ("speech_audio", "speech_audio_net"),
        ("x push", "x_push_net"),
        ("x_weights", "x_weights_net"),
        ("model_v2", "model_v2"),
        ("packages", "packages_net"),
        ("report", "report_net"),
    ],
)
def test_any_model_has_a_name(text: str, name: str) -> None:
    assert library_name(text) == name
    assert IDENTIFIER.fullmatch(name)


def test_a_name_stays_as_it_is() -> None:
    for text in ("", "9", "int", "x" * 99, "9" * 99, "tk_y", "memory_t", "Speech Commands"):
        assert library_name(library_name(text)) == library_name(text)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_no_name_of_a_system_header_is_a_library_s(tmp_path: Path) -> None:
    (tmp_path / "all.c").write_text(HEADERS)

    def seen(option: str, pattern: str) -> set[str]:
        command = ["gcc", "-std=c99", "-E", option, "all.c"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return set(re.findall(pattern, done.stdout, re.MULTILINE))

    functions, types = seen("-P", r"\b([a-z]\w*)\s*\("), seen("-P", r"\b([a-z]\w*_t)\b")
    macros = seen("-dM", r"^#define ([a-z]\w*)\b")
    assert {"memcpy", "sin"} <= functions and "uint8_t" in types and "stdin" in macros
    assert {n for n in functions | types | macros if library_name(n) == n} == set()


def test_no_name_of_the_harness_is_a_library_s() -> None:
    for path in (data_dir("firmware_templates") / "harness").glob("*.c"):
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"^(?:static )?(?:inline )?[a-z]\w* \**([a-z]\w*)(?:;|\()", text, re.M)
        assert found
        assert {n for n in found if library_name(n) == n} == set(), path.name


@pytest.mark.parametrize("name", ["a", "model_v2", "features_x", "model_layer_3"])
def test_text_is_renamed_once(name: str) -> None:
    code = "static model instance; model_init(&instance.model); FEATURES_ROW(MODEL_OUTPUTS)"
    upper = name.upper()
    assert named(code, name) == (
        f"static {name} instance; {name}_init(&instance.model); "
        f"{upper}_FEATURES_ROW({upper}_OUTPUTS)"
    )
    assert named("/* the model 'model_1/conv' */", name) == "/* the model 'model_1/conv' */"
    assert named("void model_conv_step(void)", name) == f"void {name}_conv_step(void)"
    assert named("tk_push(TK_SIZE)", name, features=True) == f"{name}_tk_push({upper}_TK_SIZE)"


# --- tags ----------------------------------------------------------------------------------------
def kernel_texts() -> dict[str, str]:
    """Header and source of every kernel."""
    texts: dict[str, str] = {}
    for folder in kernel_folders():
        for path in sorted(folder.glob("tk_*.[ch]"), key=lambda path: path.suffix, reverse=True):
            texts[path.stem] = texts.get(path.stem, "") + path.read_text(encoding="utf-8")
    return texts


def users(texts: dict[str, str], changed: str) -> set[str]:
    """The files that include one, themselves or through others, and that file."""
    found = {changed}
    while True:
        new = {s for s, t in texts.items() if any(f'#include "{f}.h"' in t for f in found)}
        if new <= found:
            return found
        found |= new


def differing(one: Tags, other: Tags) -> set[str]:
    return {stem for stem in one.files if one.files[stem] != other.files[stem]}


def test_equal_text_has_an_equal_tag() -> None:
    texts = kernel_texts()
    tags = tags_of(texts)
    assert dict(tags_of(dict(reversed(texts.items()))).files) == dict(tags.files)
    assert all(re.fullmatch("[0-9a-f]{8}", tag) for tag in tags.files.values())
    assert len(set(tags.files.values())) == len(texts)
    assert tags.files.keys() == kernel_tags().files.keys()


@pytest.mark.parametrize("stem", ["tk_mean_s8", "tk_common", "tk_matmul_s16"])
def test_a_changed_text_changes_its_tag_and_that_of_its_users(stem: str) -> None:
    texts = kernel_texts()
    changed = {**texts, stem: texts[stem] + "/* another text */\n"}
    assert differing(tags_of(texts), tags_of(changed)) == users(texts, stem)


def test_every_name_has_the_tag_of_the_file_it_is_defined_in() -> None:
    tags = kernel_tags()
    assert tags.names["tk_mean_s8_accumulate_row"] == tags.files["tk_mean_s8"]
    assert tags.names["tk_clamp"] == tags.files["tk_common"]
    text = tags.apply('#include "tk_mean_s8.h"\ntk_mean_s8_params p; other_tk_clamp(tk_unknown);\n')
    tag = tags.files["tk_mean_s8"]
    assert text == (
        f'#include "tk_mean_s8_{tag}.h"\ntk_{tag}_mean_s8_params p; other_tk_clamp(tk_unknown);\n'
    )
    assert untagged(f"tk_{tag}_mean_s8_finish") == "tk_mean_s8_finish"
    assert untagged("tk_mean_s8_finish") == "tk_mean_s8_finish"


def test_no_kernel_of_a_library_has_an_untagged_name() -> None:
    files = project_of(conv_graph()).files
    kernels = {path: text.decode() for path, text in files.items() if "/kernels/" in path}
    assert len(kernels) == 6
    for path, text in kernels.items():
        assert re.fullmatch(rf"{NAME}/kernels/tk_\w+_[0-9a-f]{{8}}\.[ch]", path)
        code = re.sub(r"/\*.*?\*/|//[^\n]*|#include[^\n]*", "", text, flags=re.DOTALL)
        names = set(re.findall(r"\btk_\w+", code))
        assert all(re.match(r"tk_[0-9a-f]{8}_", name) for name in names), path
