"""SpectralSphere."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import WHOLE_MATRICES
from optax_zoo.algorithms.matrix.muon import muon
from optax_zoo.primitives.coefficients import Coefficients, table_of
from optax_zoo.primitives.matrices import OutputAxes, init_for, seen_as_matrices
from optax_zoo.primitives.newton_schulz import iterated, rounded
from optax_zoo.primitives.orthogonalize import of_matrices
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.reductions import Reduction
from optax_zoo.primitives.scale import by_largest
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route

SPECTRAL_NORM_STAYS = "its steps leave the spectral norm of a matrix as it is, which here is not that of the minimum"
FIRST_STEP = 1e-3  # from a multiplier of 0, doubled until the product has changed its sign
DOUBLINGS = 10
TINY = 1e-12  # what a norm is at least, for a matrix of zeros


class _Search(NamedTuple):
    """An interval of multipliers with a change of sign in it, and the best multiplier so far."""

    low: jax.Array
    high: jax.Array
    best: jax.Array
    product: jax.Array
    halvings: jax.Array


@primitive
def spectral_tangent(
    *,
    steps: int = 5,
    coefficients: Coefficients = "polar_express",
    power_steps: int = 10,
    tolerance: Scalar = 1e-8,
    bisections: int = 100,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    dtype: DType = None,
) -> Rule:
    r"""Orthogonalizes each matrix so that the step does not change the parameters' spectral norm (spectral sphere).

    With the parameters' leading singular vectors u and v,

    .. math::

        \Theta = u v^T, \qquad U = \mathrm{orthogonalized}\left( \frac{G}{\|G\|_F} + \lambda \Theta \right), \qquad
        \lambda \text{ such that } \langle \Theta, U \rangle = 0

    The product grows with lambda: it is bracketed by steps that double, and then bisected. If it does not change its
    sign for any lambda in [-1.023, 1.023], lambda is 0. Updates are finite for all finite ones; matrices of zeros or
    without rows stay, and so does what is orthogonalized where the parameters are 0.

    Args:
      steps: how many iterations of Newton-Schulz.
      coefficients: of these, see `orthogonalize`.
      power_steps: how many power iterations find u and v, from inputs of ones.
      tolerance: how near to 0 the product must come.
      bisections: how many are made at most.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.
      dtype: what iterations and products are computed in, beside sums in float32; None for the update's, at least
        float32.

    Returns:
      A stateless transformation that needs the parameters; it refuses leaves of less than two axes.

    Raises:
      ValueError: for a number outside its range; from `update` without parameters; for a leaf that is not a
        matrix, with its path.

    Source:
      T. Xie et al. (2026): Controlled LLM Training on Spectral Sphere, without its retraction to the sphere.
    """
    for name, count in {"steps": steps, "power_steps": power_steps}.items():
        _checks.whole(name, count)
    _checks.non_negative("tolerance", tolerance)
    _checks.scalar("bisections", bisections, "at least 0", lambda n: n >= 0)
    init = init_for(outputs, stacked)
    table = table_of(coefficients, steps)

    def tangent(matrix: jax.Array, parameter: jax.Array) -> jax.Array:
        if not matrix.size:
            return matrix
        scaled = _unit(_of_size_one(matrix if dtype is None else matrix.astype(jnp.float32)))
        theta = _leading(parameter, scaled.dtype if dtype is None else dtype, power_steps)

        def orthogonal(multiplier: jax.Array) -> jax.Array:
            shift = rounded((theta.astype(scaled.dtype) * multiplier.astype(scaled.dtype)).astype(theta.dtype))
            return iterated(rounded(_unit(scaled + shift).astype(theta.dtype)), table)

        def product(multiplier: jax.Array) -> jax.Array:
            return rounded(jnp.sum(rounded((theta.conj() * orthogonal(multiplier)).real))).astype(matrix.real.dtype)

        return orthogonal(_root(product, tolerance, bisections, matrix.real.dtype)).astype(matrix.dtype)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        return of_matrices(tangent, updates, "spectral_tangent", outputs, stacked, params), state

    return Rule(init, update, needs=("params",), seen=seen_as_matrices(outputs, stacked))


def _leading(matrix: jax.Array, dtype: DType, steps: int) -> jax.Array:
    """The product u v^T of the leading singular vectors of a matrix, by power iteration; 0 of a matrix of zeros."""
    w = rounded(_of_size_one(matrix).astype(dtype)).mT  # outputs x inputs: it begins with the inputs
    back = w.mT.conj()
    ones = jnp.ones((w.shape[-1], 1), w.dtype)
    v = jax.lax.fori_loop(0, steps, lambda _, v: _unit(rounded(back @ rounded(w @ v))), ones)
    return rounded(_unit(rounded(w @ v)) @ v.mT.conj()).mT


def _unit(x: jax.Array) -> jax.Array:
    norm = rounded(jnp.linalg.norm(lift(x)).astype(x.real.dtype))
    return rounded(x / jnp.maximum(norm, TINY))


def _of_size_one(x: jax.Array) -> jax.Array:
    """A matrix, at least in float32, times a power of 2, so that no square in its norm is too large or too small."""
    lifted = lift(x)
    return lifted * by_largest(Reduction([lifted], [None]))


def _root(product: Any, tolerance: Scalar, bisections: int, dtype: DType) -> jax.Array:
    """The multiplier at which a growing function is nearest to 0: bracketed by steps that double, then bisected."""
    zero = jnp.zeros((), dtype)
    at_zero = product(zero)
    step = jnp.where(at_zero < 0, FIRST_STEP, -FIRST_STEP).astype(dtype)

    def crosses(a: jax.Array, b: jax.Array) -> jax.Array:
        return (a <= 0) != (b <= 0)

    def further(carry: Any) -> Any:
        count, _, _, high, at_high = carry
        beyond = high + step * 2**count
        return count + 1, high, at_high, beyond, product(beyond)

    start = (jnp.asarray(1.0, dtype), zero, at_zero, step, product(step))
    _, first, at_first, second, at_second = jax.lax.while_loop(
        lambda carry: (carry[0] < DOUBLINGS) & ~crosses(carry[2], carry[4]), further, start
    )
    nearer = jnp.abs(at_first) < jnp.abs(at_second)
    ascending = at_first <= 0
    search = _Search(
        low=jnp.where(ascending, first, second),
        high=jnp.where(ascending, second, first),
        best=jnp.where(nearer, first, second),
        product=jnp.where(nearer, at_first, at_second),
        halvings=jnp.zeros((), jnp.int32),
    )

    def unfinished(search: _Search) -> jax.Array:
        middle = (search.low + search.high) / 2
        inside = (middle != search.low) & (middle != search.high)
        return (search.halvings < bisections) & (jnp.abs(search.product) > tolerance) & inside

    def halve(search: _Search) -> _Search:
        middle = (search.low + search.high) / 2
        here = product(middle)
        better, below = jnp.abs(here) < jnp.abs(search.product), here < 0
        return _Search(
            low=jnp.where(below, middle, search.low),
            high=jnp.where(below, search.high, middle),
            best=jnp.where(better, middle, search.best),
            product=jnp.where(better, here, search.product),
            halvings=search.halvings + 1,
        )

    found = crosses(at_first, at_second) & (jnp.abs(at_zero) >= tolerance)
    return jnp.where(found, jax.lax.while_loop(unfinished, halve, search).best, zero)


@algorithm(
    variant_of=muon,
    full_name="Spectral sphere: Muon along the sphere of matrices of one spectral norm",
    paper="Xie, Luo, Tang, Hu, Liu, Ren, Wang, Zhao, Yan, Su, Luo and Guo: Controlled LLM Training on Spectral Sphere",
    year=2026,
    url="https://arxiv.org/abs/2601.08393",
    claims=("apart", "order", "scale"),
    expected_failures={
        "shard_map_sharded": WHOLE_MATRICES,
        "no_collectives": WHOLE_MATRICES,
        "matrix_parabola": SPECTRAL_NORM_STAYS,
        "vector_and_matrix": SPECTRAL_NORM_STAYS,
        "parabola": "its one vector is for AdamW, whose rate of 0.015 times that of the matrices is too small for it",
    },
    proof="an independent implementation",
    also_called=("sso",),
)
def spectral_sphere(
    learning_rate: ScalarOrSchedule = 3e-4,
    momentum: Decay = 0.9,
    *,
    nesterov: bool = True,
    power_steps: int = 10,
    ns_steps: int = 5,
    ns_coefficients: Coefficients = "polar_express",
    tolerance: Scalar = 1e-8,
    bisections: int = 100,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    ns_dtype: DType = None,
    accumulator_dtype: DType = None,
) -> Route:
    r"""Spectral sphere: Muon whose steps leave the spectral norm of each matrix, to first order, as it is.

    .. math::

        M_t &= \mu M_{t-1} + (1 - \mu) G_t, \qquad U_t = \mu M_t + (1 - \mu) G_t \quad \text{(with Nesterov)} \\
        P_t &= (1 - \alpha_t w) P_{t-1} - \alpha_t \, \mathrm{NewtonSchulz}_5
               \left( \frac{U_t}{\|U_t\|_F} + \lambda_t u v^T \right)

    with the leading singular vectors u and v of P, and :math:`\lambda_t` such that the step has no part along
    :math:`u v^T`.

    Args:
      learning_rate: the rate alpha of the matrices, at least 0, or a schedule. Default of pytorch_optimizer, like all
        that follow.
      power_steps: how many power iterations find u and v.
      tolerance: how near to 0 the part of a step along u v^T must come.
      bisections: how many are made for that at most.

    State:
      `state["matrices"]["numerator"].value`: M, shaped like the matrices, None for other leaves; `state["rest"]`: that
      of the other optimizer. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.spectral_sphere().slots["matrices"].slots["rescale"]
      spectral_tangent()

    Claim:
      Use it when activations must keep their scale over long runs, and a step may take many orthogonalizations.

    Source:
      T. Xie et al. (2026), as pytorch_optimizer has it: without the paper's retraction, which multiplies each matrix by
      R over its spectral norm before a step, and without the factor R, the root of outputs over inputs, of the step.
      The iterations there are in bfloat16, in which the product with u v^T jumps, so that what bisection finds, and
      with it some tenths of a step, is rounding. `ns_dtype=jnp.bfloat16` rounds as it does, so that its trajectories
      are replayed to the last digit.
    """
    tx = muon(
        learning_rate,
        momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        rest=rest,
        by=by,
        outputs=outputs,
        stacked=stacked,
        accumulator_dtype=accumulator_dtype,
    )
    tangent = spectral_tangent(
        steps=ns_steps,
        coefficients=ns_coefficients,
        power_steps=power_steps,
        tolerance=tolerance,
        bisections=bisections,
        outputs=outputs,
        stacked=stacked,
        dtype=ns_dtype,
    )
    return tx.replace(matrices={"rescale": tangent})
