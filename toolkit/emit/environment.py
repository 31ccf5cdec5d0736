"""The one way templates are rendered: strict, from ``firmware_templates/project``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from toolkit.resources import data_dir

if TYPE_CHECKING:
    import jinja2


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_dir("firmware_templates") / "project"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # C, not HTML: contexts hold only strings made safe by c_text
    )


def render(name: str, context: Any) -> str:
    """Text of ``<name>.jinja`` with the fields of the frozen dataclass ``context``."""
    return _environment().get_template(f"{name}.jinja").render(vars(context))
