"""The report without a browser: structure, escaping, text alternatives, merging folders, and the command."""

import dataclasses
import itertools
import json
import re

import invented_results as invented
import pytest
from bs4 import BeautifulSoup

from optax_zoo.race import RaceError, collect, html, standing
from optax_zoo.race.html import answer, palette, sections, trajectories
from optax_zoo.race.html.document import embedded, render
from optax_zoo.race.plots import draw
from optax_zoo.race.report_command import command
from optax_zoo.race.settings import FINAL_SEEDS, TASK
from optax_zoo.race.tasks import create_task
from optax_zoo.running.entrants import DEFAULT

EVIL = invented.NAMES[7]


@pytest.fixture(scope="module")
def race():
    return invented.result()


@pytest.fixture(scope="module")
def text(race):
    return render([race], animation=False)


@pytest.fixture(scope="module")
def page(text):
    return BeautifulSoup(text, "html.parser")


@pytest.fixture(scope="module")
def pair():
    return BeautifulSoup(render(invented.two_results(), animation=False), "html.parser")


def save(result, folder):
    """Writes the folder of a race."""
    folder.mkdir(parents=True)
    settings = json.loads(json.dumps(dataclasses.asdict(result.settings)))
    (folder / "race.json").write_text(json.dumps({"settings": settings, **result.record}))
    lines = [json.dumps(dataclasses.asdict(row)) + "\n" for row in result.rows]
    (folder / "results.jsonl").write_text("".join(lines))
    return folder


def test_it_opens_on_the_answer(page):
    first = page.main.section
    assert first["id"] == "answer"
    said = first.find("div", class_="answer").get_text(" ", strip=True)
    assert said.startswith("expectigrad has the best test accuracy: 0.98")
    assert "No difference was found between it and adam ." in said
    assert "It is better than optax.adam by 0.00" in said and "and than 5 others" in said
    assert "novograd diverged at a final seed. gravity diverged at every learning rate." in said.replace(" .", ".")


def test_sections_come_in_order_with_headings_that_nest(page):
    ids = [section["id"] for section in page.main.find_all("section")]
    assert ids == ["answer", "learning", "rate", "profiles", "optimizers", "protocol", "record"]
    levels = [int(heading.name[1]) for heading in page.find_all(re.compile("^h[1-6]$"))]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.html["lang"] == "en" and page.find("a", class_="skip")["href"] == "#main"


def test_every_link_and_reference_within_the_page_has_its_target(page, pair):
    for soup in (page, pair):
        ids = [element["id"] for element in soup.find_all(id=True)]
        assert len(ids) == len(set(ids))
        targets = [link["href"][1:] for link in soup.find_all("a", href=True)]
        labels = [element["aria-labelledby"] for element in soup.find_all(attrs={"aria-labelledby": True})]
        data = [element["data-figure"] for element in soup.find_all(attrs={"data-figure": True})]
        assert {*targets, *labels, *data} <= {*ids}


def test_every_optimizer_has_a_page_with_composition_and_settings(page, race):
    for row in race.rows:
        details = page.find(id=sections.anchors([row.optimizer])[row.optimizer])
        assert details.name == "details" and details.h3.get_text(strip=True) == row.optimizer
        assert details.code.get_text() == row.composition
        assert {"Tuned learning rate", "State", "Time"} <= {term.get_text() for term in details.find_all("dt")}
    assert "0.93" in page.find(id="adam").find("dt", string="Tuned b1").find_next("dd").get_text()
    assert "by seed" in page.find(id="adam").find("dt", string="Steps to 0.95").find_next("dd").get_text()


def test_every_figure_says_what_it_shows_with_numbers(page, pair):
    for soup in (page, pair):
        plots = soup.find_all(class_="plot")
        assert len(plots) > 20
        for plot in plots:
            assert plot["role"] == "img"
            assert len(plot["aria-label"]) > 60 and re.search(r"\d", plot["aria-label"])
            assert plot.find_parent("figure").figcaption.get_text(strip=True)
    ranking = page.find(id="ranking").find(class_="plot")["aria-label"]
    assert all(name in ranking for name in invented.NAMES)


def test_tables_have_captions_scopes_and_headings_that_are_buttons(page):
    for table in page.find_all("table"):
        assert table.caption.get_text(strip=True)
        assert {heading["scope"] for heading in table.thead.find_all("th")} == {"col"}
        assert {heading["scope"] for heading in table.tbody.find_all("th")} == {"row"}
        assert table.find_parent(class_="scroll")["tabindex"] == "0"
    sortable = page.find("table", class_="sortable")
    assert all(heading.button["type"] == "button" for heading in sortable.thead.find_all("th"))
    assert [heading.get("aria-sort") for heading in sortable.thead.find_all("th")].count("ascending") == 1


