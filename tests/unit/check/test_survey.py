"""What is kept of a message that was looked through, to its end or not."""

import re

import pytest

from gateway.check.attachments import Attachments, Options
from gateway.check.survey import MAX_SHOWN, Survey
from gateway.message.mime import MAX_DEPTH, MAX_PARTS

from .mails import PROGRAM, file, mail, one_part, parts


async def found(content):
    """Give reason -> detail."""
    options = Options(groups={"executable": ["exe"]})
    report = await Attachments("attachments", options).examine(mail(content))
    return {finding.reason: finding.detail for finding in report.findings}


def test_add_keeps_the_first_of_each_reason_and_no_endless_detail():
    """A group may have the name of a reason."""
    survey = Survey()
    survey.add("bomb", "x" * 1000)
    survey.add("bomb", "y")
    survey.add_group("executable", "a.exe")
    survey.add("executable", "b.exe")
    assert survey.found == {"bomb": "x" * MAX_SHOWN, "executable": "a.exe"}


@pytest.mark.parametrize(
    ("content", "limit"),
    [
        (parts(*[b"\r\nx"] * MAX_PARTS, b"Content-Type: text/plain; name=a.exe\r\n\r\nx"), "too-many-parts"),
        (b"Content-Type: message/rfc822\r\n\r\n" * (MAX_DEPTH + 1) + file(PROGRAM, "a.exe"), "too-deep"),
        (one_part(b"x", f"text/plain{'; a=b' * 201}; name=a.exe"), "too-many-parameters"),
    ],
    ids=["parts", "levels", "parameters"],
)
async def test_message_that_was_not_read_to_its_end_is_incomplete(content, limit):
    """Nobody has seen the program behind the limit."""
    reported = await found(content)
    assert list(reported) == ["incomplete"]
    assert re.fullmatch(rf"{limit} at octet \d+", reported["incomplete"])


async def test_message_just_within_the_limits_is_complete():
    """All of it was looked at."""
    assert await found(parts(*[b"\r\nx"] * (MAX_PARTS - 1))) == {}


async def test_message_that_is_incomplete_keeps_what_was_found_before():
    """Both are said."""
    program = b"Content-Type: text/plain; name=a.exe\r\n\r\nx"
    assert set(await found(parts(program, *[b"\r\nx"] * MAX_PARTS))) == {"executable", "incomplete"}
