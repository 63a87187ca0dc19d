"""Rules about [directory]: what it says is used, and who may only read is not who may write."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.accounts import Directory
from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Problem, shown

_OF_GATES = ("domains", "aliases", "mailboxes")


@reads("directory")
def keys_are_used(given: Given) -> Iterator[Problem]:
    """Without a database, what is said of it would be ignored."""
    directory = given.settings.directory
    if directory.url is None:
        for key in Directory.model_fields:
            if key in directory.model_fields_set:
                yield Problem(("directory", key), "not used without url; expected directory.url, or no such key")
    elif directory.url.scheme == "sqlite":
        for key in ("password", "admin", "admin_password"):
            if key in directory.model_fields_set:
                yield Problem(("directory", key), "not used with sqlite; expected the url of a server, or no such key")


@reads("directory")
def queries_are_whole(given: Given) -> Iterator[Problem]:
    """With one query of theirs and two of ours, the gates would ask tables that are not there."""
    queries = given.settings.directory.queries
    missing = [name for name in _OF_GATES if getattr(queries, name) is None]
    if missing and queries.model_fields_set:
        what = f"{', '.join(missing)} missing; expected domains, aliases and mailboxes, or none of them"
        yield Problem(("directory", "queries"), what)
    if queries.domains is not None and ("%u" in queries.domains or "%d" in queries.domains):
        yield Problem(
            ("directory", "queries", "domains"), "%u and %d are parts of an address; expected a query about '%s'"
        )


@reads("directory")
def reader_is_not_admin(given: Given) -> Iterator[Problem]:
    """The gates' own user would be able to change what it is told."""
    directory = given.settings.directory
    if directory.url is None or directory.url.scheme == "sqlite":
        return
    if directory.url.user == directory.admin:
        what = f"{shown(directory.admin)} is the user of the gates, in url, too; expected one who may change the tables"
        yield Problem(("directory", "admin"), what)
    if directory.password == directory.admin_password:
        yield Problem(("directory", "admin_password"), "the same file as password; expected two passwords")


RULES: tuple[Rule, ...] = (keys_are_used, queries_are_whole, reader_is_not_admin)
