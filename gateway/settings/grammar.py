"""
The values a key may hold: one allow-list grammar per kind of value.

Every string of gateway.toml ends up in a file that some daemon parses: main.cf, a table, named.conf, a zone, a
supervisor or Compose file.  An allow-list is the only rule that holds for all of them, so no value can begin a
continuation line, a comment, a macro or a statement there.  What a grammar refuses is refused with the reason;
nothing is escaped and nothing is silently corrected but letter case, which DNS and Postfix's tables fold anyway.
They stand in one long file, so that what may enter the generated files can be read in one sitting.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any

import re2
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network
type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_NAME_OCTETS = 253  # RFC 1035 section 2.3.4: 255 on the wire
POLICY_ZONE = "rpz"  # where bind keeps the addresses of [dns] hosts; one label, so that no zone of the file is it
MAX_LOCAL_PART_OCTETS = 64  # RFC 5321 section 4.5.3.1.1

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# The part of RFC 5321's atext that means nothing to a shell, a path, a table or an old mail router.
_LOCAL_PART = re.compile(r"[a-z0-9_+=~&'-]+(?:\.[a-z0-9_+=~&'-]+)*", re.ASCII)
_IDENTIFIER = re.compile(r"[a-z](?:[a-z0-9-]{0,29}[a-z0-9])?", re.ASCII)
_SIZE = re.compile(r"([1-9][0-9]{0,9}) ?(B|KiB|MiB|GiB)", re.ASCII)
_SIZE_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION = re.compile(r"([1-9][0-9]{0,6})(s|m|h|d)", re.ASCII)
_DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DNSBL_OCTET = re.compile(r"[0-9]{1,3}|\[[0-9]{1,3}(?:\.\.[0-9]{1,3})?(?:;[0-9]{1,3}(?:\.\.[0-9]{1,3})?)*\]", re.ASCII)


def hostname(value: str) -> str:
    """
    Fold and check a fully-qualified host or domain name.

    Args:
        value: The name as written, without a trailing dot.

    Returns:
        The name in lower case: two or more LDH labels, at most MAX_NAME_OCTETS.

    Raises:
        ValueError: Not such a name; internationalised names must be given as A-labels.

    Source: RFC 1123 section 2.1, RFC 5890 section 2.3.2.1.
    """
    name = value.lower()
    if not value.isascii():
        raise ValueError("not ASCII; expected the A-label form of an internationalised name (xn--…)")
    if name.endswith("."):
        raise ValueError("ends in a dot; expected the name without it")
    if len(name) > MAX_NAME_OCTETS:
        raise ValueError(f"{len(name)} octets long; expected at most {MAX_NAME_OCTETS}")
    labels = name.split(".")
    if len(labels) < 2:
        raise ValueError("not fully qualified; expected a name with a dot, such as mx.example.test")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"bad label {label!r}; expected letters, digits and inner hyphens, 1 to 63 octets")
    if labels[-1].isdigit():
        raise ValueError("looks like an address; expected a name")
    return name


def address(value: str) -> str:
    """
    Fold and check a mail address for use as a key or value of a lookup table.

    Returns:
        local-part@domain in lower case, the local part a dot-atom of plain characters.

    Raises:
        ValueError: Not such an address.  Quoted local parts are refused: no table key needs one.

    Source: RFC 5321 section 4.1.2.
    """
    local, at, domain = value.rpartition("@")
    if not at:
        raise ValueError("no @; expected an address such as anna@example.test")
    local = local.lower()
    if len(local) > MAX_LOCAL_PART_OCTETS or not _LOCAL_PART.fullmatch(local):
        raise ValueError("bad local part; expected letters, digits and . _ + = ~ & ' - up to 64 octets")
    if local.startswith("-"):
        raise ValueError("begins with a hyphen, which Postfix refuses (allow_min_user); expected another address")
    return f"{local}@{hostname(domain)}"


def address_or_domain(value: str) -> str:
    """Fold and check an address, or @domain for everybody in it."""
    return "@" + hostname(value[1:]) if value.startswith("@") else address(value)


def sender_pattern(value: str) -> str:
    """
    Fold and check an entry of the sender list: an address, a domain, or .domain for its sub-domains.

    Raises:
        ValueError: None of the three.  The null sender is none of them, so it cannot be listed: blocking it
            would block every DSN (RFC 5321 section 4.5.5).
    """
    if value in {"", "<>"}:
        raise ValueError("the null sender carries every DSN (RFC 5321 section 4.5.5); expected a domain or an address")
    if value.startswith("."):
        label = value[1:].lower()  # .example blocks a whole top-level domain
        return f".{label}" if _LABEL.fullmatch(label) and not label.isdigit() else "." + hostname(label)
    return address(value) if "@" in value else hostname(value)


def identifier(value: str) -> str:
    """Check the name of a listener, network or policy: it becomes part of service and file names."""
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError("bad name; expected a lower-case letter, then up to 30 letters, digits or inner hyphens")
    return value


def network(value: str) -> Network:
    """
    Parse a CIDR network.

    Raises:
        ValueError: Host bits set, a zone index, leading zeros, or a prefix that names the whole Internet.
    """
    expected = "expected a network such as 10.20.0.0/24 or fd00:20::/64"
    if not re.fullmatch(r"[0-9A-Fa-f:.]+/[0-9]{1,3}", value, re.ASCII):
        raise ValueError(f"not an address, a slash and a prefix length; {expected}")
    try:
        parsed = ipaddress.ip_network(value)
    except ValueError as error:
        what = "has host bits set" if "host bits" in str(error) else "not an IPv4 or IPv6 network"
        raise ValueError(f"{what}; {expected}") from None
    if parsed.prefixlen == 0:
        raise ValueError("names every address there is; expected the networks of your own site")
    return parsed


def ipv4_network(value: str) -> ipaddress.IPv4Network:
    """Parse a CIDR network of IPv4."""
    parsed = network(value)
    if not isinstance(parsed, ipaddress.IPv4Network):
        raise ValueError("an IPv6 network; expected an IPv4 network such as 198.18.25.0/24")
    return parsed


def ip_address(value: str) -> Address:
    """Parse an IPv4 or IPv6 address without zone index or leading zeros."""
    if "%" in value:
        raise ValueError("has a zone index; expected an address such as 192.0.2.1 or 2001:db8::1")
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        raise ValueError("not an IPv4 or IPv6 address; expected one such as 192.0.2.1 or 2001:db8::1") from None


@dataclass(frozen=True, order=True)
class SocketAddress:
    """An address of the host and a port: one line of what is bound, and nothing else is."""

    ip: Address
    port: int

    def __str__(self) -> str:
        """Return ip:port, an IPv6 address in brackets."""
        return f"[{self.ip}]:{self.port}" if self.ip.version == 6 else f"{self.ip}:{self.port}"


def socket_address(value: str, default_port: int | None = None) -> SocketAddress:
    """
    Parse 192.0.2.1:25 or [2001:db8::1]:25.

    Raises:
        ValueError: No port and no default, a port outside 1 to 65535, or not an address.
    """
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::([1-9][0-9]{0,4}))?", value, re.ASCII)
    port = int(match[3]) if match and match[3] else default_port
    if not match or port is None or port > 65535:
        raise ValueError("expected an address of this host and a port: 192.0.2.1:25 or [2001:db8::1]:25")
    return SocketAddress(ip_address(match[1] or match[2]), port)


def next_hop(value: str) -> str:
    """
    Fold and check a next hop in Postfix's form.

    Returns:
        [host]:port, [address]:port (no MX lookup) or domain:port (MX lookup); the port may be missing.

    Raises:
        ValueError: None of these, or an IPv6 address: the egress network, and so gate 2, has IPv4 only.

    Source: transport(5), smtp(8).
    """
    match = re.fullmatch(r"(?:\[([^\[\]]+)\]|([^\[\]:]+))(?::([1-9][0-9]{0,4}))?", value, re.ASCII)
    expected = "expected a next hop such as [192.0.2.25]:25, [mail.corp.test]:25 or corp.test (by MX)"
    if not match or (match[3] and int(match[3]) > 65535):
        raise ValueError(expected)
    port = f":{match[3]}" if match[3] else ""
    if match[2]:
        return hostname(match[2]) + port
    host = match[1].lower()
    if ":" in host:
        raise ValueError(f"gate 2 delivers over IPv4; {expected}")
    try:
        ip_address(host)
    except ValueError:
        # One label is allowed in brackets: the name of a container on the egress network.
        if not _LABEL.fullmatch(host) or host.isdigit():
            try:
                hostname(host)
            except ValueError as error:
                raise ValueError(f"{error}; {expected}") from None
    return f"[{host}]{port}"


def dnsbl(value: str) -> str:
    """
    Fold and check a DNS blocklist: a zone, or zone=d.d.d.d with octets, ranges [2..11] and choices [2;4].

    Source: postconf(5), reject_rbl_client.
    """
    zone, equals, pattern = value.partition("=")
    zone = hostname(zone)
    if not equals:
        return zone
    octets = re.findall(r"\[[^\]]*\]|[^.\[\]]+", pattern)
    well_formed = len(octets) == 4 and ".".join(octets) == pattern and all(map(_DNSBL_OCTET.fullmatch, octets))
    matched = [_octet_values(octet) for octet in octets] if well_formed else []
    if not all(matched) or not matched or max(map(max, matched)) > 255:
        raise ValueError("bad answer pattern; expected four octets such as 127.0.0.[2..11]")
    if all(number in values for number, values in zip((127, 255, 255), matched, strict=False)):
        raise ValueError("matches 127.255.255.x, which means that the list refuses to answer; expected fewer answers")
    return f"{zone}={pattern}"


def is_within(name: str, zone: str) -> bool:
    """Tell whether a name is a zone's own or below it; both folded."""
    return f".{name}".endswith(f".{zone}")


