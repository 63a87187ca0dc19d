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


def test_reference_marks_what_must_be_there() -> None:
    """A key without a default is required."""
    assert "| `hostname` | text | required |" in reference()
