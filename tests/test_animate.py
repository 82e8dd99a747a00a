"""Animations: landscapes, the article's seventeen, tuning, files, and one line for whatever is wrong."""

import io
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image

import optax_zoo
from optax_zoo import cli
from optax_zoo.animate import LANDSCAPES, AnimationError, Landscape, animate
from optax_zoo.animate.article import article
from optax_zoo.animate.contours import Contours
from optax_zoo.animate.curve import Curve
from optax_zoo.animate.files import shown
from optax_zoo.animate.paths import RATES, score
from optax_zoo.animate.style import OTHERS, style, styled

BOWL = Landscape("bowl", lambda p: jnp.sum(p**2), start=(1.0, -2.0), box=(-3.0, 3.0, -3.0, 3.0))
FAST = ["animate", "--optimizers", "sgd,optax.sgd", "--rates", "0.01", "--steps", "3"]


def listing(name, steps=100):
    """The article's own update in NumPy, from -3 on the quartic."""
    x, v, points = -3.0, 0.0, [-3.0]
    for _ in range(steps):
        g = 4 * (x + 1.5) * (x + 0.5) * (x - 2.5)
        if name == "SGD":
            x -= 0.01 * g
        elif name == "momentum":
            v = 0.9 * v - (1 - 0.9) * 0.01 * g
            x += v
        elif name == "AdaGrad":
            v += g**2
            x -= 0.001 * g / np.sqrt(v)
        elif name == "RMSprop":
            v = 0.99 * v + 0.01 * g**2
            x -= 0.01 * g / np.sqrt(v + 1e-8)
        points.append(x)
    return np.array(points)[:, None]


@pytest.fixture(scope="module")
def comparison():
    return animate(tuned=False, progress=False)


@pytest.mark.parametrize("name", LANDSCAPES)
def test_gradients_vanish_at_the_minima(name):
    landscape = LANDSCAPES[name]
    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(landscape.function))
        for minimum in landscape.minima:
            np.testing.assert_allclose(gradient(jnp.array(minimum)), 0, atol=1e-12)
    assert landscape.inside(np.array([landscape.start, *landscape.minima])).all()


def test_values_of_the_landscapes():
    at_start = {"quartic": 45.0, "rosenbrock": 24.2, "beale": 41.25, "rastrigin": 58.5, "saddle": 2.2499}
    lowest = {"quartic": -2075 / 48, "rosenbrock": 0.0, "beale": 0.0, "rastrigin": 0.0, "saddle": None}
    for name, landscape in LANDSCAPES.items():
        with jax.enable_x64(True):
            assert float(jax.jit(landscape.function)(jnp.array(landscape.start))) == pytest.approx(at_start[name])
        assert landscape.lowest == (None if lowest[name] is None else pytest.approx(lowest[name]))


def test_the_seventeen_are_all_different():
    entrants = article(-43.0)
    assert len({repr(factory(rate)) for factory, rate in entrants.values()}) == len(entrants) == 17
    assert "relative_change(0.1, 10, -43)" in repr(entrants["Eve"][0](1e-3))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SGD", "momentum", "AdaGrad", "RMSprop"])
def test_the_paths_are_those_of_the_listing(comparison, name):
    path = comparison[name]
    np.testing.assert_allclose(path.points, listing(name), rtol=1e-9)
    x = path.points[:, 0]
    np.testing.assert_allclose(path.losses, 4 * (x**4 / 4 - x**3 / 6 - 17 * x**2 / 8 - 15 * x / 8), rtol=1e-9)


def test_a_comparison_prints_and_is_the_same_each_time(comparison):
    assert list(article(0.0)) == [path.optimizer for path in comparison.paths]
    assert not comparison.tuned and comparison.files == () and comparison.steps == 100
    assert "momentum" in str(comparison) and "f_min = -43.2292" in str(comparison)
    with pytest.raises(KeyError):
        comparison["momentun"]
    again = animate([("Santa-SSS", article(0.0)["Santa-SSS"][0])], rates=[0.1], progress=False)
    np.testing.assert_array_equal(again["Santa-SSS"].points, comparison["Santa-SSS"].points)


