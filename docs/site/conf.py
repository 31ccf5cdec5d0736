"""Sphinx's settings of the documentation site, which ``python -m tools.site`` builds."""

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "Hearing-aid toolkit"
copyright = ""  # noqa: A001  (Sphinx's name); the footer has none
html_show_copyright = False
html_show_sphinx = False
html_theme = "furo"
html_title = project
extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
nitpicky = False  # docstrings name private types, too
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_class_signature = "separated"
html_last_updated_fmt = None


def setup(app: Sphinx) -> None:
    """Linker scripts are shown as they are: Pygments has no lexer for them."""
    app.add_lexer("ld", TextLexer)