def test_the_table_holds_the_figures_and_sorts_the_diverged_last(page, race):
    rows = page.find("table", class_="sortable").tbody.find_all("tr")
    assert [row.th.get_text(strip=True) for row in rows] == [row.optimizer for row in race.rows]
    best = rows[0].find_all(["th", "td"])
    assert best[2].get_text(strip=True) == "adaptive" and best[4].get_text(strip=True) == "best"
    assert float(best[3]["data-value"]) == race.rows[0].test_metric
    assert [row.find_all("td")[2]["data-value"] for row in rows[-2:]] == ["", ""]
    assert "diverged at 1 of 10 final seeds" in rows[-2].get_text()


def test_names_cannot_act(text, page):
    scripts = page.find_all("script")
    assert [script.get("type") for script in scripts if not script.get("src")].count(None) == 5
    assert not any("alert(1)" in script.get_text() for script in scripts if script.get("type") is None)
    for script in scripts:
        if script.get("type") == "application/json":
            assert "<" not in script.get_text()
            json.loads(script.get_text())
    assert "<script>alert" not in text and EVIL in page.get_text()
    curves = json.loads(page.find(id="curves-data").get_text())
    assert EVIL in [trace["name"] for trace in curves["data"]]  # which the page's script shows as text


def test_embedded_json_ends_no_script_and_comes_back():
    value = {"</script><b>": ["<!--", "\u2028", "&amp;", "ä"]}
    assert not set("<>&\u2028") & set(embedded(value)) and json.loads(embedded(value)) == value


def test_nothing_is_loaded_from_elsewhere_and_only_our_scripts_may_run(page):
    assert not page.find_all(["link", "img", "iframe", "object", "embed"])
    assert not page.find_all(attrs={"src": True})
    assert all(link["href"].startswith("#") for link in page.find_all(href=True))
    assert "url(" not in page.style.get_text() and "@import" not in page.style.get_text()
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'") and policy.count("sha256-") == 5
    assert not page.find_all(lambda element: any(name.startswith("on") for name in element.attrs))


def test_protocol_and_record_say_all(page, race):
    protocol = page.find(id="protocol").get_text(" ")
    for words in ("600 steps", "64 examples", "0.001, 0.00316", "b1 from 0.8 to 0.99", "3 tuning seeds", "constant"):
        assert words in protocol
    for words in ("Interquartile mean", "bootstrap", "permutation test", "Probability of improvement"):
        assert words in protocol
    record = page.find(id="record").get_text(" ")
    assert all(str(value) in record for value in race.record["versions"].values())
    assert race.record["command"] in record and "Linux" in record


def test_several_tasks_open_on_the_answer_over_all(pair):
    ids = [section["id"] for section in pair.main.find_all("section")]
    assert ids == ["answer", "profiles", "task-1-task", "task-2-task", "optimizers", "protocol", "record"]
    assert "expectigrad does best over 2 tasks" in pair.find(class_="answer").get_text()
    headings = [heading.get_text(" ", strip=True) for heading in pair.find(id="answer").find_all("th", scope="col")]
    assert any(heading.startswith("noisy_digits") for heading in headings)
    assert pair.find(id="profile-steps") and len(pair.find(id="adam").find_all("h4")) == 2


def test_few_seeds_cannot_tell():
    few = invented.result(("adam", "sgd", "nag"), final_seeds=3)
    said = answer.paragraphs(few, standing(few))[1]
    assert said == "With 3 final seeds no difference can be found; 6 at least are needed."


def test_a_race_of_one_and_a_race_that_nobody_finished():
    alone = BeautifulSoup(render([invented.result(("adam",))], animation=False), "html.parser")
    assert "No difference" not in alone.find(class_="answer").get_text()
    lost = BeautifulSoup(render([invented.result((invented.HOPELESS,))], animation=False), "html.parser")
    assert "No optimizer finished" in lost.find(class_="answer").get_text()


