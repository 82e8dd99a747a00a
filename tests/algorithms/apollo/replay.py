"""APOLLO: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sources
from algorithms.apollo_dqn.replay import jettify
from harness import Replay

import optax_zoo as zoo
from optax_zoo.primitives.bias_correction import bias_correction


def recorded_projections(case: dict[str, Any]) -> dict[str, Any]:
    """The draws by number of the projection and by leaf, where the case has them."""
    return {"draws": case["draws"]} if "draws" in case else {}


def of_draws(draws: list[dict[str, Any]]) -> Any:
    """What fills zeros with the recorded draws, as columns."""

    def fill(key: Any, number: jax.Array, zeros: list[list[jax.Array]]) -> list[list[jax.Array]]:
        def of_leaf(index: int, x: jax.Array) -> jax.Array:
            if not x.ndim:
                return x
            columns = [np.array(list(draw.values())[index]) for draw in draws]
            return jnp.stack([m if m.shape == x.shape else m.T for m in columns])[number]

        return [[of_leaf(index, x) for index, x in enumerate(zeros[0])]]

    return fill


@zoo.primitive
def scaled_inside(per: str) -> zoo.Rule:
    """pytorch_optimizer scales the projected gradient in place of the whole, limits that, and maps it back."""
    growth = zoo.limit_growth().rule

    def norm(x: jax.Array) -> jax.Array:
        axis = (0, 1) if per == "tensor" else 1 if x.shape[1] < x.shape[0] else 0
        return jnp.sqrt((x * x).sum(axis, keepdims=True))

    def update(updates: Any, state: Any, params: Any = None, *, within: Any, gradient: Any, **extra_args: Any) -> Any:
        scaled = jax.tree.map(lambda r, d: r * norm(d) / (norm(r) + 1e-8), within.gradient, within.direction)
        scaled, state = growth.update_fn(scaled, state)
        return within.basis.outside(scaled, within.state, gradient), state

    return zoo.Rule(growth.init_fn, update)


def pytorch_optimizer(h: dict[str, Any], draws: list[dict[str, Any]] | None = None) -> zoo.Route:
    """It multiplies the decay by the bias correction, too, and steps by the root of `scale` once more."""
    b1, b2 = h["betas"]
    scale, correct, per = h.get("scale", 1.0), h["correct_bias"], h["scale_type"]
    tx = zoo.apollo(h["lr"], b1, b2, eps=h["eps"], by=sources.galore_leaves(h))
    correction = zoo.scale_by_bias_correction(b1, b2) if correct else None
    matrices = zoo.in_series(
        scaled=scaled_inside(per),
        factor=zoo.scaled(scale**0.5, zoo.identity),
        correction=correction,
    )
    basis = sources.galore_projector(h, vectors="random", draw=of_draws(draws) if draws else None)
    tx = tx.replace(matrices={"basis": basis, "rescale": matrices}, rest={"rescale": correction})
    fixed, coefficient, decouple = h["fixed_decay"], h["weight_decay"], h["weight_decouple"]

    def finished(side: zoo.Pipeline) -> zoo.Pipeline:
        if coefficient and not decouple:
            side = side.replace(gradient=zoo.coupled_decay(coefficient))
        elif coefficient:
            over = coefficient / h["lr"] if fixed else coefficient
            follows = correct and not fixed
            corrected = (lambda count: over * bias_correction(b1, b2, count + 1)) if follows else over
            side = side.replace(decay=zoo.decoupled_decay(corrected, of_new=True))
        return sources.ascending(side, h)

    return sources.on_each_side(tx, finished)


REPLAYS = {
    "pytorch_optimizer": Replay(pytorch_optimizer, given=recorded_projections),
    "jettify": Replay(jettify, unread={"base_lr": "it is lr"}),  # another algorithm of that name
}
