"""The pages of algorithms, as they are made for the documentation."""

import builtins
import re
from xml.etree import ElementTree

import algorithm_pages
import flax_examples
import gallery
import links
import neighbours
import numpy as np
import path_drawing
import paths
import pytest
import sensitivity_curve
import shown_types
import slot_diagram
import svg
import when_not
from PIL import Image, ImageChops, ImageStat

import optax_zoo as zoo
from optax_zoo import race
from optax_zoo.animate import LANDSCAPES

NAMES = zoo.list_algorithms()
WORDS_OF_TYPES = (
    "Array GradientTransformation GradientTransformationExtraArgs Iterable Mapping NamedSharding PathLike Sequence "
    "already_applied dtype function matrices ndarray numbered outputs_under schedule stacked_under tree"
)


def drawings(markup):
    """The drawings of a page, as trees: an error if one is not well-formed."""
    return [ElementTree.fromstring(found) for found in re.findall(r"<svg.*?</svg>", markup)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages") / "algorithms"
    algorithm_pages.write(folder)
    (folder / "gone.md").write_text("of an algorithm that is no more")
    before = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.md")}
    algorithm_pages.write(folder)
    after = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.md")}
    assert before.keys() - after.keys() == {"gone.md"} and all(before[name] == after[name] for name in after)
    return {file.stem: file.read_text() for file in folder.glob("*.md")}


def test_each_algorithm_has_a_page_and_links_lead_to_others(pages):
    assert sorted(pages) == NAMES
    links = {link for page in pages.values() for link in re.findall(r"\]\((\w+)\.md\)", page)}
    assert links <= set(NAMES)


def test_a_page_says_what_is_known(pages):
    for name, page in pages.items():
        known = zoo.describe(name)
        assert page.startswith(f"# {name}\n") and known.url in page and known.composition in page
        assert f"{known.state_bytes:g} bytes of state" in page
        assert drawings(page)
    assert "## How much the rate matters" in pages["adam"] and "tensorflow==1.15.5" in pages["adam"]
    assert "must be given `curvature=`" in pages["sophia_h"] and "keeps temporaries" in pages["soap"]


def test_a_drawing_has_every_slot_and_its_part():
    (tree,) = drawings(slot_diagram.slot_diagram("soap", zoo.soap()))
    words = [element.text for element in tree.iter() if element.tag.endswith("text")]
    assert words[0] == "gradient" and words[-1] == "update"
    assert {"basis", "eigenbasis()", "÷ denominator", "debiased(ema(0.95))", "decay"} <= set(words)


def test_a_route_is_drawn_by_sides():
    assert len(drawings(slot_diagram.slot_diagram("muon", zoo.muon()))) == 2


def test_long_parts_are_wrapped_within_their_box():
    lines = slot_diagram.wrapped(repr(zoo.create("sam").slots["learning_rate"]))
    assert len(lines) > 1
    assert max(map(len, lines)) * svg.CHARACTER <= slot_diagram.WIDTH - slot_diagram.LABEL - 12


def test_markup_in_words_is_escaped():
    drawn = svg.drawing(10, 10, [svg.text(0, 0, "a < b & c")], 'a "title" <b>')
    (tree,) = drawings(drawn)
    assert [element.text for element in tree] == ['a "title" <b>', "a < b & c"]


def test_when_not_to_take_one_follows_from_what_is_recorded_of_it():
    assert "`value=`" in when_not.when_not("momo") and "`curvature=`" in when_not.when_not("sophia_h")
    assert "24 bytes a parameter, that of Adam 8, and a step on a matrix holds 11.7 more" in when_not.when_not("soap")
    for name in ("averaged", "schedule_free_sgd", "lookahead", "sam"):
        assert when_not.when_not(name).count("evaluation_params") == 1
    assert when_not.when_not("adam").count("\n") == 0 and "0.54 on `matrix_factors`" in when_not.when_not("adam")
    assert when_not.when_not("adamax") == ""


def test_neighbours_differ_as_the_table_says():
    assert neighbours.nearest("adamw")[0] == "adam"
    assert neighbours.differences("adamw", "adam") == {"decay": ("decoupled_decay(0.01)", "")}
    assert "learning_rate" not in neighbours.differences("adam", "nadam")  # both are numbers, which are tuned
    assert "learning_rate" in neighbours.differences("adam", "prodigy")


def test_one_that_was_not_raced_has_no_curve():
    assert sensitivity_curve.sensitivity_curve("no such") is None
    (tree,) = drawings(sensitivity_curve.sensitivity_curve("adam"))
    assert sum(element.tag.endswith("polyline") for element in tree) == 2


def test_every_algorithm_has_paths_that_its_page_draws():
    assert sorted(path_drawing.saved()) == NAMES
    (tree,) = drawings(path_drawing.path_drawing("lion"))
    words = [element.text for element in tree.iter() if element.tag.endswith("text")]
    assert [each.partition(",")[0] for each in words] == list(paths.SHOWN)
    assert path_drawing.path_drawing("no such") is None


def test_a_saved_path_is_the_one_that_is_found_again():
    found = paths.path("lion", LANDSCAPES["saddle"])
    saved = path_drawing.saved()["lion"]["saddle"]
    assert found["rate"] == saved["rate"]
    np.testing.assert_allclose(found["points"], saved["points"], rtol=2e-3)


def test_every_algorithm_has_an_example_that_its_page_shows(pages):
    assert sorted(flax_examples.saved()) == NAMES
    for name, found in flax_examples.saved().items():
        program = flax_examples.code(name, found["rate"])
        assert f"zoo.{name}(learning_rate=" in program and program in pages[name] and found["printed"] in pages[name]
        first, *_, last = (float(line.split()[-1]) for line in found["printed"].splitlines())
        assert last < first


def test_an_example_gives_what_the_optimizer_must_be_given():
    assert "params, value=loss)" in flax_examples.code("momo", 1.0)
    assert "params, curvature=zoo.hutchinson(loss_of, params))" in flax_examples.code("sophia_h", 1.0)
    assert "evaluation_params" in flax_examples.code("lookahead", 1.0)
    assert "evaluation_params" not in flax_examples.code("adam", 1.0)


@pytest.mark.parametrize("name", ["adam", "eve", "lookahead"])
def test_an_example_prints_again_what_is_saved(name):
    assert flax_examples.differences(name) == []


def test_an_example_that_prints_something_else_is_found(monkeypatch, capsys):
    printed = "0 2.3742\n20 0.5\n40 0.25\n"
    monkeypatch.setattr(flax_examples, "saved", lambda: {"sgd": {"rate": 0.1, "printed": printed}})
    monkeypatch.setattr(flax_examples, "printed_by", lambda program: "0 2.3742\n20 0.5009\n40 0.26\n")
    assert flax_examples.differences("sgd") == ["40 0.26"]
    monkeypatch.setattr("sys.argv", ["flax_examples.py", "--check"])
    assert flax_examples.main() == 1 and capsys.readouterr().err == "sgd: 40 0.26\n"
    monkeypatch.setattr(flax_examples, "printed_by", lambda program: printed)
    assert flax_examples.main() == 0


def test_the_gallery_has_pictures_that_are_there_with_their_commands():
    page = gallery.pictures()
    files = re.findall(r"\]\(_static/(.*?)\)", page)
    assert len(files) == len(gallery.PICTURES) + len(gallery.OTHERS) == page.count("```bash")
    assert all((gallery.DOCS / "_static" / file).exists() for file in files)
    assert {file.stem for file in gallery.FOLDER.iterdir()} == set(gallery.PICTURES)
    assert len(drawings(gallery.drawings())) == 5


@pytest.mark.slow  # a film of a hundred frames
def test_a_picture_of_the_gallery_is_made_again_by_its_command(tmp_path):
    made, saved = (
        Image.open(file).convert("RGB") for file in (gallery.make("saddle", tmp_path), gallery.FOLDER / "saddle.png")
    )
    assert made.size == saved.size
    assert ImageStat.Stat(ImageChops.difference(made, saved)).mean == pytest.approx([0, 0, 0], abs=2)


def test_types_are_short_and_in_words():
    adam = shown_types.shown_types(zoo.adam)
    assert adam["learning_rate"] == "float | Array | schedule" and adam["weight_decay"] == adam["b1"] + " | None"
    assert adam["return"] == "~optax_zoo.pipeline.Pipeline"
    assert shown_types.shown_types(zoo.eigenbasis)["return"] == "~optax_zoo.Part"
    assert shown_types.shown_types(zoo.muon)["shape_factor"] == "'spectral' | 'rms' | 'ratio' | None"
    assert shown_types.shown_types(race.Task)["init"] == "function"
    assert shown_types.shown_types(race.race)["task"] == "~optax_zoo.race.task.Task | str | None"
    assert shown_types.shown_types(zoo.SLOTS) == {}


def test_no_alias_of_a_type_is_shown_by_its_name():
    known = {*vars(builtins), *WORDS_OF_TYPES.split()}
    for made in (getattr(zoo, name) for name in zoo.__all__):
        for name, words in shown_types.shown_types(made).items():
            bare = re.sub(r"~[\w.]+|'\w+'", "", words)
            assert set(re.findall(r"[A-Za-z_]\w*", bare)) <= known and len(bare) < 60, (made, name, words)


def test_types_stand_before_what_is_described():
    lines = [":param learning_rate: the rate.", ":param \\*\\*other: the rest.", "", ":ivar b1: decay."]
    shown_types.put_beside(None, "function", "optax_zoo.adam", zoo.adam, None, lines)
    assert lines[:2] == [":type learning_rate: float | Array | schedule", ":param learning_rate: the rate."]
    assert lines[-2:] == [":vartype b1: float | Array | schedule", ":ivar b1: decay."] and len(lines) == 6
    assert shown_types.put_behind(None, "function", "", zoo.adam, None, "(rate)", None)[1].endswith("Pipeline")


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here"><a href="sub/b.html?v=1#there"><a href="https://x.y/z">'
    )
    (tmp_path / "sub" / "b.html").write_text(
        '<p id="there"><a href="../a.html#gone"><a href="c.html"><a href="#there">'
    )
    found = [(str(page), link) for page, link in links.broken(tmp_path)]
    assert found == [("sub/b.html", "../a.html#gone"), ("sub/b.html", "c.html")]