_TRUST_ANCHOR = re.compile(r"(\d{1,5}) (8|10|13|14|15|16) (?:(2) ([0-9A-F]{64})|(4) ([0-9A-F]{96}))", re.ASCII)


def trust_anchor(value: str) -> str:
    """Fold and check a DS record's data: key tag, algorithm, digest type, digest (RFC 4034 section 5.3)."""
    folded = value.upper()
    match = _TRUST_ANCHOR.fullmatch(folded)
    if not match or int(match[1]) > 65535:
        raise ValueError("expected a DS record's data: KEY-TAG ALGORITHM 2 DIGEST, with a SHA-256 digest in hex")
    return folded


def _octet_values(octet: str) -> set[int]:
    """Return the numbers that 2, [2..11] or [2;4..6] stands for; none for a range that runs backwards."""
    values: set[int] = set()
    for part in octet.strip("[]").split(";"):
        first, _, last = part.partition("..")
        numbers = range(int(first), int(last or first) + 1)
        if not numbers:
            return set()
        values.update(numbers)
    return values


def size(value: Any) -> int:  # noqa: ANN401 - whatever TOML holds at the key
    """Parse a size such as 50MiB into octets."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError('expected a size as text with its unit, such as "50MiB" (B, KiB, MiB or GiB)')
    return int(match[1]) * _SIZE_UNITS[match[2]]


def duration(value: Any) -> int:  # noqa: ANN401 - whatever TOML holds at the key
    """Parse a duration such as 540s into seconds."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError('expected a duration as text with its unit, such as "540s" (s, m, h or d)')
    return int(match[1]) * _DURATION_UNITS[match[2]]


