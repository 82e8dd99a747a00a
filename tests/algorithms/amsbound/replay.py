"""AMSBound: how each source's hyperparameters, under its own names (h), are said here."""

from algorithms.adabound.replay import authors, chainer, of_the_article
from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "chainer": chainer(zoo.amsbound, amsgrad=True),
    "seed": Replay(lambda h: of_the_article(h, zoo.running_max)),
    "authors": authors(zoo.amsbound, amsbound=True),
}
