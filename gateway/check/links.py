r"""
Host names of the links in a text, whatever is done to hide them, in the form that blocklists want.

Browsers and mail programs read http:\\host, http:/host, user@host, %-escapes, wide letters, and addresses in one
number or in hex; so these are read here as they do.  Linear in the text.

Source: the WHATWG URL standard (host parsing, IPv4 parser); RFC 3492, RFC 5890.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote

MAX_HOST = 253  # octets, RFC 1035 section 2.3.4
_SCHEME = re.compile(r"\b(?:https?|ftp):[\\/]{0,8}([^\s\\/?#\"'<>`|]{1,512})", re.IGNORECASE)
_WWW = re.compile(r"(?<![\w./@-])www\d{0,2}\.[\w.%-]{1,300}", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"\b(?:href|src|action|background|poster|formaction)\s{0,20}=\s{0,20}"
    r"(\"[^\"]{0,4096}\"|'[^']{0,4096}'|[^\s>]{1,4096})",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"[\\/]{2}([^\\/?#]{1,512})")
_DROPPED = re.compile(r"[\x00-\x20]+")  # browsers drop these from within a URL
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]{0,16}|[0-9]{1,20}")
_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})


def hosts(text: str) -> Iterator[str]:
    """Give the hosts of URLs in plain text: A-labels in lower case, or the address of an IP literal."""
    for match in _SCHEME.finditer(text):
        if host := read_host(match[1]):
            yield host
    for match in _WWW.finditer(text):
        if host := read_host(match[0]):
            yield host


def linked_hosts(markup: str, unescape: Callable[[str], str]) -> Iterator[str]:
    """Give the hosts that attributes of HTML link to; *unescape* decodes entities."""
    for match in _ATTRIBUTE.finditer(markup):
        url = _DROPPED.sub("", unescape(match[1].strip("\"'")))
        if (found := _SCHEME.match(url) or _RELATIVE.match(url)) and (host := read_host(found[1])):
            yield host


def read_host(authority: str) -> str:
    """
    Read the part of a URL between the slashes.

    Returns:
        A-labels in lower case; an IPv4 or IPv6 address; or nothing when it is no host.
    """
    host = unicodedata.normalize("NFKC", unquote(authority.rpartition("@")[2])).translate(_DOTS).lower()
    if host.startswith("["):
        return _ipv6(host[1:].partition("]")[0])
    labels = [_a_label(label) for label in host.partition(":")[0].split(".")]
    found = _HOST.match(".".join(labels))
    if not found or len(found[0]) > MAX_HOST:
        return ""
    labels = found[0].split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(labels)
    if len(labels) < 2 or any(not 0 < len(label) < 64 for label in labels):
        return ""
    return found[0]


def _a_label(label: str) -> str:
    if label.isascii() or len(label) > 63:
        return label
    return "xn--" + label.encode("punycode").decode("ascii")


def _ipv6(text: str) -> str:
    try:
        return ipaddress.IPv6Address(text).compressed
    except ValueError:
        return ""


def _ipv4(labels: list[str]) -> str:
    """Read one to four numbers, decimal, octal or hex, of which the last fills the rest of the address."""
    if len(labels) > 4 or not all(map(_NUMBER.fullmatch, labels)):
        return ""
    numbers = []
    for label in labels:
        base = 16 if label.startswith("0x") else 8 if label.startswith("0") and len(label) > 1 else 10
        digits = label[2:] if base == 16 else label
        try:
            numbers.append(int(digits or "0", base))
        except ValueError:  # 08 is no octal number
            return ""
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 256 ** (5 - len(numbers)):
        return ""
    value = last + sum(number << (24 - 8 * place) for place, number in enumerate(first))
    return str(ipaddress.IPv4Address(value))


def reversed_address(host: str) -> str:
    """Give an address as lists have it (RFC 5782 section 2), or nothing when the host is a name."""
    if ":" not in host and not host[-1:].isdigit():
        return ""
    try:
        return ipaddress.ip_address(host).reverse_pointer.rpartition(".")[0].rpartition(".")[0]
    except ValueError:
        return ""