def size_text(octets: int) -> str:
    """Write octets as the grammar reads them, with the largest unit that fits."""
    unit = next(unit for unit in reversed(_SIZE_UNITS) if octets % _SIZE_UNITS[unit] == 0)
    return f"{octets // _SIZE_UNITS[unit]}{unit}"


def duration_text(seconds: int) -> str:
    """Write seconds as the grammar reads them."""
    return f"{seconds}s"


def file_name(value: str) -> str:
    """Check the name of a file beside gateway.toml: no directories, so that nothing outside is read."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", value, re.ASCII):
        raise ValueError("expected the plain name of a file beside gateway.toml, without a directory")
    return value


def regular_expression(value: str) -> str:
    """Check a PCRE pattern for a pcre: table: one line of printable text (the daemon's parser does the rest)."""
    if not value or not value.isprintable():
        raise ValueError("expected a pattern of printable characters on one line")
    escaped = re.findall(r"\\(.?)", value)
    if "" in escaped:
        raise ValueError("ends in a lone backslash, which would escape the end of the pattern; expected two")
    if "Q" in escaped:
        raise ValueError(r"quotes with \Q, which hides what ends the pattern; expected each character escaped")
    return value


def field_name(value: str) -> str:
    """Check the name of a header field: letters, digits and hyphens, which all real ones are made of (RFC 5322 2.2)."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,75}", value, re.ASCII):
        raise ValueError("bad name of a header field; expected letters, digits and hyphens")
    return value


def printable(value: str) -> str:
    """Check text for a header field or a line of a message: one line of printable ASCII, up to 200 octets."""
    if not (value.isascii() and value.isprintable()) or len(value) > 200 or value != value.strip():
        raise ValueError("expected one line of printable ASCII, up to 200 octets, without blanks around it")
    return value


def footer(value: str) -> str:
    """Check the line at a message's foot: printable, with {url} in it once and no other brace."""
    if printable(value).count("{url}") != 1 or set("{}") & set(value.replace("{url}", "")):
        raise ValueError("expected one line of printable ASCII with {url} in it, once")
    return value


def extension(value: str) -> str:
    """Fold and check a file name extension."""
    if not re.fullmatch(r"[A-Za-z0-9]{1,10}", value, re.ASCII):
        raise ValueError("bad extension; expected letters and digits without the dot, such as exe")
    return value.lower()


def re2_pattern(value: str) -> str:
    """Check a pattern of a check: one line of printable text; RE2 itself judges the rest where it is loaded."""
    if not value or not value.isprintable():
        raise ValueError("expected a pattern of printable characters on one line")
    options = re2.Options()
    options.log_errors = False  # it would write to stderr itself
    try:
        re2.compile(value, options)
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"no pattern that RE2 knows: {printable_part(told)}; expected its syntax") from None
    return value


