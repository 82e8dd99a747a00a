"""What an ablation shows: the section on top of its report, its picture, and titles that do not overprint."""

import dataclasses
import itertools
import json
import re
import shlex

import invented_results as invented
import pytest
from bs4 import BeautifulSoup
from matplotlib.backends.backend_agg import FigureCanvasAgg

from optax_zoo import cli
from optax_zoo.pipeline import SLOTS
from optax_zoo.race import RaceError, plots
from optax_zoo.race.ablation import Ablation, Combination
from optax_zoo.race.ablation import plots as ablation_plots
from optax_zoo.race.ablation.effects import effects_of
from optax_zoo.race.ablation.levels import EXAMPLES, base_of, levels_of
from optax_zoo.race.ablation.page import lead, paragraphs
from optax_zoo.race.ablation.record import FILE, load
from optax_zoo.race.ablation.slot_expressions import parse
from optax_zoo.race.html import document, words
from optax_zoo.race.results import Result
from optax_zoo.race.rows import rank

LONG = "root(debiased(ema(0.999, of=square), eps=1e-08)"
LEVELS = {
    "denominator": {"base": "root(total(of=square))", "<b>ema</b>": "root(ema(0.9, of=square))", LONG[:27] + "…": LONG},
    "momentum": {"base": "none", "trace": "trace(0.9)"},
    "decay": {"base": "none", "decoupled_decay(0.01)": "decoupled_decay(0.01)"},
}
WORTH = {"<b>ema</b>": 0.01, "trace": -0.02}


@pytest.fixture
def ablation_of(monkeypatch):
    """Makes an ablation that nobody ran, whose levels are worth what `WORTH` says, but for chance."""

    def make(diverged=()):
        grid = [dict(zip(LEVELS, labels, strict=True)) for labels in itertools.product(*LEVELS.values())]
        rows, levels = [], {}
        for each in grid:
            changes = ", ".join(f"{slot}={label}" for slot, label in each.items() if label != "base")
            name = f"expectigrad[{changes}]" if changes else "expectigrad"
            monkeypatch.setitem(invented.QUALITY, name, 0.9 + sum(WORTH.get(label, 0) for label in each.values()))
            monkeypatch.setitem(invented.BEST_RATES, name, 0.03)
            row = invented.row(name, invented.settings([name]))
            if name in diverged:
                row = dataclasses.replace(row, test_metric=None, test_metric_interval=None)
            rows.append(dataclasses.replace(row, default_rate=None, default_test_metric=()))
            levels[name] = each
        rows = tuple(sorted(rows, key=rank))
        result = Result(invented.settings(levels), rows, invented.RECORD)
        combinations = tuple(Combination(row.optimizer, levels[row.optimizer], "", row) for row in rows)
        return Ablation("expectigrad", LEVELS, combinations, *effects_of(LEVELS, combinations), result)

    return make


def page_of(ablation):
    return BeautifulSoup(document.render([ablation.result], animation=False, lead=lead(ablation)), "html.parser")


def test_the_report_opens_with_the_ablation(ablation_of):
    ablation = ablation_of()
    page = page_of(ablation)
    assert page.h1.text == "Ablation of expectigrad on digits_mlp" and page.title.text == page.h1.text
    sections = [section["id"] for section in page.find_all("section")]
    assert sections[:2] == ["ablation", "answer"]
    assert [link["href"] for link in page.nav.find_all("a")][:2] == ["#ablation", "#answer"]
    section = page.find(id="ablation")
    assert [heading.text for heading in section.find_all("h3")] == [
        "Main effects",
        "Interactions",
        "Combinations",
        "Levels",
    ]
    effects, interactions, combinations, levels = section.find_all("table")
    assert [row.th.text for row in effects.tbody.find_all("tr")] == [
        ", ".join(f"{slot}={level}" for slot, level in effect.changes.items()) for effect in ablation.effects
    ]
    assert len(interactions.tbody.find_all("tr")) == len(ablation.interactions) == 5
    assert [row.th.text for row in combinations.tbody.find_all("tr")] == [
        each.levels["denominator"] for each in ablation.combinations
    ]
    assert LONG in levels.text and not section.find_all("b")
    drawn = [json.loads(page.find(id=f"ablation-{kind}-data").text) for kind in ("effects", "interactions")]
    for specification, found in zip(drawn, (ablation.effects, ablation.interactions), strict=True):
        assert [trace["x"][0] for trace in specification["data"]] == pytest.approx(
            [each.mean for each in found], rel=1e-5
        )
        assert len(specification["layout"]["annotations"]) == len(found)
    assert drawn[0]["layout"]["xaxis"]["range"] == drawn[1]["layout"]["xaxis"]["range"]


def test_a_race_alone_has_no_such_section():
    page = BeautifulSoup(document.render([invented.result(("sgd", "adam"))], animation=False), "html.parser")
    assert page.find("section")["id"] == "answer" and page.find(class_="kind").text == "Race of optimizers"


def test_what_was_found_is_said(ablation_of):
    said = [re.sub(r"<.*?>", "", str(each)) for each in paragraphs(ablation_of())]
    assert said[0].startswith("Of 4 main effects and 5 interactions ") and "differ from 0." in said[0]
    assert any(text.startswith("momentum=trace is worse than the base's part by 0.02") for text in said)
    assert any(text.startswith("denominator=&lt;b&gt;ema&lt;/b&gt; is better than the base's part by") for text in said)


def test_what_diverged_is_said(ablation_of):
    ablation = ablation_of(["expectigrad[momentum=trace]"])
    assert "Diverged, and left out: expectigrad[momentum=trace]." in paragraphs(ablation)[-1].striptags()
    assert "diverged" in page_of(ablation).find(id="ablation").text
    ablation_plots.effects(ablation)


