"""AdaBound: how each source's hyperparameters, under its own names (h), are said here."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending, chainer_decay, with_decay

import optax_zoo as zoo
from optax_zoo import ema, root, square

Make = Callable[..., zoo.Pipeline]


def chainer(make: Make, amsgrad: bool = False) -> Replay:
    def of(h: dict[str, Any]) -> zoo.Pipeline:
        tx = make(h["alpha"], h["beta1"], h["beta2"], final_lr=h["final_lr"], gamma=h["gamma"], eps=h["eps"])
        return chainer_decay(tx, h)

    return Replay(of, only={"amsgrad": amsgrad, "adabound": True})


def bounded(make: Make, h: dict[str, Any], eps_root: float = 0.0) -> zoo.Pipeline:
    bounds = dict(final_lr=h["final_lr"], gamma=h["gamma"])
    return make(h["lr"], *h["betas"], eps=h["eps"], eps_root=eps_root, **bounds)


def authors(make: Make, amsbound: bool = False) -> Replay:
    return Replay(lambda h: with_decay(bounded(make, h), h, decoupled=False), only={"amsbound": amsbound})


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """It adds a hidden 1e-15 under the root."""
    tx = bounded(zoo.amsbound if h["ams_bound"] else zoo.adabound, h, eps_root=1e-15)
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


def of_the_article(h: dict[str, Any], largest: Any = lambda average: average) -> zoo.Pipeline:
    """No bias correction, gamma = 1 - b2, and what has been clipped is divided by the root of t."""
    return zoo.adabound(h["alpha"]).replace(
        numerator=ema(h["beta1"]),
        denominator=root(largest(ema(h["beta2"], of=square)), eps=0.0),
        bound=zoo.converging_bound(h["eta"], 1 - h["beta2"], base_learning_rate=h["alpha"], eps=h["eps"]),
        rescale=optax.scale_by_schedule(lambda count: 1 / jnp.sqrt(count + 1.0)),
    )


def without_lower_bound(h: dict[str, Any]) -> zoo.Pipeline:
    """The article's first listing: its lower bound is about -1e6 times the rate, so that only the upper one is left."""
    b2, eps = h["beta2"], h["eps"]

    def update(step_size: Any, count: jax.Array, params: Any = None) -> Any:
        upper = h["eta"] * (1 + 1 / ((1 - b2) * (count + 1) + eps))
        return jax.tree.map(lambda s: jnp.minimum(h["alpha"] * s, upper), step_size), count + 1

    bound = optax.GradientTransformation(lambda params: jnp.zeros((), jnp.int32), update)
    return of_the_article(h).replace(bound=bound)


REPLAYS = {
    "chainer": chainer(zoo.adabound),
    "jettify": authors(zoo.adabound),
    "seed": Replay(of_the_article),
    "seed-section-listing": Replay(without_lower_bound),
    "authors": authors(zoo.adabound),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
