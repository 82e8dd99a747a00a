"""Any optimizer behind normalized or clipped gradients."""

from typing import Any

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import clip_by_norm, in_series, normalize_by_norm
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Scalar, Scope
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Normalized gradients",
    paper="Yu et al.: Block-Normalized Gradient Method: An Empirical Study for Training Deep Neural Network",
    year=2017,
    url="https://arxiv.org/abs/1707.04822",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def normalized(
    inner: optax.GradientTransformation | None = None,
    norm: str = "l2",
    *,
    eps: Scalar = 1e-7,
    scope: Scope = "leaf",
    axis_name: Any = None,
    stacked: Stacked = None,
    learning_rate: ScalarOrSchedule | None = None,
) -> Pipeline:
    r"""Any optimizer, ours or not, behind gradients that are divided by a norm of theirs.

    .. math::

        g_t \leftarrow \frac{g_t}{\|g_t\| + \epsilon} \quad \text{per leaf, then the inner optimizer}

    Args:
      inner: the optimizer that follows; None stands for `adam(learning_rate)`.
      norm: l1, l2, l1_l2, avg_l1, avg_l2, avg_l1_l2, max (alias linf), min_max, std, or one of `register_norm`.
      eps: added to the norm.
      scope: "leaf": one norm a leaf. "tree": one norm of all leaves together.
      learning_rate: the rate of the default inner optimizer, 1e-3 unless given; not to be given with `inner`.

    State:
      That of the inner optimizer: by slot for a `Pipeline`, else in `state["learning_rate"]`. 8 bytes a parameter.

    Raises:
      ValueError: for an unknown norm, a number outside its range, or a learning_rate beside an inner optimizer.

    Example:
      >>> import optax, optax_zoo as zoo
      >>> zoo.normalized(zoo.sgd(0.1), "max")
      pipeline(gradient=normalize_by_norm('max'), learning_rate=0.1)
      >>> zoo.normalized(optax.adam(1e-3))
      pipeline(gradient=normalize_by_norm('l2'), learning_rate=optax.chain(...))

    Claim:
      Use it when networks are deep, and gradients of layers differ in size by orders of magnitude.

    Source:
      A. W. Yu et al. (2017); titu1994/keras-normalized-optimizers for the nine norms and eps. That code adds eps three
      times in l1_l2, hence `eps=2e-7` there.
    """
    stage = normalize_by_norm(norm, eps=eps, scope=scope, axis_name=axis_name, stacked=stacked)
    return _behind(stage, inner, learning_rate)


@algorithm(
    variant_of=normalized,
    full_name="Clipped gradients",
    paper="Pascanu, Mikolov and Bengio: On the Difficulty of Training Recurrent Neural Networks",
    year=2013,
    url="https://proceedings.mlr.press/v28/pascanu13.html",
)
def clipped(
    inner: optax.GradientTransformation | None = None,
    norm: str = "l2",
    max_norm: Scalar = 1.0,
    *,
    eps: Scalar = 1e-7,
    scope: Scope = "leaf",
    axis_name: Any = None,
    stacked: Stacked = None,
    learning_rate: ScalarOrSchedule | None = None,
) -> Pipeline:
    r"""Any optimizer, ours or not, behind gradients that are scaled down to a largest norm.

    .. math::

        g_t \leftarrow g_t \min\left(1, \frac{c}{\|g_t\| + \epsilon}\right) \quad
        \text{per leaf, then the inner optimizer}

    Args:
      max_norm: the largest norm c that is left alone, above 0.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.clipped(zoo.sgd(0.1), "l1", 0.5)
      pipeline(gradient=clip_by_norm('l1', 0.5), learning_rate=0.1)

    Claim:
      Use it when gradients explode now and then, as those of recurrent networks.

    Source:
      R. Pascanu et al. (2013), who clip the norm of the whole tree: `scope="tree"`.
      titu1994/keras-normalized-optimizers for the nine norms and eps, per leaf.
    """
    stage = clip_by_norm(norm, max_norm, eps=eps, scope=scope, axis_name=axis_name, stacked=stacked)
    return _behind(stage, inner, learning_rate)


def _behind(
    stage: optax.GradientTransformation,
    inner: optax.GradientTransformation | None,
    learning_rate: ScalarOrSchedule | None,
) -> Pipeline:
    """An optimizer whose raw gradient first passes another stage."""
    if inner is None:
        return adam(1e-3 if learning_rate is None else learning_rate).replace(gradient=stage)
    if learning_rate is not None:
        raise ValueError(f"learning_rate is {learning_rate!r}, but the inner optimizer brings its own; give only one.")
    if not isinstance(inner, Pipeline):
        return pipeline(gradient=stage, learning_rate=inner)
    return inner.replace(gradient=in_series(norm=stage, gradient=inner.slots.get("gradient")))
