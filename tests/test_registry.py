"""The registry and its look-ups."""

import inspect

import jax
import jax.numpy as jnp
import pytest

import optax_zoo as zoo
from optax_zoo import registry


@pytest.fixture
def scratch_registry(monkeypatch):
    monkeypatch.setattr(registry, "_ALGORITHMS", dict(registry._ALGORITHMS))


def test_every_public_name_exists_and_is_documented():
    for name in zoo.__all__:
        value = getattr(zoo, name)
        assert name in ("CLAIMS", "SLOTS") or inspect.getdoc(value)


def test_list_filters_by_pattern_and_by_function():
    assert zoo.list_algorithms() == sorted(zoo.list_algorithms())
    assert zoo.list_algorithms("ADAM*") == ["adam", "adamax", "adamw"]
    assert zoo.list_algorithms(lambda a: a.year >= 2020) == ["expectigrad", "gravity"]
    with pytest.raises(TypeError, match="filter is 3"):
        zoo.list_algorithms(3)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"name is 'expectgrad', but must be one of .* Did you mean 'expectigrad'\?"):
        zoo.create("expectgrad")


def test_an_unknown_hyperparameter_lists_the_known():
    with pytest.raises(TypeError, match="beta1 is no hyperparameter of adam; it has learning_rate, b1, b2, eps"):
        zoo.create("adam", beta1=0.9)


def test_create_passes_hyperparameters_on():
    assert repr(zoo.create("adam", learning_rate=0.5, b2=0.9)) == repr(zoo.adam(0.5, b2=0.9))


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_records_say_what_the_code_does(name, params, grads):
    record = zoo.describe(name)
    assert record.composition == repr(zoo.create(name))
    assert record.paper and record.full_name and record.url.startswith("https://") and 1950 < record.year < 2030
    for section in (".. math::", "Args:", "State:", "Raises:", "Example:", "Source:"):
        assert section in record.docstring
    documented = record.docstring.split("Args:")[1].split("State:")[0]
    assert all(f"  {hyperparameter}: " in documented for hyperparameter in record.defaults)
    tx = record.factory(**record.example)
    assert set(record.needs) <= {"params", "value"}
    given = {"params": params, "value": jnp.float32(1.0)}
    state = tx.init(params)
    tx.update(grads, state, **{need: given[need] for need in record.needs})
    for missing in record.needs:
        with pytest.raises((ValueError, TypeError), match=r"needs the (parameters|loss): call update\("):
            tx.update(grads, state, **{need: given[need] for need in record.needs if need != missing})


def test_state_bytes_are_those_of_float32_parameters():
    expected = {
        "sgd": 0,
        "momentum": 4,
        "nag": 4,
        "adam": 8,
        "adamw": 8,
        "expectigrad": 12,
        "novograd": 4,
        "gravity": 4,
    }
    assert {name: zoo.describe(name).state_bytes for name in expected} == expected


def test_an_algorithm_of_ones_own(scratch_registry, params, grads, run):
    @zoo.algorithm(full_name="Sign descent", paper="-", year=2018, url="https://example.org", example={})
    def sign_descent(learning_rate=0.1):
        """Steps of one size."""
        return zoo.pipeline(denominator=zoo.root(zoo.ema(0.0, of=zoo.square), eps=0.0), learning_rate=learning_rate)

    tx = zoo.create("sign_descent", learning_rate=0.5)
    _, _, updates = run(tx, params["w"] * 0 + 1, grads["w"], 1)
    assert jnp.allclose(jnp.abs(updates), 0.5)
    with pytest.raises(ValueError, match="'sign_descent', but that algorithm is registered already"):
        zoo.algorithm(full_name="-", paper="-", year=2000, url="-", example={})(sign_descent)


def test_an_algorithm_without_a_rate_can_be_registered(scratch_registry):
    @zoo.algorithm(full_name="-", paper="-", year=2000, url="-", example={})
    def still():
        return zoo.pipeline()

    assert repr(zoo.create("still")) == "pipeline()"


def test_slot_and_field_names_of_states_are_as_promised(params):
    """A checkpoint holds these names: they may be added to, never changed."""

    def names(name):
        paths = jax.tree_util.tree_flatten_with_path(zoo.create(name).init({"p": params["w"]}))[0]
        return [jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".p") for path, _ in paths]

    first_moment = ["numerator.estimator.value", "numerator.weight"]
    moments = ["denominator.estimator.value", "denominator.weight", *first_moment]
    maximum = ["denominator.estimator.maximum", "denominator.estimator.estimator.value", "denominator.weight"]
    feedback = ["feedback", "loss", "tracked", "count", "estimator.estimator.value", "estimator.weight"]
    averages = ["gradient", "mean_gradient", "mean_square_gradient", "mean_change", "mean_square_change"]
    steps = ["mean_step", "mean_square_step", "covariance", "weight"]
    secant = ["count", "horizon", *averages, *steps, "corrected_gradient", "gamma_numerator", "gamma_denominator"]
    motion = ["velocity", "friction", "preconditioner.value", "count", "key"]
    thermostat = [f"momentum.{field}" for field in motion]
    assert {name: names(name) for name in zoo.list_algorithms()} == {
        "adabound": ["bound.count", *moments],
        "adadelta": ["rescale.gradient", "rescale.update"],
        "adagrad": ["denominator.value"],
        "adam": moments,
        "adamax": ["denominator.value", *first_moment],
        "adamw": moments,
        "adasecant": ["gradient.mean_square", "gradient.weight", *(f"rescale.{field}" for field in secant)],
        "amsbound": ["bound.count", *maximum, *first_moment],
        "amsgrad": [*maximum, *first_moment],
        "clipped": moments,
        "eve": [*(f"denominator.{field}" for field in feedback), *first_moment],
        "expectigrad": ["denominator.total", "denominator.count", "momentum.estimator.value", "momentum.weight"],
        "gravity": ["momentum.value", "momentum.count"],
        "learned_lstm": [f"numerator.{part}.lstm_{layer}" for part in ("hidden", "cell") for layer in (1, 2)],
        "momentum": ["velocity.value"],
        "nadam": [*moments[:2], "numerator.value", "numerator.weight", "numerator.count"],
        "nag": ["velocity.value"],
        "normalized": moments,
        "novograd": ["denominator.value", "momentum.value"],
        "rmsprop": ["denominator.value"],
        "rmsprop_graves": ["denominator.mean.value", "denominator.mean_square.value", "velocity.value"],
        "santa_e": thermostat,
        "santa_sss": thermostat,
        "sgd": [],
        "smorms3": ["rescale.mean", "rescale.mean_square", "rescale.horizon"],
    }
