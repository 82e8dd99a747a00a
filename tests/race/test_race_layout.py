"""The engine: numbers do not depend on how many devices there are, nor much on how they share the trials."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optax_zoo.race import RaceError, Task, race
from optax_zoo.race.engine import layout
from optax_zoo.race.engine.program import Point
from optax_zoo.race.storage.batches import Batches

SILENT = type("Silent", (), {"advance": lambda self, trials: None, "skip": lambda self, trials: None})()
CURVES = ("train_loss", "validation_loss", "validation_metric", "test_loss", "test_metric")


def tiny_task() -> Task:
    """Two layers that fit a curve; the order of the sums in their products is up to the compiler."""
    inputs = np.linspace(-2, 2, 60, dtype=np.float32)[:, None] ** np.arange(1, 5)
    part = [(inputs[i::3], np.sin(inputs[i::3, 0])) for i in range(3)]

    def init(key):
        first, second = jax.random.split(key)
        return {"w": jax.random.normal(first, (4, 8)), "v": jax.random.normal(second, (8,)) / 3}

    def loss(parameters, batch):
        return jnp.mean((jnp.tanh(batch[0] @ parameters["w"]) @ parameters["v"] - batch[1]) ** 2)

    return Task("curve", init, loss, lambda p, batch: -loss(p, batch), *part, batch_size=5)


def figures() -> dict:
    """The row of a race, timings apart, as JSON has it."""
    search = {"search": {"b1": (0.1, 0.9)}, "samples": 2}
    counts = {"rates": [0.01, 0.1, 1.0], "seeds": 2, "final_seeds": 5, "steps": 9}
    result = race(["adam"], task=tiny_task(), progress=False, **search, **counts)
    timeless = dataclasses.replace(result.rows[0], seconds=0.0)
    return json.loads(json.dumps(dataclasses.asdict(timeless)))


def main(devices: int) -> None:
    """What the tests start as another process."""
    jax.config.update("jax_num_cpu_devices", devices)
    print(json.dumps({"devices": jax.device_count(), "figures": figures()}))


@pytest.mark.slow
def test_numbers_do_not_depend_on_the_number_of_devices():
    program = f"import sys; sys.path[:0] = [{str(pathlib.Path(__file__).parent)!r}]; import test_race_layout as t; t."
    commands = [[sys.executable, "-c", f"{program}main({devices})"] for devices in (1, 3)]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    started = [subprocess.Popen(each, env=environment, stdout=subprocess.PIPE, text=True) for each in commands]
    here = figures()
    found = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    assert [each["devices"] for each in found] == [1, 3] and jax.device_count() == 8
    assert found[0]["figures"] == found[1]["figures"] == here
    assert len(set(here["final_test_loss"])) == 5 and len(here["search_rates"]) == 2


def trained(program_of, batches=None, **changes):
    """Nine trials of Adam on the tiny task."""
    rates = np.geomspace(0.01, 0.1, 9)
    program = program_of(tiny_task(), "adam", seeds=3, batches=batches, rates=rates, steps=9, **changes)
    return program.run(map(Point, rates), [0, 1, 2] * 3, SILENT)


def assert_close(found, expected):
    for name in CURVES:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-4, err_msg=name)
    assert not found.diverged.any() and len(np.unique(found.test_loss)) == 9


def test_vectorized_trials_agree_with_those_in_turn(program_of):
    assert_close(trained(program_of, mapping="vmap"), trained(program_of, mapping="map"))


@pytest.mark.parametrize("mapping, per_device", [("map", 2), ("auto", 2), ("vmap", 3)])
def test_a_device_takes_two_in_turn_or_its_share_of_the_grid_side_by_side(settings_of, mapping, per_device):
    made = layout.layout_of(settings_of(tiny_task(), rates=np.geomspace(0.001, 1, 7), seeds=3, mapping=mapping))
    assert (made.per_device, made.width, made.vectorized) == (per_device, 8 * per_device, mapping == "vmap")


@pytest.fixture
def one_device(monkeypatch):
    monkeypatch.setattr(layout.jax, "devices", lambda: jax.local_devices()[:1])


@pytest.mark.slow
def test_as_many_trials_are_vectorized_as_the_memory_holds(program_of, monkeypatch, one_device):
    expected = trained(program_of, Batches(None), mapping="vmap")
    asked = []
    monkeypatch.setattr(layout, "memory_at_hand", lambda: asked.append(1) or (10**12 if len(asked) > 1 else 1))
    batches = Batches(None)
    assert_close(trained(program_of, batches, mapping="vmap"), expected)
    assert [count for _, count in batches.timings("adam")] == [4, 4, 1] and len(asked) == 2


@pytest.mark.slow
def test_fewer_trials_need_less_memory(program_of, monkeypatch, one_device):
    needs = []

    def check(share, compiled):
        needs.append(compiled.memory_analysis().temp_size_in_bytes)
        return share.per_device == 1

    monkeypatch.setattr("optax_zoo.race.engine.program.check_memory", check)
    trained(program_of, mapping="vmap")
    assert len(needs) == 4 and needs == sorted(needs, reverse=True) and needs[0] > 3 * needs[-1]


@pytest.mark.parametrize("mapping, compiled", [("map", 1), ("vmap", 4)])
def test_a_trial_that_the_memory_does_not_hold_is_one_sentence(program_of, monkeypatch, one_device, mapping, compiled):
    asked = []
    monkeypatch.setattr(layout, "memory_at_hand", lambda: asked.append(1) or 2**10)
    with pytest.raises(RaceError) as found:
        trained(program_of, mapping=mapping)
    said = r"optimizer 'adam' cannot train task '\w+': a trial needs \S+e-06 GiB of memory, but 9\.54e-07 are free\."
    assert re.fullmatch(said, str(found.value)) and len(asked) == compiled


def test_the_memory_at_hand_is_that_of_the_machine_shared_by_its_devices():
    import psutil

    assert 0 < layout.memory_at_hand() * 8 < psutil.virtual_memory().total
