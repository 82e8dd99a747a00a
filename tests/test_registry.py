"""The registry and its look-ups."""

import dataclasses
import inspect
import re
import typing

import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import cli, conformance, registry
from optax_zoo.primitives import norms
from optax_zoo.race.ablation.levels import base_of, levels_of
from optax_zoo.running.entrants import resolve
from optax_zoo.running.errors import RaceError


@pytest.fixture
def scratch_registry(monkeypatch):
    monkeypatch.setattr(registry, "ALGORITHMS", dict(registry.ALGORITHMS))


def test_every_public_name_exists_and_is_documented():
    for name in zoo.__all__:
        value = getattr(zoo, name)
        assert name in ("CLAIMS", "SLOTS") or inspect.getdoc(value)


def test_list_filters_by_pattern_and_by_function():
    assert zoo.list_algorithms() == sorted(zoo.list_algorithms())
    assert zoo.list_algorithms("ADAM*") == [name for name in zoo.list_algorithms() if name.startswith("adam")]
    assert zoo.list_algorithms(lambda a: a.year < 1970) == ["momentum", "sgd"]
    with pytest.raises(TypeError, match="filter is 3"):
        zoo.list_algorithms(3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("expectgrad", r"name is 'expectgrad', but .* Did you mean 'expectigrad'\?"),
        ("Adam", r"Did you mean 'adam'\? Also near: '\w+', '\w+', '\w+', '\w+'\. Optax has it as optax\.adam\.$"),
        ("lbfgs", r"The nearest: '\w+', '\w+', '\w+', '\w+', '\w+'\. Optax has it as optax\.lbfgs\.$"),
        ("acprop", r"Optax has it as optax\.contrib\.acprop\.$"),
        ("chain", r"'\.$"),
        (None, r"name is None, but no algorithm"),
    ],
)
def test_an_unknown_name_suggests_the_nearest_five_and_optax(name, expected):
    with pytest.raises(ValueError, match=expected):
        zoo.create(name)


@pytest.mark.parametrize(
    ("make", "given", "meant"),
    [
        (zoo.adam, {"beta1": 0.9}, "b1"),
        (zoo.adam, {"betas": (0.9, 0.99)}, "b1 and b2"),
        (zoo.adam, {"lr": 0.1}, "learning_rate"),
        (zoo.adam, {"epsilon": 0.1}, "eps"),
        (zoo.adam, {"wd": 0.1}, "weight_decay"),
        (zoo.adam, {"esp": 0.1}, "eps"),
        (zoo.adam, {"lr": 0.1, "beta_2": 0.9}, "learning_rate for lr, b2 for beta_2"),
        (zoo.nag, {"momentum": 0.9}, "decay"),
        (zoo.adadelta, {"decay": 0.9}, "rho"),
        (zoo.rmsprop, {"alpha": 0.9}, "decay"),
        (zoo.expectigrad, {"beta1": 0.9}, "beta"),
        (zoo.clipped, {"max_grad_norm": 1.0}, "max_norm"),
        (zoo.ema, {"beta": 0.9}, "decay"),
        (zoo.scale_by_ema, {"b1": 0.9}, "decay"),
        (zoo.pipeline, {"denominater": None}, "denominator"),
        (zoo.adam().replace, {"denominater": None}, "denominator"),
    ],
)
def test_an_unknown_keyword_suggests_the_nearest(make, given, meant):
    with pytest.raises(TypeError, match=f"^{', '.join(given)} (is|are) not .*; did you mean {meant}\\? Allowed: "):
        make(**given)


def test_an_unknown_hyperparameter_lists_the_known():
    with pytest.raises(
        TypeError, match=r"beta1 is not a hyperparameter of adam; .* Allowed: learning_rate, b1, b2, eps"
    ):
        zoo.create("adam", beta1=0.9)
    with pytest.raises(TypeError, match=r"^zzz is not a hyperparameter of sgd. Allowed: learning_rate, weight_decay, "):
        zoo.sgd(zzz=1)


def numeric(name):
    """The hyperparameters of an algorithm that are numbers."""
    kinds = inspect.signature(zoo.describe(name).factory).parameters
    may_be = {each: typing.get_args(p.annotation) or (p.annotation,) for each, p in kinds.items()}
    return [each for each, types in may_be.items() if {float, int} & set(types) and each != "key"]


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_refusals_name_the_hyperparameter_of_the_call(name):
    factory = zoo.describe(name).factory
    hyperparameters = numeric(name)
    assert hyperparameters or name == "normalized"
    for each in hyperparameters:
        for wrong in (float("nan"), "1", jnp.ones(3)) if each == "loss_min" else (-1.5, float("nan"), "1", jnp.ones(3)):
            with pytest.raises((ValueError, TypeError), match=rf"^{each} is .*, but must be "):
                factory(**{each: wrong})
    for wrong in {-1.5, float("nan")} if "learning_rate" in hyperparameters else ():
        with pytest.raises(ValueError, match=r"^learning_rate is "):
            zoo.describe(name).at_rate(wrong)


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_functions_are_refused_where_numbers_belong(name):
    takes_function = {"learning_rate", "weight_decay", "annealing", "diffusion"}
    annotations = {each: p.annotation for each, p in inspect.signature(zoo.describe(name).factory).parameters.items()}
    for each in set(numeric(name)) - takes_function:
        if "Callable" in str(annotations[each]):
            zoo.create(name, **{each: lambda count: 0.5})
        else:
            with pytest.raises(TypeError, match=rf"^{each} is <function .*, but must be a number"):
                zoo.create(name, **{each: lambda count: 0.5})


