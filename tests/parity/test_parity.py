"""Every recorded trajectory of the original implementations, replayed.

NumPy evaluates the traced steps of all of them; XLA those of a few by default, and of each implementation in CI.
"""

import jax
import jax.numpy as jnp
import optax
import pytest
from harness import TOLERANCE, Replay, cases, largest_error, tree, unread
from in_numpy import in_numpy
from ledger import replay_of, table, uncompiled
from registered import ALGORITHMS, is_compiled
from replays import AUTHORS, NOT_REPLAYED, REPLAYS
from sources import WITHOUT_EFFECT

import optax_zoo as zoo
from optax_zoo.compat import enable_x64

ALL = [
    (algorithm, name)
    for algorithm in REPLAYS
    for name in cases(algorithm)
    if name not in NOT_REPLAYED.get(algorithm, {})
]


COMPILED = {"spectral_sphere"}  # whose loops are in bfloat16, which NumPy has not
SOURCES = sorted({(algorithm, name.split("/")[0]) for algorithm, name in ALL})
IDS = [f"{algorithm}-{name}" for algorithm, name in ALL]


@pytest.mark.parametrize(("algorithm", "name"), ALL, ids=IDS)
def test_replays_the_original(algorithm: str, name: str) -> None:
    case, replay = cases(algorithm)[name], replay_of(algorithm, name)
    error = largest_error(case, replay, jax.jit if algorithm in COMPILED else in_numpy)
    assert error <= replay.tolerance_of(case)


@pytest.mark.slow
@pytest.mark.parametrize(("algorithm", "source"), SOURCES)
def test_by_xla_it_replays_the_original(algorithm: str, source: str) -> None:
    """The case with the most hyperparameters of each implementation.

    Compiled are those of many operations, and of loops and branches, which are slow one by one.
    """
    names = [name for of, name in ALL if (of, name.split("/")[0]) == (algorithm, source)]
    name = max(names, key=lambda name: len(cases(algorithm)[name]["hyperparameters"]))
    case, replay = cases(algorithm)[name], replay_of(algorithm, name)
    error = largest_error(case, replay, jax.jit if is_compiled(algorithm) else uncompiled)
    assert error <= replay.tolerance_of(case)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_compiled_it_replays_the_original(algorithm: str) -> None:
    """The first case of each algorithm."""
    name = next(name for of, name in ALL if of == algorithm)
    case, replay = cases(algorithm)[name], replay_of(algorithm, name)
    assert largest_error(case, replay, jax.jit) <= replay.tolerance_of(case)


@pytest.mark.parametrize(
    ("algorithm", "source"), [(algorithm, source) for algorithm in REPLAYS for source in REPLAYS[algorithm]]
)
def test_every_hyperparameter_of_a_source_is_read(algorithm: str, source: str) -> None:
    """In one of its cases at least: some are read only where others ask for it."""
    replay = REPLAYS[algorithm][source]
    missing = [
        unread(cases(algorithm)[name], replay) for of, name in ALL if (of, name.split("/")[0]) == (algorithm, source)
    ]
    ignored = {*WITHOUT_EFFECT, *replay.only, *replay.unread}
    assert not missing or set.intersection(*missing) <= ignored


def test_every_registered_algorithm_is_replayed() -> None:
    assert sorted(REPLAYS) == zoo.list_algorithms()


@pytest.mark.parametrize("algorithm", REPLAYS)
def test_the_proof_that_is_stated_is_recorded(algorithm: str) -> None:
    replayed = {name.split("/")[0] for name in cases(algorithm)}
    assert replayed >= AUTHORS[algorithm]
    found = "authors' code" if AUTHORS[algorithm] else "an independent implementation" if replayed else "formulas alone"
    assert zoo.describe(algorithm).proof == found


def test_a_tolerance_of_its_own_is_wider_and_has_a_reason() -> None:
    assert all(r.tolerance > TOLERANCE["float64"] for sources in REPLAYS.values() for r in sources.values() if r.why)
    replay = Replay(lambda h: zoo.sgd(), tolerance=1e-5, where=lambda h: h["lr"] > 1, why="-")
    assert [replay.tolerance_of({"dtype": "float64", "hyperparameters": {"lr": lr}}) for lr in (1, 2)] == [1e-9, 1e-5]
    with pytest.raises(ValueError, match="needs a reason"):
        Replay(lambda h: zoo.sgd(), tolerance=1e-5)


def test_what_is_not_replayed_is_a_recorded_case_and_has_a_reason() -> None:
    for algorithm, reasons in NOT_REPLAYED.items():
        assert reasons.keys() <= cases(algorithm).keys()
        assert all(reasons.values())


def test_the_ledger_has_every_case() -> None:
    rows = [line.split(" | ") for line in table(measure=False).splitlines() if line.startswith("| `")]
    assert sum(int(row[2]) for row in rows) == len(ALL)


@pytest.mark.parametrize("name", [name for name in cases("nag") if name.startswith("seed-closed-loop")])
def test_nag_parameters_are_the_look_ahead_point(name: str) -> None:
    """The recorded gradients are those of the recorded quadratic at our own parameters."""
    case = cases("nag")[name]
    with enable_x64(True):
        tx = replay_of("nag", name).make(case["hyperparameters"])
        params = tree(case["params_0"], "float64")
        curvature, centre = (tree(case["closed_loop"][part], "float64") for part in "ac")
        state = tx.init(params)
        for recorded in case["grads"]:
            grads = jax.tree.map(lambda p, a, c: a * (p - c), params, curvature, centre)
            for leaf, numbers in tree(recorded, "float64").items():
                assert jnp.allclose(grads[leaf], numbers, rtol=0, atol=1e-9 * jnp.max(jnp.abs(numbers)))
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
