"""The kit finds what is wrong with an optimizer, and nothing else."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import conformance


def elementwise(update, init=lambda params: optax.EmptyState()):
    """A factory of a transformation from a function of (gradient, state)."""

    def make():
        def step(updates, state, params=None, **extra_args):
            return update(updates, state)

        return optax.GradientTransformationExtraArgs(init, step)

    return make


def sgd(of=lambda g: -0.01 * g):
    return elementwise(lambda g, s: (jax.tree.map(of, g), s))


class Counter(NamedTuple):
    count: jax.Array


def counting(after):
    """Plain steps with a state that `after` makes from the state before."""
    return elementwise(
        lambda g, s: (jax.tree.map(lambda x: -0.01 * x, g), Counter(after(s.count))),
        lambda params: Counter(jnp.zeros((), jnp.int32)),
    )


def sticky_average(decay=0.999):
    def update(g, s):
        s = jax.tree.map(lambda a, x: (decay * a + (1 - decay) * jnp.abs(x)).astype(a.dtype), s, g)
        return jax.tree.map(lambda x, a: -0.01 * x / (a + x.dtype.type(1e-3)), g, s), s

    return elementwise(update, lambda params: jax.tree.map(jnp.zeros_like, params))


def mix_leaves(g, s):
    total = sum(jnp.sum(x) for x in jax.tree.leaves(g))
    return jax.tree.map(lambda x: (-0.01 * x + 0 * total).astype(x.dtype), g), s


def depends_on_place(g, s):
    leaves, treedef = jax.tree.flatten(g)
    return jax.tree.unflatten(treedef, [-0.01 * (1 + n) * x for n, x in enumerate(leaves)]), s


def leafwise(of, is_leaf):
    return elementwise(lambda g, s: (jax.tree.map(of, g, is_leaf=is_leaf), s))


@zoo.primitive
def lies_about_leaves(weight):
    """Says that it goes leaf by leaf, and does not."""

    def update(updates, state, params=None, **extra_args):
        return updates, Counter(state.count + sum(weight(x) for x in jax.tree.leaves(updates)))

    return zoo.Rule(lambda params: Counter(jnp.zeros(())), update, by_leaf=True)


def in_float64_where_enabled(g):
    return (-0.01 * g).astype("float64" if jax.config.jax_enable_x64 else g.dtype)


BROKEN = {
    "updates_mirror_parameters": elementwise(lambda g, s: (jax.tree.leaves(g), s)),
    "state_is_stable": counting(lambda count: count + jnp.float32(1)),
    "runs_eagerly": sgd(lambda g: -0.01 * (g if isinstance(g, jax.core.Tracer) else 2 * g)),
    "scan_and_cond": counting(lambda count: jnp.float32(1) if count.dtype == jnp.int32 else count),
    "compiles_once": elementwise(lambda g, s: (g, s + jnp.float32(1)), lambda params: jnp.asarray(0.0)),
    "init_without_values": elementwise(
        lambda g, s: (g, s), lambda params: Counter(int(jax.tree.leaves(params)[0].sum()))
    ),
    "buffers_are_distinct": elementwise(lambda g, s: (g, s), lambda params: [jnp.zeros(5)] * 2),
    "scalar_leaf": sgd(lambda g: -0.01 * g / g.shape[0]),
    "empty_leaf": sgd(lambda g: -0.01 * g / jnp.max(jnp.abs(g))),
    "complex_leaf": sgd(lambda g: -0.01 * jnp.abs(g) * jnp.sign(g.real)),
    "none_leaf": leafwise(lambda g: -0.01 * g, lambda x: x is None),
    "none_gradient": leafwise(lambda g: jnp.zeros(3) if g is None else -0.01 * g, lambda x: x is None),
    "integer_leaves": sticky_average(),
    "eager_as_jitted": sgd(lambda g: -0.01 * g if isinstance(g, jax.core.Tracer) or g.shape != (8,) else g),
    "masked_node": leafwise(lambda g: -0.01 * g, lambda x: isinstance(x, optax.MaskedNode)),
    "nested_containers": leafwise(lambda g: -0.01 * g, lambda x: isinstance(x, tuple)),
    "single_array": elementwise(lambda g, s: ({name: -0.01 * x for name, x in g.items()}, s)),
    "names_of_state_fields": elementwise(
        lambda g, s: (jax.tree.map_with_path(lambda path, x: x[0] if "mu" in str(path) else -x, g), s)
    ),
    "a_thousand_leaves": elementwise(lambda g, s: (dict(list(g.items())[:999]), s)),
    "by_leaf_as_whole_tree": lambda: lies_about_leaves(jnp.sum),
    "zero_gradients": sgd(lambda g: -0.01 * g / jnp.linalg.norm(g)),
    "huge_gradients": sgd(lambda g: -0.01 * g**3),
    "tiny_gradients": sgd(lambda g: -0.01 * g / jnp.sqrt(jnp.sum(g**2))),
    "float16": sgd(lambda g: (-0.01 * g).astype(jnp.float32)),
    "bfloat16": sgd(lambda g: -0.01 * g * jnp.float32(1)),
    "float64": sgd(lambda g: -0.01 * g.astype(jnp.float32)),
    "float32_beside_float64": sgd(in_float64_where_enabled),
    "strict_promotion": sgd(lambda g: (-jnp.float32(0.01) * g).astype(g.dtype)),
    "bfloat16_for_long": sticky_average(),
    "count_at_its_limit": counting(lambda count: count + 1),
    "rests_without_gradient": sgd(lambda g: -0.01 * g - 1e-3),
    "scale_invariance": sgd(),
    "sign_symmetry": sgd(lambda g: -0.01 * jnp.abs(g)),
    "leaves_in_any_order": elementwise(depends_on_place),
    "nan_stays_in_its_leaf": elementwise(mix_leaves),
    **dict.fromkeys(
        ("lowers_for_cpu", "lowers_for_cuda", "lowers_for_tpu"),
        sgd(lambda g: jax.pure_callback(lambda x: x, jax.ShapeDtypeStruct(g.shape, g.dtype), g)),
    ),
    "parabola": sgd(lambda g: -2.0 * g),
    "rosenbrock": sgd(lambda g: -0.1 * g),
    "matrix_parabola": sgd(lambda g: 0.01 * g),
    "vector_and_matrix": sgd(lambda g: 0 * g),
}
GROUPS = ("structure", "numerics", "lowering", "convergence")


@pytest.mark.parametrize("name", BROKEN)
def test_a_check_fails_on_what_it_is_for(name):
    claims = {one.claim for one in conformance.CHECKS.values() if one.name == name and one.claim}
    (outcome,) = conformance.check(BROKEN[name], claims=claims, only=name)
    assert outcome.status == "failed", outcome


def test_every_check_of_these_groups_is_shown_to_fail():
    assert set(BROKEN) == {one.name for one in conformance.CHECKS.values() if one.group in GROUPS}


def descent(learning_rate=1e-3):
    return optax.sgd(learning_rate)


def test_gradient_descent_passes():
    report = conformance.check(descent, claims=["apart", "order", "rest", "sign"], only=GROUPS)
    assert report.ok and report.counts == {"passed": len(BROKEN) - 2, "skipped": 2}, str(report)


def test_checks_are_documented_in_one_sentence():
    assert all(one.summary.endswith(".") for one in conformance.CHECKS.values())


def test_an_expected_failure_counts_as_wrong_once_it_passes():
    reason = "the square of the gradient overflows"
    (outcome,) = conformance.check(
        sgd(lambda g: -(g**3)), expected_failures={"huge_gradients": reason}, only="huge_gradients"
    )
    assert (outcome.status, outcome.message, outcome.ok) == ("expected failure", reason, True)
    report = conformance.check(descent, expected_failures={"huge_gradients": reason}, only="huge_gradients")
    assert next(iter(report)).status == "unexpected pass" and not report.ok


def test_what_is_not_claimed_is_skipped():
    report = conformance.check(descent, only=["scale_invariance"])
    assert report.ok and str(report) == "skipped           scale_invariance: does not claim 'scale'\n1 skipped"


@pytest.mark.parametrize(*conformance.cases(descent, only=["structure", "scale_invariance"]))
def test_cases_give_each_check_a_test(case):
    case()


def test_cases_mark_expected_failures_strictly():
    name, (parameter,) = conformance.cases(descent, expected_failures={"parabola": "too slow"}, only="parabola")
    assert name == "case" and parameter.id == "parabola"
    assert parameter.marks[0].kwargs == {"reason": "too slow", "strict": True}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"make_transformation": optax.sgd(0.1)}, TypeError, "must be a function that returns a transformation"),
        ({"make_transformation": lambda: 3}, TypeError, "returned 3, but must return an optax.GradientTransformation"),
        ({"make_transformation": optax.sgd}, TypeError, "it raised TypeError: .*learning_rate"),
        ({"needs": ["vlaue"]}, ValueError, "needs is 'vlaue', but must be one of .* Did you mean 'value'"),
        ({"claims": ["scales"]}, ValueError, "claims is 'scales', but must be one of .*Did you mean 'scale'"),
        ({"only": ["parabole"]}, ValueError, "check is 'parabole', but must be one of .*Did you mean 'parabola'"),
        ({"expected_failures": {"x": "y"}}, ValueError, "expected_failures is 'x', but must be one of"),
        ({"expected_failures": {"parabola": ""}}, ValueError, "must say why in words"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        conformance.check(**{"make_transformation": descent, **arguments})


def test_update_is_given_what_it_needs():
    seen = []

    def make():
        def update(updates, state, params=None, *, value, value_fn, grad, mine, **extra_args):
            seen.append((value.shape, mine))
            slope = jax.grad(value_fn)(params)
            assert jax.tree.structure(slope) == jax.tree.structure(grad)
            return jax.tree.map(lambda g: -0.01 * g, slope), state

        return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)

    known = {name: conformance.KNOWN[name] for name in ("value", "value_fn", "grad")}
    needs = {**known, "mine": lambda params, grads: "here"}
    assert conformance.check(make, needs=needs, only="state_is_stable").ok
    assert seen == [((), "here")]
    assert not conformance.check(make, only="state_is_stable").ok


def test_registered_algorithms_say_what_they_claim():
    for name in zoo.list_algorithms():
        arguments = conformance.registered(name)
        assert set(arguments["claims"]) <= set(zoo.CLAIMS)
        assert set(arguments["expected_failures"]) <= set(conformance.CHECKS)
        assert callable(arguments["make_transformation"])