def test_a_refused_value_given_twice_is_said_of_the_one_that_may_not_have_it():
    for given, named in [({"eps": 1.5, "b2": 1.5}, "b2"), ({"b1": 1.5, "b2": 1.5, "eps": 1.5}, "b1")]:
        with pytest.raises(ValueError, match=f"^{named} is 1.5") as caught:
            zoo.adam(**given)
        assert caught.value.__context__ is None and caught.value.__cause__ is None
    with pytest.raises(TypeError, match=r"^b2 is None"):
        zoo.adamw(weight_decay=None, b2=None)
    with pytest.raises(ValueError, match=r"^momentum is 1.5"):
        zoo.rmsprop(1.5, eps=1.5, momentum=1.5)


def test_refusals_name_what_an_algorithm_of_ones_own_calls_it(scratch_registry):
    @zoo.algorithm(full_name="-", paper="-", year=2000, url="-", example={})
    def outer(learning_rate=0.1, *, smoothing=0.9, half=0.5):
        return zoo.amsbound(learning_rate, smoothing, b2=2 * half)

    with pytest.raises(ValueError, match=r"^smoothing is 1\.5, but must be at least 0 and below 1\.$"):
        zoo.create("outer", smoothing=1.5, half=0.4)
    with pytest.raises(ValueError, match=r"^b2 is 1\.0, "):  # computed: it has no name in the outer call
        zoo.create("outer")


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
    assert set(record.needs) <= {"params", "value", "curvature"}
    given = {"params": params, "value": jnp.float32(1.0), "curvature": grads}
    state = jax.eval_shape(tx.init, params)
    jax.eval_shape(tx.update, grads, state, **{need: given[need] for need in record.needs})
    for missing in record.needs:
        with pytest.raises((ValueError, TypeError), match=r"needs the (parameters|loss|curvature): call update\("):
            jax.eval_shape(tx.update, grads, state, **{need: given[need] for need in record.needs if need != missing})


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


def test_families_are_packages_and_proofs_are_stated(scratch_registry):
    assert (zoo.describe("novograd").family, zoo.describe("adamw").family) == ("layerwise", "adam")
    assert zoo.describe("expectigrad").proof == "authors' code"
    assert "adamw" in zoo.list_algorithms(lambda a: a.variant_of == "adam")
    register(of_optax, {"learning_rate": 0.2})
    assert (zoo.describe("of_optax").family, zoo.describe("of_optax").proof) == ("own", "formulas alone")
    register(MyOpt, {}, family="wrappers", proof="authors' code")
    assert (zoo.describe("MyOpt").family, zoo.describe("MyOpt").proof) == ("wrappers", "authors' code")
    with pytest.raises(ValueError, match=r"^proof is 'none', but must be one of \"authors' code\", "):
        register(of_optax, {}, proof="none")


def test_a_variant_is_as_its_base_but_for_what_it_says(scratch_registry):
    @zoo.algorithm(variant_of=zoo.adam, full_name="Adam without momentum", year=2030, claims=())
    def rms(learning_rate=0.1, b2=0.9, *, eps_root=1e-3, nesterov=False):
        """Adam without momentum.

        Args:
          learning_rate: ... Ours.
          eps_root: inside.
        """
        return zoo.adam(learning_rate, b2=b2, eps_root=eps_root).replace(numerator=None)

    known, adam = zoo.describe("rms"), zoo.describe("adam")
    same = ("paper", "url", "example", "expected_failures", "proof")
    assert [getattr(known, name) for name in same] == [getattr(adam, name) for name in same]
    assert (known.variant_of, known.year, known.claims, known.family) == ("adam", 2030, (), "own")
    assert known.docstring.startswith(
        "Adam without momentum.\n\n"
        "Args:\n"
        "  learning_rate: the rate alpha, at least 0, or a schedule.\n    Ours.\n"
        "  b2: decay of the average squared gradient, in [0, 1), or a function of the number of steps taken.\n"
        "  eps_root: inside.\n"
        "  nesterov: step along the look-ahead of the momentum.\n\n"
        'State:\n  `state["numerator"].estimator.value`: m'
    )
    assert "Raises:\n  ValueError: for a number outside its range." in known.docstring
    with pytest.raises(ValueError, match=r"name is 'adm', but .* Did you mean 'adam'"):
        zoo.algorithm(variant_of="adm", full_name="-")
    with pytest.raises(TypeError, match=r"^paper is missing, but must be given for an algorithm that is no"):
        zoo.algorithm(full_name="-")


