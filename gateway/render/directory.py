"""
The directory as Postfix's lookup tables: one file per question, as mysql_table(5), pgsql_table(5) and sqlite_table(5)
want them, and the names by which main.cf asks them.

The files hold no password: the volume they are in is read by the resolver and the filter too.  The gates' own start
and reload put it in, into /run/directory (images/postfix/bin/directory), readable to Postfix alone; so that is where
main.cf looks, by proxymap, which holds the connections to the database for all processes.
A database that is down, or that takes too long, is a temporary error to each look-up: 451, never "User unknown".  The
client libraries wait for a connection as long as they are told, but for an answer for ever: so a proxymap that has
waited too long is ended by its own watchdog, and the next one finds no connection.

A server that is not the appliance's own is spoken to by TLS where it offers that, and nobody compares its certificate:
as libpq and PyMySQL do by themselves, and as the client library of MariaDB does where it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.directory.queries import Asked, asked
from gateway.render.templates import fill
from gateway.settings.accounts import FILES
from gateway.settings.grammar import DATABASE_HOST, Database
from gateway.settings.load import Configuration
from gateway.settings.models import Settings
from gateway.settings.topology import Topology

TYPES = {"sqlite": "sqlite", "mysql": "mysql", "postgresql": "pgsql"}
FOLDER = "/run/directory"  # in the gates
PREFIX = "directory-"  # of the rendered files
CONNECT_S = 5  # for a connection, tried twice
STATEMENT_S = 10  # PostgreSQL's own limit; MariaDB's is set for the user (images/database)
ANSWER_S = 15  # until the watchdog ends a proxymap
VERIFIED = "check_recipient_access"
READERS = (  # of both gates
    "relay_domains",
    "relay_recipient_maps",
    "smtpd_sender_login_maps",
    "transport_maps",
    "virtual_alias_domains",
    "virtual_alias_maps",
    "virtual_mailbox_domains",
    "virtual_mailbox_maps",
    VERIFIED,
)
ALIASES = "Aliases, and @domain for whoever else is there"
MAILDIR = "%D/%U/"  # of what was asked for, whatever the row has


@dataclass(frozen=True)
class Question:
    """A lookup table: its name, what it is, who reads it, its query and what is made of a row."""

    name: str
    what: str
    reader: str  # parameter of main.cf
    query: str
    result: str = "%s"


@dataclass(frozen=True)
class View:
    """What main.cf says of the directory: for each parameter the tables it asks, behind those of the file."""

    tables: dict[str, list[str]]
    answer_s: int  # how long a proxymap may wait for an answer; 0 without a directory
    verified: str  # the table for check_recipient_access, empty where none of its domains is verified


def pre_questions(settings: Settings) -> list[Question]:
    """Return what gate 1 asks, in order: which domains are ours, which recipients there are."""
    of = asked(settings.directory.queries)
    return [
        Question("domains", "Domains of all kinds", "relay_domains", of.domains),
        Question("mailboxes", "Mailboxes", "relay_recipient_maps", of.mailboxes),
        Question("aliases", ALIASES, "relay_recipient_maps", of.aliases),
        Question(
            "postmasters", "Postmasters of domains that are delivered here", "relay_recipient_maps", of.postmasters
        ),
        *_optional("relayed", "Everybody in a relay domain", "relay_recipient_maps", of.relayed),
        *_verified(of),
        *_senders(settings, of),
    ]


def post_questions(settings: Settings) -> list[Question]:
    """Return what gate 2 asks, in order: how a domain is delivered, and what an address stands for."""
    of = asked(settings.directory.queries)
    postmaster = settings.gateway.postmaster
    return [
        Question("mailbox-domains", "Domains of mailboxes", "virtual_mailbox_domains", of.mailbox_domains),
        Question("mailboxes", "Maildirs of mailboxes", "virtual_mailbox_maps", of.mailboxes, MAILDIR),
        *_optional("alias-domains", "Domains of aliases", "virtual_alias_domains", of.alias_domains),
        *_optional("relay-domains", "Relay domains", "relay_domains", of.relay_domains),
        *_optional("transport", "Next hops of relay domains", "transport_maps", of.transport, "relay:%s"),
        Question("aliases", "Aliases", "virtual_alias_maps", of.aliases),
        Question(
            "kept", "Mailboxes, which stay what they are beside @domain", "virtual_alias_maps", of.mailboxes, "%S"
        ),
        Question("postmasters", "Postmasters without a mailbox", "virtual_alias_maps", of.postmasters, postmaster),
        *_verified(of),
    ]


def host(topology: Topology, url: Database) -> str:
    """
    Return the server of a database.

    The appliance's own is an address: the name of a stopped container is unknown, and though that is a temporary error
    too, its text would lead astray.
    """
    return str(topology.address("database", "directory")) if url.host == DATABASE_HOST else url.host


def outside(url: Database) -> bool:
    """Tell whether what is asked may leave this host; the network of the appliance's own database does not."""
    return url.scheme != "sqlite" and url.host != DATABASE_HOST


