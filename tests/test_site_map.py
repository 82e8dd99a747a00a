"""The map of the algorithms, as it is made for the documentation, and its filters in a browser."""

from pathlib import Path

import algorithm_map
import pytest
from bs4 import BeautifulSoup

import optax_zoo as zoo

SCRIPT = Path(__file__).parents[1] / "docs" / "_static" / "filter.js"


@pytest.fixture(scope="module")
def tree():
    return BeautifulSoup(algorithm_map.algorithm_map(), "html.parser")


def test_every_algorithm_has_a_row_and_a_mark_for_each_slot_that_it_fills(tree):
    rows = {row["data-name"]: row for row in tree.select("tr[data-name]")}  # of a route the side that comes last
    assert sorted(rows) == zoo.list_algorithms()
    for name in ("adam", "soap", "prodigy", "schedule_free_adamw"):
        slots = zoo.create(name).slots
        assert {slot for slot in zoo.SLOTS if rows[name].has_attr(f"data-{slot}")} == set(slots)
        assert len(rows[name].select("td a")) == len(slots)
    assert [row.th.text for row in tree.select("tr[data-name=muon]")] == ["muon, matrices", "muon, rest"]


def test_marks_say_what_is_there_and_whether_it_is_the_usual(tree):
    marks = {mark["title"]: mark for mark in tree.select("td a")}
    usual, other = marks["adam, numerator: debiased(ema(0.9))"], marks["soap, basis: eigenbasis()"]
    assert usual["class"] == ["usual"] and other["class"] == ["other"] and usual["href"] == "algorithms/adam.html#slots"
    assert marks["lion, rescale: scale_by_sign()"]["class"] == ["other"]  # no part is in most of these slots


def test_parts_are_named_from_the_outermost_on():
    assert algorithm_map.parts("root(debiased(ema(0.999, of=square)))") == ("root", "ema")
    assert algorithm_map.parts("serial(a=trust_ratio(), b=ema(power_decay()))") == ("trust_ratio", "ema", "power_decay")
    assert algorithm_map.parts("0.001") == ("number",) and algorithm_map.parts("identity") == ("identity",)


def test_boxes_count_the_rows_that_have_a_part(tree):
    box = tree.select_one("select[data-filter=basis]")
    options = {option["value"]: option.text for option in box.select("option")}
    having = len(tree.select('tr[data-basis~="eigenbasis"]'))
    assert options["eigenbasis"] == f"eigenbasis ({having})" and list(options)[:3] == ["", "+", "-"]


@pytest.mark.slow
def test_boxes_filter_the_map_in_a_browser(browser, tmp_path):
    page = browser.new_page()
    file = tmp_path / "map.html"
    file.write_text(f"<!doctype html><script>{SCRIPT.read_text()}</script>{algorithm_map.algorithm_map()}")
    page.goto(file.as_uri())

    def shown(**chosen):
        for box in page.query_selector_all("select"):
            box.select_option(chosen.get(box.get_attribute("data-filter"), ""))
        rows = page.query_selector_all("tr[data-name]")
        return {row.get_attribute("data-name") for row in rows if row.is_visible()}, page.inner_text(".map-count")

    count = len(zoo.list_algorithms())
    assert shown() == (set(zoo.list_algorithms()), f"{count} of {count} algorithms")
    filled, _ = shown(basis="+")
    empty, said = shown(basis="-")
    assert "soap" in filled and "adam" in empty and said == f"{len(empty)} of {count} algorithms"
    assert all(isinstance(zoo.create(name), zoo.Route) for name in filled & empty)  # by one side, and by the other
    assert shown(basis="eigenbasis", family="matrix") == ({"soap"}, f"1 of {count} algorithms")
    page.close()
