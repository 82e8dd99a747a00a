"""AMSGrad: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
from harness import Replay

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, running_max, square


def uncorrected_root(rate: float, b1: float, b2: float, eps: float) -> zoo.Pipeline:
    largest = running_max(ema(b2, of=square))
    return zoo.amsgrad(rate, b1, b2).replace(denominator=debiased(root(largest, eps=eps)))


def of_the_paper(h: dict[str, Any]) -> zoo.Pipeline:
    """No bias correction, and the rate alpha / sqrt(t)."""
    return zoo.amsgrad(lambda count: h["alpha"] / jnp.sqrt(count + 1.0)).replace(
        numerator=ema(h["beta1"]),
        denominator=root(running_max(ema(h["beta2"], of=square)), eps=0.0, eps_root=h["eps"]),
    )


REPLAYS = {
    "chainer": Replay(lambda h: uncorrected_root(h["alpha"], h["beta1"], h["beta2"], h["eps"])),
    "keras2": Replay(lambda h: uncorrected_root(h["lr"], h["beta_1"], h["beta_2"], h["epsilon"])),
    "seed": Replay(of_the_paper),
    "torch": Replay(lambda h: zoo.amsgrad(h["lr"], *h["betas"], eps=h["eps"])),
}
