"""AdaMax: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "keras2": Replay(lambda h: zoo.adamax(h["lr"], h["beta_1"], h["beta_2"], eps=h["epsilon"], eps_max=0.0)),
    "pytorch_optimizer": Replay(lambda h: zoo.adamax(h["lr"], *h["betas"], eps_max=h["eps"])),
    "seed": Replay(lambda h: zoo.adamax(h["alpha"], h["beta1"], h["beta2"], eps_max=0.0)),
    "torch": Replay(lambda h: zoo.adamax(h["lr"], *h["betas"], eps_max=h["eps"])),
}
