"""Tests of gateway.settings.reference: docs/config.md says what the models say."""

from pathlib import Path

from gateway.settings.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "config.md"


def test_reference_page_is_up_to_date() -> None:
    """The page in docs/ is what `gateway reference` prints."""
    assert PAGE.read_text() == reference()


def test_reference_shows_a_default_as_it_is_written() -> None:
    """Sizes and times have their units, as in the file."""
    assert '| `message_size_limit` | text | `"50MiB"` |' in reference()
    assert '| `commit_timeout` | text | `"540s"` |' in reference()


def test_reference_has_a_section_for_each_table() -> None:
    """Those within others as well, in their order; each key of theirs is a row."""
    headings = [line[4:-1] for line in reference().splitlines() if line.startswith("## `")]
    inner = ["[checks]", "[checks.gtube]", "[checks.headers]", "[[checks.headers.patterns]]", "[checks.body]"]
    start = headings.index("[checks]")
    assert headings[start : start + len(inner)] == inner
    for heading in ("[checks.command.<name>]", "[policies.<name>]", "[policies.<name>.tag]", "[[patterns]]"):
        assert heading in headings
    assert len(headings) == len(set(headings))


def test_reference_tells_the_form_of_tables() -> None:
    """One, several by name, or a list of them."""
    page = reference()
    assert "| `headers` | table | none | Patterns in the header section. |" in page
    assert "| `command` | tables by name | none | Programs by name" in page
    assert "| `patterns` | tables | none | In their order" in page
    assert "| `verdicts` | table of text | none |" in page
    assert "| `spam_score` | number | `6.0` |" in page
    assert "`macro`: docm dotm pptm" in page


def test_reference_marks_what_must_be_there() -> None:
    """A key without a default is required."""
    assert "| `hostname` | text | required |" in reference()
