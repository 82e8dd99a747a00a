"""PSGD Kron."""

from typing import Any

import jax
import jax.numpy as jnp
from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import WHOLE_MATRICES
from optax_zoo.parts import clip_by_norm, debiased, decoupled_decay, ema, fitted_whitening, optional, serial
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.psgd import Diagonal, Noise
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Key, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="PSGD Kron: preconditioned by Kronecker factors that are fitted to probes",
    paper="Pooladzandi and Li: Curvature-Informed SGD via General Purpose Lie-Group Preconditioners",
    year=2024,
    url="https://arxiv.org/abs/2402.04553",
    example={"learning_rate": 3e-3, "weight_decay": 1e-3, "probability": 0.5, "max_size": 4},
    expected_failures={
        "map_params": "it keeps as many factors as its parameters have axes, which Optax does not show it there",
        "state_shardings_follow": "jit lays the factors out as it sees fit where no out_shardings say it",
        "shard_map_sharded": WHOLE_MATRICES,
        "no_collectives": WHOLE_MATRICES,
    },
    proof="authors' code",
    also_called=("kron",),
)
def psgd_kron(
    learning_rate: ScalarOrSchedule = 3e-4,
    b1: Decay = 0.9,
    *,
    probability: Decay | None = None,
    factor_rate: Scalar = 0.1,
    initial: Scalar = 1.0,
    balance: Decay = 0.01,
    of_momentum: bool = True,
    max_size: int = 8192,
    min_axes: int = 2,
    diagonal: Diagonal = None,
    merge: bool = True,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    key: Key | None = None,
    noise: Noise | None = None,
    factor_dtype: DType = None,
    accumulator_dtype: DType = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""PSGD Kron: the average gradient, whitened by factors that follow it without decompositions.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad M_t = m_t / (1 - \beta_1^t) \text{, seen as a matrix} \\
        A_t &= Q_L (M_t + \delta \, \overline{|M_t|} \, V_t) Q_R^T, \qquad B_t = Q_L^{-T} V_t Q_R^{-1}, \qquad
               V_t \sim N(0, 1) \\
        Q_L &\leftarrow Q_L - \mu \frac{\mathrm{triu}(A_t A_t^T - B_t B_t^T)}{\|A_t A_t^T + B_t B_t^T\|} Q_L, \qquad
               \text{and } Q_R \text{ likewise with the transposes} \\
        U_t &= Q_L^T Q_L M_t Q_R^T Q_R \\
        p_t &= p_{t-1} - \alpha_t \left( \min(1, 1.1 / \mathrm{rms}(U_t)) \, U_t + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of the authors' code, like all that follow.
      probability: one over the number of steps that the factors serve, see `fitted_whitening`; None: 1 for 500 steps,
        then falling to 0.03 at step 4000.
      factor_rate: the rate mu of the factors, at least 0.
      initial: what the product of the first factors is as a multiple of the identity, above 0.
      balance: how probable it is that a step which fits the factors balances them first, or a function of the number
        of steps taken.
      of_momentum: whether they are fitted to M, or to the gradient.
      max_size: longer axes have diagonal factors.
      min_axes: leaves of fewer axes have diagonal factors.
      diagonal: which axes have diagonal factors besides, to save memory: the "longest" of a leaf; that only where it is
        "longest_alone"; "all"; None for none.
      merge: whether leaves of more than two axes are seen as matrices.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none.
      weight_decay_mask: ... None stands for those of two and more axes.
      noise: what draws the probes, see `fitted_whitening`.
      factor_dtype: dtype of the factors; by default that of the leaf, at least float32.
      accumulator_dtype: dtype of m; by default the gradient's, at least float32.

    State:
      `state["numerator"].estimator.value`: m, `state["rescale"]["whiten"].factors`: Q_L and Q_R, for each axis n of a
      leaf an upper triangular matrix (n, n), or a vector (n,). 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.psgd_kron(diagonal="longest").slots["rescale"]
      serial(whiten=fitted_whitening(diagonal='longest'), clip=clip_by_norm('avg_l2', 1.1, eps=1e-12))

    Claim:
      Use it when you want steps like Shampoo's or SOAP's without their decompositions, in low precision too.

    Source:
      O. Pooladzandi, X.-L. Li (2024); evanatyourservice/psgd_jax, and kron_torch, which differs in two points. It adds
      the probe to M in place, so that the step has that noise, too, of 3e-4 of the mean modulus: the trajectories
      recorded of it are met with the noise left in, and not without. And it sees kernels of more axes as matrices, of
      two ways that with more rows than columns, whatever their number: (64, 3, 3, 3) as 576 x 3, not as 64 x 27.
    """
    mask = several_axes if weight_decay_mask is None else weight_decay_mask
    whiten = fitted_whitening(
        probability,
        rate=factor_rate,
        initial=initial,
        balance=balance,
        of_gradient=not of_momentum,
        max_size=max_size,
        min_axes=min_axes,
        diagonal=diagonal,
        merge=merge,
        key=key,
        noise=noise,
        factor_dtype=factor_dtype,
        stacked=stacked,
    )
    return pipeline(
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        rescale=serial(whiten=whiten, clip=clip_by_norm("avg_l2", 1.1, eps=1e-12, stacked=stacked)),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, mask),
    )


def several_axes(params: Any) -> Any:
    """A mask: leaves of two and more axes."""
    return jax.tree.map(lambda p: jnp.ndim(p) > 1, params)