def test_what_diverges_is_a_result(comparison):
    path = comparison["Santa-E"]
    assert 0 < path.left < 100 and not np.isfinite(path.losses[-1])
    assert f"Santa-E (step {path.left})" in str(comparison) and "diverged" in str(comparison)


def test_tuning_takes_the_lowest_mean_and_of_equals_the_lower_rate():
    tuned = animate(["sgd"], landscape=BOWL, steps=5, rates=[1.0, 0.5, 0.1, 1e9], progress=False)
    assert tuned.tuned and tuned["sgd"].rate == 0.5 and tuned["sgd"].left is None
    np.testing.assert_allclose(tuned["sgd"].points[1:], 0, atol=1e-15)
    assert animate(["sgd"], landscape=BOWL, steps=1, rates=[0.6, 0.4], progress=False)["sgd"].rate == 0.4


def test_by_default_each_has_its_own_rate_of_the_same_grid():
    found = animate(["sgd", "adam"], landscape="rosenbrock", steps=50, progress=False)
    assert found.tuned and {path.rate for path in found.paths} < set(RATES)
    assert found["sgd"].rate < found["adam"].rate
    others = animate(["sgd", "adam"], landscape="rosenbrock", steps=50, rates=[found["adam"].rate], progress=False)
    assert not np.isfinite(others["sgd"].losses[-1])
    np.testing.assert_allclose(others["adam"].points, found["adam"].points, rtol=1e-12)


@pytest.mark.slow
def test_the_seventeen_tuned_are_lower_than_at_the_rates_of_the_listing(comparison):
    tuned = animate(progress=False)
    assert tuned.tuned and [path.optimizer for path in tuned.paths] == [path.optimizer for path in comparison.paths]
    for path in tuned.paths:
        assert path.losses.mean() < comparison[path.optimizer].losses.mean() or comparison[path.optimizer].left


def test_rates_of_the_listing_are_of_the_seventeen_alone():
    for others in ({"optimizers": ["sgd"]}, {"rates": [0.1]}, {"landscape": BOWL}):
        with pytest.raises(AnimationError, match="tuned is False, the rates of the article's listing, which only"):
            animate(**others, tuned=False, progress=False)


def test_outside_counts_as_the_start_and_nan_as_the_worst():
    points, losses = np.zeros((3, 1)), np.array([4.0, -100.0, 1.0])
    assert score(points, losses, np.array([True, False, True])) == 3
    assert score(points, np.array([4.0, np.nan, 1.0]), np.array([True, False, True])) == np.inf


def test_without_a_known_minimum_errors_are_over_the_lowest_value_in_the_box():
    saddle = animate(["sgd"], landscape="saddle", rates=[0.05], progress=False)
    path = saddle["sgd"]
    assert saddle.lowest == path.losses[: path.left].min() and path.losses.min() < saddle.lowest
    assert saddle.errors(path)[: path.left].min() == 0 and "lowest value seen" in str(saddle)


@pytest.fixture(scope="module")
def many():
    """Thirty of them, most of which a family has alone, and one that cannot run."""
    slower = {
        f"slower {number}": lambda rate, number=number: optax_zoo.sgd(rate / (2 + number)) for number in range(26)
    }
    entrants = {"sgd": optax_zoo.sgd, "adam": optax_zoo.adam, "lion": optax_zoo.lion, "optax.sgd": optax_zoo.sgd}
    return animate({**entrants, **slower, "lbfgs": optax.lbfgs}, landscape=BOWL, steps=20, rates=[0.1], progress=False)


def test_of_many_pictures_name_the_best_and_the_best_of_each_family(many):
    ranked = [path.optimizer for path in many.ranked]
    assert len(many.paths) == 30 and ranked[:3] == ["sgd", "optax.sgd", "slower 0"]
    assert [path.optimizer for path in many.named] == [*ranked[:3], *(x for x in ranked if x in ("adam", "lion"))]
    looks = styled(many.paths, many.named)
    assert [look.place for _, look in looks] == [None] * 25 + [0, 1, 2, 3, 4]
    assert {look.colour for _, look in looks[:25]} == {OTHERS.colour}


