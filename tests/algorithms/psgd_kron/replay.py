"""PSGD Kron: how each source's hyperparameters, under its own names (h), are said here."""

import math
import random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from harness import Replay

import optax_zoo as zoo

DIAGONAL = {None: None, "smart_one_diag": "longest_alone", "one_diag": "longest", "all_diag": "all"}


def chance(h: dict[str, Any], count: int) -> float:
    """That factors are fitted, after so many steps."""
    given = h["preconditioner_update_probability"]
    return min(1.0, max(0.03, math.exp((500 - count) / 1000))) if given is None else given


def fits(h: dict[str, Any], steps: int) -> list[bool]:
    """Whether each step fits the factors."""
    found, since = [], 0
    for count in range(steps):
        since += 1
        found.append(since >= 1 / chance(h, count))
        since = 0 if found[-1] else since
    return found


def recorded_draws(case: dict[str, Any]) -> dict[str, Any]:
    """The probes of each step, by leaf; 0 at steps that do not fit the factors, where none are drawn."""
    draws, leaves = iter(case["draws"]), case["params_0"]

    def of_step(fitted: bool) -> dict[str, np.ndarray]:
        return {
            leaf: np.reshape(next(draws) if fitted else np.zeros(np.shape(p)), np.shape(p))
            for leaf, p in leaves.items()
        }

    steps = [of_step(fitted) for fitted in fits(case["hyperparameters"], len(case["grads"]))]
    return {"probes": jax.tree.map(lambda *draws: jnp.asarray(np.stack(draws)), *steps)}


@zoo.primitive
def with_noise_left_in(part: zoo.Part, probes: Any) -> zoo.Rule:
    """kron_torch adds the noise in place: what factors are fitted to is what they are applied to."""

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        def noisy(g: jax.Array, probe: jax.Array) -> jax.Array:
            return g + jnp.finfo(g.dtype).eps ** 0.5 * jnp.mean(jnp.abs(g)) * probe[state.count]

        return part.update(jax.tree.map(noisy, updates, probes), state, params, **extra_args)

    return zoo.Rule(part.init, update)


def kron_torch(h: dict[str, Any], probes: Any) -> zoo.Pipeline:
    """Python's generator says which steps balance the factors first."""
    generator = random.Random(42)
    balances = jnp.array([generator.random() < 0.01 for _ in next(iter(probes.values()))], float)
    fitted = dict(
        balance=lambda count: balances[count],
        max_size=h["max_size_triangular"],
        min_axes=h["min_ndim_triangular"],
        diagonal=DIAGONAL[h["memory_save_mode"]],
        merge=h["merge_dims"],
        initial=h["precond_init_scale"],
        noise=lambda key, t, zeros: jax.tree.map(lambda probe: probe[t - 1], probes),
    )
    chance, rate, of_momentum = (
        h["preconditioner_update_probability"],
        h["precond_lr"],
        h["momentum_into_precond_update"],
    )
    tx = zoo.psgd_kron(
        h["lr"],
        h["b1"],
        probability=chance,
        factor_rate=rate,
        of_momentum=of_momentum,
        weight_decay=h["weight_decay"],
        **fitted,
    )
    if not of_momentum:
        return tx
    whiten = with_noise_left_in(zoo.fitted_whitening(chance, rate=rate, damping=0.0, **fitted), probes)
    return tx.replace(rescale=zoo.serial(whiten=whiten, clip=zoo.clip_by_norm("avg_l2", 1.1, eps=1e-12)))


AUTHORS = {"kron_torch"}
REPLAYS = {"kron_torch": Replay(kron_torch, given=recorded_draws)}
