"""
The whole tree of generated files, one directory per service; a service that the file does not want has none.

Rendering is pure: configuration, the tree before and the time give the tree after.
"""

from __future__ import annotations

from gateway.render.bind import render_bind
from gateway.render.dovecot import render_dovecot
from gateway.render.filter import render_filter
from gateway.render.postfix import render_post, render_pre
from gateway.settings.load import Configuration

SERVICES = ("postfix-pre", "filter", "postfix-post", "dovecot", "bind")  # the message's path, then what all ask

type Tree = dict[str, str]  # "<service>/<file>" -> text


def render(configuration: Configuration, previous: Tree, now: int) -> Tree:
    """
    Render every file.

    Args:
        configuration: The loaded file and what it names.
        previous: The tree before, for the serials of zones; empty at first.
        now: Epoch seconds, for the serials of zones that changed.
    """
    parts = {
        "postfix-pre": render_pre(configuration),
        "filter": render_filter(configuration),
        "postfix-post": render_post(configuration),
        "dovecot": render_dovecot(configuration),
        "bind": render_bind(configuration, of_service(previous, "bind"), now),
    }
    return {f"{service}/{name}": text for service in SERVICES for name, text in sorted(parts[service].items())}


def of_service(tree: Tree, service: str) -> dict[str, str]:
    """Return one service's files: name -> text."""
    return {path.removeprefix(f"{service}/"): text for path, text in tree.items() if path.startswith(f"{service}/")}
