"""AdamW: how each source's hyperparameters, under its own names (h), are said here."""

from algorithms.adam.replay import CHAINER_ONLY, CHAINER_UNREAD, chainer_adam, optimi_adam, torch_adam
from harness import Replay

REPLAYS = {
    "chainer": Replay(chainer_adam, only=CHAINER_ONLY, unread=CHAINER_UNREAD),
    "optimi": Replay(optimi_adam),
    "torch": Replay(lambda h: torch_adam(h, decoupled=True), only={"amsgrad": False}),
}
