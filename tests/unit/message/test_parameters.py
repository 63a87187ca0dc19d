"""Parameters, read as mail programs read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.parameters import MAX_PARAMETERS, MAX_VALUE, parse_value, word_readings

PIECES = [
    b";",
    b"=",
    b'"',
    b"\\",
    b" ",
    b"\t",
    b"name",
    b"filename",
    b"boundary",
    b"*",
    b"*0",
    b"*1*",
    b"a",
    b"%41",
    b"utf-8''",
]
PIECES += [b"=?utf-8?q?a?=", b"=?", b"?=", b"\xff", b"\xc3\xbc", b"\r\n", b"multipart/mixed"]
values = st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join)


@pytest.mark.parametrize(
    ("octets", "value", "parameters"),
    [
        (b"text/plain", "text/plain", {}),
        (b" Text/HTML ; Charset=UTF-8", "text/html", {"charset": "UTF-8"}),
        (b'a/b; x="y"', "a/b", {"x": "y"}),
        (b'a/b;x="y;z" ; u=v ', "a/b", {"x": "y;z", "u": "v"}),
        (b'a/b; x="a\\"b\\\\c"', "a/b", {"x": 'a"b\\c'}),
        (b'a/b; x=""; y=', "a/b", {"x": "", "y": ""}),
        (b"a/b;", "a/b", {}),
        (b"a/b;; ;x=y;", "a/b", {"x": "y"}),
        (b'a/b; x = "y"', "a/b", {"x": "y"}),
        (b'a/b; boundary="=_?(x):y/z"', "a/b", {"boundary": "=_?(x):y/z"}),
        (b"a/b; boundary=--=_Part_1.2", "a/b", {"boundary": "--=_Part_1.2"}),
        (b"a/b; x='y'", "a/b", {"x": "'y'"}),
        ("a/b; x=grün".encode(), "a/b", {"x": "grün"}),
        (b"a/b; x=gr\xfcn", "a/b", {"x": "grün"}),
        (b"a/b; x*=utf-8''gr%C3%BCn", "a/b", {"x": "grün"}),
        (b"a/b; x*=iso-8859-1'de'gr%FCn", "a/b", {"x": "grün"}),
        (b"a/b; x*=''a%zz%4", "a/b", {"x": "a%zz%4"}),
        (b"a/b; x*0=a; x*1=b; x*2=c", "a/b", {"x": "abc"}),
        (b"a/b; x*1=b; x*0=a", "a/b", {"x": "ab"}),
        (b"a/b; x*0*=utf-8''%41; x*1=%41; x*2*=%42", "a/b", {"x": "A%41B"}),
        (b'a/b; x*0="a;"; x*1="b"', "a/b", {"x": "a;b"}),
        (b'a/b; x="=?utf-8?q?gr=C3=BCn?="', "a/b", {"x": "grün"}),
        (b"", "", {}),
        (b";x=y", "", {"x": "y"}),
    ],
)
def test_parse_value_what_is_well_formed(octets, value, parameters):
    """Quoted strings, RFC 2231 and, though it is forbidden there, RFC 2047."""
    parsed = parse_value(octets)
    assert (parsed.value, parsed.parameters) == (value, parameters)
    assert (parsed.repeated, parsed.malformed, parsed.complete) == (False, False, True)


@pytest.mark.parametrize(
    ("octets", "parameters"),
    [
        (b"a/b; x; y=z", {"y": "z"}),
        (b"a/b; =x; y=z", {"y": "z"}),
        (b'a/b; x="y" junk; z=u', {"x": "y", "z": "u"}),
        (b'a/b; x="y', {"x": "y"}),
        (b'a/b; x="y\\"', {"x": 'y"'}),
        (b'a/b; x="y\\', {"x": "y"}),
        (b"a/b; x=y z", {"x": "y z"}),
        (b'a/b; x=y"z"', {"x": 'y"z"'}),
        (b"a/b x=y", {}),
        (b"a/b; x*0=a; x*2=c", {"x": "ac"}),
        (b"a/b; x*1=b", {"x": "b"}),
        (b'a/b; "x"=y; z=u', {"z": "u"}),
    ],
)
def test_parse_value_what_is_not_well_formed_is_said(octets, parameters):
    """And what stands behind it is read."""
    parsed = parse_value(octets)
    assert parsed.malformed
    assert parsed.parameters == parameters


def test_parse_value_of_two_the_first_counts_and_both_are_readings():
    """Some program takes the other."""
    parsed = parse_value(b"a/b; name=one; Name=two; name=one")
    assert parsed.repeated
    assert parsed.parameters == {"name": "one"}
    assert parsed.readings("name") == ["one", "two"]
    assert parsed.readings("nonesuch") == []


def test_parse_value_plain_and_extended_are_two_readings():
    """A fallback for old programs, or a trap: in the order they are given in."""
    parsed = parse_value(b"a; filename=a.txt; filename*=utf-8''a.exe; filename*0=b; filename*1=.scr")
    assert not parsed.repeated
    assert parsed.readings("filename") == ["a.txt", "a.exe", "b.scr"]
    assert parsed.parameters["filename"] == "a.txt"
    assert parsed.octets["filename"] == [b"a.txt", b"a.exe", b"b.scr"]
    assert parsed.extended == {"filename"}


@pytest.mark.parametrize(
    ("octets", "readings"),
    [
        (b'a; (x)name="b.exe"', ["b.exe"]),
        (b'a; name(x)="b.exe"', ["b.exe"]),
        (b'a; name=(x)"b.exe"', ["b.exe", '(x)"b.exe"']),
        (b"a; name=b.exe(x)", ["b.exe", "b.exe(x)"]),
        (b"a; name=b (x (y;) \\)).exe", ["b .exe", "b (x (y"]),
        (b'a (;name=c) ; name="b.exe"', ["b.exe", "c)"]),
        (b'a; name="b(x).exe"', ["b(x).exe"]),
        (b'a; name="b.""ex"(x)"e"', ["b.", "b.exe"]),
        (b'a; name="b"."exe"', ["b", "b.exe"]),
        (b'a; name="b;"".exe"', ["b;", "b;.exe"]),
        (b'a; name=b."ex\\e"', ['b."ex\\e"', "b.exe"]),
        (b"a; name*=cp037''b.exe", ["\xc2\u0006\xc1\xcc\xc1", "b.exe"]),
        (b"a; name*=u16''b.exe!", ["\u2e62\u7865\u2165", "b.exe!"]),
        (b'a; name="=?utf-16?q?b.exe!?="', ["\u2e62\u7865\u2165", "b.exe!"]),
    ],
)
def test_parse_value_what_programs_read_in_two_ways_has_two_readings(octets, readings):
    """Comments, pieces of a value in quotes of their own, charsets that not all know."""
    assert parse_value(octets).readings("name") == readings


def test_parse_value_comments_are_no_part_of_the_value():
    """And that there are some is said, for most programs know of none."""
    for octets in (b"(x)multipart/mixed; a=b", b"multipart/(x)mixed; a=b", b"multipart/mixed (;) ; a=b"):
        parsed = parse_value(octets)
        assert (parsed.value, parsed.parameters["a"], parsed.commented) == ("multipart/mixed", "b", True)
    assert not parse_value(b"multipart/mixed; a=(b)").commented


def test_word_readings_as_ascii_where_the_charset_is_none_that_all_know():
    """All words of a text alike."""
    assert word_readings("=?utf-8?q?a?= =?utf-16be?q?=00b?=") == ["ab", "a\0b"]
    assert word_readings("=?utf-8?q?a?= =?iso-2022-jp?b?GyRCJCIbKEI=?=") == ["a\u3042"]


def test_word_readings_word_may_be_of_any_length():
    """Longer than the standard allows by far."""
    assert word_readings("=?utf-8?q?" + "a" * 100_000 + ".exe?=") == ["a" * 100_000 + ".exe"]


def test_parse_value_octets_are_not_decoded():
    """A boundary is compared, never shown."""
    parsed = parse_value(b'a/b; boundary="=?utf-8?q?x?="; n=\xc3\xbc')
    assert parsed.octets == {"boundary": [b"=?utf-8?q?x?="], "n": [b"\xc3\xbc"]}
    assert parsed.extended == frozenset()


def test_parse_value_section_given_twice_is_repeated():
    """The first of them counts."""
    parsed = parse_value(b"a; x*0=a; x*0=b; x*1=c")
    assert (parsed.repeated, parsed.parameters) == (True, {"x": "ac"})


def test_parse_value_reads_so_far_and_says_so():
    """Octets and parameters have limits."""
    assert parse_value(b"a; x=" + b"y" * MAX_VALUE).complete is False
    many = parse_value(b"a" + b"; x=y" * MAX_PARAMETERS)
    assert (many.complete, many.parameters) == (True, {"x": "y"})
    assert parse_value(b"a" + b"; x=y" * (MAX_PARAMETERS + 1)).complete is False
    assert parse_value(b"a; b=c", 3).parameters == {}


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("plain", "plain"),
        ("=?utf-8?Q?gr=C3=BCn_x?= y", "grün x y"),
        ("=?utf-8?b?Z3LDvG4=?=", "grün"),
        ("=?utf-8?b?Z3LDvG4?=", "grün"),
        ("=?utf-8?b?Z3 LD-vG4=?=", "grün"),
        ("=?utf-8?b?Z?=", ""),
        ("=?utf-8?q?a?= \r\n =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        ("=?utf-8*de?q?a?=", "a"),
        ("=?utf-8?Q?buy now?=", "buy now"),
        ("=?nonesuch?q?a=FC?=", "aü"),
        ("=?punycode?q?a-b?=", "a-b"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q?a", "=?utf-8?q?a"),
        ("=??q?a?=", "=??q?a?="),
        ("a=?b", "a=?b"),
    ],
)
def test_word_readings_as_programs_do(text, decoded):
    """Blanks within a word and junk within base64 are forbidden, and shown by programs all the same."""
    assert word_readings(text) == [decoded]


@given(values | st.binary(max_size=80))
def test_parse_value_never_fails(octets):
    """All of it is text, and what is compared is octets."""
    parsed = parse_value(octets)
    assert set(parsed.parameters) == set(parsed.octets)
    for name in parsed.parameters:
        assert name.encode("latin-1") == name.encode("latin-1").lower()
        assert parsed.readings(name)[0] == parsed.parameters[name]


@given(st.dictionaries(st.text("abcxyz-", min_size=1, max_size=5), st.binary(max_size=20), max_size=4))
def test_parse_value_gives_back_what_was_quoted(given_):
    """Any octets, in quotes with what needs it escaped."""
    quoted = b"".join(
        b';%s="%s"' % (n.encode(), v.replace(b"\\", b"\\\\").replace(b'"', b'\\"')) for n, v in given_.items()
    )
    parsed = parse_value(b"a/b" + quoted)
    assert parsed.octets == {name: [value] for name, value in given_.items()}
    assert not parsed.malformed


@given(st.text(max_size=40))
def test_word_readings_never_fails(text):
    """And leaves what is no word."""
    assert word_readings(text) == [text] or "=?" in text
