"""Programs that are compiled ahead, and kept for later races."""

import concurrent.futures
import contextlib
import dataclasses
import threading
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

from optax_zoo.race import load, race, runner
from optax_zoo.race.engine import cache
from optax_zoo.race.engine.ahead import compiled_ahead
from optax_zoo.race.engine.cache import cache_folder, kept_programs
from optax_zoo.race.engine.program import Point, Program
from optax_zoo.race.storage.batches import Batches

NAMES = ["optax.sgd", "optax.adam"]
QUICK = {"rates": [0.03, 0.1], "seeds": 1, "final_seeds": 2, "steps": 5, "progress": False, "report": False}
SILENT = SimpleNamespace(advance=lambda trials: None, skip=lambda trials: None)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(runner, "draw", lambda result, folder: None)


def figures(result):
    """All rows but their timings."""
    return [dataclasses.replace(row, seconds=0.0) for row in result.rows]


class Broken(concurrent.futures.Executor):
    """A thread whose compilations fail."""

    def submit(self, compile_, /):
        failed = concurrent.futures.Future()
        failed.set_exception(RuntimeError("the compiler gave up"))
        return failed


@pytest.fixture(scope="module")
def plain(regression):
    """The figures where each program is compiled when it is needed, and none is kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "compiled_ahead", lambda programs: contextlib.nullcontext(programs))
        return figures(race(NAMES, task=regression, **QUICK))


def test_a_compilation_that_fails_stops_no_other_and_is_tried_again_on_resume(regression, plain, monkeypatch, tmp_path):
    def compile_in(program, thread):
        whole(program, thread if program.entrant.name == "optax.sgd" else Broken())

    whole = Program.compile_in
    monkeypatch.setattr(Program, "compile_in", compile_in)
    broken = race(NAMES, task=regression, out=tmp_path, **QUICK)
    assert broken.rows[0].optimizer == "optax.sgd" and broken.rows == load(tmp_path).rows
    assert {row.failure for row in broken.rows[1:]} == {"the compiler gave up"}
    monkeypatch.undo()
    assert figures(race(NAMES, task=regression, out=tmp_path, resume=True, **QUICK)) == plain


def test_ctrl_c_waits_for_the_compilation_that_has_begun_and_no_other():
    begun, go_on, compiled = threading.Event(), threading.Event(), []

    def slow():
        begun.set()
        go_on.wait()
        compiled.append("slow")

    works = [slow, lambda: compiled.append("next")]
    programs = [SimpleNamespace(compile_in=lambda thread, work=work: thread.submit(work)) for work in works]
    with pytest.raises(KeyboardInterrupt), compiled_ahead(programs):
        begun.wait()
        threading.Timer(0.1, go_on.set).start()
        raise KeyboardInterrupt
    assert compiled == ["slow"]


def test_a_program_whose_trials_are_known_is_not_compiled(regression, program_of):
    batches = Batches(None)
    program_of(regression, "optax.sgd", batches=batches).run([Point(0.1)], [0], SILENT)
    again = program_of(regression, "optax.sgd", batches=batches)
    again.compile_in(Broken())
    again.run([Point(0.1), Point(0.2)], [0, 0], SILENT)


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A cache folder of this test's, in which all that is compiled is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cache, "LEAST_SECONDS", 0.0)
    enabled = jax.config.jax_enable_compilation_cache
    jax.config.update("jax_enable_compilation_cache", True)
    yield tmp_path
    jax.config.update("jax_enable_compilation_cache", enabled)


def entries(folder):
    """Each kept program of a race, with the time when it was last used."""
    return {path.name: path.read_bytes() for path in folder.rglob("jit_share-*-atime")}


@pytest.mark.slow
def test_later_races_compile_nothing_but_what_cannot_be_read_and_give_the_same_numbers(regression, plain, home):
    assert figures(race(NAMES, task=regression, **QUICK)) == plain
    kept = entries(home / "optax-zoo" / "programs")
    assert figures(race(NAMES, task=regression, **QUICK)) == plain
    again = entries(home)
    assert len(kept) == len(NAMES) and kept.keys() == again.keys() and not kept.items() & again.items()
    for path in home.rglob("*-cache"):
        path.write_bytes(b"torn")
    assert figures(race(NAMES, task=regression, **QUICK)) == plain


def test_programs_are_kept_during_a_race_alone_and_their_size_is_limited(home):
    def options():
        return jax.config.jax_compilation_cache_dir, jax.config.jax_compilation_cache_max_size

    before = options()
    with kept_programs():
        assert options() == (str(cache_folder()), cache.MOST_BYTES)
        with kept_programs():
            pass
        assert options() == (str(cache_folder()), cache.MOST_BYTES)
    assert options() == before and before[0] is None


def test_a_cache_that_jax_has_already_is_left_alone(home):
    jax.config.update("jax_compilation_cache_dir", str(home / "mine"))
    try:
        with kept_programs():
            assert jax.config.jax_compilation_cache_dir == str(home / "mine")
    finally:
        jax.config.update("jax_compilation_cache_dir", None)
    assert not cache_folder().exists()


def test_jax_can_be_told_to_keep_nothing(home):
    jax.config.update("jax_enable_compilation_cache", False)
    with kept_programs():
        assert jax.config.jax_compilation_cache_dir is None
    assert not cache_folder().exists()


def test_a_folder_that_cannot_be_written_to_is_no_error(home, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "file"))
    with kept_programs():
        assert jax.config.jax_compilation_cache_dir is None


@pytest.mark.parametrize("given", ["", "relative"])
def test_the_folder_is_the_users_where_no_other_is_given(monkeypatch, given):
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    monkeypatch.setenv("HOME", "/home/nobody")
    assert cache_folder() == Path("/home/nobody/.cache/optax-zoo/programs")