def test_of_many_the_table_has_the_first(many):
    text = str(many)
    assert "Not shown: 10 with a higher mean; --top 0 prints all." in text and "slower 25" not in text


@pytest.mark.slow
@pytest.mark.parametrize("picture", [Contours, Curve])
def test_pictures_of_many_move(many, picture):
    if picture is Curve:
        many = animate({path.optimizer: optax_zoo.sgd for path in many.paths}, rates=[0.1], steps=2, progress=False)
    made = picture(many)
    made.show(2)
    words = [text.get_text() for axes in made.figure.axes for text in axes.texts]
    assert any("others" in text for text in words) and len(made.moving) > len(many.paths)


def test_one_that_cannot_run_is_left_out_with_a_note(many):
    (note,) = many.notes
    assert note.startswith("optimizer 'lbfgs' cannot run on landscape 'bowl': ")


def test_28_styles_differ_in_colour_or_marker_and_112_in_all():
    assert len({(look.colour, look.marker) for look in map(style, range(28))}) == 28
    assert len({(look.colour, look.marker, str(look.dash)) for look in map(style, range(112))}) == 112


@pytest.mark.parametrize("landscape, steps, frames", [("quartic", 3, 4), (BOWL, 2, 3)])
def test_files(tmp_path, monkeypatch, landscape, steps, frames):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (tmp_path / "animation.gif").write_text("old")
    (tmp_path / "other").write_text("kept")
    done = animate(["sgd", "adam"], landscape=landscape, steps=steps, rates=[0.1, 2.0], out=tmp_path, progress=False)
    assert done.files == ("errors.png", "animation.gif")
    assert done.notes == ("animation.mp4 is left out: ffmpeg is not on the PATH.",)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["animation.gif", "errors.png", "other"]
    with Image.open(tmp_path / "animation.gif") as film:
        assert film.n_frames == frames and film.info["loop"] == 0 and film.info["duration"] == 50
        assert film.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
    with Image.open(tmp_path / "errors.png") as picture:
        assert picture.size[0] > 800 and picture.size[1] > 500


@pytest.mark.slow
def test_an_mp4_where_there_is_an_ffmpeg(tmp_path, monkeypatch):
    ffmpeg = tmp_path / "ffmpeg"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    call = dict(landscape=BOWL, steps=2, rates=[0.1], out=tmp_path / "out", progress=False)
    ffmpeg.write_text('#!/bin/sh\nfor last; do :; done\ncat > "$last"\n')
    ffmpeg.chmod(0o755)
    width, height = Image.open(io.BytesIO(_film(animate(["sgd"], **call), tmp_path / "out"))).size
    assert (tmp_path / "out" / "animation.mp4").stat().st_size == (3 + 40) * width * height * 3
    ffmpeg.write_text("#!/bin/sh\necho no encoder >&2\nexit 1\n")
    assert animate(["sgd"], **call).notes == ("animation.mp4 is left out: ffmpeg fails with no encoder.",)


def _film(animation, folder):
    assert animation.files == ("errors.png", "animation.gif", "animation.mp4") and animation.notes == ()
    return (folder / "animation.gif").read_bytes()


def test_the_command_line_follows_a_function_of_the_current_folder(capsys, tmp_path, monkeypatch):
    (tmp_path / "hills_of_mine.py").write_text("import jax.numpy as jnp\n\ndef one(p):\n    return jnp.cosh(p[0])\n")
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    assert cli.main([*FAST, "--landscape", "hills_of_mine:one", "--start", "1"]) == 0
    captured = capsys.readouterr()
    assert "hills_of_mine:one: 3 steps from 1.000" in captured.out and "optax.sgd" in captured.out
    assert "[1/3]" in captured.err and (tmp_path / "animation" / "animation.gif").exists()
    assert sys.path == path


