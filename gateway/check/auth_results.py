"""
Authentication-Results: the field that says what was found, and which of those that came claim to be ours.

Whoever reads it behind us goes by the name in front.  So each field with our name in it is removed, in whatever letter
case, quoted, with comments or a version number; others say what others found and stay.

Source: RFC 8601 sections 2.2 and 5.
"""

import re
from collections.abc import Sequence

from gateway.check.auth_dkim import Chain, Signature
from gateway.check.auth_dmarc import Dmarc
from gateway.check.auth_spf import Spf
from gateway.message.comments import without_comments
from gateway.message.edit import Splice
from gateway.message.header import Buffer, Header, every
from gateway.message.parameters import word_readings

MAX_VALUE = 16_384  # octets of a field that are read for its name
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")


def forged(content: Buffer, header: Header, authserv_id: str) -> list[Splice]:
    """
    Give the splices that remove the fields in our name; one whose name cannot be read is removed as well.

    However many fields stand before it: whoever reads it behind us may have no limit.
    """
    return [
        Splice(field.start, field.stop, b"")
        for field in every(content, header, b"Authentication-Results")
        if _names(field.value, authserv_id)
    ]


def _names(value: bytes, authserv_id: str) -> bool:
    """Tell whether what stands before the results has our name in it."""
    ours = authserv_id.lower().rstrip(".")
    for text in word_readings(value[:MAX_VALUE].decode("utf-8", "replace")):
        before = without_comments(text, " ").partition(";")[0]
        names = before.replace("\\", "").replace('"', " ").lower().split()
        if not names or any(name.rstrip(".") == ours for name in names):
            return True
    return False


def results(
    authserv_id: str, reverse_path: str, spf: Spf, signatures: Sequence[Signature], chain: Chain, dmarc: Sequence[Dmarc]
) -> Splice:
    """Give the splice that puts the field before all else."""
    lines = [_spf(reverse_path, spf)]
    lines += [_dkim(each) for each in signatures] or ["dkim=none"]
    if chain.result != "none":
        lines.append(f"arc={chain.result}")
    lines += [f"dmarc={each.result} (p={each.policy}) header.from={each.domain}" for each in dmarc] or [
        "dmarc=permerror"
    ]
    text = f"Authentication-Results: {authserv_id};\r\n\t" + ";\r\n\t".join(lines) + "\r\n"
    return Splice(0, 0, text.encode("ascii"))


def _spf(reverse_path: str, spf: Spf) -> str:
    """Write the result of SPF; of a path that is no plain address only the domain."""
    if not spf.domain:
        return f"spf={spf.result}"
    if spf.helo:
        return f"spf={spf.result} smtp.helo={spf.domain}"
    plain = len(reverse_path) <= 320 and _ADDRESS.fullmatch(reverse_path)
    return f"spf={spf.result} smtp.mailfrom={reverse_path if plain else spf.domain}"


def _dkim(signature: Signature) -> str:
    properties = {"header.d": signature.domain, "header.s": signature.selector, "header.b": signature.start}
    return " ".join(
        [f"dkim={signature.result}", *(f"{name}={_value(value)}" for name, value in properties.items() if value)]
    )


def _value(text: str) -> str:
    """Write a value as a token, or in quotes."""
    return text if _TOKEN.fullmatch(text) else f'"{text}"'
