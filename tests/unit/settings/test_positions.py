"""Where keys and elements stand, for each way TOML has of writing them."""

import tomllib

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.settings.positions import Positions

TEXT = '''\
schema = 1
[gateway]
  hostname = "a"   # hostname = "b"
"post\\u006daster" = 'x'
deep.er."quo.ted" = 1
[listen.'out side']
addresses = [ "a", # ]
  """b]
""", [
 'c', {x = 1, y.z = [ 2, 3 ]} ],
]
when = 1979-05-27 07:32:00
[[patterns]]
match = "header"
[[patterns]]
  match = \'\'\'it's \'\'\'\'
  sub = { }
[patterns.inner]
a = """"quoted"""""
[ a . b ]
c = -inf#
[a]
d = true
'''

PLACES = {
    ("schema",): (1, 1),
    ("gateway",): (2, 2),
    ("gateway", "hostname"): (3, 3),
    ("gateway", "postmaster"): (4, 1),
    ("gateway", "deep"): (5, 1),
    ("gateway", "deep", "er"): (5, 6),
    ("gateway", "deep", "er", "quo.ted"): (5, 9),
    ("listen",): (6, 2),
    ("listen", "out side"): (6, 9),
    ("listen", "out side", "addresses", 0): (7, 15),
    ("listen", "out side", "addresses", 1): (8, 3),
    ("listen", "out side", "addresses", 2): (9, 6),
    ("listen", "out side", "addresses", 2, 0): (10, 2),
    ("listen", "out side", "addresses", 2, 1, "x"): (10, 8),
    ("listen", "out side", "addresses", 2, 1, "y", "z", 1): (10, 26),
    ("listen", "out side", "when"): (12, 1),
    ("patterns", 0, "match"): (14, 1),
    ("patterns", 1): (15, 3),
    ("patterns", 1, "match"): (16, 3),
    ("patterns", 1, "sub"): (17, 3),
    ("patterns", 1, "inner", "a"): (19, 1),
    ("a", "b", "c"): (21, 1),
    ("a", "d"): (23, 1),
}


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_find_of_a_key_gives_its_place(path):
    """The text is TOML, and each path is found where it stands."""
    tomllib.loads(TEXT)
    assert Positions(TEXT).find(path) == PLACES[path]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("nowhere",), (1, 1)),
        (("gateway", "postmaster", "x", 3), (4, 1)),
        (("listen", "out side", "addresses", 9), (7, 1)),
        (("patterns", 7), (13, 3)),
        (("Gateway", "HOSTNAME"), (3, 3)),
    ],
)
def test_find_of_an_unknown_path_gives_the_nearest_parent(path, place):
    """A missing key is reported at its table, a folded name where it was written."""
    assert Positions(TEXT).find(path) == place


def test_find_of_a_name_that_differs_in_case_prefers_the_exact_one():
    """Two spellings of one name are two places."""
    positions = Positions('"A.test" = 1\n"a.test" = 2\n')
    assert (positions.find(("A.test",)), positions.find(("a.test",))) == ((1, 1), (2, 1))


KEYS = st.text(max_size=5)
SCALARS = st.one_of(
    st.booleans(), st.integers(-9, 9), st.text(max_size=6), st.dates(), st.times().filter(lambda t: True)
)
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=4,
)


@settings(max_examples=150)
@given(DOCUMENTS)
def test_every_key_and_element_of_any_document_is_found(document):
    """The text at a key's place is that key; nothing falls back to its parent."""
    text = tomlkit.dumps(document)
    positions = Positions(text.replace("\r\n", "\n"))
    known = positions._offsets
    todo = [((), tomllib.loads(text))]
    while todo:
        path, value = todo.pop()
        assert not path or path in known
        if isinstance(value, dict):
            todo += [((*path, key), child) for key, child in value.items()]
        if isinstance(value, list):
            todo += [((*path, index), child) for index, child in enumerate(value)]
