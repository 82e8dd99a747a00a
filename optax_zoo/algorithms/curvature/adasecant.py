"""AdaSecant."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.parts import normalize_by_average_norm, scale_by_secant
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdaSecant: robust adaptive secant method",
    paper="Gulcehre, Moczulski and Bengio: ADASECANT: Robust Adaptive Secant Method for Stochastic Gradient",
    year=2014,
    url="https://arxiv.org/abs/1412.7419",
    example={"learning_rate": 1.0},
    claims=("apart", "order"),
    expected_failures={
        "inject_hyperparams_bfloat16_default": "on bfloat16 parameters optax.inject_hyperparams casts slow_decay to "
        "0.9961 before the factory sees it: pass hyperparam_dtype=jnp.float32",
    },
    proof="authors' code",
)
def adasecant(
    learning_rate: ScalarOrSchedule = 1.0,
    slow_decay: Scalar = 0.995,
    *,
    gamma_clip: Scalar | None = None,
    gamma_reg: Scalar = 1e-6,
    start_var_reduction: int | None = 0,
    delta_clip: Scalar | None = None,
    use_adagrad: bool = False,
    eps: Scalar = 1e-7,
    eps_root: Scalar = 1e-7,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""AdaSecant: gradients of reduced variance times a rate from secants, averaged over horizons that adapt.

    With E the elementwise average :math:`E_t[x] = (1 - 1 / \tau_t) E_{t-1}[x] + x_t / \tau_t`:

    .. math::

        g_t &= \frac{\nabla_t}{\sqrt{n_t / (1 - \rho^t)} + \epsilon}, \qquad n_1 = \|\nabla_1\|^2, \qquad
               n_{t+1} = \rho n_t + (1 - \rho) \|g_t\|^2 \quad \text{(per leaf)} \\
        c_t &= \frac{g_t + \gamma_t m_t}{1 + \gamma_t}, \qquad m_t = \frac{E_t[g]}{w_t}, \qquad
               \gamma_t = \frac{\sqrt{E_{t-1}[(g - c^-)^2 (c^- - m)^2]}}
                               {\sqrt{E_{t-1}[(m - g)^2 (c^- - m)^2] + \epsilon} + \gamma_r}, \qquad c^-_t = c_{t-1} \\
        d_t &= -\left(\frac{\sqrt{E_{t-1}[d^2] + \epsilon_r}}{\sqrt{E_t[y^2] + \epsilon_r}}
               - \frac{E_{t-1}[y d]}{E_t[y^2] + \epsilon_r}\right) c_t, \qquad y_t = g_t - g_{t-1} \\
        \tau_{t+1} &= \left(1 - \frac{E_{t-1}[d]^2}{E_{t-1}[d^2] + \epsilon}\right) \tau_t + 1 + \epsilon,
               \quad \text{kept in } [1.5, 10^7] \\
        p_t &= p_{t-1} + \alpha_t d_t

    w is the weight of E[g]. Averages start from eps, those of the step from g and g^2, tau from 2.1. Where g or y is
    more than two standard deviations from its mean, a tau above 2.5 becomes 2.5 and another grows by 1 more.

    Args:
      learning_rate: the factor alpha, at least 0, or a schedule; the averages of d do not see it. The authors have
        none, that is 1. (What their workshop code calls so is eps_root.)
      slow_decay: decay rho of the average norm, in [0, 1). Default of the authors' latest code, like all that follow.
      gamma_clip: the largest gamma, at least 0; None or 0 for no limit.
      gamma_reg: gamma_r, added to the denominator of gamma, outside the root.
      start_var_reduction: the number of steps for which c is g; None for all.
      delta_clip: the largest size of what multiplies c, at least 0; None or 0 for no limit.
      use_adagrad: divide d by the root of the sum of all c^2 so far, where that is above 1.
      eps: what averages start from, and damping of the quotients for g, gamma and tau.
      eps_root: added inside the roots of the rate.

    State:
      `state["gradient"].mean_square`: n, a scalar a leaf (of stacked layers one each), `.weight`: 1 - rho^t (scalar);
      `state["rescale"].count`: steps taken (int32 scalar), `.horizon`: tau, `.weight`: w, `.gradient`: g,
      `.corrected_gradient`: c, and `.mean_gradient`, `.mean_square_gradient`, `.gamma_numerator`, `.gamma_denominator`,
      `.mean_change` (y), `.mean_square_change`, `.mean_step` (d), `.mean_square_step`, `.covariance` (y d): the
      averages; with use_adagrad `.total`: the sum of c^2. All shaped like the parameters. On a CPU the jitted, donated
      step needs 6 more arrays of a leaf's size (4 without variance reduction): tau, c, the averages of d and those for
      gamma enter each other's new values, so that XLA copies old ones. 52 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.create("adasecant", gamma_clip=1.8)
      pipeline(gradient=normalize_by_average_norm(), rescale=scale_by_secant(gamma_clip=1.8), learning_rate=1)

    Claim:
      Use it when no learning rate is to be tuned: it is found from curvature along each coordinate, with less variance.

    Source:
      C. Gulcehre, M. Moczulski, Y. Bengio (2014); class Adasecant2 of caglar/dntm, which this follows. Class Adasecant
      there is `scale_by_secant(decay=0.95)`. The code of the workshop paper (caglar/adasecant_wshp_paper) divides by
      the norm itself, `normalize_by_norm("l2")`, corrects no average, and is `scale_by_secant(decay=0.95, debias=False,
      gamma_clip=1.8, gamma_reg=0.0, outlier_horizon=2.2, outlier_growth=None, max_horizon=1e8, seed_mean_step=False)`.
      The later code averages the norm of g where it means that of the raw gradient, so that it does not cancel the
      gradient's scale, and starts E[d] from g though d points against it. One departure: n starts with a leaf's first
      gradient that is not 0; the authors' n stays 0 after a first gradient of 0, and the next is divided by eps.
    """
    return pipeline(
        gradient=normalize_by_average_norm(slow_decay, eps=eps, axis_name=axis_name, stacked=stacked),
        rescale=scale_by_secant(
            gamma_clip=gamma_clip,
            gamma_reg=gamma_reg,
            start_var_reduction=start_var_reduction,
            delta_clip=delta_clip,
            use_adagrad=use_adagrad,
            eps=eps,
            eps_root=eps_root,
        ),
        learning_rate=learning_rate,
    )
