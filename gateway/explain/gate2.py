"""What gate 2 would do: rewriting, aliases, and the next hop of each address that comes of them."""

from collections.abc import Iterator

from gateway.explain.steps import GATE2, Step
from gateway.explain.tables import address_in, domain_of, expand
from gateway.render.postfix import aliases, own_names
from gateway.settings.grammar import is_within
from gateway.settings.load import Configuration
from gateway.settings.models import Settings


def deliver(configuration: Configuration, recipient: str) -> Iterator[tuple[Step, str]]:
    """Yield each step for a recipient, with the next hop where the step names one, else with empty text."""
    settings = configuration.settings
    delimiter = settings.gateway.recipient_delimiter
    key = address_in(recipient, settings.canonical, delimiter)
    if key is not None:
        target = settings.canonical[key]
        rewritten = recipient.rpartition("@")[0] + target if target.startswith("@") else target
        yield Step(GATE2, "canonical", rewritten, key), ""
        recipient = rewritten
    final = expand(recipient, aliases(settings), delimiter)
    if final != [recipient]:
        yield Step(GATE2, "aliases", ", ".join(final), recipient), ""
    for address in final:
        hop, why = next_hop(settings, address)
        yield Step(GATE2, "next hop", f"{address}: {hop}", why, ends=hop.startswith("550")), hop


def masqueraded(settings: Settings, sender: str) -> str:
    """Return a reverse-path as [masquerade] leaves it; masquerade_domains of postconf(5)."""
    local, _, name = sender.rpartition("@")
    within = (domain for domain in settings.masquerade.domains if is_within(name.lower(), domain))
    domain = next(within, None)
    return sender if domain is None or local.lower() in settings.masquerade.exceptions else f"{local}@{domain}"


def next_hop(settings: Settings, address: str) -> tuple[str, str]:
    """Return where an address is brought, and the key that says so."""
    name = domain_of(address)
    domain = settings.domains.get(name)
    if settings.directory.url and not _in_file(settings, address):
        return "where the directory says, which is not asked", "directory.url"
    if domain is None and name not in own_names(settings):
        relayhost = settings.gateway.relayhost
        return (relayhost, "gateway.relayhost") if relayhost else (f"MX of {name}", "no domain of ours")
    if domain is not None and domain.deliver == "relay":
        return str(domain.next_hop), f"domains.{name}.next_hop"
    if domain is not None and domain.deliver == "mailbox":
        box = address_in(address, settings.mailboxes.addresses, settings.gateway.recipient_delimiter)
        why = "mailboxes.list" + (", by Dovecot, whose scripts may do otherwise" if settings.mailstore.enabled else "")
        return (f"Maildir of {box}", why) if box else ("550 5.1.1 unknown user", "mailboxes.list")
    return "550 5.1.1 no such alias", f"domains.{name}"


def _in_file(settings: Settings, address: str) -> bool:
    """Return whether the file decides, whatever the directory has."""
    name = domain_of(address)
    domain = settings.domains.get(name)
    if domain is not None and domain.deliver == "mailbox":
        return address_in(address, settings.mailboxes.addresses, settings.gateway.recipient_delimiter) is not None
    return name in own_names(settings) or (domain is not None and domain.deliver == "relay")
