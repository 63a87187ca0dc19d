"""A DNS server on loopback, for the tests of lists."""

import asyncio
from contextlib import asynccontextmanager

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

ZONE = "list.test."


class Server(asyncio.DatagramProtocol):
    """Answer from a table: name -> addresses; a name that is not there is denied."""

    def __init__(self):
        self.addresses = {}  # name without the zone -> addresses
        self.asked = []  # questions, in their order
        self.rcode = dns.rcode.NOERROR
        self.silent = False
        self.ttl = 300
        self.at_once = 0  # most questions that waited together
        self._held = []
        self.hold = 0  # so many questions are collected before they are answered

    def connection_made(self, transport):
        """Keep it, to answer by."""
        self._transport = transport

    def datagram_received(self, data, peer):
        """Answer a question."""
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text()
        self.asked.append(name)
        if self.silent:
            return
        self._held.append((self._answer(query, name), peer))
        self.at_once = max(self.at_once, len(self._held))
        if len(self._held) >= self.hold:
            held, self._held = self._held, []
            for answer, to in held:
                self._transport.sendto(answer.to_wire(), to)

    def _answer(self, query, name):
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        addresses = self.addresses.get(name.removesuffix("." + ZONE))
        if self.rcode != dns.rcode.NOERROR:
            answer.set_rcode(self.rcode)
        elif addresses:
            answer.answer.append(dns.rrset.from_text(name, self.ttl, "IN", "A", *addresses))
        elif addresses is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            answer.authority.append(dns.rrset.from_text(ZONE, 900, "IN", "SOA", f"a.test. b.test. 1 2 3 4 {self.ttl}"))
        return answer


@asynccontextmanager
async def serving():
    """Give a server, and a resolver that asks it."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Server, ("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    try:
        yield server, resolver
    finally:
        transport.close()
