"""
What gateway.toml may say: one frozen model per table, a default for every key that can have one.

The models are the single source of names, defaults and grammars: the JSON Schema for editors is exported from
them, and docs/config.md lists them.  What only makes sense across tables is checked in crosscheck/.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gateway.settings import grammar
from gateway.settings.accounts import Directory, Mailstore, Tls
from gateway.settings.checks import Checks
from gateway.settings.grammar import (
    AddressOrDomain,
    Dnsbl,
    Duration,
    FileName,
    Hostname,
    Identifier,
    MailAddress,
    NextHop,
    Pattern,
    SenderPattern,
    Size,
    TrustAnchor,
)
from gateway.settings.policies import NONE, Dkim, MailingList, Policy, Quarantine
from gateway.settings.table import Table

_TEXT = WithJsonSchema({"type": "string"})
_SOME = Field(min_length=1)


CidrNetwork = Annotated[grammar.Network, grammar.text(grammar.network), _TEXT]
Ipv4Network = Annotated[IPv4Network, grammar.text(grammar.ipv4_network), _TEXT]
IpAddress = Annotated[grammar.Address, grammar.text(grammar.ip_address), _TEXT]
ListenAddress = Annotated[grammar.SocketAddress, grammar.text(grammar.socket_address), _TEXT]
DnsAddress = Annotated[
    grammar.SocketAddress, grammar.text(lambda value: grammar.socket_address(value, default_port=53)), _TEXT
]


class Gateway(Table):
    """[gateway]: what the appliance is called and how it is laid out."""

    hostname: Hostname = Field(description="Name of gate 1: banner and HELO. Its A/AAAA and PTR should agree.")
    outbound_hostname: Hostname | None = Field(None, description='Name of gate 2; "out.<hostname>" unless set.')
    postmaster: MailAddress = Field(description="Who gets mail to postmaster and notices of double bounces.")
    message_size_limit: Size = Field(50 * 2**20, description="Largest message accepted, in octets with a unit.")
    recipient_delimiter: Literal["", "+", "-"] = Field("", description="Separates an extension: anna+list@…")
    relayhost: NextHop | None = Field(None, description="Next hop for all outbound mail; by MX unless set.")
    subnet: Ipv4Network = Field(
        IPv4Network("198.18.25.0/24"), description="Cut into the container networks; RFC 2544 range by default."
    )


class Listener(Table):
    """[listen.<name>]: one SMTP listener of gate 1."""

    addresses: list[ListenAddress] = Field([], description="Addresses of the host to bind; nothing else is bound.")
    networks: list[Identifier] = Field([], description="Only clients in these networks may connect, and may relay.")
    trusted: list[Identifier] = Field([], description="Clients in these networks may relay; others may connect.")
    auth: bool = Field(False, description="Clients log in, over TLS only, and may then relay, as themselves.")
    tls: Literal["starttls", "implicit"] = Field("starttls", description="implicit: TLS from the first octet (465).")
    hide_client: bool = Field(False, description="Leave the address of a client that has logged in out of Received.")
    logins_per_minute: int = Field(20, ge=0, description="With auth: attempts of one address; 0 is any number.")
    recipients_per_hour: int = Field(500, ge=0, description="With auth: recipients of one login; 0 is any number.")
    filter: bool = Field(True, description='false hands mail straight to gate 2, as policy = "none"; needs networks.')
    policy: Identifier | None = Field(None, description="Policy for all that comes in here, whatever its domain's is.")

    @property
    def forced(self) -> str | None:
        """Return the policy of all that comes in here; None where recipients and senders decide."""
        return self.policy if self.filter else NONE


class Senders(Table):
    """[senders]: the sender blacklist."""

    reject: list[SenderPattern] = Field([], description="domain, .sub-domains, or address of MAIL FROM to refuse.")
    require_dns: bool = Field(True, description="Defer or refuse outside senders whose domain has no DNS.")
    policies: dict[Hostname, Identifier] = Field({}, description="sender's domain = policy, for mail to other sites.")


class DnsBlocklists(Table):
    """[dnsbl]: DNS blocklists, asked about clients from outside."""

    lists: list[Dnsbl] = Field([], description="zone or zone=answers, such as zen.spamhaus.org=127.0.0.[2..11].")


class Dns(Table):
    """[dns]: what bind resolves and serves."""

    addresses: list[DnsAddress] = Field([], description="Addresses of the host where the LAN may ask; none by default.")
    forwarders: list[IpAddress] = Field([], description="Resolvers to ask; bind recurses by itself without.")
    dnssec_validation: bool = Field(True, description="false where no root key can be had, such as an offline LAN.")
    domain: Hostname | None = Field(None, description="The LAN's own forward zone, if bind is to be authoritative.")
    hosts_file: FileName | None = Field(None, description="File beside this one in /etc/hosts format.")
    hosts: dict[str, Hostname] = Field({}, description="address = name, beside or instead of hosts_file.")
    zones: dict[Hostname, FileName] = Field({}, description="zone = zone file beside this one, served as it is.")
    forward_zones: dict[Hostname, Annotated[list[IpAddress], _SOME]] = Field(
        {}, description="zone = servers to ask for it."
    )
    trust_anchors: dict[Hostname, TrustAnchor] = Field(
        {}, description="zone = DS record's data, of a signed zone that no chain leads to from the root."
    )


class Domain(Table):
    """[domains."<name>"]: a domain this site takes mail for."""

    deliver: Literal["mailbox", "relay", "alias"] = Field(description="Where gate 2 brings its mail.")
    next_hop: NextHop | None = Field(None, description="For relay: the server that takes over.")
    recipients: Literal["list", "verify", "any"] | None = Field(
        None, description="How gate 1 knows recipients of a relay domain; verify asks the next hop. Default verify."
    )
    recipient_list: list[MailAddress] = Field([], description='For recipients = "list": the valid addresses.')
    policy: Identifier = Field("default", description="Name of the policy for mail to this domain.")


class Mailboxes(Table):
    """[mailboxes]: the mailboxes on this box."""

    addresses: list[MailAddress] = Field([], alias="list", description="Each gets a Maildir in the mail volume.")


class Masquerade(Table):
    """[masquerade]: hosts whose names other sites do not see."""

    domains: list[Hostname] = Field([], description="Sender anna@host.NAME leaves as anna@NAME; the first that fits.")
    exceptions: list[Identifier] = Field([], description="Local parts that keep their host, such as root.")


class Filter(Table):
    """[filter]: the yard's size and patience."""

    workers: int = Field(2, ge=1, le=64, description="Worker processes on one listening socket.")
    max_transactions: int = Field(10, ge=1, le=500, description="Transactions at once, over all workers.")
    reply_timeout: Duration = Field(300, description="Wait for a reply of gate 2 before the dot.")
    commit_timeout: Duration = Field(540, description="Wait for gate 2's reply to the dot; RFC 5321 4.5.3.2.6.")
    transaction_timeout: Duration = Field(
        1080, description="A whole transaction, commit_timeout at its end included; both gates wait longer."
    )


