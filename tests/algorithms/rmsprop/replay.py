"""RMSprop: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, keras_rate, with_decay

import optax_zoo as zoo
from optax_zoo import deviation, ema, root, square


def starting_at_one(h: dict[str, Any], decay: float, eps: float) -> zoo.Pipeline:
    """As TensorFlow 1 has it: the average of squares starts at 1, and eps is inside the root."""
    squares = ema(decay, of=square, initial=1.0)
    spread = deviation(ema(decay), squares, eps=0.0, eps_root=eps) if h["centered"] else None
    return zoo.pipeline(
        denominator=spread or root(squares, eps=0.0, eps_root=eps),
        learning_rate=h["lr"] if "lr" in h else h["learning_rate"],
        velocity=zoo.optional(zoo.trace, h["momentum"]),
    )


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    """`corrected_weight_decay` decays by rate^2 over the first rate: the same while the rate is constant.

    So is `lr_in_momentum`. Caution is for the average step alone.
    """
    tx = starting_at_one(h, h["alpha"], h["eps"])
    if h["caution"] and h["momentum"]:
        tx = tx.replace(velocity=None, momentum=zoo.trace(h["momentum"]), rescale=zoo.cautious())
    return with_decay(tx, h, h["decoupled_decay"])


def torch(h: dict[str, Any]) -> optax.GradientTransformation:
    """PyTorch has the momentum before the rate, which is the same while the rate is constant."""
    tx = zoo.rmsprop(
        h["lr"],
        h["alpha"],
        eps=h["eps"],
        centered=h["centered"],
        momentum=h["momentum"],
        weight_decay=h["weight_decay"],
    )
    return ascending(tx, h)


REPLAYS = {
    "chainer": Replay(
        lambda h: (
            zoo.rmsprop(h["lr"], h["alpha"], eps=0.0, eps_root=h["eps"])
            if h["eps_inside_sqrt"]
            else zoo.rmsprop(h["lr"], h["alpha"], eps=h["eps"])
        )
    ),
    "timm": Replay(
        timm, unread=dict.fromkeys(("corrected_weight_decay", "lr_in_momentum"), "the same at a constant rate")
    ),
    "keras2": Replay(lambda h: zoo.rmsprop(keras_rate(h), h["rho"], eps=h["epsilon"])),
    "seed": Replay(lambda h: zoo.rmsprop(h["eta"], h["rho"], eps=0.0, eps_root=h["eps"])),
    "tensorflow1": Replay(lambda h: starting_at_one(h, h["decay"], h["epsilon"])),
    "torch": Replay(torch),
}
