"""What a race does to all optimizers alike: learning-rate schedule, warm-up and weight decay."""

from collections.abc import Callable, Mapping
from typing import Any

import optax

from optax_zoo.race.engine.schedules import schedule_over
from optax_zoo.race.settings import Settings
from optax_zoo.running.entrants import Entrant


def schedule_of(settings: Settings) -> Callable[[Any], Any] | None:
    """The factor of the learning rate by step, counted from 0; None where it is always 1.

    See `schedules.schedule_over`.
    """
    return schedule_over(settings.schedule, settings.steps, round(settings.warmup * settings.steps))


def own_values(entrant: Entrant, settings: Settings) -> dict[str, float]:
    """Hyperparameters of an optimizer that the rules of the race replace."""
    return {"weight_decay": 0.0} if settings.weight_decay and entrant.defaults.get("weight_decay") else {}


def transformation(
    entrant: Entrant, settings: Settings, rate: Any, values: Mapping[str, Any]
) -> optax.GradientTransformationExtraArgs:
    """What trains: the optimizer at a rate and at some hyperparameters, under the rules of the race.

    With weight decay, each step also subtracts weight_decay * (learning rate of the step) * parameters (Loshchilov and
    Hutter, 2019), for every optimizer; one whose defaults have a weight decay gets 0 for it.
    """
    schedule = schedule_of(settings)
    decay = settings.weight_decay
    own = entrant.at(rate, schedule, **{**own_values(entrant, settings), **values})
    if not decay:
        return optax.with_extra_args_support(own)
    if schedule is None:
        return optax.chain(own, optax.add_decayed_weights(-rate * decay))
    return optax.chain(own, optax.add_decayed_weights(lambda count: -rate * decay * schedule(count)))
