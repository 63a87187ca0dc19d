"""
The appliances the stack tests share.

Each is made by `make up` from a directory with a gateway.toml, in a project and subnet of its own, and is removed
with its volumes at the end.  STACK_SUBNET moves the whole run to other subnets (198.18.N.0/24 and up), STACK_PROJECT
to other project names; STACK_KEEP=1 leaves the appliances running, to look at them.

Most tests wait for mail most of the time, so `make test` runs three files at a time (pytest -n 3 --dist loadfile).
Each worker has appliances of its own: no test sees what another file's tests do to theirs.  The files that take
longest come first, so that no worker is left alone with one at the end.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from tests.stack.appliance import Appliance, environment_number
from tests.stack.client import Client, Sink, run
from tests.stack.keys import make_key
from tests.stack.lan import Lan

pytest.register_assert_rewrite("tests.stack.anywhere")

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SUBNETS = 20  # of each worker; one per directory of configs/
PREFIX = os.environ.get("STACK_PROJECT", "sallyport-test") + (f"-{WORKER}" if WORKER else "")
FIRST_SUBNET = environment_number("STACK_SUBNET", 100) + SUBNETS * WORKER
KEEP = os.environ.get("STACK_KEEP") == "1"
SHARED = {  # fixture -> directory of configs/
    "site": "site",
    "site_ipv6": "site-ipv6",
    "small": "small",
    "twin": "twin",
    "scanned": "scanners",
    "searched": "searched",
    "house": "submission",
}
LONGEST = ("test_apply", "test_directory", "test_backup", "test_tls", "test_scanners", "test_faults", "test_database")
CONFIGS = Path(__file__).parent / "configs"


class Maker:
    """Makes appliances from tests/stack/configs/<name>/, each with a subnet of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: dict[str, Appliance] = {}

    def __call__(self, name: str) -> Appliance:
        """
        Start an appliance and a LAN beside it.

        Args:
            name: A directory of configs/.  In its files @SUBNET@ is the first three octets of the appliance's
                subnet, @LAN@ the LAN's, @REVERSED@ and @REVERSED_LAN@ the same from the last to the first, @LAN6@
                the LAN's IPv6 prefix, @LOOPBACK@ the first three octets of addresses of this host for us alone,
                @PORT@ a port of ::1 likewise, @KEY@ the TXT record of a key for [dkim], made where a file has it.
        """
        number = FIRST_SUBNET + sorted(path.name for path in CONFIGS.iterdir()).index(name)
        values = {
            "@SUBNET@": f"198.18.{number}",
            "@REVERSED@": f"{number}.18.198",
            "@LAN@": f"198.19.{number}",
            "@REVERSED_LAN@": f"{number}.19.198",
            "@LAN6@": f"fd00:5a{number:02x}",
            "@LOOPBACK@": f"127.18.{number}",
            "@PORT@": f"{2000 + number}",
        }
        config_dir = self._directory / f"{name}-{number}"
        config_dir.mkdir()
        sources = {path: path.read_text() for path in (CONFIGS / name).rglob("*") if path.is_file()}
        if any("@KEY@" in text for text in sources.values()):
            values["@KEY@"] = make_key(config_dir / "secrets" / "dkim.pem")
        for source, text in sources.items():
            copy = config_dir / source.relative_to(CONFIGS / name)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(re.sub("|".join(values), lambda placeholder: values[placeholder[0]], text))
            copy.chmod(source.stat().st_mode)
        project = f"{PREFIX}-{name}"
        lan = Lan(
            IPv4Network(f"198.19.{number}.0/24"), IPv6Network(f"fd00:5a{number:02x}::/64"), f"sallyport-tools:{project}"
        )
        appliance = Appliance(project, config_dir, IPv4Network(f"198.18.{number}.0/24"), lan)
        self._made[name] = appliance
        lan.up()
        appliance.up()
        return appliance

    def wake(self, names: Iterable[str]) -> None:
        """Let appliances go on that rest."""
        for name in names:
            if name in self._made:
                self._made[name].unpause()

    def rest(self) -> None:
        """Pause every appliance made."""
        for appliance in self._made.values():
            appliance.pause()

    def remove_all(self) -> None:
        """Remove every appliance made."""
        self.wake(self._made)
        for appliance in self._made.values():
            appliance.down()
            appliance.lan.down()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, in the order of LONGEST."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))


