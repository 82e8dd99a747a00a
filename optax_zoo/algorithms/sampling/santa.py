"""Santa, with Euler's scheme and with the symmetric splitting scheme."""

from typing import Any

import jax.numpy as jnp
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import (
    already_applied,
    ema,
    euler,
    integrator,
    power_growth,
    root,
    square,
    symmetric_splitting,
    thermostat,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.thermostat import Annealing, Diffusion, Noise
from optax_zoo.primitives.types import Decay, DType, Key, Scalar
from optax_zoo.registry import algorithm

_SQUARE_ROOT = power_growth(0.5)
_EXPECTED_FAILURES = {
    "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16,
    "shard_map_sharded": "every shard draws the same noise under jax.shard_map: shard with jax.jit instead",
}


@algorithm(
    full_name="Santa-E: stochastic annealing thermostats with adaptive momentum, Euler scheme",
    paper="Chen, Carlson, Gan, Li and Carin: Bridging the Gap between Stochastic Gradient MCMC and Stochastic "
    "Optimization",
    year=2016,
    url="https://arxiv.org/abs/1512.07962",
    example={"learning_rate": 1e-4, "burnin": 500},
    claims=("apart",),
    expected_failures=_EXPECTED_FAILURES,
    proof="authors' code",
)
def santa_e(
    learning_rate: ScalarOrSchedule = 1e-4,
    data_size: Scalar = 60000,
    sigma: Decay = 0.999,
    *,
    friction: Scalar = 100.0,
    burnin: Scalar = 5000,
    annealing: Annealing = _SQUARE_ROOT,
    correction: bool = False,
    diffusion: Scalar | Diffusion = 100.0,
    eps_root: Scalar = 1e-8,
    key: Key | None = None,
    noise: Noise | None = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Santa-E: preconditioned momentum with noise that is annealed away and friction that adapts, by Euler's scheme.

    .. math::

        v_t &= \sigma v_{t-1} + (1 - \sigma) g_t^2, \qquad G_t = \frac{1}{\sqrt{\epsilon + \sqrt{v_t}}},
               \qquad \eta = l_t / N \\
        \alpha_t &= \alpha_{t-1} + u_{t-1}^2 - \eta / \beta_t \quad \text{while } t < \text{burnin},
                    \text{ else } \alpha_{t-1} \\
        u_t &= (1 - \alpha_t) u_{t-1} + l_t G_t g_t + \sqrt{2 F_t \eta / \beta_t}\, \zeta_t,
               \qquad \zeta_t \sim \mathcal{N}(0, 1) \text{ while } t < \text{burnin, else } 0 \\
        p_t &= p_{t-1} - G_t u_t, \qquad \beta_t = \sqrt{t}, \qquad F_t = 100 \sqrt{\eta}, \qquad
               u_0 \sim \mathcal{N}(0, \eta), \qquad \alpha_0 = C \sqrt{\eta}

    Args:
      learning_rate: the rate l of the mean gradient, at least 0, or a schedule; the paper's step size is eta = l / N.
        The default is ours: the authors' lie between 1e-7 (Caffe) and 1e-3 (RNN).
      data_size: N, above 0: how many examples the loss is a mean of. Default of the authors' Caffe code, like sigma,
        friction, burnin and eps_root.
      sigma: decay of the average squared gradient, in [0, 1), or a function of the number of steps taken.
      friction: the constant C, at least 0: alpha starts at C sqrt(eta), at the first rate.
      burnin: at least 0: explore in the steps t < burnin, refine from there on; 0 to refine only.
      annealing: inverse temperature beta: above 0, math.inf for temperature 0, or a function of the number of steps
        taken. Default of the authors' MATLAB and RNN codes.
      correction: add eta / beta (1 - G_{t-1} / G_t) / u_{t-1} to the noise, where u is not 0 (the paper).
      diffusion: F, how strong the noise is: a number c for c sqrt(eta), as in the MATLAB code, or a function of eta,
        1 / G_t and 1 / G_{t-1} (of 1 / G_t again without a correction): `by_preconditioner` for the paper's G_{t-1}.
      eps_root: epsilon under the outer root, at least 0.
      key: ... What is drawn is the first velocity and the noise.
      noise: what draws zeta and the first velocity: a function of a key, of t and of a tree of zeros to fill, where
        t = 0 for the first velocity, then 1, 2, ...; None for standard normal draws. Replays recorded draws.

    State:
      `state["momentum"].velocity`: u, `.friction`: alpha and `.preconditioner.value`: v, shaped like the parameters;
      `.count`: steps taken (int32 scalar), and `.key`: raw key data (uint32), both None where burnin is 0; with a
      correction `.scale_before`: 1 / G_{t-1}, shaped like the parameters, 0 before the first step. On a CPU the jitted,
      donated step needs 5 more arrays of a leaf's size: 4 to draw normal numbers, also after the burn-in, and 1 for 1 /
      G, which several sub-steps read. With a correction it needs 6; with burnin=0, which draws nothing, 1. 12 bytes a
      parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.santa_e(1e-4, data_size=10000, burnin=500).slots["momentum"]
      thermostat(root(root(ema(0.999, of=square), eps=0), eps=0, eps_root=1e-08), euler,
      data_size=10000, burnin=500, annealing=power_growth(0.5), velocity=0.0001, friction=0.01)

    Claim:
      Use it when many minima compete: noise that is annealed explores first, and the last steps refine.

    Source:
      C. Chen et al. (2016); cchangyou/Santa, the Caffe solver Santa_e. No two of the published forms agree.
      The paper's noise has F = G_{t-1} and comes with the correction; the Caffe code has F = sqrt(eta) G_t, abs(zeta)
      for zeta, no correction unless asked for, and beta = t^2; the RNN code has F = v / N and starts at u = 0 and
      alpha = 0.5. F is here the constant of the MATLAB code: an element without a gradient has G = 1 / sqrt(eps_root)
      = 1e4, and noise moves it by sqrt(2 F eta) G in the first step, by 0.04 at the defaults, but by 58 with the
      paper's F. Its first velocity alone carries it G / C = 100 far: eps_root=1e-4 (MATLAB, while exploring) makes
      that 1. u points uphill, as in the Caffe code: the paper's is -u. The paper's gradients are sums over the data,
      divided by N for v; ours are means. The scheme diverges once alpha exceeds 2 (a quadratic at a rate of 0.1);
      `santa_sss` not.
    """
    options = dict(burnin=burnin, annealing=annealing, correction=correction, diffusion=diffusion, key=key, noise=noise)
    return _santa(euler, learning_rate, data_size, sigma, friction, eps_root, accumulator_dtype, options)


@algorithm(
    variant_of=santa_e,
    full_name="Santa-SSS: stochastic annealing thermostats with adaptive momentum, symmetric splitting scheme",
)
def santa_sss(
    learning_rate: ScalarOrSchedule = 1e-4,
    data_size: Scalar = 60000,
    sigma: Decay = 0.999,
    *,
    friction: Scalar = 100.0,
    burnin: Scalar = 5000,
    annealing: Annealing = _SQUARE_ROOT,
    correction: bool = False,
    diffusion: Scalar | Diffusion = 100.0,
    eps_root: Scalar = 1e-8,
    key: Key | None = None,
    noise: Noise | None = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Santa-SSS: preconditioned momentum with noise that is annealed away and friction that adapts, by splitting.

    .. math::

        v_t &= \sigma v_{t-1} + (1 - \sigma) g_t^2, \qquad G_t = \frac{1}{\sqrt{\epsilon + \sqrt{v_t}}},
               \qquad \eta = l_t / N \\
        p &\leftarrow p_{t-1} - G_t u_{t-1} / 2 \\
        \alpha &\leftarrow \alpha_{t-1} + (u_{t-1}^2 - \eta / \beta_t) / 2
                  \quad \text{while } t < \text{burnin} \\
        u_t &= e^{-\alpha / 2} (e^{-\alpha / 2} u_{t-1} + l_t G_t g_t + \sqrt{2 F_t \eta / \beta_t}\, \zeta_t),
               \qquad \zeta_t \sim \mathcal{N}(0, 1) \text{ while } t < \text{burnin, else } 0 \\
        \alpha_t &= \alpha + (u_t^2 - \eta / \beta_t) / 2 \quad \text{while } t < \text{burnin} \\
        p_t &= p - G_t u_t / 2, \qquad \beta_t = \sqrt{t}, \qquad F_t = 100 \sqrt{\eta}, \qquad
               u_0 \sim \mathcal{N}(0, \eta), \qquad \alpha_0 = C \sqrt{\eta}

    State:
      As `santa_e`, and as many arrays besides; but 2 with burnin=0: the first drift reads the velocity before. 12 bytes
      a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.santa_sss(1e-4, data_size=10000, burnin=500).slots["momentum"]
      thermostat(root(root(ema(0.999, of=square), eps=0), eps=0, eps_root=1e-08), symmetric_splitting,
      data_size=10000, burnin=500, annealing=power_growth(0.5), velocity=0.0001, friction=0.01)

    Claim:
      Use it when Santa is wanted with a more accurate integrator, at larger rates.

    Source:
      C. Chen et al. (2016); cchangyou/Santa, Santa.m. The paper's noise has F = G_{t-1} and comes with the
      correction; the MATLAB code has neither, but the constant that F is here (see `santa_e` for what the paper's does
      to an element without a gradient). It also kicks by halves around the noise, smooths the gradient with
      `ema(0.1, seeded="first_step")`, starts v at the first g^2 and has 1e-4 for eps_root while exploring, alpha_0 =
      1000 sqrt(eta) and eps_root = 0.1: an `integrator`, your own parts and numbers express that. u points uphill:
      the paper's is -u. The paper's gradients are sums over the data, divided by N for v; ours are means.
    """
    options = dict(burnin=burnin, annealing=annealing, correction=correction, diffusion=diffusion, key=key, noise=noise)
    return _santa(symmetric_splitting, learning_rate, data_size, sigma, friction, eps_root, accumulator_dtype, options)


def _santa(
    scheme: integrator,
    learning_rate: ScalarOrSchedule,
    data_size: Scalar,
    sigma: Decay,
    friction: Scalar,
    eps_root: Scalar,
    dtype: DType,
    options: dict[str, Any],
) -> Pipeline:
    _checks.non_negative("friction", friction)
    unit = _root_of_first_eta(learning_rate, data_size)
    preconditioner = root(root(ema(sigma, of=square, accumulator_dtype=dtype), eps=0.0), eps=0.0, eps_root=eps_root)
    options = dict(options, data_size=data_size, velocity=unit, friction=friction * unit, accumulator_dtype=dtype)
    return pipeline(
        momentum=thermostat(preconditioner, scheme, **options), learning_rate=already_applied(learning_rate)
    )


def _root_of_first_eta(learning_rate: Any, data_size: Any) -> Any:
    """sqrt(rate / data_size) at the first rate."""
    _checks.positive("data_size", data_size)
    rate = learning_rate(jnp.zeros((), jnp.int32)) if callable(learning_rate) else learning_rate
    _checks.non_negative("learning_rate", rate)
    return (rate / data_size) ** 0.5
