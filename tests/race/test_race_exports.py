"""Tables of a race for other programs."""

import csv
import dataclasses
import io
import sys

import invented_results
import pytest
from click.testing import CliRunner

from optax_zoo.race import MissingExtraError, RaceError, standing
from optax_zoo.race.report_command import command
from optax_zoo.race.statistics.estimates import interquartile_mean


@pytest.fixture(scope="module")
def result():
    return invented_results.result()


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_line_for_each_optimizer_the_best_first(result):
    lines = read(result.to_csv())
    assert [line["optimizer"] for line in lines] == [row.optimizer for row in result.rows]
    for line, row in zip(lines, result.rows, strict=True):
        tier = standing(result)[row.optimizer].tier
        assert line["tier"] == ("" if tier is None else str(tier))
        assert line["best_rate"] == ("" if row.best_rate is None else repr(row.best_rate))
        assert line["test_metric"] == ("" if row.test_metric is None else repr(row.test_metric))
        assert [line["test_metric_low"], line["test_metric_high"]] == (
            ["", ""] if row.test_metric_interval is None else [repr(end) for end in row.test_metric_interval]
        )
        assert line["notes"] == "; ".join(row.notes) and line["task"] == "digits_mlp"
    adam = result["adam"]
    assert float(lines[-1]["state_bytes"]) == result.rows[-1].state_bytes
    assert float(next(line for line in lines if line["optimizer"] == "adam")["default_test_metric"]) == pytest.approx(
        interquartile_mean(adam.default_test_metric)
    )


def test_csv_of_curves_has_every_point(result):
    lines = read(result.to_csv(curves=True))
    trained = [row for row in result.rows if row.final_seeds]
    assert len(lines) == sum(len(row.final_seeds) * len(row.curve_steps) for row in trained) > 0
    row, seed, step = trained[0], 2, 5
    line = lines[seed * len(row.curve_steps) + step]
    assert [line["optimizer"], line["seed"], line["step"]] == [
        row.optimizer,
        str(row.final_seeds[seed]),
        str(row.curve_steps[step]),
    ]
    assert float(line["validation_metric"]) == row.curve_validation_metric[seed][step]
    assert float(line["train_loss"]) == row.curve_train_loss[seed][step]


def test_a_file_is_written_instead_of_text_returned(result, tmp_path):
    assert result.to_csv(tmp_path / "a.csv") is None and result.to_latex(tmp_path / "a.tex") is None
    assert (tmp_path / "a.csv").read_text() == result.to_csv()
    assert (tmp_path / "a.tex").read_text() == result.to_latex()


def test_pandas_has_what_csv_has(result):
    pandas = pytest.importorskip("pandas")
    for curves in (False, True):
        frame = result.to_pandas(curves=curves)
        again = pandas.read_csv(io.StringIO(result.to_csv(curves=curves)))
        assert list(frame.columns) == list(again.columns) and len(frame) == len(again)
    frame = result.to_pandas().set_index("optimizer")
    assert frame.loc["adam", "best_rate"] == result["adam"].best_rate
    assert frame.loc["gravity", "test_metric"] != frame.loc["gravity", "test_metric"]  # it diverged: NaN


def test_without_pandas_it_is_said_what_to_install(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="pip install pandas"):
        result.to_pandas()


def test_latex_has_the_rules_of_booktabs_and_as_many_cells_as_columns(result):
    lines = [line for line in result.to_latex().splitlines() if not line.startswith("%")]
    assert lines[0] == r"\begin{tabular}{llrrrr}" and lines[-1] == r"\end{tabular}"
    assert [lines[1], lines[3], lines[-2]] == [r"\toprule", r"\midrule", r"\bottomrule"]
    body = [lines[2], *lines[4:-2]]
    assert {line.count(" & ") for line in body} == {5} and all(line.endswith(r" \\") for line in body)
    assert body[0] == r"optimizer & accuracy [95\,\%] & tier & rate & steps to $0.95$ & bytes \\"
    best = result.rows[0]
    assert body[1].startswith(rf"\textbf{{{best.optimizer}}} & {best.test_metric:.4f} [")
    assert any(line.startswith(r"gravity & diverged & -- & -- & -- & 4.00") for line in body)
    assert r"own $<$script$>$alert(1)$<$/script$>$" in result.to_latex()


