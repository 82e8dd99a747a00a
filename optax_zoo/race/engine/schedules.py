"""How the learning rate of a race changes over its steps, as a factor of the rate that is tuned.

Sources: Vaswani et al. (2017) for the inverse root; Loshchilov and Hutter (2017) for the cosine; Smith and Topin (2018)
for one cycle, in PyTorch's form of two half cosines; Hu et al. (2024) for warm-up, stable, decay, and Hägele et al.
(2024) for the root along which it falls at the end.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax

Schedule = Callable[[Any], Any]

FALL = 0.2  # the share of the steps at whose end "wsd" reaches 0
RISE, FIRST, LAST = 0.3, 25.0, 1e4  # of "one_cycle": the share of its rise, and what its ends are divided by

WORDS = {
    "constant": "stays at the tuned rate",
    "cosine": "falls along half a cosine to 0 at the end",
    "linear": "falls linearly to 0 at the end",
    "inverse_sqrt": "falls with one over the root of the number of steps",
    "wsd": f"stays at the tuned rate, and falls as 1 less a root to 0 over the last {100 * FALL:g} % of the steps",
    "one_cycle": f"rises from 1/{FIRST:g} of the tuned rate along half a cosine, and falls along another to nearly 0",
}


def schedule_over(name: str, steps: int, warmup: int) -> Schedule | None:
    """The factor by step, counted from 0; None where it is always 1.

    Args:
      name: a key of `WORDS`.
      steps: of a trial.
      warmup: how many of them the rate rises in, linearly from 1 / (warmup + 1). In one cycle the rise takes as many,
        or `RISE` of all steps where it is 0.
    """
    if name == "one_cycle":
        return _one_cycle(steps, warmup or round(RISE * steps))
    if name == "constant" and not warmup:
        return None
    rest = max(1, steps - warmup)
    after: Schedule = {
        "constant": optax.constant_schedule(1.0),
        "cosine": optax.cosine_decay_schedule(1.0, rest),
        "linear": optax.linear_schedule(1.0, 0.0, rest),
        "inverse_sqrt": lambda count: jnp.sqrt((warmup + 1) / (warmup + 1 + count)),
        "wsd": lambda count: _falling_at_the_end(count, rest, max(1, round(FALL * steps))),
    }[name]
    if not warmup:
        return after
    return optax.join_schedules([optax.linear_schedule(1 / (warmup + 1), 1.0, warmup), after], [warmup])


def _falling_at_the_end(count: Any, steps: int, fall: int) -> Any:
    share = (count - (steps - fall)) / fall
    return 1 - jnp.sqrt(jnp.clip(share, 0, 1))


def _one_cycle(steps: int, rise: int) -> Schedule:
    share = max(1, rise) / max(2, steps)
    return optax.cosine_onecycle_schedule(max(2, steps), 1.0, share, FIRST, LAST)
