"""Messages that a bug meets again and again."""

from gateway.message import strikes
from gateway.message.strikes import TRIES, Strikes


def test_strikes_are_counted_by_message():
    """One is out with the last try, another that was met once is not."""
    counted = Strikes()
    for _ in range(TRIES - 1):
        counted.add(b"4abc")
    counted.add(b"4def")
    assert not counted.out(b"4abc")
    counted.add(b"4abc")
    assert counted.out(b"4abc")
    assert not counted.out(b"4def")


def test_strikes_of_no_message_are_not_counted():
    """What gate 1 does not name may be any message."""
    counted = Strikes()
    for _ in range(TRIES):
        counted.add(b"")
    assert not counted.out(b"")


def test_strikes_of_the_last_messages_are_kept(monkeypatch):
    """Not of all there ever were."""
    monkeypatch.setattr(strikes, "KEPT", 2)
    monkeypatch.setattr(strikes, "TRIES", 1)
    counted = Strikes()
    for name in (b"1", b"2", b"1", b"3"):
        counted.add(name)
    assert [counted.out(name) for name in (b"1", b"2", b"3")] == [True, False, True]
