"""A site with something of everything, and messages to it."""

from ipaddress import ip_address

import pytest

from gateway.check.gtube import GTUBE
from gateway.explain.steps import Sent
from tests.configurations import configure

SITE = """\
schema = 1
[gateway]
hostname = "mx.example.test"
postmaster = "anna@example.test"
recipient_delimiter = "+"
[networks]
lan = ["10.20.0.0/24"]
[listen.outside]
addresses = ["127.0.0.1:2525"]
[listen.inside]
addresses = ["127.0.0.2:2525"]
networks = ["lan"]
filter = false
[listen.partner]
addresses = ["127.0.0.3:2525"]
trusted = ["lan"]
policy = "lenient"
[listen.submission]
addresses = ["127.0.0.4:2587"]
auth = true
[senders]
reject = ["spam.example", ".bulk.example", "pest@example.net"]
policies = { "example.test" = "strict" }
[dnsbl]
lists = ["bl.example.test=127.0.0.[2..4]"]
[domains."example.test"]
deliver = "mailbox"
policy = "strict"
[domains."corp.test"]
deliver = "relay"
next_hop = "[192.0.2.25]:25"
recipients = "any"
[domains."ask.test"]
deliver = "relay"
next_hop = "[192.0.2.26]:25"
[domains."lists.test"]
deliver = "alias"
policy = "lenient"
[mailboxes]
list = ["anna@example.test", "bob@example.test"]
[aliases]
"sales@example.test" = ["anna@example.test", "bob@elsewhere.test"]
"all@lists.test" = ["sales@example.test", "carl@corp.test"]
[canonical]
"old@example.test" = "bob@example.test"
[policies.strict]
checks = ["gtube"]
[policies.lenient]
checks = ["gtube"]
verdicts = { gtube = "tag" }
[policies.lenient.tag]
fields = { "X-Spam-Flag" = "YES" }
[policies.away]
checks = ["gtube"]
verdicts = { gtube = "redirect:abuse@corp.test" }
[policies.hop]
checks = ["gtube"]
verdicts = { gtube = "redirect:[192.0.2.99]:25" }
[[patterns]]
match = "header"
pattern = '^X-Refuse:'
action = "reject"
[[patterns]]
match = "header"
pattern = '^X-Away:'
action = "filter:away"
[[patterns]]
match = "body"
pattern = '^hop please$'
action = "filter:hop"
[[patterns]]
match = "sender"
pattern = '^friend@'
action = "filter:none"
"""
CLEAN = b"Subject: hi\r\n\r\nhello\r\n"
SPAM = b"Subject: hi\r\n\r\n" + GTUBE + b"\r\n"


@pytest.fixture
def site(tmp_path):
    """Give the site."""
    return configure(tmp_path, SITE)


def sent(*recipients, content=CLEAN, reverse_path="s@far.example", client="192.0.2.7", listener=""):
    """Give a message."""
    return Sent(content, reverse_path, recipients or ("anna@example.test",), ip_address(client), listener=listener)
