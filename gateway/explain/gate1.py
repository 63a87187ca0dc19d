"""
What gate 1 would say: its restrictions in the order Postfix evaluates them, and the policy it would choose.

All of them are evaluated at RCPT (smtpd_delay_reject), relaying before what looks like spam; a refusal of client, HELO
or sender therefore shows at the first recipient.  render.postfix and its templates are what is imitated here; a stack
test holds the two against each other.

Source: SMTPD_ACCESS_README; postconf(5) smtpd_client_restrictions to smtpd_data_restrictions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from gateway.explain.patterns import Patterns
from gateway.explain.steps import GATE1, Fate, Sent, Step
from gateway.explain.tables import address_in, domain_of, sender_listed
from gateway.render.postfix import known_recipients, own_names, recipients_of
from gateway.settings.load import Configuration
from gateway.settings.models import Listener
from gateway.settings.policies import NONE

HELD = "hold"  # verdict of what waits in gate 1's queue
type Listed = Callable[[str, Sent], str | None]  # DNS blocklist entry, client -> its answer when listed


@dataclass(frozen=True)
class Gate1:
    """Gate 1 under a configuration, asked about one message."""

    configuration: Configuration
    sent: Sent
    listed: Listed | None = None  # None: DNS is not asked

    @property
    def name(self) -> str:
        """Return the listener's name."""
        return self.sent.listener or next(iter(self.configuration.settings.listen))

    @property
    def listener(self) -> Listener:
        """Return the listener."""
        return self.configuration.settings.listen[self.name]

    @property
    def trusted(self) -> bool:
        """Return whether the client may relay; where people log in, somebody has, and sends as himself."""
        return self.listener.auth or self._in([*self.listener.networks, *self.listener.trusted])

    def _in(self, names: list[str]) -> bool:
        networks = self.configuration.settings.networks
        return any(self.sent.client in network for name in names for network in networks[name])

    @cached_property
    def patterns(self) -> Patterns:
        """Return the patterns, which remember what they have matched."""
        return Patterns(self.configuration.settings.patterns, self.sent)

    # -- before recipients

    def connect(self) -> Iterator[Step]:
        """Yield what comes of client and sender."""
        what = f"listen.{self.name}"
        if self.listener.networks and not self._in(self.listener.networks):
            why = f"{self.sent.client} is in none of {', '.join(self.listener.networks)}"
            yield Step(GATE1, what, "554 5.7.1 Client host rejected: Access denied", why, ends=True)
            return
        standing = "may relay" if self.trusted else "a stranger: mail to our domains only"
        yield Step(GATE1, what, "may relay, once logged in" if self.listener.auth else standing, str(self.sent.client))
        yield from self._sender()

    def _sender(self) -> Iterator[Step]:
        sender = self.sent.reverse_path
        if not sender:
            yield Step(GATE1, "reverse-path", "the null sender is always taken", "RFC 5321 section 4.5.5")
            return
        if _malformed(sender):
            yield Step(GATE1, "reverse-path", "501 5.1.7 Bad address syntax", ends=True)
        elif "." not in domain_of(sender):
            yield Step(GATE1, "reverse-path", "504 5.5.2 need fully-qualified address", ends=True)
        elif not self.trusted:
            entry = sender_listed(sender, self.configuration.settings.senders.reject)
            if entry is not None:
                yield Step(
                    GATE1, "senders.reject", "554 5.7.1 Sender address rejected: Access denied", entry, ends=True
                )
            else:
                yield Step(GATE1, "senders.reject", "not listed")

    # -- for each recipient

    def recipient(self, recipient: str) -> Iterator[Step]:
        """Yield what comes of one recipient."""
        settings = self.configuration.settings
        domain = domain_of(recipient)
        ours = domain in settings.domains or domain in own_names(settings)
        asked = settings.directory.url is not None
        if not ours and not self.trusted and not asked:
            yield Step(GATE1, "relaying", "554 5.7.1 Relay access denied", f"{domain} is not ours", ends=True)
            return
        if _malformed(recipient):
            yield Step(GATE1, "recipient", "501 5.1.3 Bad address syntax", ends=True)
            return
        if asked and not (ours and self._known(recipient)):
            yield self._left_to_directory(domain)
        elif ours and not self._known(recipient):
            yield Step(GATE1, "recipient", "550 5.1.1 User unknown", f"no such recipient in {domain}", ends=True)
            return
        else:
            yield Step(GATE1, "recipient", "known" if ours else "of another site, relayed for a trusted client", domain)
        yield from self._spam(recipient, domain)

    def _spam(self, recipient: str, domain: str) -> Iterator[Step]:
        """Yield what is asked of a recipient that gate 1 has mail for: patterns, then what only strangers are asked."""
        for step in self.patterns.envelope(recipient):
            yield step
            if step.ends:
                return
        if not self.trusted:
            yield from self._strangers(domain)

    def _left_to_directory(self, domain: str) -> Step:
        """Say what hangs on tables that are not asked here: it may change from one message to the next."""
        what = "not asked: taken if it has the recipient"
        if domain in self.configuration.settings.domains:
            return Step(GATE1, "directory", f"{what}, else 550 5.1.1 User unknown", "not in gateway.toml")
        otherwise = "relayed as mail to another site" if self.trusted else "554 5.7.1 Relay access denied"
        return Step(GATE1, "directory", f"{what}; if it does not have {domain}, {otherwise}", "not in gateway.toml")

    def _known(self, recipient: str) -> bool:
        settings = self.configuration.settings
        return address_in(recipient, known_recipients(settings), settings.gateway.recipient_delimiter) is not None

    def _strangers(self, domain: str) -> Iterator[Step]:
        """Yield what only strangers are asked: DNS blocklists, and whether the next hop knows the recipient."""
        settings = self.configuration.settings
        for entry in settings.dnsbl.lists:
            if self.listed is None:
                yield Step(GATE1, f"dnsbl {entry}", "not asked")
                continue
            answer = self.listed(entry, self.sent)
            if answer is not None:
                yield Step(GATE1, f"dnsbl {entry}", "554 5.7.1 Client host blocked", answer, ends=True)
                return
            yield Step(GATE1, f"dnsbl {entry}", "not listed")
        if domain in settings.domains and recipients_of(settings.domains[domain]) == "verify":
            yield Step(GATE1, f"domains.{domain}.recipients", "the next hop would be asked for the recipient", "verify")

    # -- the message

    def message(self, taken: int) -> Iterator[Step]:
        """Yield what comes of the message as a whole, which *taken* recipients are left for."""
        if not self.sent.reverse_path and taken > 1:
            why = f"from <> to {taken} recipients"
            yield Step(GATE1, "recipients", "550 5.5.3 Multi-recipient bounce", why, ends=True)
            return
        yield from self.patterns.content()

    def policy(self, recipient: str) -> tuple[str, str]:
        """Return the policy for a recipient that gate 1 takes, and why it is that one, once all patterns were asked."""
        settings = self.configuration.settings
        domain, sender_domain = domain_of(recipient), domain_of(self.sent.reverse_path)
        if self.patterns.policy is not None:
            return self.patterns.policy, "patterns: the last filter action counts, for all recipients"
        if not self.listener.filter:
            return NONE, f"listen.{self.name}.filter"
        if self.listener.policy is not None:
            return self.listener.policy, f"listen.{self.name}.policy"
        if domain in settings.domains:
            chosen = settings.domains[domain].policy
            return chosen, f"domains.{domain}.policy" if chosen != "default" else "nothing else was chosen"
        if sender_domain in settings.senders.policies:
            return settings.senders.policies[sender_domain], f"senders.policies.{sender_domain}"
        return "default", "nothing else was chosen"


def choose(gate: Gate1, fate: Fate) -> None:
    """Note the policy for a recipient who has got so far, and whether the message waits before that is asked."""
    fate.policy, why = gate.policy(fate.recipient)
    fate.steps.append(Step(GATE1, "policy", fate.policy, why))
    if gate.patterns.held:
        fate.verdict = HELD
        why = "a pattern holds it; postsuper -H in gate 1 lets it go to its policy"
        fate.steps.append(Step(GATE1, "queue", "250 2.0.0 Ok: queued, on hold", why, ends=True))


def _malformed(address: str) -> bool:
    return len(address.encode()) > 254 or any(ord(character) < 32 or ord(character) == 127 for character in address)
