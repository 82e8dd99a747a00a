"""Numbers in columns: a regression whose function is known."""

import numpy as np

from optax_zoo.race.arrays.losses import regression
from optax_zoo.race.task import Task
from optax_zoo.race.tasks.registry import task
from optax_zoo.running.errors import require

PARTS = (2000, 500, 2000)


@task("friedman_mlp", steps=400, rate=0.01, expected=(0.85, 0.96))
def friedman_mlp() -> Task:
    r"""A regression on ten columns, of which five matter.

    :math:`y = 10 \sin(\pi x_1 x_2) + 20 (x_3 - 1/2)^2 + 10 x_4 + 5 x_5 + \varepsilon` with :math:`x_i` uniform in
    [0, 1] and a standard normal :math:`\varepsilon`; columns and y are standardized. Two hidden layers of 64 units with
    ReLU (4,929 parameters), squared error, batches of 64 of 2,000 examples. The metric is R2 against numbers with
    noise, which leaves at most 0.96.

    Raises:
      MissingExtraError: without Flax or scikit-learn.

    Source:
      J. H. Friedman (1991): Multivariate Adaptive Regression Splines, Annals of Statistics 19 (1).
    """
    require("flax", "sklearn")
    from flax import linen as nn
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(sum(PARTS), noise=1.0, random_state=0)
    standard = [((each - each.mean(0)) / each.std(0)).astype(np.float32) for each in (x, y)]
    cuts = np.cumsum(PARTS)[:-1]
    train, validation, test = zip(*(np.split(each, cuts) for each in standard), strict=True)
    model = nn.Sequential([nn.Dense(64), nn.relu, nn.Dense(64), nn.relu, nn.Dense(1)])
    loss, explained = regression(model.apply)
    return Task(
        name="friedman_mlp",
        init=lambda key: model.init(key, train[0][:1]),
        loss=loss,
        metric=explained,
        train=train,
        validation=validation,
        test=test,
        metric_name="R2",
        target=0.9,
    )
