"""The seventeen optimizers of the article that this comparison is from, in its forms and at its listing's settings.

Its forms differ from those of the original authors, which our algorithms follow: eps is inside the root, the momentum
averages, AMSGrad and the bounds follow the papers' theory (no bias correction, a rate that falls with the root of the
step). They are composed here of our parts. The slips of its listing are left out; there the original form is used:

- Eve compares the loss with the one before, not with its minimum, and is given the minimum of the landscape (the
  listing assumes 0, below which the article's own function falls).
- SMORMS3's memory grows, and new and old are weighted in the averages, as in Funk's code, where eps is, too.
- Santa-SSS makes both half steps of its drift, and both Santas start with the preconditioner of the first gradient.
- AdaGrad and AdaMax keep our guard against 0 / 0 (1e-10, 1e-8), which the listing lacks.

The listing's NAG keeps the iterate; what is followed here is the point that it looks ahead to.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, running_max, square

Factory = Callable[[Any], optax.GradientTransformation]

EPS = 1e-8


def momentum(rate: Any) -> zoo.Pipeline:
    return zoo.momentum(rate, 0.9, dampening=0.9)


def nag(rate: Any) -> zoo.Pipeline:
    return zoo.nag((1 - 0.9) * rate, 0.9)


def rmsprop(rate: Any) -> zoo.Pipeline:
    return zoo.rmsprop(rate, 0.99, eps=0.0, eps_root=EPS)


def adam(rate: Any) -> zoo.Pipeline:
    return zoo.adam(rate).replace(denominator=debiased(root(ema(0.999, of=square), eps=0.0, eps_root=EPS)))


def rmsprop_graves(rate: Any) -> zoo.Pipeline:
    return zoo.rmsprop_graves(rate, 0.95, momentum=None, eps_root=1e-4)


def nadam(rate: Any) -> zoo.Pipeline:
    """The factor nu of the corrected v is moved into the rate: sqrt(nu x + eps) = sqrt(nu) sqrt(x + eps / nu)."""
    nu = 0.999
    return zoo.nadam(rate / nu**0.5, 0.975, nu, eps=0.0, eps_root=EPS / nu, momentum_decay=None)


def eve(rate: Any, loss_min: float) -> zoo.Pipeline:
    scale = root(debiased(ema(0.999, of=square)), eps=EPS)
    feedback = zoo.loss_feedback(scale, 0.999, change=zoo.relative_change(0.1, 10.0, loss_min))
    return zoo.eve(rate).replace(denominator=feedback)


def santa(make: Callable[..., zoo.Pipeline], rate: Any) -> zoo.Pipeline:
    """Its gradient is a sum over N examples, ours a mean; all of 100 steps are exploration."""
    data_size = 16
    tx = make(
        rate * data_size,
        data_size,
        0.95,
        friction=5.0,
        burnin=100,
        annealing=zoo.power_growth(0.5),
        correction=True,
        diffusion=zoo.by_preconditioner,
        key=0,
    )
    return tx.replace(gradient=optax.scale(1 / data_size))


def amsgrad(rate: Any) -> zoo.Pipeline:
    largest = root(running_max(ema(0.999, of=square)), eps=0.0, eps_root=EPS)
    return zoo.amsgrad(falling(rate)).replace(numerator=ema(0.9), denominator=largest)


def bounded(rate: Any, largest: Callable[..., Any] = lambda average: average) -> zoo.Pipeline:
    return zoo.adabound(rate, base_learning_rate=rate).replace(
        numerator=ema(0.9),
        denominator=root(largest(ema(0.999, of=square)), eps=0.0),
        bound=zoo.converging_bound(0.1, 1 - 0.999, base_learning_rate=rate, eps=EPS),
        rescale=optax.scale_by_schedule(falling(1.0)),
    )


def falling(rate: Any) -> optax.Schedule:
    """The rate over the root of the step, which counts from 1."""
    return lambda count: rate / jnp.sqrt(count + 1.0)


def article(loss_min: float) -> dict[str, tuple[Factory, float]]:
    """The seventeen in the article's order: a function from a learning rate, and the listing's rate, by name.

    Args:
      loss_min: the minimum of the loss, which Eve is given.
    """
    return {
        "SGD": (zoo.sgd, 1e-2),
        "momentum": (momentum, 1e-2),
        "NAG": (nag, 1e-2),
        "AdaGrad": (zoo.adagrad, 1e-3),
        "RMSprop": (rmsprop, 1e-2),
        "AdaDelta": (zoo.adadelta, 1.0),
        "Adam": (adam, 1e-3),
        "RMSpropGraves": (rmsprop_graves, 1e-4),
        "SMORMS3": (functools.partial(zoo.smorms3, eps=EPS), 1e-3),
        "AdaMax": (zoo.adamax, 2e-3),
        "Nadam": (nadam, 2e-3),
        "Eve": (functools.partial(eve, loss_min=loss_min), 1e-3),
        "Santa-E": (functools.partial(santa, zoo.santa_e), 1e-2),
        "Santa-SSS": (functools.partial(santa, zoo.santa_sss), 1e-1),
        "AMSGrad": (amsgrad, 1e-3),
        "AdaBound": (bounded, 1e-3),
        "AMSBound": (functools.partial(bounded, largest=running_max), 1e-3),
    }
