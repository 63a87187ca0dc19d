"""
Explain: the message's way, from the client's connection to each recipient's next hop.

Gate 1 and gate 2 are read from the settings that render them; the yard is the filter's own code.
"""

from collections.abc import Mapping, Sequence

from gateway.explain.diff import difference
from gateway.explain.gate1 import Gate1, Listed, choose
from gateway.explain.gate2 import deliver, masqueraded
from gateway.explain.steps import GATE2, YARD, Explanation, Fate, Sent, Step
from gateway.explain.yard import Yard
from gateway.judge import Judged
from gateway.message.edit import apply
from gateway.message.verdict import Action, Verdict
from gateway.settings.load import Configuration
from gateway.settings.policies import NONE

_FORWARDED = (Action.PASS, Action.TAG, Action.REDIRECT)


async def explain(
    configuration: Configuration,
    sent: Sent,
    *,
    assumed: Mapping[str, Sequence[str]] | None = None,
    listed: Listed | None = None,
) -> Explanation:
    """
    Say what would happen to a message.

    Args:
        configuration: The loaded file.
        sent: The message, its envelope and its client.
        assumed: Check -> reasons, in place of asking scanners and DNS; None asks them.
        listed: Asks a DNS blocklist; None leaves that out.

    Raises:
        LookupError: there is no such listener.
    """
    gate = Gate1(configuration, sent, listed)
    if gate.name not in configuration.settings.listen:
        raise LookupError(f"no listener {gate.name}; there are {', '.join(configuration.settings.listen)}")
    told = Explanation(list(gate.connect()))
    told.fates = [Fate(recipient) for recipient in sent.recipients]
    if told.refused:
        return told
    for fate in told.fates:
        fate.steps += gate.recipient(fate.recipient)
    alive = [fate for fate in told.fates if not fate.ended]
    if alive:
        told.steps += gate.message(len(alive))
    if told.refused:
        return told
    for fate in alive:
        choose(gate, fate)
    if gate.patterns.held or not alive:
        return told
    yard = Yard(configuration, assumed)
    for policy in dict.fromkeys(fate.policy for fate in alive):
        await _search(configuration, sent, yard, [fate for fate in alive if fate.policy == policy], told)
    return told


async def _search(configuration: Configuration, sent: Sent, yard: Yard, fates: list[Fate], told: Explanation) -> None:
    """Follow the recipients of one policy, who share a transaction."""
    name = fates[0].policy
    if name == NONE:
        told.content[name] = sent.content
        steps, verdict = [Step(YARD, "policy none", "past the filter")], Verdict.passed()
    else:
        judged = await yard.judge(sent, [fate.recipient for fate in fates], name)
        steps, verdict = _steps(judged), judged.verdict
        if verdict.action in _FORWARDED:
            told.content[name] = b"".join(apply(judged.mail.content, judged.splices))
            told.edits[name] = difference(sent.content, judged.mail, judged.splices)
            if key := yard.key(judged.mail):
                why = f"selector {key.selector.decode('ascii')} of {key.domain.decode('ascii')}"
                steps.append(Step(YARD, "dkim", "signed", why))
    for fate in fates:
        fate.steps += steps
        fate.verdict = verdict.action.value
        if verdict.action in _FORWARDED:
            _deliver(configuration, sent, fate, verdict)


def _steps(judged: Judged) -> list[Step]:
    verdict = judged.verdict
    steps = [Step(YARD, finding.key, "found", finding.detail) for finding in verdict.findings]
    reply = verdict.reply.text.decode("ascii") if verdict.reply else ""
    why = f"{verdict.outcome.target} {reply}".strip() or ("" if verdict.findings else "no findings")
    return [*steps, Step(YARD, "verdict", verdict.action.value, why, ends=verdict.action not in _FORWARDED)]


def _deliver(configuration: Configuration, sent: Sent, fate: Fate, verdict: Verdict) -> None:
    target = verdict.outcome.target
    if target.startswith("["):
        fate.next_hops.append(target)
        fate.steps.append(Step(GATE2, "next hop", f"{fate.recipient}: {target}", "redirect"))
        return  # by a door of gate 2, where addresses stay as they are
    sender = masqueraded(configuration.settings, sent.reverse_path)
    if sender != sent.reverse_path:
        fate.steps.append(Step(GATE2, "masquerade", sender, sent.reverse_path))
    for step, hop in deliver(configuration, target or fate.recipient):
        fate.steps.append(step)
        if hop:
            fate.next_hops.append(hop)
