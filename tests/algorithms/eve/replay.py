"""Eve: how each source's hyperparameters, under its own names (h), are said here."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from harness import Replay

import optax_zoo as zoo
from optax_zoo import debiased, ema, loss_feedback, root, square


def inverse_time(h: dict[str, Any]) -> Any:
    rate, decay = h["lr"], h["decay"]
    return lambda count: rate / (1 + decay * count)


def final_form(h: dict[str, Any]) -> zoo.Pipeline:
    """Theano keeps the constant 1 / c in float32."""
    change = zoo.relative_change(float(np.float32(1 / h["c"])), h["c"], h["loss_min"])
    scale = debiased(root(ema(h["beta_2"], of=square), eps=h["epsilon"]))
    return zoo.eve(inverse_time(h), h["beta_1"]).replace(denominator=loss_feedback(scale, h["beta_3"], change=change))


def first_form(h: dict[str, Any]) -> zoo.Pipeline:
    change = zoo.tracked_change(h["thl"], h["thu"])
    scale = loss_feedback(root(ema(h["beta_2"], of=square), eps=0.0), h["beta_3"], change=change, eps=h["epsilon"])
    return zoo.eve(inverse_time(h), h["beta_1"]).replace(denominator=debiased(scale))


@dataclasses.dataclass(frozen=True)
class DistanceFromMinimum:
    """The article's code: |f - f*| where its text has |f - f_prev|."""

    c: float
    loss_min: float

    def __call__(self, loss: jax.Array, previous: jax.Array, tracked: jax.Array) -> tuple[jax.Array, jax.Array]:
        ratio = jnp.abs(loss - self.loss_min) / (jnp.minimum(loss, previous) - self.loss_min)
        return jnp.clip(ratio, 1 / self.c, self.c), loss


def of_the_article(h: dict[str, Any], change: Any = DistanceFromMinimum) -> zoo.Pipeline:
    feedback = (
        DistanceFromMinimum(h["c"], h["fstar"])
        if change is DistanceFromMinimum
        else zoo.relative_change(1 / h["c"], h["c"], h["fstar"])
    )
    scale = root(debiased(ema(h["beta2"], of=square)), eps=h["eps"])
    return zoo.eve(h["alpha"], h["beta1"]).replace(denominator=loss_feedback(scale, h["beta3"], change=feedback))


REPLAYS = {
    "authors_first": Replay(first_form),
    "authors_final": Replay(final_form),
    "seed": Replay(of_the_article),
    "seed-formula": Replay(lambda h: of_the_article(h, zoo.relative_change)),
}