def test_docstrings_of_ones_own_are_completed_where_they_have_arguments(scratch_registry):
    def bare(learning_rate=0.1, beta=0.9):
        """Steps."""

    def described(learning_rate=0.1, beta=0.9, *, eps=1e-8):
        """Steps.

        Args:
          beta: how much.
          other: not in the signature.
        """

    assert register(bare, {}).__doc__ == "Steps."
    arguments = "  learning_rate: the rate alpha, at least 0, or a schedule.\n  beta: how much.\n"
    rest = "  eps: added outside the root.\n  other: not in the signature."
    assert register(described, {}).__doc__ == f"Steps.\n\nArgs:\n{arguments}{rest}"


def test_an_algorithm_without_a_rate_can_be_registered(scratch_registry):
    @zoo.algorithm(full_name="-", paper="-", year=2000, url="-", example={})
    def still():
        return zoo.pipeline()

    assert repr(zoo.create("still")) == "pipeline()"


def register(factory, example, **options):
    return zoo.algorithm(full_name="-", paper="-", year=2000, url="-", example=example, **options)(factory)


def of_optax(learning_rate, b1=0.9):
    return optax.adam(learning_rate, b1)


def MyOpt(**kwargs):  # noqa: N802
    return zoo.adam(**kwargs)


def test_a_plain_transformation_with_a_required_rate_is_known_everywhere(scratch_registry, params, grads, run):
    register(of_optax, {"learning_rate": 0.2})
    record = zoo.describe("of_optax")
    assert record.defaults == {"learning_rate": 0.2, "b1": 0.9}
    assert (record.composition, record.needs, record.state_bytes) == ("optax.chain(...)", (), 8.0)
    _, _, expected = run(optax.adam(0.2, 0.5), params, grads, 2)
    for made in (zoo.create("of_optax", learning_rate=0.2, b1=0.5), record.at_rate(0.2, b1=0.5)):
        _, _, updates = run(made, params, grads, 2)
        assert jax.tree.all(jax.tree.map(jnp.array_equal, updates, expected))
        made.update(grads, made.init(params), params, value=1.0)
    arguments = conformance.registered("of_optax")
    assert conformance.check(**arguments, only="scalar_leaf").ok
    with pytest.raises(ValueError, match=r"^learning_rate is None"):
        zoo.create("of_optax", learning_rate=None)
    with pytest.raises(RaceError, match=r"base of_optax .* must make a Pipeline"):
        levels_of(*base_of("of_optax"), {"momentum": None})


def test_a_factory_of_any_keywords_hands_them_on(scratch_registry):
    register(MyOpt, {"learning_rate": 0.2})
    record = zoo.describe("MyOpt")
    assert record.defaults == {} and record.composition == repr(zoo.adam())
    assert repr(zoo.create("MyOpt", learning_rate=0.5, b2=0.9)) == repr(zoo.adam(0.5, b2=0.9))
    assert repr(record.at_rate(0.5)) == repr(zoo.adam(0.5))
    with pytest.raises(ValueError, match=r"^b1 is 1.5"):
        zoo.create("MyOpt", b1=1.5)
    with pytest.raises(TypeError, match=r"beta1 is not a hyperparameter of adam; did you mean b1"):
        zoo.create("MyOpt", beta1=0.5)


def test_patterns_find_names_with_capitals(scratch_registry):
    register(MyOpt, {})
    for pattern in ("MyOpt", "MyOpt*", "myopt", "MYO*"):
        assert zoo.list_algorithms(pattern) == ["MyOpt"]


def test_required_hyperparameters_are_those_of_the_example(scratch_registry):
    def smooth(beta, learning_rate):
        return zoo.pipeline(momentum=zoo.ema(beta), learning_rate=learning_rate)

    with pytest.raises(ValueError, match=r"^example is {'learning_rate': 1}, but must have beta, which smooth has no"):
        register(smooth, {"learning_rate": 1})
    register(smooth, {"learning_rate": 0.1, "beta": 0.5})
    assert repr(zoo.describe("smooth").at_rate(2.0)) == "pipeline(momentum=ema(0.5), learning_rate=2)"