def test_latex_without_a_target_and_with_odd_names_and_numbers(result):
    row = dataclasses.replace(
        result["adam"],
        optimizer=r"50%_of{a}\b^#&~$",
        test_metric=-0.5,
        test_metric_interval=(-0.6, -0.4),
        best_rate=3e-7,
    )
    settings = dataclasses.replace(result.settings, optimizers=(row.optimizer,), target=None, metric="R_2")
    text = dataclasses.replace(result, settings=settings, rows=(row,)).to_latex()
    name = r"50\%\_of\{a\}\textbackslash{}b\textasciicircum{}\#\&\textasciitilde{}\$"
    assert rf"\textbf{{{name}}} & $-$0.50 [$-$0.60, $-$0.40] & 1 & $3 \cdot 10^{{-7}}$ & 8.00 \\" in text
    assert r"optimizer & R\_2 [95\,\%] & tier & rate & bytes \\" in text


@pytest.fixture
def folders(monkeypatch):
    """Folders in which two races are found."""
    results = invented_results.two_results()
    monkeypatch.setattr("optax_zoo.race.report_command.collect", lambda folders: results[: len(folders)])
    return results


def test_the_command_prints_or_writes_the_tables_of_all_tasks(folders, tmp_path):
    printed = CliRunner().invoke(command, ["one", "two", "--format", "csv"]).output
    assert printed.splitlines() == [*folders[0].to_csv().splitlines(), *folders[1].to_csv().splitlines()[1:]]
    done = CliRunner().invoke(command, ["one", "two", "--format", "latex", "--out", str(tmp_path / "a.tex")])
    assert done.exit_code == 0 and done.output == ""
    assert (tmp_path / "a.tex").read_text() == "\n".join(each.to_latex() for each in folders)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tex"]


def test_a_folder_that_cannot_be_written_to_is_one_line(folders, tmp_path):
    done = CliRunner().invoke(command, ["one", "--format", "csv", "--out", str(tmp_path)])
    assert done.exit_code == 2 and "Is a directory" in done.output


@pytest.mark.parametrize("kind", ["curves", "sensitivity", "ranking"])
def test_a_figure_for_print_has_its_size_its_optimizers_and_a_legend(result, kind, tmp_path):
    names = ["adam", result.rows[0].optimizer]
    made = result.figure(kind, names, size=(4, 3), path=tmp_path / "figure.pdf")
    assert tuple(made.get_size_inches()) == (4, 3) and (tmp_path / "figure.pdf").stat().st_size > 1000
    (panel,) = made.axes
    if kind == "ranking":
        shown = [label.get_text() for label in panel.get_yticklabels()]
    else:
        shown = [text.get_text() for legend in made.legends for text in legend.get_texts()]
        colours = [line.get_color() for line in panel.get_lines()]
        assert len(set(colours)) == len(names)
        assert not result.figure(kind, names, legend=False).legends
    assert shown == names


def test_a_figure_shows_the_best_five_and_is_the_same_for_the_same_race(result, tmp_path):
    with_figures = [row.optimizer for row in result.rows if row.test_metric is not None]
    made = result.figure(path=tmp_path / "a.svg")
    assert [text.get_text() for text in made.legends[0].get_texts()] == with_figures[:5]
    result.figure(path=tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"kind": "pie"}, "kind is 'pie', but must be 'curves', 'sensitivity' or 'ranking'"),
        ({"size": (3, 0)}, r"size is \(3, 0\), but must be width and height in inches"),
        ({"optimizers": ["sdg"]}, "optimizers has 'sdg', but the race has figures of"),
        ({"optimizers": []}, "optimizers has 0 names, but must have 1 to 8"),
    ],
)
def test_a_figure_that_cannot_be_is_refused(result, arguments, words):
    with pytest.raises(RaceError, match=words):
        result.figure(**arguments)
