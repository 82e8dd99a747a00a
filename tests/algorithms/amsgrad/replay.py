"""AMSGrad: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
import optax
from algorithms.adam.replay import CHAINER_UNREAD
from harness import Replay
from sources import ascending, chainer_decay, keras_rate, with_decay

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, running_max, square


def uncorrected_root(rate: Any, b1: float, b2: float, eps: float) -> zoo.Pipeline:
    largest = running_max(ema(b2, of=square))
    return zoo.amsgrad(rate, b1, b2).replace(denominator=debiased(root(largest, eps=eps)))


def of_the_paper(h: dict[str, Any]) -> zoo.Pipeline:
    """No bias correction, and the rate alpha / sqrt(t)."""
    alpha = h["alpha"]
    return zoo.amsgrad(lambda count: alpha / jnp.sqrt(count + 1.0)).replace(
        numerator=ema(h["beta1"]),
        denominator=root(running_max(ema(h["beta2"], of=square)), eps=0.0, eps_root=h["eps"]),
    )


def chainer(h: dict[str, Any]) -> zoo.Pipeline:
    return chainer_decay(uncorrected_root(h["alpha"], h["beta1"], h["beta2"], h["eps"]), h)


def torch(h: dict[str, Any]) -> optax.GradientTransformation:
    return ascending(with_decay(zoo.amsgrad(h["lr"], *h["betas"], eps=h["eps"]), h, decoupled=False), h)


REPLAYS = {
    "chainer": Replay(chainer, only={"amsgrad": True, "adabound": False}, unread=CHAINER_UNREAD),
    "keras2": Replay(
        lambda h: uncorrected_root(keras_rate(h), h["beta_1"], h["beta_2"], h["epsilon"]), only={"amsgrad": True}
    ),
    "seed": Replay(of_the_paper),
    "torch": Replay(torch, only={"amsgrad": True}),
}
