"""QHAdam: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo

STEPS = 1000  # of which the weights are known


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    nu1, nu2 = h["nus"]
    tx = zoo.qhadam(h["lr"], *h["betas"], nu1=nu1, nu2=nu2, eps=h["eps"])
    return with_decay(tx, h, h["decouple_weight_decay"])


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """Decays follow from the weights of the averages, which are kept in float32."""
    (b1, b2), (nu1, nu2) = h["betas"], h["nus"]
    mean, mean_square = zoo.ema(weighed(b1)), zoo.ema(weighed(b2), of=zoo.square)
    tx = zoo.qhadam(h["lr"]).replace(
        numerator=zoo.parallel(average=zoo.scaled(nu1, mean), now=zoo.scaled(1 - nu1, zoo.identity)),
        denominator=zoo.root(
            zoo.parallel(average=zoo.scaled(nu2, mean_square), now=zoo.scaled(1 - nu2, zoo.square)), eps=h["eps"]
        ),
    )
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


def weighed(decay: float) -> optax.Schedule:
    """1 - 1 / w, w <- decay w + 1 in float32."""
    shares, weight = [], np.float32(0)
    for _ in range(STEPS):
        weight = weight * np.float32(decay) + np.float32(1)
        shares.append(np.float32(1) / weight)
    table = np.array(shares, "float64")

    def decay_of(count: jax.Array) -> jax.Array:
        return 1 - jnp.asarray(table)[count]

    return decay_of


REPLAYS = {"authors": Replay(authors), "jettify": Replay(authors), "pytorch_optimizer": Replay(pytorch_optimizer)}
