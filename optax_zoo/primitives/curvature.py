"""Curvature that the training loop hands over: estimates of the diagonal of the Hessian, renewed every few steps."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.initial import check_key, wrap_key
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, needs_of, primitive, update_of
from optax_zoo.primitives.precision import lift, zeros_for
from optax_zoo.primitives.renewal import due, renewed
from optax_zoo.primitives.statistics import absolute
from optax_zoo.primitives.trees import difference, is_none
from optax_zoo.primitives.types import Key, Scalar

Curvature: TypeAlias = Any  # a tree like the parameters, or a function from a random key to one
Probes: TypeAlias = Literal["signs", "normal"]


class CurvatureState(NamedTuple):
    """State of `of_curvature`.

    Attributes:
      estimator: the state of the estimator.
      count: steps taken (int32 scalar).
      key: of what is drawn in the next step, raw key data.
    """

    estimator: Any
    count: Any
    key: Any


@primitive
def of_curvature(estimator: optax.GradientTransformation, *, every: Scalar = 10, key: Key | None = None) -> Rule:
    """An accumulated estimate of a curvature that `update` is given as `curvature=`, and not of the gradient.

    The curvature is a tree like the parameters, or a function from a random key to one, which is called where the
    estimate is renewed: in the first step and every few steps after it. In the other steps the estimate stays.

    - `curvature=hutchinson(loss, params)`: products of the Hessian with random signs (Sophia-H, AdaHessian).
    - `curvature=lambda key: jax.grad(loss)(params, x, jax.random.categorical(key, logits))`: a gradient for labels that
      are sampled from the model, for an estimator of squares (Sophia-G).

    Args:
      estimator: an accumulator: `ema(0.99)`, `ema(0.99, of=square)`.
      every: how many steps after the other it is renewed, at least 1.
      key: of what is drawn at random: a `jax.random.key`, raw key data or an int seed; None stands for seed 0.

    Returns:
      An estimator with state `CurvatureState`; its `update` needs `curvature=`. Elements of the curvature beyond 2^60
      count as that large, as in gradients. A curvature is real: of complex ones the real part counts, and what an
      estimator of squares makes of them.

    Raises:
      TypeError: from `init` for another estimator; from `update` without the curvature.
      ValueError: from `update` for a curvature of another tree or shape than the gradients.
    """
    _checks.scalar("every", every, "at least 1", lambda n: n >= 1)
    check_key(key)
    for leaf in jax.tree.leaves(jax.eval_shape(estimator.init, jnp.zeros(()))):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            check_accumulator_dtype(leaf.dtype)  # the estimator does not know that it is of what one divides by
    update_estimate = update_of(estimator)
    of_complex = getattr(jax.eval_shape(estimator.init, jnp.zeros((), jnp.complex64)), "value", None)
    is_plain = of_complex is not None and jnp.iscomplexobj(of_complex)

    def init(params: Any) -> CurvatureState:
        inner = estimator.init(jax.tree.map(lambda p: zeros_for(absolute, p), params))
        if not hasattr(inner, "value"):
            raise TypeError(f"estimator is {estimator!r}, but must be an ema or a total.")
        return CurvatureState(inner, jnp.zeros((), jnp.int32), jax.random.key_data(wrap_key(0 if key is None else key)))

    def update(
        updates: Any, state: CurvatureState, params: Any = None, *, curvature: Curvature = None, **extra_args: Any
    ) -> Any:
        if curvature is None:
            raise TypeError(
                "of_curvature needs the curvature: call update(grads, state, params, curvature=...), with a tree like "
                "the parameters, or with a function from a random key to one, such as hutchinson(loss, params)."
            )
        implementation = jax.random.key_impl(wrap_key(0 if key is None else key))
        next_key, own_key = jax.random.split(jax.random.wrap_key_data(state.key, impl=implementation))

        def renew() -> Any:
            given = _beside(updates, curvature(own_key) if callable(curvature) else curvature)
            if is_plain:
                given = jax.tree.map(jnp.real, given)
            return update_estimate(given, state.estimator, params, **extra_args)[1]

        inner = renewed(due(state.count, every), renew, state.estimator)
        return inner.value, CurvatureState(inner, optax.safe_increment(state.count), jax.random.key_data(next_key))

    of_inner = debias_weight_through(estimator, lambda state: state.estimator)

    def debias_weight(weight: jax.Array, state: CurvatureState) -> tuple[jax.Array, jax.Array]:
        assert of_inner is not None
        weight = jnp.where(due(state.count, every), of_inner(weight, state)[0], weight)
        return weight, weight

    return Rule(init, update, (*needs_of(estimator), "curvature"), debias_weight if of_inner else None)


def hutchinson(loss: Callable[[Any], jax.Array], params: Any, *, probes: Probes = "signs") -> Callable[[Key], Any]:
    """Hutchinson's estimate of the diagonal of a Hessian: v * (H v) with a random v, as a function of a key.

    Its mean over v is the diagonal. It costs about two gradients.

    Args:
      loss: a function of the parameters alone: `lambda params: loss(params, batch)`.
      params: where the Hessian is taken.
      probes: what is drawn: random "signs", whose estimate varies least, or "normal" numbers.

    Returns:
      A function from a `jax.random.key` to a tree like the parameters, for `curvature=` of `update`.

    Raises:
      ValueError: for other probes.

    Source:
      M. F. Hutchinson (1989); C. Bekas, E. Kokiopoulou, Y. Saad (2007): An Estimator for the Diagonal of a Matrix.

    Example:
      >>> import jax, jax.numpy as jnp, optax_zoo as zoo
      >>> zoo.hutchinson(lambda p: jnp.sum(jnp.array([1.0, 3.0]) * p**2), jnp.ones(2))(jax.random.key(0))
      Array([2., 6.], dtype=float32)
    """
    _checks.one_of("probes", probes, ["signs", "normal"])
    draw: Any = {"signs": jax.random.rademacher, "normal": jax.random.normal}[probes]

    def estimate(key: Key) -> Any:
        leaves, treedef = jax.tree.flatten(params)
        keys = jax.random.split(wrap_key(key), max(len(leaves), 1))
        drawn = [draw(own, jnp.shape(p), jnp.result_type(p)) for own, p in zip(keys, leaves, strict=False)]
        probe = jax.tree.unflatten(treedef, drawn)
        _, product = jax.jvp(jax.grad(loss), (params,), (probe,))
        return jax.tree.map(jnp.multiply, probe, product)

    return estimate


def _beside(updates: Any, curvature: Any) -> Any:
    """The curvature of those leaves that have updates, in float32 or wider; 0 where None is given."""

    def is_left_out(x: Any) -> bool:
        return is_none(x) or isinstance(x, optax.MaskedNode)

    shown: list[Any] = jax.tree.leaves(updates, is_leaf=is_left_out)
    outline: Any = jax.tree.structure(updates, is_leaf=is_left_out)
    try:
        given = outline.flatten_up_to(curvature)
    except (ValueError, TypeError):
        where = difference(updates, curvature, ("gradients", "curvature"))
        raise ValueError(f"gradients and curvature are trees that differ: {where}.") from None
    beside = zip(shown, given, strict=True)
    pairs = [(x, jnp.zeros_like(x) if is_left_out(y) else y) for x, y in beside if not is_left_out(x)]
    for x, y in pairs:
        if jnp.shape(x) != jnp.shape(y):
            raise ValueError(f"curvature has a leaf of shape {jnp.shape(y)}, where the gradient has {jnp.shape(x)}.")
    return jax.tree.unflatten(jax.tree.structure(updates), [bounded(lift(y)) for _, y in pairs])
