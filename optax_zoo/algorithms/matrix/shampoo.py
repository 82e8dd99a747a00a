"""Shampoo."""

from typing import Any, Literal

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import WHOLE_MATRICES
from optax_zoo.parts import blocked, coupled_decay, graft, kronecker_roots, optional, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.graft import magnitude_of
from optax_zoo.primitives.inverse_roots import InverseRoot
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Shampoo: inverse roots of the covariances of rows and of columns",
    paper="Gupta, Koren and Singer: Shampoo: Preconditioned Stochastic Tensor Optimization",
    year=2018,
    url="https://arxiv.org/abs/1802.09568",
    example={"learning_rate": 0.1, "eps": 0.1, "every": 2, "max_size": 4},
    claims=("apart", "order"),
    expected_failures={
        "map_params": "it keeps as many factors as its parameters have axes, which Optax does not show it there",
        "state_shardings_follow": "jit lays the factors out as it sees fit where no out_shardings say it",
        "shard_map_sharded": WHOLE_MATRICES,
    },
    proof="an independent implementation",
)
def shampoo(
    learning_rate: ScalarOrSchedule = 0.1,
    momentum: Decay | None = None,
    *,
    b2: Scalar | None = None,
    eps: Scalar = 1e-4,
    root: Scalar | None = None,
    every: int = 1,
    inverse_root: InverseRoot | None = None,
    max_size: int = 10_000,
    block_size: int | None = None,
    magnitude: optax.GradientTransformation | Literal["gradient"] | None = None,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    staggered: bool = False,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""Shampoo: gradients between inverse roots of what their rows and their columns have in common.

    .. math::

        L_t &= L_{t-1} + G_t G_t^T, \qquad R_t = R_{t-1} + G_t^T G_t, \qquad L_0 = R_0 = \epsilon I \\
        M_t &= \mu M_{t-1} + L_t^{-1/4} G_t R_t^{-1/4} \\
        P_t &= P_{t-1} - \alpha_t M_t

    Leaves of k axes have k factors, and roots of order 2k; of a vector it is AdaGrad with the full matrix.

    Args:
      learning_rate: ... Default of torch_optimizer, like that of eps.
      momentum: decay mu of the sum of steps, in [0, 1), or a function of the number of steps taken; None or 0 for none.
      b2: decay of averages of the covariances in place of sums, in [0, 1); None for sums.
      eps: epsilon, at least 0.
      root: the order of the roots; None for 2k. 2 for matrices is that of newer work, see `kronecker_roots`.
      every: how many steps the roots serve, at least 1.
      inverse_root: finds the roots: `coupled_newton()`, which multiplies matrices alone; None for `eigh_root`.
      max_size: axes longer than this have no factor (embeddings and heads).
      block_size: the longest that the blocks can be into which leaves are cut; each has factors of its own. None leaves
        them whole.
      magnitude: whose norm each leaf's step has, see `graft`: `adam().replace(learning_rate=None)` for Adam's,
        `scale_by_sign()`, "gradient" for that; None for Shampoo's own.
      staggered: renew the roots of different leaves at different steps, so that steps take alike.

    State:
      `state["numerator"].factors`: L and R, and `.roots`: their inverse roots, for each axis n a matrix (n, n) of a
      leaf, in `graft` in its `.direction`; with momentum `state["momentum"].value`: M. 16 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.shampoo(every=10, block_size=1024).slots["numerator"]
      blocked(kronecker_roots(10, stacked=1), 1024)

    Claim:
      Use it when steps are dear and matrices small enough to decompose: it needs fewer of them than Adam or AdaGrad.

    Source:
      V. Gupta, T. Koren, Y. Singer (2018), algorithms 1 and 2. Grafting, blocks and roots that serve some steps are of
      `scalable_shampoo`. torch_optimizer takes roots of order k, and the covariance along each axis of what the roots
      along the axes before have made of the gradient; pytorch_optimizer takes both as the paper does, but has no roots,
      and takes no steps, until the number of steps is a multiple of `preconditioning_compute_steps`. Both mix into a
      gradient, as its momentum, the preconditioned one of the step before, which has another unit; here momentum is of
      preconditioned gradients alone.
    """
    whole = block_size is None
    numerator = kronecker_roots(
        every,
        b2,
        eps=eps,
        root=root,
        inverse_root=inverse_root,
        max_size=max_size,
        staggered=staggered,
        stacked=stacked if whole else 1,
    )
    if block_size is not None:
        numerator = blocked(numerator, block_size, stacked=stacked)
    if magnitude is not None:
        own = magnitude_of(magnitude)
        numerator = graft(numerator, own, axis_name=axis_name, stacked=stacked)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=numerator,
        momentum=optional(trace, momentum),
        learning_rate=learning_rate,
    )
