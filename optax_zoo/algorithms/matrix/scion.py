"""Scion."""

import math
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import WHOLE_MATRICES
from optax_zoo.parts import decoupled_decay, ema, in_series, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.coefficients import KELLER_JORDAN, Coefficients
from optax_zoo.primitives.matrices import MatrixAxes, Outputs, init_for, matrix_axes, seen_as_matrices
from optax_zoo.primitives.orthogonalize import orthogonalize
from optax_zoo.primitives.part import Rule, primitive, update_of
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.statistics import square
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm

Ball: TypeAlias = Literal["auto", "spectral", "convolution", "sign", "rms", "column", "row"]
BALLS = ("auto", "spectral", "convolution", "sign", "rms", "column", "row")


@primitive
def longest_step(
    norm: Ball = "auto",
    *,
    radius: Scalar = 1.0,
    normalized: bool | None = None,
    at_least_one: bool = False,
    transposed: bool = False,
    steps: int = 5,
    coefficients: Coefficients = KELLER_JORDAN,
    outputs: Outputs = "last",
    stacked: Stacked = None,
    dtype: DType = None,
) -> Rule:
    r"""Of all steps whose norm is the radius, the one farthest along the update: a linear minimization oracle (Scion).

    For a matrix W of n_out outputs and n_in inputs, all multiplied by the radius:

    | norm | step |
    | --- | --- |
    | "spectral" | :math:`\sqrt{n_{out} / n_{in}}` times the orthogonalized update |
    | "convolution" | that of the kernel as a matrix, with n_in its channels, divided by the number of its places |
    | "sign" | the signs, divided by n_in |
    | "row" | each output's weights divided by their norm, and by :math:`\sqrt{n_{in}}` |
    | "column" | each input's weights divided by their root mean square |
    | "rms" | the same; a vector by its root mean square |
    | "auto" | "rms" for vectors and numbers, "spectral" for matrices, "convolution" for more axes |

    Updates are finite for all finite ones of float32 whose squares are, as norms have 1e-8 added; 0 stays 0.

    Args:
      norm: one of these.
      radius: what steps are multiplied by.
      normalized: whether lengths of axes count as in the table, as they should in all but first layers: without it
        "spectral" has the factor :math:`\sqrt{n_{out}}`, "sign" and "row" none. None stands for True, but for
        "column", which with it is divided by n_in as well.
      at_least_one: whether the factor of "spectral" is at least 1.
      transposed: whether "row" and "column" change places, for embeddings.
      steps: how many Newton-Schulz iterations, see `orthogonalize`, as for the rest.

    Returns:
      A stateless transformation.

    Raises:
      ValueError: for a leaf that has not the axes that its norm needs, with its path.

    Source:
      T. Pethick et al. (2025): Training Deep Learning Models with Norm-Constrained LMOs; LIONS-EPFL/scion.
    """
    _checks.one_of("norm", norm, BALLS)
    _checks.positive("radius", radius)
    _checks.one_of("outputs", outputs, ["first", "last"])
    init = init_for(outputs, stacked)
    polar = update_of(
        orthogonalize(steps=steps, coefficients=coefficients, outputs=outputs, stacked=stacked, dtype=dtype)
    )
    scaled = (norm != "column") if normalized is None else normalized

    def kind_of(axes: MatrixAxes) -> str:
        if norm != "auto":
            return norm
        count = len(axes.inputs) + len(axes.outputs)
        return "rms" if count < 2 else "spectral" if count == 2 else "convolution"

    def factor(kind: str, axes: MatrixAxes) -> float:
        """What an orthogonalized matrix is multiplied by."""
        channels = axes.shape[axes.inputs[0 if outputs == "first" else -1]] if kind == "convolution" else axes.rows
        found = math.sqrt(axes.columns / channels if scaled or kind == "convolution" else axes.columns)
        if kind == "convolution":
            return found * channels / axes.rows
        return max(1.0, found) if at_least_one else found

    def divided(kind: str, g: jax.Array, axes: MatrixAxes) -> jax.Array:
        over, length = axes.outputs, axes.columns
        if (kind == "row") != (transposed and kind != "rms"):
            over, length = axes.inputs, axes.rows
        sizes = root_of(jnp.sum(square(g), over, keepdims=True))
        if kind == "row":
            return g / (sizes * (math.sqrt(length) if scaled else 1.0) + 1e-8)
        other = math.prod(axes.shape[axis] for axis in (*axes.inputs, *axes.outputs)) // max(1, length)
        return g / (sizes / math.sqrt(max(1, length)) * (other if scaled and kind == "column" else 1) + 1e-8)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        paths = [path for path, _ in jax.tree.leaves_with_path(updates)]
        axes = matrix_axes(updates, outputs, stacked)
        kinds = list(map(kind_of, axes))
        for path, g, kind, seen in zip(paths, leaves, kinds, axes, strict=True):
            if kind != "rms" and not seen.is_matrix:
                raise ValueError(
                    f"norm is {norm!r}, which is for matrices, but the leaf {jax.tree_util.keystr(path)} has the shape "
                    f"{g.shape}: give it another norm with route(matrices=..., rest=...)."
                )
        chosen = [kind in ("spectral", "convolution") for kind in kinds]
        whole = jax.tree.unflatten(treedef, [g if each else None for g, each in zip(leaves, chosen, strict=True)])
        polars = iter(jax.tree.leaves(polar(whole, state)[0]))
        made = []
        for g, kind, seen, is_polar in zip(leaves, kinds, axes, chosen, strict=True):
            if is_polar:
                step = next(polars) * (factor(kind, seen) if g.size else 1.0)
            elif kind == "sign":
                step = jnp.sign(g) / (max(1, seen.rows) if scaled else 1)
            else:
                step = divided(kind, g, seen)
            made.append(step * radius)
        return jax.tree.unflatten(treedef, made), state

    return Rule(init, update, seen=seen_as_matrices(outputs, stacked))


