"""The container networks."""

from ipaddress import ip_address, ip_network

import pytest

from gateway.settings.models import Settings
from gateway.settings.topology import ATTACHED, HOSTS, MAX_PREFIX, MIN_PREFIX, NETWORKS, Topology

from .test_models import SMALLEST


def topology(subnet: str = "198.18.25.0/24", **listeners: list[str]) -> Topology:
    """Return the topology of a small file."""
    listen = {name: {"addresses": addresses} for name, addresses in listeners.items()}
    gateway = SMALLEST["gateway"] | {"subnet": subnet}
    return Topology.of(Settings.model_validate(SMALLEST | {"gateway": gateway, "listen": listen}))


@pytest.mark.parametrize("subnet", [f"198.18.0.0/{MIN_PREFIX}", "198.18.25.0/24", f"198.18.25.128/{MAX_PREFIX}"])
def test_networks_lie_apart_inside_the_subnet(subnet):
    """Fixed addresses are in the lower half of each, what Docker hands out in the upper."""
    cut = topology(subnet)
    networks = list(cut.networks.values())
    assert list(cut.networks) == list(NETWORKS)
    assert all(network.subnet_of(cut.subnet) for network in networks)
    assert not any(one.overlaps(other) for one in networks for other in networks if one != other)
    for service, attached in ATTACHED.items():
        for network in attached:
            address = cut.address(service, network)
            assert address in cut.networks[network]
            assert address not in cut.dynamic_range(network)
            assert address != cut.address("gateway", network)


def test_addresses_of_the_default_subnet_are_as_documented():
    """Operators meet them in logs."""
    default = topology()
    assert str(default.filter) == "198.18.25.36:10025"
    assert str(default.post_reinject) == "198.18.25.69:10026"
    assert str(default.post_direct) == "198.18.25.101:10026"
    assert str(default.lmtp) == "198.18.25.230:24"
    assert str(default.post_sieve) == "198.18.25.229:10026"
    assert str(default.scanner("clamav")) == "198.18.25.198:3310"
    assert str(default.scanner("rspamd")) == "198.18.25.199:11333"
    assert default.edge6 == ip_network("fd53:616c:c612:1900::/64")
    assert default.edge6_address("postfix-pre") == ip_address("fd53:616c:c612:1900::3")
    assert default.dynamic_range("egress") == ip_network("198.18.25.176/28")


def test_address_in_a_network_a_service_is_not_attached_to_is_a_bug():
    """The filter has no way out."""
    with pytest.raises(KeyError, match="filter is not attached to egress"):
        topology().address("filter", "egress")


@pytest.mark.parametrize("network", NETWORKS)
def test_no_two_services_share_an_address(network):
    """Two may have one offset, where no network has them both."""
    offsets = [HOSTS[service] for service, attached in ATTACHED.items() if network in attached]
    assert len({HOSTS["gateway"], *offsets}) == 1 + len(offsets)


def test_container_ports_are_distinct_and_never_the_filters():
    """Each listener has a port of its own inside postfix-pre."""
    ports = topology(a=["192.0.2.1:25"], b=["192.0.2.2:25"], c=["192.0.2.3:25"], d=["192.0.2.1:10025"], e=[])
    assert ports.container_ports == {"a": 25, "b": 1025, "c": 2025, "d": 11025, "e": 3025}
    assert not ports.ipv6
    assert topology(a=["[::1]:25"]).ipv6


@pytest.mark.parametrize("key", ["imaps", "managesieve"])
def test_mailstore_at_an_ipv6_address_gives_the_edge_ipv6(key):
    """Else its clients would all come with the bridge gateway's address."""
    settings = Settings.model_validate(SMALLEST | {"mailstore": {"enabled": True, key: ["[2001:db8::1]:993"]}})
    assert Topology.of(settings).ipv6
