"""RMSprop: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "chainer": Replay(
        lambda h: (
            zoo.rmsprop(h["lr"], h["alpha"], eps=0.0, eps_root=h["eps"])
            if h["eps_inside_sqrt"]
            else zoo.rmsprop(h["lr"], h["alpha"], eps=h["eps"])
        )
    ),
    # RMSpropTF follows TensorFlow 1: the average starts at 1, eps is inside the root.
    "timm": Replay(
        lambda h: zoo.rmsprop(
            h["lr"],
            h["alpha"],
            eps=0.0,
            eps_root=h["eps"],
            initial_accumulator=1.0,
            momentum=h["momentum"],
            weight_decay=h["weight_decay"],
        )
    ),
    "keras2": Replay(lambda h: zoo.rmsprop(h["lr"], h["rho"], eps=h["epsilon"])),
    "seed": Replay(lambda h: zoo.rmsprop(h["eta"], h["rho"], eps=0.0, eps_root=h["eps"])),
    "tensorflow1": Replay(
        lambda h: zoo.rmsprop(
            h["learning_rate"],
            h["decay"],
            eps=0.0,
            eps_root=h["epsilon"],
            initial_accumulator=1.0,
            momentum=h["momentum"],
        )
    ),
    # PyTorch has the momentum before the rate, which is the same while the rate is constant.
    "torch": Replay(
        lambda h: zoo.rmsprop(h["lr"], h["alpha"], eps=h["eps"], centered=h["centered"], momentum=h["momentum"])
    ),
}
