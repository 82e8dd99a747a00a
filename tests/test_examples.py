"""The examples run as processes of their own, with warnings as errors, and train; the documentation says what is so."""

import doctest
import importlib
import os
import pathlib
import re
import subprocess
import sys

import pytest

import optax_zoo as zoo
from optax_zoo import registry

SLOW_EXAMPLES = [pytest.param(name, marks=pytest.mark.slow) for name in ("flax_linen_transformer", "flax_resume")]
SLOW_PAGES = ["ablate", "race"]
PAGES = ["animate", "conformance", "groups", "index", "invent", "pipeline", "report", "schedules", "stacked"]
PAGES += ["swaps", "tasks", "write_a_part"]
ROOT = pathlib.Path(__file__).parent.parent
EXAMPLES, DOCS = ROOT / "examples", ROOT / "docs"


def output_of(name, steps, *options):
    """What an example prints."""
    command = [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", "--steps", str(steps), *options]
    done = subprocess.run(
        command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def numbers(label, text):
    """The numbers that follow a label."""
    return [float(number) for number in re.findall(rf"{re.escape(label)} ([-+\d.e]+)", text)]


def test_every_example_is_tested():
    scripts = {path.stem for path in EXAMPLES.glob("*.py")} - {"digits"}
    assert scripts == {
        "flax_nnx",
        "flax_linen",
        "flax_nnx_schedule_free",
        "bf16_training",
        "flax_linen_muon",
        "flax_nnx_convnet",
        "flax_linen_transformer",
        "flax_resume",
        "optax_chain",
        "pmap_data_parallel",
        "multihost",
        "study_expectigrad",
        "study_novograd",
        "ablation",
        "reddi",
        "learn_to_optimize",
        "train_learned_lstm",
    }


def test_flax_nnx():
    text = output_of("flax_nnx", 60)
    assert numbers("test accuracy:", text)[0] > 0.8
    assert 0 < numbers("never had a gradient:", text)[0] < 50


@pytest.mark.slow  # five compiled loops; the wrappers have tests of their own
def test_bf16_training():
    text = output_of("bf16_training", 300)
    exact, plain, *wrapped = numbers("test loss", text)
    assert plain > exact + 0.1
    assert wrapped == pytest.approx([exact] * len(wrapped), abs=0.02)


@pytest.mark.slow  # by default its loop is that of Muon
def test_flax_linen():
    text = output_of("flax_linen", 60)
    assert numbers("test accuracy:", text)[0] > 0.8
    assert numbers("steps counted by the schedule:", text) == [60]
    assert "coupled_decay(0.001, kernels)" in text


@pytest.mark.slow
def test_flax_nnx_schedule_free():
    text = output_of("flax_nnx_schedule_free", 60)
    (training,), (average,) = numbers("training parameters", text), numbers("of the average", text)
    assert training > 0.7 and average > 0.85


@pytest.mark.slow
def test_flax_linen_muon():
    text = output_of("flax_linen_muon", 60)
    assert re.findall(r"^params/(.+/kernel) +(\w+)$", text, re.MULTILINE) == [
        ("embed/kernel", "rest"),
        ("head/kernel", "rest"),
        ("hidden/kernel", "matrices"),
    ]
    training, evaluation = numbers("parameters:", text)
    assert min(training, evaluation) > 0.8


@pytest.mark.slow
def test_flax_nnx_convnet():
    text = output_of("flax_nnx_convnet", 60)
    assert numbers("test accuracy:", text)[0] > 0.8
    assert numbers("steps taken:", text) == [30]
    assert "in learning_rate, velocity" in text and "in decay, denominator, learning_rate, numerator" in text


@pytest.mark.slow
def test_flax_linen_transformer():
    rows = [line.split() for line in output_of("flax_linen_transformer", 60).splitlines()[2:]]
    kinds = [("float32",) * 3, ("bfloat16", "float32", "float32"), ("bfloat16", "bfloat16", "float32")]
    assert [tuple(row[:3]) for row in rows] == kinds
    assert min(float(row[4]) for row in rows) > 0.6


@pytest.mark.slow
def test_flax_resume():
    text = output_of("flax_resume", 30)
    assert "killed after batch 25, resumed after batch 15" in text
    assert "all losses bit for bit those of the run in one go: True" in text


@pytest.mark.parametrize("name", ["flax_nnx_convnet", *SLOW_EXAMPLES])
def test_an_unknown_optimizer_is_said_in_one_line(name):
    command = [sys.executable, EXAMPLES / f"{name}.py", "--optimizer", "adm"]
    done = subprocess.run(command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    names = ", ".join(zoo.list_algorithms())
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"There is no 'adm'; there are {names}.")


@pytest.mark.slow
def test_optax_chain():
    text = output_of("optax_chain", 60)
    assert min(numbers("test accuracy:", text)) > 0.8
    *same, different = numbers("from the chain:", text)
    assert len(same) == 4 and max(same) < 1e-5 and different > 1e-3


@pytest.mark.slow
def test_pmap_data_parallel():
    text = output_of("pmap_data_parallel", 40)
    assert "4 devices: replicas are equal, and equal to one device to 1e-5" in text
    assert numbers("test accuracy:", text)[0] > 0.7


@pytest.mark.slow
def test_ablation():
    text = output_of("ablation", 60)
    assert len(re.findall(r"^.+: pipeline\(.+\)$", text, re.MULTILINE)) == 3
    assert len(numbers("test loss:", text)) == 3
    assert min(numbers("test accuracy:", text)) > 0.8


@pytest.mark.slow
def test_reddi():
    text = output_of("reddi", 1_000_000)
    final = {line[:28].strip(): [float(x) for x in line[28:].split()] for line in text.splitlines()[1:]}
    assert all(min(final[name]) > 0.9 for name in ("adam", "rmsprop", "novograd"))
    assert all(final[name][1] < -0.9 for name in final.keys() - {"adam", "rmsprop", "novograd"})


@pytest.mark.slow
def test_learn_to_optimize():
    text = output_of("learn_to_optimize", 10, "--problems", "20")
    assert all(name in text for name in ("learned_lstm", "SGD", "momentum", "RMSprop", "Adam", "NAG"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("study_novograd", "of which granularity:"),
        ("study_expectigrad", "Adam instead of Expectigrad, seed by seed:"),
    ],
)
def test_studies(name, line):
    assert line in output_of(name, 60)


@pytest.mark.parametrize("page", [pytest.param(page, marks=pytest.mark.slow) for page in SLOW_PAGES] + PAGES)
def test_code_of_the_documentation_prints_what_it_says(page, monkeypatch):
    monkeypatch.setattr(registry, "ALGORITHMS", dict(registry.ALGORITHMS))
    blocks = re.findall(r"^```pycon\n(.*?)^```$", (DOCS / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)
    session = doctest.DocTestParser().get_doctest("\n".join(blocks), {"__name__": "__main__"}, page, None, None)
    assert session.examples
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(session).failed == 0


def test_every_public_name_is_in_the_documentation():
    pages = "".join(path.read_text() for path in DOCS.glob("*.md"))
    documented = set(re.findall(r"^\.\. (?:auto\w+|py:data):: optax_zoo\.([\w.]+)$", pages, re.MULTILINE))
    assert set(zoo.__all__) <= documented | set(zoo.list_algorithms())
    from optax_zoo import race

    assert {f"race.{name}" for name in race.__all__} <= documented
    assert {f"precision.{name}" for name in zoo.precision.__all__} <= documented


def test_options_of_a_race_are_in_the_documentation_with_their_defaults():
    from optax_zoo.race.command import command

    table = re.findall(r"^\| `(--[\w-]+).*?` \| (.*?) \|", (DOCS / "race.md").read_text(), re.MULTILINE)
    documented = {option: default.strip("`") for option, default in table}
    assert documented.keys() == {option for parameter in command.params for option in parameter.opts}
    shown = {parameter.opts[0]: str(parameter.default) for parameter in command.params if parameter.show_default}
    assert shown and shown.items() <= documented.items()


@pytest.fixture
def from_docs(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module


def test_slot_table_has_the_algorithms_and_the_slots_that_one_fills(from_docs):
    names = ["adam", "novograd", "rmsprop_graves"]
    lines = from_docs("slot_table").slot_table(names).splitlines()
    header, _, *rows = [line.strip("| ").split(" | ") for line in lines]
    assert [row[0].strip("`") for row in rows] == names
    filled = {slot for name in names for slot in zoo.create(name).slots}
    assert header == ["name", "year", *(slot for slot in zoo.SLOTS if slot in filled), "bytes", "params"]


def test_slot_table_has_a_row_for_each_side_of_a_route(from_docs):
    _, _, *rows = from_docs("slot_table").slot_table(["muon"]).splitlines()
    assert [row.split(" | ")[0] for row in rows] == ["| `muon`, matrices", "| `muon`, rest"]
    assert "orthogonalize()" in rows[0] and "ema(0.95, of=square)" in rows[1]


def test_every_generated_part_has_its_place(from_docs):
    generated = from_docs("generated")
    for page, parts in generated.PARTS.items():
        text = (DOCS / f"{page}.md").read_text()
        assert all(from_docs("pages").fill(text, marker, "") for marker in parts)
    text = generated.algorithms()
    assert all(f"(algorithms/{name}.md)" in text for name in zoo.list_algorithms())


def test_every_page_with_a_session_is_run():
    pages = {path.stem for path in DOCS.glob("*.md") if "```pycon" in path.read_text()}
    assert pages == {*SLOW_PAGES, *PAGES}


def test_documents_of_the_repository_become_parts_of_a_page(from_docs):
    text = "\n".join(make() for make in from_docs("generated").PARTS["contributing"].values())
    headings = re.findall(r"^#+ .*$", text, re.MULTILINE)
    assert {"## Contributing", "### Set up", "## Code of conduct", "## Security"} <= set(headings)
    links = set(re.findall(r"\]\((?!https:)(.*?)\)", text))
    assert {"add_an_algorithm.md", "#code-of-conduct", "#security"} <= links
    assert all(link.startswith("#") or (DOCS / link).exists() for link in links)


def test_the_algorithms_of_the_readme_are_written_and_checked(from_docs, tmp_path, monkeypatch, capsys):
    module = from_docs("readme_algorithms")
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- algorithms:begin -->\nold\n<!-- algorithms:end -->\nafter\n")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["readme_algorithms.py", *map(str, arguments)])
        return module.main()

    assert call("--check", readme) == 1
    assert "is out of date; run: python docs/readme_algorithms.py --write" in capsys.readouterr().err
    assert call("--write", readme) == 0
    assert call("--check", readme) == 0
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert "| [`adamw`](optax_zoo/algorithms/adam/adam.py) | 2019 | Adam is wanted with weight decay" in text
    links = re.findall(r"\]\((.*?)\)", text)
    assert len(links) == 12 + len(registry.families()) and all((ROOT / link).exists() for link in links)
    readme.write_text("no markers")
    with pytest.raises(SystemExit):
        call("--check", readme)


def test_the_readme_has_the_algorithms_of_now(from_docs):
    text = (ROOT / "README.md").read_text()
    assert from_docs("pages").fill(text, "algorithms", from_docs("readme_algorithms").part()) == text
