"""Lists of people: a line for each, and data for programs."""

import json

import pytest

from gateway.operate.rows import show_rows

ROWS = [
    {"address": "[red]a@x.test", "quota": 2**30, "has_password": True, "targets": ["b@x.test", "c@x.test"]},
    {"address": "d@x.test", "quota": None, "has_password": False, "targets": []},
]


def test_table_has_a_line_for_each_and_no_markup(capsys):
    """Sizes as gateway.toml has them; brackets mean nothing."""
    show_rows(False, ROWS)
    lines = [line for line in capsys.readouterr().out.splitlines() if "@" in line]
    assert [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines] == [
        ["[red]a@x.test", "1GiB", "yes", "b@x.test, c@x.test"],
        ["d@x.test", "", "no", ""],
    ]


@pytest.mark.parametrize(("as_json", "said"), [(True, "[]"), (False, "there are none")])
def test_nobody_is_said(capsys, as_json, said):
    """An empty list is one for a program."""
    show_rows(as_json, [])
    assert capsys.readouterr().out == f"{said}\n"


def test_program_gets_what_there_is(capsys):
    """Unchanged."""
    show_rows(True, ROWS)
    assert json.loads(capsys.readouterr().out) == ROWS