def test_no_results_are_refused(tmp_path):
    with pytest.raises(RaceError, match="results is empty"):
        html.write([], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_looks_differ_and_stand_out():
    few = palette.looks(f"optimizer {number}" for number in range(12)).values()
    assert len({(look.colour, look.dash, look.symbol) for look in few}) == 12 and all(x.stands_out for x in few)
    for light, dark in zip(palette.LIGHT, palette.DARK, strict=True):
        assert contrast(light, palette.GROUND) >= 3 and contrast(dark, palette.SCHEME[palette.GROUND]) >= 3
    for text in (palette.INK, palette.MUTED):
        assert contrast(text, palette.GROUND) >= 4.5
        assert contrast(palette.SCHEME[text], palette.SCHEME[palette.GROUND]) >= 4.5


def test_of_many_the_best_stand_out_in_the_colours_of_their_families():
    names = [f"{family}{member}" for member in range(3) for family in "abcdefghijklmn"]
    looks = palette.looks(names, family=lambda name: name[0])
    firsts = [looks[f"{family}0"] for family in "abcdefghijklmn"]
    assert len({(look.colour, look.dash, look.symbol) for look in firsts}) == 14
    assert {looks[name].colour for name in ("a0", "a1", "a2")} == {looks["a0"].colour}
    assert (looks["a1"].dash, looks["a1"].symbol) != (looks["a0"].dash, looks["a0"].symbol)
    assert [look.name for look in looks.values() if look.stands_out] == [f"{x}0" for x in "abcdefghijkl"]
    top = palette.looks([*(f"a{n}" for n in range(13)), "b0"], family=lambda name: name[0])
    assert [look.number for look in top.values() if look.stands_out] == [*range(8), 13]
    assert len({(look.colour, look.dash, look.symbol) for look in top.values() if look.stands_out}) == 9


def contrast(first, second):
    """The ratio of WCAG 2."""

    def luminance(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def test_anchors_are_unique_and_keep_what_they_can():
    assert sections.anchors(["adam", "optax.adam", "a b", "a/b", "§", "main"], {"main"}) == {
        "adam": "adam",
        "optax.adam": "optax.adam",
        "a b": "a-b",
        "a/b": "a-b-",
        "§": "optimizer",
        "main": "main-",
    }


def test_trajectories_of_those_that_can_run():
    names = ["sgd", EVIL, "optax.sgd"]
    figure = trajectories.figure([invented.result(names)], palette.looks(names))
    assert [look.name for look in figure.legend] == ["sgd", "optax.sgd"]
    assert "alert(1)&lt;/script&gt;, which cannot be run" in figure.caption
    assert "sgd 0.0178, optax.sgd 0.0178 on Beale" in figure.caption
    moving = figure.motion["points"]
    assert len(moving) == 4 and {len(each["x"]) for each in moving} == {201}
    assert moving[0]["x"][0] == 1.0 and moving[0] == moving[1]
    pictures = [picture for both in figure.specification["pictures"].values() for picture in both]
    assert len(set(pictures)) == 4 and all(picture.startswith("data:image/png;base64,") for picture in pictures)


def test_a_function_under_the_name_of_another_is_not_taken_for_it():
    race = invented.result(("sgd",))
    strange = dataclasses.replace(race.rows[0], composition="pipeline(of a user)")
    assert trajectories.figure([dataclasses.replace(race, rows=(strange,))], palette.looks(["sgd"])) is None


@pytest.fixture(scope="module")
def crowd():
    return invented.crowd(100), invented.crowd(100, task="noisy_digits", shift=-0.08)


@pytest.fixture(scope="module")
def crowded(crowd):
    return render(crowd, animation=False)


@pytest.mark.slow
def test_a_report_of_a_hundred_on_two_tasks_is_small_and_names_few_in_its_figures(crowd, crowded):
    assert len(crowded.encode()) < 2e6
    page = BeautifulSoup(crowded, "html.parser")
    curves = json.loads(page.find(id="task-1-curves-data").get_text())
    ours = [trace for trace in curves["data"] if not trace["meta"].get("others")]
    assert len(curves["data"]) == 98 and 8 <= len(ours) <= 15 and curves["layout"]["ends"]
    assert not page.find(id="task-1-curves").find(class_="legend")
    assert len(page.find("table", class_="matrix").tbody.find_all("tr")) == 20
    said = page.find(id="task-1-task").find(class_="answer").get_text(" ", strip=True)
    assert "see the table" in said and "Could not run: optax.lbfgs ( no )" in said.replace("(no)", "( no )")


@pytest.mark.slow
def test_pages_of_many_are_folded_by_family_and_the_filter_knows_all(crowded):
    page = BeautifulSoup(crowded, "html.parser")
    known = json.loads(page.find(id="known").get_text())
    groups = {each["data-family"]: each for each in page.find_all("details", class_="family")}
    assert len(known) == 100 and {family for _, _, family in known} == {*groups}
    assert page.find(id="lion").find_parent("details")["data-family"] == "sign"
    assert "Could not run" in page.find(id="optax.lbfgs").get_text()
    assert [option.get_text() for option in page.find(id="filter").find_all("option")][1:] == sorted(groups)
    levels = [int(heading.name[1]) for heading in page.find_all(re.compile("^h[1-6]$"))]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_a_page_of_few_has_no_filter(page):
    assert not page.find(id="filter") and not page.find_all("details", class_="family")


@pytest.mark.slow
def test_pictures_come_in_both_formats_and_the_same_each_time(race, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        draw(race, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == [f"{name}.{kind}" for name in ("curves", "ranking", "sensitivity") for kind in ("png", "svg")]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


def test_a_folder_comes_back(race, tmp_path):
    (found,) = collect([save(race, tmp_path / "race")])
    assert found == race


def test_the_folder_of_several_tasks(tmp_path):
    for result in invented.two_results():
        save(result, tmp_path / result.settings.task)
    assert collect([tmp_path]) == invented.two_results()


def test_races_on_one_task_become_one(tmp_path):
    first, second = invented.result(("adam", "sgd")), invented.result(("sgd", "nag"))
    (merged,) = collect([save(first, tmp_path / "a"), save(second, tmp_path / "b")])
    assert [row.optimizer for row in merged.rows] == ["adam", "nag", "sgd"]
    assert merged.settings.optimizers == ("adam", "sgd", "nag")
    assert merged.rows == invented.result(("adam", "sgd", "nag")).rows


def test_the_records_of_merged_races_are_both_kept(tmp_path):
    first = invented.result(("adam",))
    second = dataclasses.replace(invented.result(("nag",)), record={**first.record, "command": "another"})
    (merged,) = collect([save(first, tmp_path / "a"), save(second, tmp_path / "b")])
    assert merged.record == {**first.record, "command (2)": "another"}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"steps": 200}, r"cannot merge .*a' and .*b': steps is 600 and 200\."),
        ({"rates": (0.1, 1.0)}, r"rates is 0\.001, 0\.00316, .* and 0\.1, 1\."),
        ({"search": ()}, r"search is .* and empty\."),
    ],
)
def test_races_with_other_settings_are_not_merged(tmp_path, changes, message):
    first, second = invented.result(("adam",)), invented.result(("sgd",), **changes)
    with pytest.raises(RaceError, match=message):
        collect([save(first, tmp_path / "a"), save(second, tmp_path / "b")])


