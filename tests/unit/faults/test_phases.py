"""Where a session stands, whatever the slicing of its octets."""

import pytest

from tests.faults.phases import HOPS, Dialogue, Piece, Transaction, met

GREETING = [(b"", b"220 x ESMTP\r\n"), (b"EHLO y\r\n", b"250-x\r\n250-PIPELINING\r\n250 XFORWARD NAME\r\n")]
ENVELOPE = b"XFORWARD NAME=z\r\nMAIL FROM:<s@x>\r\nRCPT TO:<a@x> NOTIFY=NEVER\r\nRCPT TO:<b@x>\r\nDATA\r\n"
ANSWERS = b"250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"
CONTENT = b"X-Fault: 1\r\n\r\none\r\n..two\r\n.\r\n"
TALK = [*GREETING, (ENVELOPE, ANSWERS), (CONTENT, b"250 2.0.0 Ok: queued\r\n")]
MOMENTS = ["banner", "ehlo", "xforward", "mail", "rcpt", "rcpt", "data", "body", "dot", "reply", "done"]


def slices(octets: bytes, size: int) -> list[bytes]:
    """Cut octets into slices of a size."""
    return [octets[start : start + size] for start in range(0, len(octets), size)]


def play(dialogue: Dialogue, talk: list[tuple[bytes, bytes]], size: int) -> tuple[list[str], bytes, bytes]:
    """Play a talk in slices; return the moments, and what passed in both directions."""
    moments, passed = [], {"client": b"", "server": b""}

    def take(side: str, pieces: list[Piece]) -> None:
        for piece in pieces:
            dialogue.enter(piece.moment)
            passed[side] += piece.octets
            moments.append(piece.moment)

    for asked, answered in talk:
        for octets in slices(asked, size):
            take("client", dialogue.client(octets))
        for octets in slices(answered, size):
            take("server", dialogue.server(octets))
    named = [moment for moment in moments if moment]
    once = [moment for number, moment in enumerate(named) if moment != "body" or named[number - 1] != "body"]
    return once, passed["client"], passed["server"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_moments_come_in_order_and_octets_pass_unchanged(size: int):
    """Whole, in slices and byte by byte: the same moments, and every octet in its place."""
    dialogue = Dialogue("scan")
    moments, asked, answered = play(dialogue, TALK, size)
    assert moments == MOMENTS
    assert asked == b"".join(question for question, _ in TALK)
    assert answered == b"".join(answer for _, answer in TALK)
    assert dialogue.transaction is not None
    assert dialogue.transaction.recipients == ["a@x", "b@x"]
    assert dialogue.transaction.phase == "c10"


@pytest.mark.parametrize("hop", HOPS)
def test_another_message_on_the_connection_ends_the_first(hop: str):
    """What was answered is over and unbroken; the next one is a transaction of its own."""
    dialogue = Dialogue(hop)
    play(dialogue, TALK, 1000)
    first = dialogue.transaction
    moments, _, _ = play(dialogue, [(b"MAIL FROM:<s@x>\r\nRCPT TO:<c@x>\r\n", b"250 ok\r\n250 ok\r\n")], 1000)
    assert moments == ["again", "mail", "rcpt"]
    assert first is not None and first.over and not first.broken
    assert dialogue.transaction is not None and dialogue.transaction.recipients == ["c@x"]


def test_refused_mail_ends_with_the_next_one():
    """After 451 to MAIL the next MAIL is another transaction, with or without RSET."""
    for between in ([], [(b"RSET\r\n", b"250 ok\r\n")]):
        dialogue = Dialogue("scan")
        refused = [(b"MAIL FROM:<s@x>\r\nRCPT TO:<a@x>\r\n", b"451 no\r\n503 no\r\n")]
        play(dialogue, [*GREETING, *refused, *between, (b"MAIL FROM:<s@x>\r\nRCPT TO:<b@x>\r\n", b"")], 1000)
        assert dialogue.transaction is not None
        assert dialogue.transaction.recipients == ["b@x"]
        assert dialogue.transactions == 2


def test_end_of_the_connection_breaks_what_is_under_way():
    """The transaction keeps the phase it had."""
    dialogue = Dialogue("reinject")
    play(dialogue, [*TALK[:3], (CONTENT, b"")], 4)
    transaction = dialogue.transaction
    dialogue.ended()
    assert transaction is not None and transaction.broken and transaction.phase == "c7"


def test_other_answer_than_250_breaks_the_transaction():
    """The sender will try again, whether or not the message was kept."""
    dialogue = Dialogue("reinject")
    play(dialogue, [*TALK[:3], (CONTENT, b"451 4.3.0 queue file write error\r\n")], 1000)
    assert dialogue.transaction is not None and dialogue.transaction.broken
    assert dialogue.transaction.phase == "c8"


def test_dot_line_inside_content_is_not_the_end():
    """Only CRLF.CRLF is."""
    dialogue = Dialogue("scan")
    play(dialogue, TALK[:3], 1000)
    moments, asked, _ = play(dialogue, [(b"a\n.\nb\r\n.c\r\n..\r\n", b"")], 3)
    assert "dot" not in moments
    assert asked == b"a\n.\nb\r\n.c\r\n.."  # what may begin the end waits for more


def test_blow_on_one_hop_met_the_message_where_it_was_on_the_next():
    """A broken transaction counts with its end, and with where the same message was behind it; others do not count."""
    brought = Transaction("c6", ["a@x", "b@x"], broken=True)
    carried = Transaction("c9", ["a@x"])
    other = Transaction("c9", ["c@x"])
    found = met([(brought, "c5"), (carried, "c7"), (other, "c8")])
    assert found == {"a@x": {"c5", "c6", "c7"}, "b@x": {"c5", "c6"}}
