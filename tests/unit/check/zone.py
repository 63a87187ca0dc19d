"""A DNS server on loopback, and messages to authenticate by what it says."""

import base64
import contextlib
import socketserver
import subprocess
import threading
import time

import dkim
import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
from dkim.canonicalization import CanonicalizationPolicy
from dkim.crypto import parse_pem_private_key

from gateway.check.auth_dns import Lookups
from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.mail import MailObject

SERVFAIL, SILENCE = "SERVFAIL", "silence"  # in place of records


class Zone:
    """Records by name and type; `asked` has all questions in their order."""

    def __init__(self, records):
        self.records = records
        self.asked = []

    def answer(self, wire):
        """Answer one query, or None for silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
        self.asked.append((name, kind))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        found = self.records.get((name, kind), self.records.get((name, "*")))
        if found == SILENCE:
            return None
        if found == SERVFAIL:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, found))
        elif not any(other == name for other, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@contextlib.contextmanager
def serving(records):
    """Serve records; give the zone and a resolver that asks it."""
    zone = Zone(records)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            if (wire := zone.answer(self.request[0])) is not None:
                self.request[1].sendto(wire, self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.server_address[1]
        try:
            yield zone, resolver
        finally:
            server.shutdown()
            thread.join()


def lookups(resolver, seconds=5.0):
    """Give lookups with a deadline."""
    return Lookups(resolver, time.monotonic() + seconds)


def txt(text):
    """Write a TXT record's data, in strings of a length DNS takes."""
    octets = text.encode() if isinstance(text, str) else text
    return " ".join(f'"{octets[place : place + 250].decode()}"' for place in range(0, len(octets), 250))


def mail(content, *, address="192.0.2.1", reverse_path=b"anna@example.test", helo="mx.sender.test", inside=False):
    """Make a message as it came from a client."""
    attributes = {"HELO": helo.encode(), "IDENT": b"4ABC"} | ({"ADDR": address.encode()} if address else {})
    envelope = Envelope(ReversePath(reverse_path))
    return MailObject(
        envelope, Client(attributes), content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), inside=inside
    )


def rsa_key(path, bits=1024):
    """Make a key; give it in PEM, and its record."""
    subprocess.run(["openssl", "genrsa", "-out", path, str(bits)], check=True, capture_output=True)
    public = subprocess.run(
        ["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout
    return path.read_bytes(), "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()


def signed(content, pem, domain, selector="s1", **options):
    """Sign by dkimpy."""
    content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    made = dkim.sign(content, selector.encode(), domain.encode(), pem, canonicalize=(b"relaxed", b"relaxed"), **options)
    return made + content


def sealed(content, pem, domain, instance, results, cv=b"pass"):
    """Put a set of ARC before a message, by dkimpy's own way to make a field."""
    content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    private, policy = parse_pem_private_key(pem), CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    arc = dkim.ARC(content)
    arc.hasher = dkim.HASH_ALGORITHMS[b"rsa-sha256"]
    common = [(b"a", b"rsa-sha256"), (b"d", domain.encode()), (b"s", b"s1"), (b"t", str(int(time.time())).encode())]
    number = (b"i", str(instance).encode())
    body = base64.b64encode(arc.hasher(policy.canonicalize_body(arc.body)).digest())
    aar = b"i=%d; %b\r\n" % (instance, results)
    added = [(b"ARC-Authentication-Results", b" " + aar)]
    names = [b"from", b"subject", b"to"]
    fields = [number, *common, (b"c", b"relaxed/relaxed"), (b"h", b":".join(names)), (b"bh", body), (b"b", b"0" * 60)]
    arc.headers = added + arc.headers
    ams = arc.gen_header(fields, names, policy, b"ARC-Message-Signature", private)
    added.insert(0, (b"ARC-Message-Signature", b" " + ams))
    arc.headers = added[:1] + arc.headers
    covered = [b"arc-authentication-results", b"arc-message-signature", b"arc-seal"] * instance
    fields = [number, (b"cv", cv), *common, (b"b", b"0" * 60)]
    seal = arc.gen_header(fields, covered[:-1], policy, b"ARC-Seal", private)
    added.insert(0, (b"ARC-Seal", b" " + seal))
    return b"".join(name + b":" + value for name, value in added) + content