@pytest.mark.parametrize("factory", [of_optax, MyOpt])
def test_algorithms_of_any_kind_are_listed_shown_and_raced(scratch_registry, capsys, factory):
    example = {"learning_rate": 0.2}
    register(factory, example)
    for command in (["list"], ["show", factory.__name__]):
        assert cli.main(command) == 0
        assert factory.__name__ in capsys.readouterr().out
    (entrant,) = resolve([factory.__name__]).values()
    assert isinstance(entrant.at(0.1), optax.GradientTransformation) and entrant.composition(0.1, {})


def test_a_cell_that_runs_again_replaces_what_it_registered(scratch_registry, monkeypatch):
    register(of_optax, {"learning_rate": 0.2})
    with pytest.raises(ValueError, match="registered already; choose another name, or pass replace=True"):
        register(of_optax, {"learning_rate": 0.1})
    register(of_optax, {"learning_rate": 0.1}, replace=True)
    assert zoo.describe("of_optax").example == {"learning_rate": 0.1}
    monkeypatch.setattr(norms, "NORMS", dict(norms.NORMS))
    zoo.register_norm("ours", lambda x: jnp.max(x))
    with pytest.raises(ValueError, match="or pass replace=True"):
        zoo.register_norm("ours", lambda x: jnp.sum(x))
    zoo.register_norm("ours", lambda x: jnp.sum(x), replace=True)
    assert zoo.normalize_by_norm("ours", eps=0.0).update(jnp.ones(4), optax.EmptyState())[0][0] == 0.25
    with pytest.raises(ValueError, match="'linf', but that norm is registered already"):
        zoo.register_norm("linf", lambda x: x, replace=True)


@pytest.mark.parametrize("given, meant", [("Adam_W", "adamw"), ("scheduleFreeAdamW", "schedule_free_adamw")])
def test_the_same_name_with_other_capitals_and_signs_is_suggested(given, meant):
    with pytest.raises(ValueError, match=f"^name is '{given}', but no algorithm .* Did you mean '{meant}'"):
        zoo.create(given)


def test_the_name_that_other_libraries_have_for_an_algorithm_is_suggested(scratch_registry):
    register(of_optax, {"learning_rate": 0.2}, also_called=("PolyakHeavyBall",))
    assert zoo.describe("of_optax").also_called == ("PolyakHeavyBall",)
    with pytest.raises(ValueError, match=r"^name is 'polyak_heavy_ball', but no algorithm .* Did you mean 'of_optax'"):
        zoo.create("polyak_heavy_ball")


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_each_says_when_to_use_it_as_its_publication_claims(name):
    claim = zoo.describe(name).use_when
    assert claim is not None
    assert claim.startswith("Use it when ")
    assert claim.endswith(".")


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_each_says_how_many_bytes_its_state_has(name):
    known = zoo.describe(name)
    state = re.search(r"^State:\n((?:  .*\n|\n)*)", known.docstring, re.MULTILINE)
    assert f" {known.state_bytes:g} bytes a parameter" in " ".join(("", *state[1].split()))


def test_no_two_algorithms_share_a_name_that_other_libraries_have():
    def bare(text):
        return text.replace("_", "").lower()

    others = [bare(other) for name in zoo.list_algorithms() for other in zoo.describe(name).also_called]
    assert sorted({*others, *map(bare, zoo.list_algorithms())}) == sorted([*others, *map(bare, zoo.list_algorithms())])


def test_publications_have_one_entry_each_and_no_two_the_same_key():
    papers = {name: (zoo.describe(name).paper, zoo.describe(name).year) for name in zoo.list_algorithms()}
    entries = [zoo.describe(name).bibtex for name in papers]
    keys = {re.match(r"@misc\{([a-z0-9]+),\n", entry)[1] for entry in entries}
    assert len(keys) == len(set(papers.values()))
    everything = zoo.bibtex(papers)
    assert sorted(re.findall(r"^@misc\{(.+),$", everything, re.MULTILINE)) == sorted(keys)
    assert zoo.bibtex("adam") == zoo.bibtex(["adam", "adamax"]) == zoo.describe("adam").bibtex


@pytest.mark.parametrize(
    ("paper", "url", "expected"),
    [
        ("You et al.: A 50% Batch", "https://arxiv.org/abs/1904.00962", ["you2020", "You and others"]),
        (
            "Pouriyan Zadeh, Li and Wu: On Wheels",
            "https://doi.org/10.1/2",
            ["{Pouriyan Zadeh} and Li and Wu", "doi = {10.1/2}"],
        ),
        ("A title alone", "https://example.com", ["@misc{2020title,", "title = {{A title alone}}"]),
    ],
)
def test_an_entry_has_what_the_registry_says(paper, url, expected):
    text = dataclasses.replace(zoo.describe("adam"), paper=paper, year=2020, url=url).bibtex
    assert all(part in text for part in expected) and f"url = {{{url}}}" in text
    assert ("author" in text) == (": " in paper) and text.count("{") == text.count("}")
