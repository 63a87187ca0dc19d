"""Rules about [listen.*] and the other addresses of the host that are bound."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, no_such, reads
from gateway.settings.grammar import SocketAddress
from gateway.settings.mistakes import Path, Problem
from gateway.settings.policies import NONE
from gateway.settings.topology import ATTACHED

# Names that the appliance's own transports and services go by in master.cf, logs and Compose.
_RESERVED = frozenset({"none", "scan", "direct", "reinject", "smtp", "render", *ATTACHED})


@reads("listen")
def somebody_listens(given: Given) -> Iterator[Problem]:
    """Without any address no mail can come in, which nobody wants on purpose."""
    if not any(listener.addresses for listener in given.settings.listen.values()):
        yield Problem(("listen",), 'no listener has an address; expected one, such as addresses = ["127.0.0.1:2525"]')


@reads("listen")
def listener_name_is_free(given: Given) -> Iterator[Problem]:
    """A listener named as one of our own services would make two of them alike in the logs."""
    for name in given.settings.listen:
        if name in _RESERVED:
            what = "is one of the appliance's own names; expected another, such as outside"
            yield Problem(("listen", name), what)


@reads("listen", "networks")
def networks_exist(given: Given) -> Iterator[Problem]:
    """A misspelt network would leave a listener open to nobody, or to everybody."""
    known = given.settings.networks
    for name, listener in given.settings.listen.items():
        for key, names in (("networks", listener.networks), ("trusted", listener.trusted)):
            for index, network in enumerate(names):
                if network not in known:
                    yield Problem(("listen", name, key, index), no_such("networks", network, known))


@reads("listen")
def unfiltered_is_inside(given: Given) -> Iterator[Problem]:
    """A listener that everybody reaches and nobody searches would be a hole in the wall."""
    for name, listener in given.settings.listen.items():
        if listener.networks or listener.auth or listener.forced != NONE:
            continue
        key, value, other = ("policy", '"none"', "another") if listener.filter else ("filter", "false", "true")
        what = f"{value} where anybody may connect; expected networks beside it, or {other}"
        yield Problem(("listen", name, key), what)


@reads("listen")
def filter_and_policy_agree(given: Given) -> Iterator[Problem]:
    """`filter = false` and a policy are two answers to one question, and so are `filter = true` and "none"."""
    for name, listener in given.settings.listen.items():
        searched = listener.policy not in (None, NONE)
        if not listener.filter and searched:
            what = "false beside a policy; expected one of the two"
            yield Problem(("listen", name, "filter"), what, ("listen", name, "policy"))
        if listener.filter and "filter" in listener.model_fields_set and listener.policy == NONE:
            what = 'true beside policy = "none"; expected one of the two'
            yield Problem(("listen", name, "filter"), what, ("listen", name, "policy"))


@reads("listen")
def one_kind_of_trust(given: Given) -> Iterator[Problem]:
    """`networks` shuts out all others, so `trusted` beside it says nothing, or the opposite."""
    for name, listener in given.settings.listen.items():
        if listener.networks and listener.trusted:
            what = "stands beside networks, which lets nobody else in; expected one of the two"
            yield Problem(("listen", name, "trusted"), what)


@reads("listen", "dns", "mailstore")
def addresses_can_be_bound(given: Given) -> Iterator[Problem]:
    """The host has no such address, or needs a zone index to bind it: Docker would fail half-way through the start."""
    for path, address in bound(given):
        ip = address.ip
        if ip.is_multicast or ip.is_link_local or (ip.version == 6 and ip.ipv4_mapped):
            yield Problem(path, f"{ip} cannot be bound; expected an address that the host has for good")


@reads("listen", "dns", "mailstore")
def addresses_do_not_collide(given: Given) -> Iterator[Problem]:
    """The second of two sockets on one address, or beside a wildcard on its port, cannot be bound."""
    seen: list[tuple[Path, SocketAddress]] = []
    for path, address in bound(given):
        for other, earlier in seen:
            same_port = (address.port, address.ip.version) == (earlier.port, earlier.ip.version)
            if address == earlier:
                yield Problem(path, f"{address} is bound twice; expected it once", other)
                break
            if same_port and (address.ip.is_unspecified or earlier.ip.is_unspecified):
                what = f"{address} collides with {earlier}, since one of them is every address; expected only one"
                yield Problem(path, what, other)
                break
        seen.append((path, address))


def bound(given: Given) -> Iterator[tuple[Path, SocketAddress]]:
    """Yield every address of the host that is bound, and where it is given."""
    for name, listener in given.settings.listen.items():
        for index, address in enumerate(listener.addresses):
            yield ("listen", name, "addresses", index), address
    for index, address in enumerate(given.settings.dns.addresses):
        yield ("dns", "addresses", index), address
    for key in ("imaps", "managesieve"):
        for index, address in enumerate(getattr(given.settings.mailstore, key)):
            yield ("mailstore", key, index), address


RULES: tuple[Rule, ...] = (
    somebody_listens,
    listener_name_is_free,
    networks_exist,
    unfiltered_is_inside,
    filter_and_policy_agree,
    one_kind_of_trust,
    addresses_can_be_bound,
    addresses_do_not_collide,
)
