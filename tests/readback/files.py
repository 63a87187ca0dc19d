"""Configurations for the property tests: valid ones, up to the edges of each grammar."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import strategies as st

from tests.readback.document import Document

LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
ATOM = LETTERS + LETTERS.upper() + DIGITS + "_+=~&'-"
EXTREME_LABELS = ["a" * 63, "xn--" + "9" * 59, "0", "in", "a--b", "ptr"]
EXTREME_LOCALS = ["+", "=", "'", "_", "~&'+=-" * 10, "a.b.c", "0", "a" * 64, "in", "reject", "postmaster"]
# Text for patterns that matches itself literally once escaped; each bit means something to some parser.
BITS = [
    "a",
    "B",
    " ",
    "/",
    "\\",
    "$",
    "$1",
    "${x}",
    "#",
    "{",
    "}",
    "'",
    '"',
    "if /",
    "endif",
    "!",
    ",",
    ";",
    "%(x)s",
    "é",
]


labels = st.one_of(
    st.sampled_from(EXTREME_LABELS),
    st.builds(
        lambda first, middle, last: first + middle + last,
        st.sampled_from(LETTERS + DIGITS),
        st.text(LETTERS + LETTERS.upper() + DIGITS + "-", max_size=20),
        st.sampled_from(LETTERS + DIGITS),
    ),
)


def names(octets: int = 253) -> st.SearchStrategy[str]:
    """Return host names of at most so many octets; the last label keeps kinds of names apart and is no number."""
    short = st.lists(labels, min_size=1, max_size=3).map(".".join)
    longest = st.just(".".join(["l" * 63] * 4)[:octets].rstrip("."))
    return st.one_of(short, longest)


def name_under(top: str, octets: int = 253) -> st.SearchStrategy[str]:
    """Return names that end in .top, so that names of two kinds never meet."""
    return names(octets - len(top) - 1).map(lambda name: f"{name[: octets - len(top) - 1].strip('.-')}.{top}")


local_parts = st.one_of(
    st.sampled_from(EXTREME_LOCALS),
    st.lists(st.text(ATOM, min_size=1, max_size=12), min_size=1, max_size=3)
    .map(".".join)
    .filter(lambda local: not local.startswith("-") and local.lower() != "postmaster"),
)
identifiers = st.one_of(
    st.sampled_from(["a", "z" * 31, "a-b", "permit-mx-backup", "smtpd-sasl-exceptions", "x--y", "local", "n0"]),
    st.from_regex(r"[a-z]{2}[a-z0-9-]{0,8}[a-z0-9]", fullmatch=True),
)
ports = st.sampled_from([1, 25, 587, 1025, 10025, 10026, 65535])
patterns = st.lists(st.sampled_from(BITS), min_size=1, max_size=6).map("".join)


def escaped(text: str) -> str:
    """Return a pattern that matches a text and nothing else."""
    return "^" + "".join(f"\\{c}" if c in r"\$^*+?.()[]{}|" else c for c in text) + "$"


@st.composite
def documents(draw) -> Document:
    """Make a file with every table, many values in each, all of them allowed."""
    kinds = {kind: draw(st.lists(name_under(f"{kind}.test"), max_size=4, unique_by=str.lower)) for kind in KINDS}
    kinds["mailbox"] = kinds["mailbox"] or ["example.mailbox.test"]
    policies = draw(st.lists(identifiers.filter(lambda name: name != "none"), max_size=3, unique=True))
    policies = ["default", *(name for name in policies if name != "default")]
    chosen = st.sampled_from([*policies, "none"])
    domains = {name: draw(_domain(kind, name, chosen)) for kind, members in kinds.items() for name in members}
    boxes = draw(_addresses(kinds["mailbox"], 1))
    networks, hosts = draw(_networks())
    gateway = {
        "hostname": draw(name_under("gate.test", 242)),
        "postmaster": boxes[0],
        "message_size_limit": draw(st.sampled_from(["65536B", "64KiB", "50MiB", "64MiB"])),
        "recipient_delimiter": draw(st.sampled_from(["", "+", "-"])),
        "subnet": draw(st.sampled_from(["198.18.25.0/24", "198.19.255.128/25", "172.31.0.0/16", "100.64.8.0/21"])),
    }
    if draw(st.booleans()):
        gateway["outbound_hostname"] = draw(name_under("out.test"))
    if draw(st.booleans()):
        gateway["relayhost"] = draw(next_hops)
    return {
        "schema": 1,
        "gateway": gateway,
        "networks": networks,
        "listen": draw(_listeners(list(networks), policies)),
        "senders": {
            "reject": draw(_senders()),
            "require_dns": draw(st.booleans()),
            "policies": draw(st.dictionaries(name_under("from.test").map(str.lower), chosen, max_size=3)),
        },
        "dnsbl": {"lists": draw(_blocklists())},
        "dns": draw(_dns(networks, hosts)),
        "domains": domains,
        "mailboxes": {"list": boxes},
        "aliases": draw(_aliases(kinds)),
        "canonical": draw(_canonical()),
        "masquerade": draw(_masquerade()),
        "filter": draw(_filter()),
        "policies": {name: draw(_policy()) for name in policies},
        "patterns": draw(_patterns(chosen)),
        "log": {"format": draw(st.sampled_from(["human", "json"])), "level": draw(st.sampled_from(["info", "debug"]))},
    }


KINDS = ("mailbox", "alias", "verify", "any", "list")
next_hops = st.builds(
    lambda host, port: host + port,
    st.one_of(
        name_under("hop.test"),
        name_under("hop.test").map(lambda name: f"[{name}]"),
        st.sampled_from(["[192.0.2.25]", "[mail]", "[a-b]", "[m0]"]),
    ),
    st.sampled_from(["", ":25", ":1", ":65535"]),
)


@st.composite
def _addresses(draw, domains: list[str], least: int = 0) -> list[str]:
    pairs = st.builds("{}@{}".format, local_parts, st.sampled_from(domains))
    return draw(st.lists(pairs, min_size=least, max_size=8, unique_by=str.lower))


@st.composite
def _domain(draw, kind: str, name: str, policies: st.SearchStrategy[str]) -> Document:
    made = {"deliver": kind if kind in ("mailbox", "alias") else "relay", "policy": draw(policies)}
    if made["deliver"] == "relay":
        made["next_hop"] = draw(next_hops)
    if kind in ("any", "list"):
        made["recipients"] = kind
    if kind == "list":
        made["recipient_list"] = draw(_addresses([name], 1))
    return made


@st.composite
def _networks(draw) -> tuple[Document, dict[str, int]]:
    """Make networks apart from every container subnet; return them and addresses inside them."""
    pool = ["10.0.0.0/8", "10.20.0.0/16", "10.21.16.0/20", "10.22.3.0/24", "10.23.0.0/25", "10.23.1.16/28"]
    pool += ["10.24.0.1/32", "192.168.0.0/20", "fd00:20::/32", "fd00:30:1::/48", "fd00:40:1::/56", "fd00:50:0:4::/62"]
    pool += ["fd00:60::/64", "fd00:70::1/128", "203.0.113.0/24", "2001:db8::/48"]
    chosen = draw(st.lists(st.sampled_from(pool), max_size=5, unique=True))
    names_ = draw(st.lists(identifiers, min_size=1, max_size=3, unique=True))
    networks: Document = {name: [] for name in names_}
    for network in chosen:
        networks[draw(st.sampled_from(names_))].append(network)
    private = [network for network in chosen if not network.startswith(("203", "2001"))]
    return {name: members for name, members in networks.items() if members}, dict.fromkeys(private, 0)


@st.composite
def _policy(draw) -> Document:
    outcomes = st.one_of(
        st.sampled_from(["pass", "tag", "hold", "defer", "reject", "discard", "redirect:who+is@elsewhere.test"]),
        next_hops.filter(lambda hop: hop.startswith("[")).map(lambda hop: f"redirect:{hop}"),
    )
    made: Document = {"checks": draw(st.sampled_from([[], ["gtube"]])), "outside": draw(outcomes)}
    if made["checks"]:
        made["verdicts"] = draw(st.dictionaries(st.sampled_from(["gtube", "gtube.gtube"]), outcomes))
        made["verdicts_inside"] = draw(st.dictionaries(st.sampled_from(["gtube", "gtube.gtube"]), outcomes))
    return made


@st.composite
def _listeners(draw, networks: list[str], policies: list[str]) -> Document:
    reserved = {"none", "scan", "direct", "reinject", "smtp", "render", "bind", "filter"}
    made: Document = {}
    for number, name in enumerate(draw(st.lists(identifiers, min_size=1, max_size=4, unique=True))):
        version = draw(st.sampled_from([4, 4, 6]))
        host = f"203.0.113.{number + 1}" if version == 4 else f"[2001:db8::{number + 1}]"
        table: Document = {"addresses": [f"{host}:{draw(ports)}"]}
        if networks and draw(st.booleans()):
            table["networks"] = [draw(st.sampled_from(networks))]
            table |= draw(st.sampled_from([{}, {"filter": True}, {"filter": False}, {"policy": "none"}]))
        elif networks and draw(st.booleans()):
            table["trusted"] = draw(st.lists(st.sampled_from(networks), max_size=2, unique=True))
        if not table.keys() & {"filter", "policy"} and draw(st.booleans()):
            table["policy"] = draw(st.sampled_from(policies))
        made[name if name not in reserved else "outside"] = table
    return made


@st.composite
def _senders(draw) -> list[str]:
    domain = name_under("spam.test", 252)
    pattern = st.one_of(domain, domain.map(lambda name: f".{name}"), st.builds("{}@{}".format, local_parts, domain))
    return draw(st.lists(pattern, max_size=10, unique_by=str.lower))


@st.composite
def _blocklists(draw) -> list[str]:
    answers = ["", "=127.0.0.2", "=127.0.0.[2..11]", "=127.0.[0;1;3..4].[2;4]", "=0.0.0.[0..255]", "=127.[1].0.0"]
    zone = name_under("dnsbl.test", 200).map(str.lower)
    return draw(st.lists(st.builds("{}{}".format, zone, st.sampled_from(answers)), max_size=4, unique=True))


@st.composite
def _dns(draw, networks: Document, private: dict[str, int]) -> Document:
    hosts = {}
    for network in private:
        parsed = ip_network(network)
        offsets = {0, parsed.num_addresses - 1, parsed.num_addresses // 3}
        for offset in sorted(offsets)[: draw(st.integers(0, 3))]:
            hosts[str(parsed[offset])] = draw(name_under("lan.test", 249))
    made: Document = {
        "hosts": hosts,
        "forwarders": draw(st.sampled_from([[], ["10.99.0.53"], ["10.99.0.53", "2001:db8:ffff::53"]])),
        "dnssec_validation": draw(st.booleans()),
        "forward_zones": {
            zone: ["10.99.0.54"] for zone in draw(st.lists(name_under("corp.test"), max_size=2, unique_by=str.lower))
        },
    }
    if made["dnssec_validation"] and draw(st.booleans()):
        made["trust_anchors"] = dict.fromkeys([*made["forward_zones"], "signed.test"], f"4711 13 2 {'0A' * 32}")
    if private and draw(st.booleans()):
        made["addresses"] = ["203.0.113.200", "[2001:db8::53]:53"][: draw(st.integers(1, 2))]
    if draw(st.booleans()):
        made["domain"] = "lan.test"
    return made


@st.composite
def _aliases(draw, kinds: dict[str, list[str]]) -> Document:
    inside = [name for members in kinds.values() for name in members]
    outside = draw(_addresses(["elsewhere.test"], 1))
    made: Document = {}
    for address in draw(_addresses(inside)):
        made[address] = outside[: draw(st.integers(1, 3))]
    for name in kinds["alias"]:
        made[f"@{name}"] = outside[:1]
    if draw(st.booleans()):
        made[f"@{kinds['mailbox'][0]}"] = outside[:1]
    return made


@st.composite
def _canonical(draw) -> Document:
    old = draw(st.lists(name_under("old.test"), max_size=3, unique_by=str.lower))
    made: Document = {f"@{name}": "@elsewhere.test" for name in old}
    for address in draw(_addresses(old)) if old else []:
        made[address] = "who@elsewhere.test"
    return made


@st.composite
def _masquerade(draw) -> Document:
    found = draw(st.lists(name_under("hidden.test"), max_size=3, unique_by=str.lower))
    return {"domains": found} | (
        {"exceptions": draw(st.sampled_from([[], ["root"], ["root", "www-data"]]))} if found else {}
    )


@st.composite
def _filter(draw) -> Document:
    workers = draw(st.sampled_from([1, 2, 3, 64]))
    return {
        "workers": workers,
        "max_transactions": draw(st.sampled_from([64, 65, 127, 500])),
        "reply_timeout": draw(st.sampled_from(["1s", "5m", "300s"])),
        "commit_timeout": draw(st.sampled_from(["1s", "9m", "540s"])),
        "transaction_timeout": draw(st.sampled_from(["1h", "3600s", "841s"])),
    }


@st.composite
def _patterns(draw, policies: st.SearchStrategy[str]) -> list[Document]:
    texts = draw(st.lists(patterns, max_size=6, unique=True))
    kinds = st.sampled_from(["header", "body", "client", "sender", "recipient"])
    actions = st.one_of(st.sampled_from(["reject", "warn", "hold"]), policies.map(lambda name: f"filter:{name}"))
    return [{"match": draw(kinds), "pattern": escaped(text), "action": draw(actions)} for text in texts]