def test_different_rows_of_one_optimizer_are_not_merged(tmp_path):
    first = invented.result(("adam",))
    second = dataclasses.replace(first, rows=(dataclasses.replace(first.rows[0], seconds=1.0),))
    with pytest.raises(RaceError, match=r"they have different results of 'adam'\."):
        collect([save(first, tmp_path / "a"), save(second, tmp_path / "b")])


def test_what_is_no_race_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RaceError, match="holds no race"):
        collect([tmp_path / "empty"])
    with pytest.raises(RaceError, match="holds no race"):
        collect([tmp_path / "absent"])
    begun = save(dataclasses.replace(invented.result(("adam",)), rows=()), tmp_path / "begun")
    with pytest.raises(RaceError, match="holds no result yet"):
        collect([begun])


def run(*words):
    from click.testing import CliRunner

    return CliRunner().invoke(command, list(map(str, words)))


@pytest.mark.parametrize("animation", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_report_of_a_default_race_is_small(animation):
    text = render([invented.default_race(steps=create_task(TASK).steps, final_seeds=FINAL_SEEDS)], animation=animation)
    assert len(text.encode()) < (0.6e6 if animation else 0.35e6)
    assert ("trajectories-data" in text) is animation and all(f'id="{name}"' in text for name in DEFAULT[:5])


@pytest.mark.slow
def test_the_command_writes_the_report_and_its_figures(race, tmp_path):
    folder = save(race, tmp_path / "race")
    outcome = run(folder, "--no-animation")
    assert outcome.exit_code == 0 and outcome.output == f"Report: {folder / 'report.html'}\n"
    assert (folder / "report.html").stat().st_size < 1e6 and (folder / "ranking.svg").exists()


def test_the_command_writes_elsewhere(tmp_path):
    for result in (invented.result(("adam", "sgd")), invented.result(("adam", "sgd"), task="a/b")):
        save(result, tmp_path / "both" / result.settings.task.replace("/", "_"))
    assert run(tmp_path / "both", "--no-animation", "--out", tmp_path / "new" / "page.html").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a_b", "digits_mlp", "page.html"]
    assert (tmp_path / "new" / "a_b" / "curves.png").exists()


def test_the_command_says_in_one_line_what_is_wrong(race, tmp_path):
    (tmp_path / "file").write_text("")
    folder = save(race, tmp_path / "race")
    for words, message in (
        ([tmp_path / "none"], "holds no race"),
        ([folder, "--out", tmp_path / "file" / "x"], "file"),
    ):
        outcome = run(*words, "--no-animation")
        assert outcome.exit_code == 2
        assert message in outcome.output.splitlines()[-1] or message in outcome.output
        assert not isinstance(outcome.exception, RaceError)
