"""
Rules about [domains.*] and who lives in them: mailboxes, aliases, recipients of relay domains.

With [directory] url there may be domains and people that this file does not tell of; then nothing is said of what is
merely missing here.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, no_such, reads
from gateway.settings.lookup import lookup_keys
from gateway.settings.mistakes import Problem, did_you_mean, shown
from gateway.settings.models import Settings
from gateway.settings.policies import redirect_target


@reads("domains")
def next_hop_is_for_relay(given: Given) -> Iterator[Problem]:
    """A relay domain cannot go by MX, which is this gateway; elsewhere a next hop would be ignored."""
    for name, domain in given.settings.domains.items():
        if domain.deliver == "relay" and domain.next_hop is None:
            what = 'next_hop is missing; expected the server that takes over, such as next_hop = "[192.0.2.25]:25"'
            yield Problem(("domains", name), what)
        if domain.deliver != "relay" and domain.next_hop is not None:
            what = f'not used with deliver = "{domain.deliver}"; expected deliver = "relay", or no next_hop'
            yield Problem(("domains", name, "next_hop"), what)


@reads("domains")
def recipients_are_for_relay(given: Given) -> Iterator[Problem]:
    """For the other kinds the recipients are the mailboxes and aliases; a second list would be ignored."""
    for name, domain in given.settings.domains.items():
        if domain.deliver != "relay" and domain.recipients is not None:
            what = f'not used with deliver = "{domain.deliver}", where mailboxes and aliases are the recipients'
            yield Problem(("domains", name, "recipients"), f'{what}; expected deliver = "relay"')
        if domain.recipient_list and domain.recipients != "list":
            what = 'not used without recipients = "list"; expected both or neither'
            yield Problem(("domains", name, "recipient_list"), what)
        if domain.recipients == "list" and not domain.recipient_list:
            what = "recipient_list is missing or empty; expected the valid addresses"
            yield Problem(("domains", name, "recipients"), f'"list", but {what}')


@reads("domains")
def recipients_are_in_the_domain(given: Given) -> Iterator[Problem]:
    """An address of another domain would never be asked for here: most likely a slip."""
    for name, domain in given.settings.domains.items():
        for index, address in enumerate(domain.recipient_list):
            if _domain(address) != name:
                what = f"{shown(address)} is not in this domain; expected an address @{name}"
                yield Problem(("domains", name, "recipient_list", index), what)


@reads("domains", "mailboxes", "directory")
def mailboxes_have_a_domain(given: Given) -> Iterator[Problem]:
    """Mail to a mailbox outside a mailbox domain never comes to it."""
    for index, address in enumerate(given.settings.mailboxes.addresses):
        name = _domain(address)
        domain = given.settings.domains.get(name)
        if domain is None and given.settings.directory.url:
            continue
        if domain is None or domain.deliver != "mailbox":
            what = f'{shown(address)}: {name} has no mailboxes; expected [domains."{name}"] with deliver = "mailbox"'
            close = did_you_mean(name, (n for n, d in given.settings.domains.items() if d.deliver == "mailbox"))
            yield Problem(("mailboxes", "list", index), what + close)


@reads("domains", "aliases", "directory")
def aliases_have_a_domain(given: Given) -> Iterator[Problem]:
    """
    An alias of a domain that is not ours would divert mail on its way out, which nobody should do by accident.

    An alias inside a relay domain is fine: it takes one address out of those that the next hop has.
    """
    for address in given.settings.aliases:
        name = _domain(address)
        if name not in given.settings.domains and not given.settings.directory.url:
            yield Problem(("aliases", address), no_such("domains", name, given.settings.domains))


@reads("domains", "aliases", "directory")
def alias_domains_have_aliases(given: Given) -> Iterator[Problem]:
    """A domain of aliases without any refuses all its mail."""
    inhabited = {_domain(address) for address in given.settings.aliases}
    for name, domain in given.settings.domains.items():
        if domain.deliver == "alias" and name not in inhabited and not given.settings.directory.url:
            what = f'has no address in [aliases]; expected one, such as "@{name}" = ["anna@example.test"]'
            yield Problem(("domains", name), what)


@reads("domains", "aliases", "mailboxes", "gateway", "directory")
def alias_targets_exist(given: Given) -> Iterator[Problem]:
    """Gate 1 accepts mail for the alias, so a target that gate 2 does not know bounces: backscatter."""
    for alias, targets in given.settings.aliases.items():
        for index, target in enumerate(targets):
            if not known(given.settings, target):
                yield Problem(("aliases", alias, index), _nobody(given.settings, target))


@reads("domains", "aliases", "mailboxes", "gateway", "directory")
def postmaster_exists(given: Given) -> Iterator[Problem]:
    """Notices of double bounces end there; with nobody to take them they are lost."""
    postmaster = given.settings.gateway.postmaster
    if not known(given.settings, postmaster):
        yield Problem(("gateway", "postmaster"), _nobody(given.settings, postmaster))


@reads("policies", "domains", "aliases", "mailboxes", "gateway", "directory")
def redirect_targets_exist(given: Given) -> Iterator[Problem]:
    """What is sent to nobody bounces, although the verdict was that its recipients shall not have it."""
    for name, policy in given.settings.policies.items():
        for path, outcome in policy.outcomes():
            target = redirect_target(outcome)
            if target and not target.startswith("[") and not known(given.settings, target):
                yield Problem(("policies", name, *path), _nobody(given.settings, target))


def known(settings: Settings, address: str) -> bool:
    """Return whether gate 2 can deliver to an address: somebody here, or of a domain whose users we do not know."""
    domain = settings.domains.get(_domain(address))
    if domain is None or domain.deliver == "relay" or settings.directory.url:
        return True
    return not _people(settings).isdisjoint(lookup_keys(address, settings.gateway.recipient_delimiter))


def _nobody(settings: Settings, address: str) -> str:
    """Say that nobody has an address, and which neighbour was probably meant."""
    local, _, domain = address.rpartition("@")
    neighbours = [person.rpartition("@")[0] for person in _people(settings) if _domain(person) == domain]
    what = f"{shown(address)} is neither in mailboxes.list nor in [aliases]; expected an address that exists"
    return what + did_you_mean(local, sorted(filter(None, neighbours)), f"@{domain}")


def _people(settings: Settings) -> set[str]:
    return {*settings.mailboxes.addresses, *settings.aliases}


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


RULES: tuple[Rule, ...] = (
    next_hop_is_for_relay,
    recipients_are_for_relay,
    recipients_are_in_the_domain,
    mailboxes_have_a_domain,
    aliases_have_a_domain,
    alias_domains_have_aliases,
    alias_targets_exist,
    postmaster_exists,
    redirect_targets_exist,
)