@algorithm(
    full_name="Scion: conditional gradients over norm balls",
    paper="Pethick, Xie, Antonakopoulos, Zhu, Silveti-Falls and Cevher: Training Deep Learning Models with "
    "Norm-Constrained LMOs",
    year=2025,
    url="https://arxiv.org/abs/2502.07529",
    example={"learning_rate": 5e-3, "constrained": False},
    claims=("apart", "order", "scale", "sign"),
    expected_failures={"shard_map_sharded": WHOLE_MATRICES, "no_collectives": WHOLE_MATRICES},
    proof="an independent implementation",
)
def scion(
    learning_rate: ScalarOrSchedule = 1e-3,
    momentum: Decay = 0.9,
    *,
    norm: Ball = "auto",
    radius: Scalar = 1.0,
    constrained: bool = True,
    normalized: bool | None = None,
    at_least_one: bool = False,
    transposed: bool = False,
    ns_steps: int = 5,
    ns_coefficients: Coefficients = KELLER_JORDAN,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    outputs: Outputs = "last",
    stacked: Stacked = None,
    ns_dtype: DType = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Scion: steps to where a ball of a norm for the leaf's kind lies farthest down the average gradient.

    .. math::

        m_t &= \mu m_{t-1} + (1 - \mu) g_t, \qquad
        s_t = \rho \, \underset{\|s\| \le 1}{\mathrm{arg\,max}} \langle m_t, s \rangle \\
        p_t &= (1 - \alpha_t) p_{t-1} - \alpha_t s_t \quad \text{(constrained)}

    Constrained parameters that begin in the ball of the radius :math:`\rho` stay in it.

    Args:
      learning_rate: ... Default of the authors' code, like norm, radius and constrained.
      momentum: decay mu, in [0, 1), or a function of the number of steps taken: 1 minus what the authors call momentum.
      norm: of which ball, see `longest_step`.
      radius: rho, the authors' scale: 50 for hidden matrices, 3000 for a head with "sign".
      constrained: whether the parameters shrink by the rate at each step.
      normalized: whether lengths of axes count, see `longest_step`; None for what the norm has by default.
      at_least_one: whether the factor of "spectral" is at least 1.
      transposed: whether "row" and "column" change places, for embeddings.
      ns_steps: how many Newton-Schulz iterations.
      ns_coefficients: their coefficients, see `orthogonalize`.
      weight_decay: ... Beside the shrinkage.
      outputs: which axis of a leaf has its outputs: "last" as in Flax, "first" as in PyTorch.
      ns_dtype: what the iterations are computed in (bfloat16 in the authors' code); None for float32 or wider.

    State:
      `state["numerator"].value`: m, shaped like the parameters. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.scion(norm="sign", radius=3000).slots["rescale"]
      longest_step('sign', radius=3000)

    Claim:
      Use it when learning rates should carry over from narrow networks to wide ones: the norm of each layer's step is
      what it should be for its kind.

    Source:
      T. Pethick et al. (2025); LIONS-EPFL/scion, replayed as pytorch_optimizer has it, with `constraint=False` by
      default, momentum 0.1 and a weight decay of its own. What is no matrix has no spectral norm: "auto" divides
      vectors by their root mean square. A head should have "sign": `route(...)` with one `scion` a kind.
    """
    step = longest_step(
        norm,
        radius=radius,
        normalized=normalized,
        at_least_one=at_least_one,
        transposed=transposed,
        steps=ns_steps,
        coefficients=ns_coefficients,
        outputs=outputs,
        stacked=stacked,
        dtype=ns_dtype,
    )
    shrinking = decoupled_decay(1.0) if constrained else None
    return pipeline(
        numerator=ema(momentum, accumulator_dtype=accumulator_dtype),
        rescale=step,
        learning_rate=learning_rate,
        decay=in_series(constraint=shrinking, decay=optional(decoupled_decay, weight_decay, weight_decay_mask)),
    )