def printable_part(text: str) -> str:
    """Return a text without what is not printable ASCII."""
    return "".join(character for character in text if character.isascii() and character.isprintable())


def scanner(value: str) -> str:
    """Check host:port of a scanner: a name, or an address; IPv6 in brackets."""
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"[1-9][0-9]{0,4}", port, re.ASCII) or int(port) > 65535:
        raise ValueError("expected host:port, such as 192.0.2.7:3310")
    if _LABEL.fullmatch(host) and not host.isdigit():
        return value
    try:
        ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        hostname(host)
    return value


_DATABASE = re.compile(
    r"(?P<scheme>mysql|postgresql)://(?P<user>[a-z][a-z0-9_-]{0,31})@(?P<host>[a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?/(?P<name>[a-z][a-z0-9_]{0,62})",
    re.ASCII,
)
DATABASE_HOST = "database"  # the appliance's own container
_DATABASE_PORTS = {"mysql": 3306, "postgresql": 5432}


@dataclass(frozen=True)
class Database:
    """Where the directory is: a file of the volume `directory`, or a server."""

    scheme: str  # sqlite, mysql or postgresql
    name: str  # of the file or the database
    user: str = ""  # who may read, empty for sqlite
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        """Return the URL as the file has it, with its port."""
        return (
            f"sqlite:///{self.name}"
            if self.scheme == "sqlite"
            else f"{self.scheme}://{self.user}@{self.host}:{self.port}/{self.name}"
        )


def database(value: str) -> Database:
    """
    Parse where the directory is.

    Raises:
        ValueError: Not one of the three forms.  A password in it is refused: this file is no secret.
    """
    if value.startswith("sqlite:///"):
        return Database("sqlite", file_name(value.removeprefix("sqlite:///")))
    match = _DATABASE.fullmatch(value)
    if not match or int(match["port"] or 1) > 65535:
        raise ValueError(
            "expected sqlite:///NAME, mysql://USER@HOST/DATABASE or postgresql://USER@HOST/DATABASE; the password is a "
            "file in secrets/"
        )
    scheme, host = match["scheme"], match["host"].lower()
    if not _LABEL.fullmatch(host) or host.isdigit():
        try:
            ip_address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            hostname(host)
    return Database(scheme, match["name"], match["user"], host, int(match["port"] or _DATABASE_PORTS[scheme]))


MAX_QUERY_OCTETS = 2000


def query(value: str) -> str:
    """
    Check a query for a database table of Postfix: one line, one statement, which asks for %s, %u or %d.

    Source: mysql_table(5), pgsql_table(5), sqlite_table(5).  Postfix escapes what it puts in their place.
    """
    fine = value.isascii() and value.isprintable() and len(value) <= MAX_QUERY_OCTETS
    if not fine or not value.lower().startswith("select ") or any(character in value for character in ";$#"):
        raise ValueError(
            f"expected one SELECT statement on one line, without ; $ and #, up to {MAX_QUERY_OCTETS} octets"
        )
    placeholders = set(re.findall(r"%(.)", value))
    if not placeholders or not placeholders <= set("sud"):
        raise ValueError("expected a query about '%s', or about '%u' and '%d', its local part and domain")
    return value