def _making(directory: Path) -> Iterator[Maker]:
    maker = Maker(directory)
    yield maker
    if not KEEP:
        maker.remove_all()


@pytest.fixture(scope="module")
def make_appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """Return the maker of appliances for one file alone; they are removed at its end."""
    yield from _making(tmp_path_factory.mktemp("appliances"))


@pytest.fixture(scope="session")
def make_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """Return the maker of appliances that files share; all are removed at the end."""
    yield from _making(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module", autouse=True)
def _idle_appliances_rest(request: pytest.FixtureRequest, make_shared: Maker) -> Iterator[None]:
    """Pause the shared appliances that no test of a file asks for: their health checks would take half the machine."""
    items = [item for item in request.session.items if item.path == request.path]
    used = {name for item in items if isinstance(item, pytest.Function) for name in item.fixturenames}
    make_shared.wake(name for fixture, name in SHARED.items() if fixture in used)
    yield
    make_shared.rest()


@pytest.fixture(scope="session")
def site(make_shared: Callable[..., Appliance]) -> Appliance:
    """Return the appliance most tests share: every kind of domain, blacklist, DNS blocklists, two listeners."""
    return make_shared(SHARED["site"])


@pytest.fixture(scope="session")
def site_ipv6(make_shared: Callable[..., Appliance]) -> Appliance:
    """Return an appliance whose listeners have IPv6 addresses."""
    return make_shared(SHARED["site_ipv6"])


@pytest.fixture(scope="session")
def small(make_shared: Callable[..., Appliance]) -> Appliance:
    """Return the appliance that tests change while it runs; each leaves it as it was."""
    return make_shared(SHARED["small"])


@pytest.fixture(scope="session")
def twin(make_shared: Callable[..., Appliance]) -> Appliance:
    """Return the second of two appliances on one machine; the last test with it removes it."""
    return make_shared(SHARED["twin"])


@pytest.fixture(scope="session")
def scanned(make_shared: Callable[..., Appliance]) -> Appliance:
    """Return the appliance whose policies ask scanners and programs; its clamd has no signatures yet."""
    return make_shared(SHARED["scanned"])


@pytest.fixture(scope="session")
def searched(make_shared: Callable[..., Appliance]) -> Appliance:
    """Return the appliance whose domains are searched alike, and differ in what follows from a finding."""
    return make_shared(SHARED["searched"])


@pytest.fixture(scope="session")
def next_hop(searched: Appliance) -> Sink:
    """Return the next hop of the searched site's relay domains, and of the outside world."""
    return searched.sink("sink", ip=str(searched.network("egress")[12]))


@pytest.fixture(scope="session")
def stranger(searched: Appliance) -> Client:
    """Return a client that the searched site does not trust."""
    return searched.client("stranger")


@pytest.fixture(scope="session")
def house(make_shared: Callable[..., Appliance]) -> Appliance:
    """Return the appliance whose people send from anywhere with their password."""
    return make_shared(SHARED["house"])


@pytest.fixture(scope="session")
def sink(site: Appliance) -> Sink:
    """Return the next hop of the site's relay domains, and of the outside world."""
    return site.sink("sink", ip=str(site.network("egress")[12]))


@pytest.fixture(scope="session")
def outsider(site: Appliance) -> Client:
    """Return a client nobody trusts."""
    return site.client("outsider", ip=str(site.network("edge")[8]))


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    """Fail at once, and say so, where there is no engine."""
    run("docker", "info")
