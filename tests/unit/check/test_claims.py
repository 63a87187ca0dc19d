"""What files say they are."""

import pytest

from gateway.check.claims import contradicts


@pytest.mark.parametrize(
    ("declared", "extensions", "kind", "claim"),
    [
        ("image/png", ["png"], "pe", "image/png"),
        ("text/plain", [], "zip", "text/plain"),
        ("text/html", [], "pdf", "text/html"),
        ("application/pdf", ["pdf"], "pe", "application/pdf"),
        ("application/pdf", [], "zip", "application/pdf"),
        ("application/octet-stream", ["jpg"], "pe", "jpg"),
        ("application/octet-stream", ["exe", "txt"], "pe", "txt"),
        ("audio/mpeg", [], "script", "audio/mpeg"),
        ("application/vnd.ms-excel", [], "pe", "application/vnd.ms-excel"),
        ("application/zip", ["zip"], "", "application/zip"),
        ("application/octet-stream", ["zip"], "rar", "zip"),
    ],
)
def test_contradicts_names_the_claim(declared, extensions, kind, claim):
    """The declared type, else the last extension."""
    assert contradicts(declared, extensions, kind) == claim


@pytest.mark.parametrize(
    ("declared", "extensions", "kind"),
    [
        ("image/png", ["png"], "png"),
        ("image/png", ["png"], "jpeg"),
        ("image/svg+xml", ["svg"], ""),
        ("text/plain", ["txt"], ""),
        ("text/x-sh", ["sh"], "script"),
        ("text/rtf", ["rtf"], "rtf"),
        ("application/msword", ["doc"], "rtf"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ["docx"], "zip"),
        ("application/octet-stream", [], "pe"),
        ("application/octet-stream", ["exe"], "pe"),
        ("application/pdf", ["pdf"], ""),
        ("text/plain", ["txt", "gz"], ""),
    ],
)
def test_contradicts_nothing_where_nobody_is_misled(declared, extensions, kind):
    """One image for another, unknown octets, a type that says nothing."""
    assert contradicts(declared, extensions, kind) == ""
