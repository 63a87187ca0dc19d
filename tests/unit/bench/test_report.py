"""tests/bench/report.py and plot.py: the same figures, for people."""

import xml.etree.ElementTree as ElementTree

from tests.bench import report
from tests.bench.plot import svg
from tests.unit.bench.made import ROUNDS, one


def test_rows_name_each_road_with_its_figures():
    """Medians with their range; ratios beside."""
    row = next(row for row in report.rows(ROUNDS) if row[0] == "c")
    assert row == [
        "c",
        "gate 1 → the filter → gate 2",
        "5 kB",
        "152 (95..190)",
        "0.47",
        "0.95",
        "",
        "3.80 (3.80..3.80)",
        "0.30 (0.30..0.30)",
    ]


def test_rows_leave_empty_what_a_road_does_not_have():
    """One Postfix has nothing in the filter's place, and is no multiple of itself."""
    row = next(row for row in report.rows(ROUNDS) if row[0] == "a")
    assert (row[4], row[8]) == ("", "")


def test_rows_compare_a_searching_filter_with_one_that_is_not():
    """In the same rounds; what was pressed alone is no road, and compared with none."""
    found = {(row[0], row[2]): row for row in report.rows(ROUNDS)}
    assert found["f", "100 kB"][4:7] == ["0.40", "0.80", "0.84"]
    assert found["g", "5 kB"][3:7] == ["230 (190..240)", "", "", ""]
    assert [row[0] for row in report.rows(ROUNDS) if row[2] == "5 kB"] == list("abcdefg")


def test_tables_are_markdown_with_as_many_cells_as_the_head():
    """Each line of a table has the same number of cells."""
    for table in report.tables(ROUNDS).strip().split("\n\n"):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_wish_rows_end_with_the_verdict():
    """Half of a is wanted, and 0.47 is not enough."""
    assert ["c / a", "5 kB", "0.47 (0.47..0.47)", "≥ 0.5", "no"] in list(report.wish_rows(ROUNDS))


def test_plot_is_well_formed_and_within_its_frame():
    """No bar leaves the picture, however far one road is from the others."""
    tree = ElementTree.fromstring(svg([*ROUNDS, one(4, "d", 1.0, filter_ms=300.0)]))
    width = float(tree.attrib["width"])
    bars = [element.attrib for element in tree.iter() if element.tag.endswith("rect")]
    assert bars and all(float(bar["x"]) + float(bar["width"]) <= width for bar in bars)


def test_plot_of_one_size_has_one_row_per_road():
    """A run that measured less shows less."""
    words = [element.text for element in ElementTree.fromstring(svg([one(1, "c", 200.0)])).iter()]
    assert sum("the filter" in (word or "") for word in words) == 1
