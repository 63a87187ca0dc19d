"""
Byte identity: what goes in at gate 1 comes out of gate 2, shown on real mail.

    make test-corpus            all messages, with a progress bar; T=500 takes a sample
    tests/stack/test_corpus.py  a sample of 500, in `make test`
    tests/unit/corpus           those made here, edited, in `make unit`

Each message goes through gate 1, the filter and gate 2 to a sink, and then once more with socat in the filter's place,
on the same addresses.  Compared are (a) the two roads with each other, which shows what the filter changes, and
(b) what came out with what went in, which shows what Postfix changes.  docs/byte-identity.md has the result.

Before that each message is edited in process, by a policy that tags, removes, and links to an archive; with the edits
taken out again it must be what it was.

    corpora.py  fetch.sh            the messages are fetched once, into a volume
    messages.py made.py             their wire form; those made here
    run.py                          two roads through an appliance, from outside
    road.py changes.py compare.py   in a container on its networks, which has the standard library only
    edits.py undo.py                edited, and the edits taken out by other means
    report.py __main__.py           the tables

The messages are real spam, phishing and old personal mail: a report names files and counts, never what is in them.
"""