def view(settings: Settings, questions: list[Question]) -> View:
    """Return what main.cf says; nothing but empty lists without a directory."""
    tables: dict[str, list[str]] = {reader: [] for reader in READERS}
    url = settings.directory.url
    if url is None:
        return View(tables, 0, "")
    for question in questions:
        tables[question.reader].append(f"proxy:{TYPES[url.scheme]}:{FOLDER}/{question.name}")
    return View(tables, ANSWER_S, next(iter(tables[VERIFIED]), ""))


def files(configuration: Configuration, questions: list[Question]) -> dict[str, str]:
    """Return a gate's files: name -> text; none without a directory."""
    url = configuration.settings.directory.url
    if url is None:
        return {}
    values = {
        "type": TYPES[url.scheme],
        "database": url,
        "file": f"{FILES}/{url.name}",
        "hosts": _hosts(configuration, url),
        "secret": configuration.settings.directory.password,
    }
    made = {f"{PREFIX}{question.name}": fill("directory", values | {"question": question}) for question in questions}
    if url.scheme == "mysql":
        made["mysql.cnf"] = fill("mysql.cnf", {"connect_s": CONNECT_S, "outside": outside(url)})
    return made


def _optional(name: str, what: str, reader: str, query: str | None, result: str = "%s") -> Iterator[Question]:
    if query is not None:
        yield Question(name, what, reader, query, result)


def _senders(settings: Settings, of: Asked) -> Iterator[Question]:
    """
    Yield who may send as whom, where people log in: each as themselves, and as an alias that leads to them.

    Of tables that are not ours one alias is known and not how to ask for the next.
    """
    if not any(listener.auth for listener in settings.listen.values()):
        return
    if of.senders:
        yield Question("senders", "Mailboxes, and whom aliases lead to", "smtpd_sender_login_maps", of.senders)
    else:
        yield Question("kept", "Mailboxes, as logins", "smtpd_sender_login_maps", of.mailboxes, "%S")
        yield Question("aliases", ALIASES, "smtpd_sender_login_maps", of.aliases)


def _verified(of: Asked) -> Iterator[Question]:
    what = "Domains whose recipients the next hop knows"
    yield from _optional("verified", what, VERIFIED, of.verified, "reject_unverified_recipient")


def _hosts(configuration: Configuration, url: Database) -> str:
    """Return the server as Postfix wants it."""
    if url.scheme == "sqlite":
        return ""
    server = host(configuration.topology, url)
    if url.scheme == "mysql":
        return f"inet:{server}:{url.port}"
    waits = f"connect_timeout={CONNECT_S}&options=-c%20statement_timeout%3D{STATEMENT_S}s"
    options = f"passfile={FOLDER}/pgpass&{waits}"
    return f"postgresql://{url.user}@{server}:{url.port}/{url.name}?{options}"