def refused(capsys, *arguments):
    """The one line of a refusal."""
    assert cli.main(["animate", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("optax-zoo: ") and captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--landscape", "quartik"], "Did you mean 'quartic'?"),
        (["--landscape", "json:", "--start", "1"], "'module:function'"),
        (["--landscape", "json:loads"], "give the point to start from, as in --start=-1,2"),
        (["--landscape", "no_such_module:f", "--start", "1"], "module 'no_such_module' does not import"),
        (["--landscape", "json:lods", "--start", "1"], "module 'json' has no function 'lods'"),
        (["--landscape", "json:decoder", "--start", "1"], "module 'json' has no function 'decoder'"),
        (["--landscape", "json:loads", "--start", "1"], "and fails with TypeError"),
        (["--landscape", "jax.numpy:sin", "--start", "1,2"], "returns float64 of shape (2,)"),
        (["--landscape", "jax.numpy:argmax", "--start", "1,2"], "returns int64 of shape ()"),
        (["--landscape", "jax.numpy:min", "--start", "1,nan"], "must be 1 or 2 finite numbers"),
        (["--landscape", "jax.numpy:min", "--start", "1,2,3"], "must be 1 or 2 finite numbers"),
        (["--landscape", "jax.numpy.linalg:norm", "--start", "0,0"], "both must be finite"),
        (["--optimizers", "adm"], "Did you mean 'adam'?"),
        (["--steps", "0"], "1<=x<=100000"),
        (["--fps", "51"], "1<=x<=50"),
        (["--rates", "0.1,x"], "must be numbers above 0"),
        (["--rate", "fast"], "must be numbers above 0"),
        (["--listing", "--optimizers", "sgd"], "tuned is False, the rates of the article's listing"),
        (["--rates", "0"], "rates has 0.0, but must hold finite numbers above 0"),
        (["--start", "one"], "must be numbers separated by commas"),
        (["--start", "9"], "start is (9.0,), but must lie in the box"),
        (["--start", "1,2"], "must be 1 finite number."),
        (["--box", "2,-4"], "each lower end must be below the upper one"),
    ],
)
def test_wrong_input_is_one_line(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *arguments, "--out", str(tmp_path / "file" / "below"))
    assert list(tmp_path.iterdir()) == []


def test_an_optimizer_that_cannot_run_is_one_line():
    with pytest.raises(AnimationError, match=r"^optimizer 'optax\.lbfgs' cannot run on landscape 'quartic': .*$"):
        animate(["optax.lbfgs"], progress=False)


def test_long_paths_have_a_hundred_frames():
    assert shown(3) == [0, 1, 2, 3] and len(shown(100)) == len(shown(100_000)) == 101
    assert shown(250)[:2] == [0, 3] and shown(250)[-2:] == [249, 250]


def test_a_folder_that_cannot_be_written_is_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("kept")
    assert "cannot write to" in refused(capsys, "--out", str(tmp_path / "file" / "below"))
    (tmp_path / "out" / "errors.png").mkdir(parents=True)
    assert cli.main([*FAST, "--out", str(tmp_path / "out")]) == 2
    assert "errors.png" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("missing", ["matplotlib", "PIL", "rich"])
def test_a_missing_package_is_one_line_that_names_the_extra(capsys, tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    line = refused(capsys, "--out", str(tmp_path))
    assert line.startswith(f"optax-zoo: this needs {missing}, which the extra race installs")


@pytest.mark.parametrize("wrong", [{"rates": []}, {"rates": 0.1}, {"steps": 1.5}, {"fps": 0}, {"landscape": 3}])
def test_wrong_arguments_are_said(wrong):
    (name,) = wrong
    with pytest.raises(AnimationError, match=name):
        animate(["sgd"], progress=False, **wrong)


def test_animations_import_without_the_extra():
    extras = "{'click', 'rich', 'matplotlib', 'PIL'}"
    code = f"import sys, optax_zoo.animate, optax_zoo.cli; sys.exit(bool({extras} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
