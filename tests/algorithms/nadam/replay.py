"""Nadam: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def fixed_with_extra_nu(h: dict[str, Any]) -> zoo.Pipeline:
    """The article's v_hat = nu v / (1 - nu^t): sqrt(nu x + eps) is sqrt(nu) sqrt(x + eps / nu)."""
    nu = h["nu"]
    return zoo.nadam(h["alpha"] / nu**0.5, h["mu"], nu, eps=0.0, eps_root=h["eps"] / nu, momentum_decay=None)


def torch_nadam(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.nadam(
        h["lr"], *h["betas"], eps=h["eps"], momentum_decay=h["momentum_decay"], weight_decay=h["weight_decay"]
    )


REPLAYS = {
    "timm": Replay(
        lambda h: zoo.nadam(
            h["lr"], *h["betas"], eps=h["eps"], momentum_decay=h["schedule_decay"], weight_decay=h["weight_decay"]
        )
    ),
    "keras2": Replay(
        lambda h: zoo.nadam(h["lr"], h["beta_1"], h["beta_2"], eps=h["epsilon"], momentum_decay=h["schedule_decay"])
    ),
    "pytorch_optimizer": Replay(torch_nadam),
    "seed": Replay(fixed_with_extra_nu),
    "torch": Replay(torch_nadam),
}