def test_an_ablation_reads_back_from_its_folder(ablation_of, tmp_path):
    ablation = ablation_of()
    assert load(tmp_path, ablation.result) is None
    combinations = [{"name": x.name, "levels": x.levels, "composition": x.composition} for x in ablation.combinations]
    record = {"base": ablation.base, "levels": ablation.levels}
    (tmp_path / FILE).write_text(json.dumps(record))
    assert load(tmp_path, ablation.result) is None  # it has not come to its end
    (tmp_path / FILE).write_text(json.dumps({**record, "combinations": combinations}))
    assert load(tmp_path, ablation.result) == ablation
    (tmp_path / FILE).write_text("{")
    with pytest.raises(RaceError, match="is not a record of an ablation"):
        load(tmp_path, ablation.result)


def boxes(figure, texts):
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    return [text.get_window_extent(renderer) for text in texts(figure) if text.get_visible() and text.get_text()]


@pytest.mark.parametrize("picture", [plots.curves, plots.sensitivity])
def test_titles_of_panels_do_not_overprint_each_other(ablation_of, picture):
    figure = picture(ablation_of().result)
    found = boxes(figure, lambda figure: [axes.title for axes in figure.axes if axes.get_visible()])
    assert len(found) == 12
    assert not any(one.overlaps(other) for one, other in itertools.combinations(found, 2))
    panels = [axes.get_window_extent() for axes in figure.axes if axes.get_visible()]
    assert not any(title.overlaps(panel) for title in found for panel in panels)


@pytest.mark.parametrize("picture", [lambda it: plots.ranking(it.result), ablation_plots.effects])
def test_labels_of_lines_do_not_overprint_each_other(ablation_of, picture):
    figure = picture(ablation_of())
    found = boxes(figure, lambda figure: [label for axes in figure.axes for label in axes.get_yticklabels()])
    assert len(found) >= 9
    assert not any(one.overlaps(other) for one, other in itertools.combinations(found, 2))
    assert all(box.x0 >= 0 for box in found)
    assert all(axes.get_window_extent().width > 0.3 * figure.bbox.width for axes in figure.axes)


def test_the_picture_of_an_ablation_says_every_effect_in_full(ablation_of):
    ablation = ablation_of()
    labels = [label.get_text() for axes in ablation_plots.effects(ablation).axes for label in axes.get_yticklabels()]
    for label, effect in zip(labels, [*ablation.effects, *ablation.interactions], strict=True):
        flat = label.replace("\n", "").replace(" ", "")
        for slot, level in effect.changes.items():
            assert f"{slot}={level}".replace(" ", "") in flat


@pytest.mark.parametrize("width", [10, 27])
@pytest.mark.parametrize(
    "text", ["adam", "expectigrad[denominator=root(ema(0.999, of=square)), momentum=none]", "x" * 70]
)
def test_wrapped_text_keeps_its_width(text, width):
    lines = plots.wrapped(text, width).split("\n")
    assert max(map(len, lines)) <= width and len(lines) <= plots.MOST_LINES
    shown = "".join(lines).replace(" ", "")
    assert shown == text.replace(" ", "") or shown.endswith("…")


def test_short_names_that_would_look_alike_differ():
    parts = ("ema", "mean", "root(debiased(ema(0.9)))", "root(debiased(ema(0.8)))")
    names = [f"expectigrad[denominator={part}]" for part in parts]
    shown = words.distinct(["adam", *names, "adam"])
    assert shown["adam"] == "adam" and len({*shown.values()}) == 5 and max(map(len, shown.values())) <= 22
    assert shown[names[0]] == "…denominator=ema]"


@pytest.mark.parametrize("base", ["adam", "sgd", "momentum", "expectigrad"])
@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot != "learning_rate"])
def test_what_is_suggested_works(base, slot):
    name, at_rate = base_of(base)
    with pytest.raises(RaceError) as refused:
        own = at_rate(0.1).slots.get(slot)
        levels_of(name, at_rate, {slot: [own]})
    suggested = [shlex.split(text)[0].partition("=") for text in str(refused.value).rstrip(".").split("--slot ")[1:]]
    assert suggested and str(refused.value).startswith(f"slot {slot} is ")
    for where, _, part in suggested:
        assert len(levels_of(name, at_rate, {where: [parse(part)]})[where]) == 2


def test_every_slot_has_an_example_that_can_be_read():
    assert EXAMPLES.keys() == set(SLOTS)
    for part in EXAMPLES.values():
        parse(part)


def test_commands_of_the_readme_and_the_page_are_ablations(pytestconfig):
    texts = [(pytestconfig.rootpath / page).read_text() for page in ("README.md", "docs/ablate.md")]
    lines = re.findall(r"optax-zoo (ablate (?:[^`\n]|\\\n)*--slot(?:[^`\n\\]|\\\n)*)", "\n".join(texts))
    commands = [words for line in lines if (words := shlex.split(line.replace("\\\n", " ")))[1].islower()]
    assert len(commands) >= 3
    for words_ in commands:
        slots = {}
        for level in [text for option, text in itertools.pairwise(words_) if option == "--slot"]:
            slot, _, part = level.partition("=")
            slots.setdefault(slot.partition(":")[0], []).append(parse(part))
        levels_of(words_[1], base_of(words_[1])[1], slots)


@pytest.mark.parametrize("words_", [["adam", "--slot", "momentum=none"], ["sgd", "--slot", "velocity:v=none"]])
def test_an_empty_slot_that_is_emptied_says_what_is_filled(words_, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["ablate", *words_]) == 2
    error = capsys.readouterr().err
    assert "fills" in error and "learning_rate" in error and error.count("\n") == 1 and list(tmp_path.iterdir()) == []
