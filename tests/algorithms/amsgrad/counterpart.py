"""AMSGrad, beside optax."""

from counterparts import Counterpart

import optax_zoo as zoo

COUNTERPARTS = {
    "optax.amsgrad": Counterpart(
        lambda: zoo.amsgrad(0.1).replace(
            denominator=zoo.root(zoo.running_max(zoo.debiased(zoo.ema(0.999, of=zoo.square))), eps=1e-8)
        ),
        {"learning_rate": 0.1},
        "optax corrects the average before it takes the maximum; we take the maximum of the uncorrected one, as "
        "PyTorch, Keras and Chainer do.",
        float32=1e-4,
    )
}
