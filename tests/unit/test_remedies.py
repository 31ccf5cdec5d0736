"""Every error of a user's says what to do: a hint, its kind's own remedy, or the rule itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import toolkit
from toolkit import errors

PACKAGE = Path(toolkit.__file__).parent
#: Words of a message that states what would be right.
RULE = ("must", "at most", "at least", "give ", "Give ", "goes with", "needs", "raise ", "damaged")


def sites() -> Iterator[tuple[str, ast.Call, type[errors.ToolkitError]]]:
    """Where errors are made that bad input explains, with their kind."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                kind = getattr(errors, node.func.id, None)
                is_error = isinstance(kind, type) and issubclass(kind, errors.ToolkitError)
                if is_error and kind.exit_code != errors.ToolkitError.exit_code:
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node, kind


def says_what_to_do(call: ast.Call, kind: type[errors.ToolkitError]) -> bool:
    given = len(call.args) > 1 or any(key.arg in ("hint", None) for key in call.keywords)
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    text = ast.unparse(call.args[0]) if call.args else ""
    return bool(kind.remedy or given or starred or any(word in text for word in RULE))


def test_every_error_of_a_user_s_says_what_to_do() -> None:
    found = list(sites())
    assert len(found) > 300
    assert [where for where, call, kind in found if not says_what_to_do(call, kind)] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('InputError("x is wrong.")', False),
        ('InputError("x is wrong.", hint="Do y.")', True),
        ('InputError("x must be y.")', True),
        ('ModelError("x is wrong.")', True),
    ],
)
def test_the_rule_can_fail(text: str, says: bool) -> None:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    assert says_what_to_do(call, getattr(errors, call.func.id)) == says