VERDICTS = ("pass", "tag", "redirect", "hold", "defer", "reject", "discard")  # message.verdict.Action


def outcome(value: str) -> str:
    """
    Fold and check what follows from a finding: a verdict; redirect with an address, or with a next hop in brackets.

    Returns:
        The verdict, or redirect:ADDRESS, or redirect:[HOST]:PORT.
    """
    verdict, _, target = value.partition(":")
    if verdict not in VERDICTS or (verdict == "redirect") != bool(target):
        raise ValueError(f"expected one of {', '.join(VERDICTS)}; redirect:ADDRESS or redirect:[HOST]:PORT")
    if not target:
        return verdict
    return f"redirect:{next_hop(target) if target.startswith('[') else address(target)}"


def check_name(value: str) -> str:
    """Check the form of a check's name: KIND, or command:NAME."""
    if not re.fullmatch(r"[a-z][a-z0-9]{0,29}(:[a-z][a-z0-9-]{0,30})?", value, re.ASCII):
        raise ValueError("bad name of a check; expected one such as attachments or command:NAME")
    return value


def finding_name(value: str) -> str:
    """Check the form of a finding's name: CHECK, or CHECK.REASON."""
    check, dot, reason = value.partition(".")
    check_name(check)
    if dot and not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", reason, re.ASCII):
        raise ValueError("bad name of a finding; expected CHECK.REASON, such as attachments.executable")
    return value


def pattern_action(value: str) -> str:
    """Check what gate 1 does about a pattern: reject, hold, warn, or filter:POLICY."""
    action, _, policy = value.partition(":")
    if action == "filter" and policy:
        return f"filter:{identifier(policy)}"
    if value not in {"reject", "hold", "warn"}:
        raise ValueError("expected one of reject, hold, warn; or filter:POLICY")
    return value


ARCHIVE_NAMES = ("list", "local", "domain", "message_id", "message_id_hash")
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?", re.ASCII)


def archive_url(value: str) -> str:
    """
    Check where a list's archive is: a preset with its base, or a template with the names of ARCHIVE_NAMES in braces.

    Source: RFC 5064; edit.lists says what the presets mean.
    """
    expected = "expected hyperkitty:https://HOST, public-inbox:https://HOST/DIR, mail-archive, or a template of a URL"
    preset, _, base = value.partition(":")
    if value == "mail-archive" or (
        preset in {"hyperkitty", "public-inbox"} and _URL.fullmatch(base) and "{" not in base
    ):
        return value
    names = re.findall(r"\{([^{}]*)\}", value)
    if not _URL.fullmatch(value) or re.sub(r"\{[^{}]*\}", "", value).count("{") or not set(names) <= set(ARCHIVE_NAMES):
        raise ValueError(f"{expected} with {', '.join('{' + name + '}' for name in ARCHIVE_NAMES)}")
    return value


def text(parse: Any) -> BeforeValidator:  # noqa: ANN401 - any grammar function
    """Make a validator that wants text and hands it to a grammar function."""

    def validate(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError("expected text")
        return parse(value)

    return BeforeValidator(validate)


Hostname = Annotated[str, AfterValidator(hostname)]
FieldName = Annotated[str, AfterValidator(field_name)]
Regex = Annotated[str, AfterValidator(re2_pattern)]
MailAddress = Annotated[str, AfterValidator(address)]
AddressOrDomain = Annotated[str, AfterValidator(address_or_domain)]
SenderPattern = Annotated[str, AfterValidator(sender_pattern)]
Identifier = Annotated[str, AfterValidator(identifier)]
NextHop = Annotated[str, AfterValidator(next_hop)]
Dnsbl = Annotated[str, AfterValidator(dnsbl)]
TrustAnchor = Annotated[str, AfterValidator(trust_anchor)]
FileName = Annotated[str, AfterValidator(file_name)]
Pattern = Annotated[str, AfterValidator(regular_expression)]
Size = Annotated[int, BeforeValidator(size), WithJsonSchema({"type": "string", "pattern": f"^{_SIZE.pattern}$"})]
Duration = Annotated[
    int, BeforeValidator(duration), WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"})
]
