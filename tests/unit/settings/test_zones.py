"""Zone files that are served as they are."""

from gateway.settings.zones import problems


def test_problems_finds_directives_that_reach_beyond_the_file():
    """$ORIGIN and $TTL are harmless; text in a record is not a directive."""
    text = (
        '$ORIGIN a.test.\n$TTL 60\nx TXT "$INCLUDE /etc/shadow"\n$include /etc/shadow\n\t$GENERATE 1-9 x A 192.0.2.1\n'
    )
    assert [(problem.path, problem.text) for problem in problems(("dns", "zones", "a.test"), text)] == [
        (("dns", "zones", "a.test", 4, 1), "$INCLUDE is not served; expected plain records"),
        (("dns", "zones", "a.test", 5, 2), "$GENERATE is not served; expected plain records"),
    ]