class PatternRule(Table):
    """[[patterns]]: a pattern that gate 1 looks for in envelope, header or body while it takes the message in."""

    match: Literal["header", "body", "client", "sender", "recipient"] = Field(
        description="What is compared: lines of header or body; the client's name and address; an envelope address."
    )
    pattern: Pattern = Field(description="PCRE, case-insensitive as in Postfix's pcre tables.")
    action: Annotated[str, AfterValidator(grammar.pattern_action)] = Field(
        description="reject, hold (in gate 1's queue), warn (log it), or filter:POLICY."
    )


class Log(Table):
    """[log]: how the filter logs a transaction."""

    format: Literal["human", "json"] = Field("human", description="json for a log collector.")
    level: Literal["info", "debug"] = Field("info", description="debug logs the SMTP dialogue of the filter.")


def _with_default(policies: dict[str, Policy]) -> dict[str, Policy]:
    """Add the policy that every domain has unless it names another."""
    return {"default": Policy()} | policies


def _version(value: object) -> object:
    """Take 1 and nothing that merely equals it, such as true."""
    if type(value) is not int or value != 1:
        raise ValueError("unknown version of this file's format; expected 1")
    return value


class Settings(Table):
    """The whole of gateway.toml."""

    schema_: Annotated[Literal[1], BeforeValidator(_version)] = Field(
        alias="schema", description="Version of this file's format."
    )
    gateway: Gateway
    networks: dict[Identifier, Annotated[list[CidrNetwork], _SOME]] = Field(
        {}, description="Named networks, used by name below."
    )
    listen: dict[Identifier, Listener] = Field(description="The SMTP listeners of gate 1.")
    senders: Senders = Senders()
    dnsbl: DnsBlocklists = DnsBlocklists()
    dns: Dns = Dns()
    domains: dict[Hostname, Domain] = Field({}, description="The domains mail is taken for.")
    mailboxes: Mailboxes = Mailboxes()
    aliases: dict[AddressOrDomain, Annotated[list[MailAddress], _SOME]] = Field(
        {}, description="address or @domain = recipients."
    )
    directory: Directory = Directory()
    mailstore: Mailstore = Mailstore()
    tls: Tls = Tls()
    canonical: dict[AddressOrDomain, AddressOrDomain] = Field({}, description="Rewritten in gate 2, never before.")
    masquerade: Masquerade = Masquerade()
    filter: Filter = Filter()
    checks: Checks = Checks()
    policies: Annotated[dict[Identifier, Policy], AfterValidator(_with_default)] = Field(
        {"default": Policy()}, description="Policies by name; default looks for nothing unless given."
    )
    patterns: list[PatternRule] = Field([], description="Patterns that gate 1 looks for.")
    lists: dict[MailAddress, MailingList] = Field({}, description="Mailing lists with a web archive.")
    dkim: dict[Hostname, Dkim] = Field({}, description="Signing keys, by domain of the author.")
    quarantine: Quarantine = Quarantine()
    log: Log = Log()
