"""
The templates, one per generated file, under the real name of the file.

Templates know `{{ value }}`, `for` and `if` and nothing else; names, brackets, reverse zones and serials are made
in Python.  An undefined name is an error.  Nothing is escaped: the grammars of gateway.settings.grammar let no
value through that could mean something to a daemon's parser.
"""

from __future__ import annotations

from typing import Any

import jinja2

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("gateway.render"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - plain text files; see the module's text for what keeps values inert
)


def fill(template: str, values: dict[str, Any]) -> str:
    """
    Fill a template.

    Args:
        template: Path below templates/, without `.j2`.
        values: Every name the template uses.

    Raises:
        jinja2.UndefinedError: The template uses a name that *values* lacks: a bug, never the operator's fault.
    """
    return _ENVIRONMENT.get_template(f"{template}.j2").render(values)
