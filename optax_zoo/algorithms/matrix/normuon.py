"""NorMuon."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms.matrix.muon import muon
from optax_zoo.parts import serial
from optax_zoo.primitives.coefficients import KELLER_JORDAN, Coefficients
from optax_zoo.primitives.matrices import MatrixAxes, OutputAxes, init_for, is_of_shapes, matrix_axes
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import scalar_dtype
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.statistics import square
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route


class OutputSquaresState(NamedTuple):
    """State of `even_outputs`.

    Attributes:
      mean_square: average mean square of the step of each output, of length 1 along the inputs of a leaf.
    """

    mean_square: Any


@primitive
def even_outputs(
    decay: Scalar = 0.95, *, eps: Scalar = 1e-10, outputs: OutputAxes = "last", stacked: Stacked = None
) -> Rule:
    r"""Divides the step of each output by its average size, and keeps the norm of each matrix (NorMuon).

    .. math::

        v \leftarrow \beta v + (1 - \beta) \, \mathrm{mean}_{in}(u^2), \qquad
        w = \frac{u}{\sqrt{v} + \epsilon}, \qquad u \leftarrow w \, \frac{\|u\|_F}{\|w\|_F + \epsilon}

    It is made for orthogonal steps, whose entries are at most about 1. Leaves of less than two axes stay.

    Args:
      decay: beta, in [0, 1).
      eps: added to the root and to the norm.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers; see `normalize_by_norm`.

    Returns:
      A transformation with state `OutputSquaresState`.
    """
    _checks.decay("decay", decay)
    _checks.non_negative("eps", eps)
    check = init_for(outputs, stacked)

    def mean_square(x: jax.Array, axes: MatrixAxes) -> jax.Array:
        return jnp.sum(square(x), axes.inputs, keepdims=True) / max(1, axes.rows)

    def norm(x: jax.Array, axes: MatrixAxes) -> jax.Array:
        return root_of(jnp.sum(square(x), (*axes.inputs, *axes.outputs), keepdims=True))

    def init(params: Any) -> OutputSquaresState:
        check(params)
        leaves, treedef = jax.tree.flatten(params)
        sizes = zip(leaves, matrix_axes(params, outputs, stacked), strict=True)
        zeros = [jnp.zeros_like(mean_square(p, axes), scalar_dtype(p)) for p, axes in sizes]
        return OutputSquaresState(jax.tree.unflatten(treedef, zeros))

    def update(updates: Any, state: OutputSquaresState, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        axes = matrix_axes(updates, outputs, stacked)

        def even(u: jax.Array, v: jax.Array, seen: MatrixAxes) -> tuple[jax.Array, jax.Array]:
            if not seen.is_matrix:
                return u, v
            v = decay * v + (1 - decay) * mean_square(u, seen)
            w = u / (root_of(v) + eps)
            return w * (norm(u, seen) / (norm(w, seen) + eps)), v

        made = list(map(even, leaves, jax.tree.leaves(state.mean_square), axes))
        steps, squares = zip(*made, strict=True) if made else ((), ())
        return jax.tree.unflatten(treedef, steps), OutputSquaresState(jax.tree.unflatten(treedef, squares))

    return Rule(init, update, by_leaf=is_of_shapes(outputs, stacked))


@algorithm(
    variant_of=muon,
    full_name="NorMuon: Muon with steps of equal size for all outputs",
    paper="Li, Liu, Liang, Chen and Zhao: NorMuon: Making Muon more efficient and scalable",
    year=2025,
    url="https://arxiv.org/abs/2510.05491",
)
def normuon(
    learning_rate: ScalarOrSchedule = 2e-2,
    momentum: Decay = 0.95,
    b2: Scalar = 0.95,
    *,
    nesterov: bool = True,
    ns_steps: int = 5,
    ns_coefficients: Coefficients = KELLER_JORDAN,
    eps: Scalar = 1e-10,
    shape_factor: Literal["spectral", "rms", "ratio"] | None = "spectral",
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    ns_dtype: DType = None,
    accumulator_dtype: DType = None,
) -> Route:
    r"""NorMuon: Muon whose orthogonalized steps are divided, output by output, by their average size.

    .. math::

        O_t &= \mathrm{NewtonSchulz}_5(\mu M_t + (1 - \mu) G_t), \qquad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2) \, \mathrm{mean}_{in}(O_t^2) \\
        U_t &= \frac{O_t}{\sqrt{v_t} + \epsilon}, \qquad
        P_t = (1 - \alpha_t \lambda) P_{t-1} - \alpha_t \sqrt{\max(1, n_{out} / n_{in})} \; U_t
              \frac{\|O_t\|_F}{\|U_t\|_F + \epsilon}

    with M as in `muon`, and v for each output.

    Args:
      b2: decay of the average mean squares, in [0, 1).
      eps: added to their root, and to the norm that steps are divided by.

    State:
      `state["matrices"]["numerator"].value`: M, and `["rescale"]["even"].mean_square`: v, a number for each output of
      the matrices; `state["rest"]`: that of the other optimizer. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.normuon().slots["matrices"].slots["rescale"]
      serial(muon=serial(orthogonalize=orthogonalize(), shape=scale_by_shape()), even=even_outputs())

    Claim:
      Use it when you would use Muon: it evens out neurons whose steps differ much in size, for a number a neuron.

    Source:
      Z. Li et al. (2025); zichongli5/NorMuon. v starts from 0 and is not corrected, which the norm makes up for. The
      paper's algorithm brings steps to a root mean square of 0.2 instead of back to the norm that they had, as
      pytorch_optimizer has it with `update_scale="match_rms"`; `shape_factor="rms"` is nearest to that.
    """
    tx = muon(
        learning_rate,
        momentum,
        nesterov=nesterov,
        ns_steps=ns_steps,
        ns_coefficients=ns_coefficients,
        shape_factor=shape_factor,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        rest=rest,
        by=by,
        outputs=outputs,
        stacked=stacked,
        ns_dtype=ns_dtype,
        accumulator_dtype=accumulator_dtype,
    )
    step = tx.slots["matrices"].slots["rescale"]
    even = even_outputs(b2, eps=eps, outputs=outputs, stacked=stacked)
    return tx.replace(matrices={"rescale": serial(muon=step, even=even)})
