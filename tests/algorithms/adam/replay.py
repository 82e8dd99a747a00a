"""Adam: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def adam_with_uncorrected_root(rate: float, b1: float, b2: float, **eps: float) -> zoo.Pipeline:
    return zoo.adam(rate, b1, b2).replace(denominator=zoo.debiased(zoo.root(zoo.ema(b2, of=zoo.square), **eps)))


def chainer_adam(h: dict[str, Any]) -> zoo.Pipeline:
    return adam_with_uncorrected_root(h["alpha"], h["beta1"], h["beta2"], eps=h["eps"])


def optimi_adam(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.adam(h["lr"], h["beta1"], h["beta2"], eps=h["eps"])


REPLAYS = {
    "chainer": Replay(chainer_adam),
    "optimi": Replay(optimi_adam),
    "keras2": Replay(lambda h: adam_with_uncorrected_root(h["lr"], h["beta_1"], h["beta_2"], eps=h["epsilon"])),
    "seed": Replay(
        lambda h: adam_with_uncorrected_root(h["alpha"], h["beta1"], h["beta2"], eps=0.0, eps_root=h["eps"])
    ),
    "tensorflow1": Replay(
        lambda h: adam_with_uncorrected_root(h["learning_rate"], h["beta1"], h["beta2"], eps=h["epsilon"])
    ),
    "torch": Replay(lambda h: zoo.adam(h["lr"], *h["betas"], eps=h["eps"], weight_decay=h["weight_decay"])),
}
