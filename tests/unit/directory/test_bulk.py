"""Import: each mistake with its line, the rows as they come to rest, and hashes made on the way."""

import io

import pytest
from sqlalchemy import select

from gateway.directory import bulk, people
from gateway.directory.reach import OfFile
from gateway.directory.tables import mailboxes

FILE = OfFile(
    domains={"dir.test": "mailbox", "ali.test": "alias"},
    mailboxes=frozenset({"frank@dir.test"}),
    message_size_limit=50 * 2**20,
)
HASH = "{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuu5LaGRVX9y8jLZb8s3KDfBzgR1e0o1a"


def read(text):
    """Read a text as a file."""
    return bulk.read(io.StringIO(text))


def test_rows_come_to_rest_as_given(connection):
    """Columns in any order, addresses folded, plain passwords hashed, progress told to the last row."""
    rows, problems = read(
        f"quota,Address,password\n1GiB,Anna@DIR.test,{HASH}\n,ben@dir.test,correct horse\n,c@dir.test,\n"
    )
    done = []
    count = bulk.put(connection, bulk.hashes(rows, done.append))
    kept = {row.address: row for row in connection.execute(select(mailboxes))}
    assert (problems, count, sum(done)) == ([], 3, 3)
    assert kept["anna@dir.test"] == ("anna@dir.test", "dir.test", HASH, 2**30)
    assert kept["ben@dir.test"].password.startswith("{ARGON2ID}$argon2id$")
    assert kept["c@dir.test"] == ("c@dir.test", "dir.test", None, None)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", [(1, "expected the names of the columns: address, password, quota; address at least")]),
        ("anna@dir.test\n", [(1, "expected the names of the columns: address, password, quota; address at least")]),
        ("address,address\n", [(1, "expected the names of the columns: address, password, quota; address at least")]),
        ("address\nanna\n", [(2, "no @; expected an address such as anna@example.test")]),
        ("address\na@dir.test\n\nA@dir.test\n", [(4, "a@dir.test stands on line 2 too")]),
        ("address,quota\na@dir.test\n", [(2, "1 fields; expected 2")]),
        (
            "address,quota\na@dir.test,much\n",
            [(2, 'expected a size as text with its unit, such as "50MiB" (B, KiB, MiB or GiB)')],
        ),
        ("address,password\na@dir.test,short\n", [(2, "a password of 5 characters; expected at least 8")]),
        ('address\na@dir.test\n"b\n', [(4, "unexpected end of data; expected CSV in UTF-8")]),
    ],
)
def test_mistake_is_told_with_its_line(text, problems):
    """And no password is."""
    assert read(text)[1] == problems


def test_what_does_not_fit_in_is_told(connection):
    """Who is in the tables or in the file; domains without mailboxes; quotas below the largest message."""
    people.add_mailbox(connection, FILE, "anna@dir.test", None)
    rows, _ = read("address\nanna@dir.test\nfrank@dir.test\nx@ali.test\nx@else.test\nnew@dir.test\n")
    small, _ = read("address,quota\none@dir.test,1GiB\ntwo@dir.test,49MiB\n")
    what = "quota: 51380224 octets is less than the largest message (52428800)"
    assert bulk.check(connection, FILE, small) == [(3, f"{what}; expected at least [gateway] message_size_limit")]
    assert bulk.check(connection, FILE, rows) == [
        (2, "anna@dir.test is there already"),
        (3, "frank@dir.test is there already"),
        (4, "ali.test has no mailboxes; expected a domain with deliver = mailbox"),
        (5, "else.test has no mailboxes; expected a domain with deliver = mailbox"),
    ]


def test_all_mistakes_are_raised_in_order_and_not_without_end():
    """A file of the wrong kind has as many as it has lines."""
    bulk.refuse([], "people.csv")
    with pytest.raises(bulk.BadRowsError) as error:
        bulk.refuse([(3, "b"), (2, "a")], "people.csv")
    assert str(error.value) == "nothing was imported:\npeople.csv:2: a\npeople.csv:3: b"
    with pytest.raises(bulk.BadRowsError, match=r"and 5 more\Z"):
        bulk.refuse([(line, "x") for line in range(bulk.MAX_TOLD + 5)], "people.csv")
