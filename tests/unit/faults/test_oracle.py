"""The verdict of the fault tests: a wrong oracle would call every run a good one."""

from tests.faults.oracle import Fault, Stored, judge, recovery_s

ACKED = {"a@x": "1", "b@x": "2", "c@x": "3"}
ONCE = [Stored(recipient, digest) for recipient, digest in ACKED.items()]


def blow(phase: str, *recipients: str) -> Fault:
    """Return a blow that met messages at a phase."""
    return Fault("SIGKILL", phase, {recipient: {phase} for recipient in recipients})


def test_everything_stored_once_holds():
    """The plain case."""
    verdict = judge(ACKED, ONCE, [], [], [])
    assert verdict.holds
    assert (verdict.acked, verdict.delivered, verdict.bounced, verdict.queued) == (3, 3, 0, 0)


def test_acknowledged_and_nowhere_is_lost():
    """P1: neither at the sink, nor in a DSN, nor in a queue."""
    verdict = judge(ACKED, ONCE[:2], [], [], [])
    assert verdict.lost == ["c@x"]
    assert not verdict.holds


def test_dsn_and_queue_count_as_kept():
    """A message need not have arrived to be safe."""
    verdict = judge(ACKED, ONCE[:1], ["b@x"], ["c@x"], [])
    assert verdict.holds
    assert (verdict.delivered, verdict.bounced, verdict.queued) == (1, 1, 1)


def test_stored_without_acknowledgement_is_no_loss():
    """The client may have missed the 250; what it never counted on cannot be lost."""
    assert judge({}, ONCE, [], [], []).holds


def test_copy_without_a_fault_is_unmatched():
    """P2: no duplicate without a fault."""
    verdict = judge(ACKED, [*ONCE, ONCE[0]], [], [], [])
    assert verdict.unmatched == ["a@x"]
    assert not verdict.holds


def test_copy_after_a_fault_in_the_gap_is_matched_once():
    """One blow explains one copy of the message it met, and no other's."""
    verdict = judge(ACKED, [*ONCE, ONCE[0]], [], [], [blow("c8", "a@x")])
    assert verdict.holds
    assert verdict.duplicates == {"c8": 1}
    assert judge(ACKED, [*ONCE, ONCE[1]], [], [], [blow("c8", "a@x")]).unmatched == ["b@x"]
    assert judge(ACKED, [*ONCE, ONCE[0], ONCE[0]], [], [], [blow("c8", "a@x")]).unmatched == ["a@x"]


def test_copy_after_a_fault_before_the_dot_is_unmatched():
    """Up to c6 nobody may have taken the message."""
    for phase in ("c0", "c3", "c6", "before", "taken", "sending"):
        assert judge(ACKED, [*ONCE, ONCE[0]], [], [], [blow(phase, "a@x")]).unmatched == ["a@x"], phase


def test_each_blow_in_the_gap_explains_a_copy():
    """Two faults, two copies more; each under its own phase."""
    faults = [blow("c9", "a@x"), blow("c7", "a@x")]
    verdict = judge(ACKED, [*ONCE, ONCE[0], ONCE[0]], [], [], faults)
    assert verdict.holds
    assert verdict.duplicates == {"c7": 1, "c9": 1}


def test_of_several_phases_the_first_in_the_gap_names_the_copy():
    """A blow at c6 after which the dot still arrived counts as c7; one at c8 stays c8, wherever the 250 got to."""
    for phases, name in (({"c6", "c7"}, "c7"), ({"c8", "c10"}, "c8")):
        verdict = judge(ACKED, [*ONCE, ONCE[0]], [], [], [Fault("SIGKILL", "c6", {"a@x": phases})])
        assert verdict.duplicates == {name: 1}


def test_mail_of_others_is_not_judged():
    """Postfix's own notices to the postmaster are as many as there were errors."""
    assert judge(ACKED, [*ONCE, Stored("postmaster@x", "7"), Stored("postmaster@x", "8")], [], [], []).holds


def test_recovery_is_the_last_delivery_of_what_was_taken_before():
    """Mail taken after the blow does not count, nor do second copies."""
    stored = [Stored("a@x", "1", 9.0), Stored("b@x", "2", 14.0), Stored("b@x", "2", 30.0), Stored("c@x", "3", 50.0)]
    assert recovery_s({"a@x": 8.0, "b@x": 9.5, "c@x": 40.0}, stored, 10.0) == 4.0
    assert recovery_s({"a@x": 8.0}, stored, 10.0) == 0.0
    assert recovery_s({"d@x": 8.0}, stored, 10.0) == 0.0


def test_other_octets_are_altered():
    """P3: any copy whose content differs."""
    verdict = judge(ACKED, [*ONCE[1:], Stored("a@x", "9")], [], [], [])
    assert verdict.altered == ["a@x"]
    assert not verdict.holds
