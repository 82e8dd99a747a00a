"""Adam: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, chainer_decay, keras_rate, optimi_decay, with_decay

import optax_zoo as zoo


def adam_with_uncorrected_root(rate: Any, b1: float, b2: float, **eps: float) -> zoo.Pipeline:
    return zoo.adam(rate, b1, b2).replace(denominator=zoo.debiased(zoo.root(zoo.ema(b2, of=zoo.square), **eps)))


def chainer_adam(h: dict[str, Any]) -> zoo.Pipeline:
    return chainer_decay(adam_with_uncorrected_root(h["alpha"], h["beta1"], h["beta2"], eps=h["eps"]), h)


def optimi_adam(h: dict[str, Any]) -> zoo.Pipeline:
    return optimi_decay(zoo.adam(h["lr"], h["beta1"], h["beta2"], eps=h["eps"]), h)


def keras(h: dict[str, Any]) -> zoo.Pipeline:
    return adam_with_uncorrected_root(keras_rate(h), h["beta_1"], h["beta_2"], eps=h["epsilon"])


def torch_adam(h: dict[str, Any], decoupled: bool = False) -> optax.GradientTransformation:
    tx = zoo.adam(h["lr"], *h["betas"], eps=h["eps"])
    return ascending(with_decay(tx, h, h.get("decoupled_weight_decay", decoupled)), h)


CHAINER_ONLY = {"amsgrad": False, "adabound": False}
CHAINER_UNREAD = dict.fromkeys(("final_lr", "gamma"), "of AdaBound")

REPLAYS = {
    "chainer": Replay(chainer_adam, only=CHAINER_ONLY, unread=CHAINER_UNREAD),
    "optimi": Replay(optimi_adam),
    "keras2": Replay(keras, only={"amsgrad": False}),
    "seed": Replay(
        lambda h: adam_with_uncorrected_root(h["alpha"], h["beta1"], h["beta2"], eps=0.0, eps_root=h["eps"])
    ),
    "tensorflow1": Replay(
        lambda h: adam_with_uncorrected_root(h["learning_rate"], h["beta1"], h["beta2"], eps=h["epsilon"])
    ),
    "torch": Replay(torch_adam, only={"amsgrad": False}),
}
