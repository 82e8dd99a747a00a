"""AdaHessian: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import optax
from harness import Replay
from sources import ascending, with_decay, with_estimates

import optax_zoo as zoo
from optax_zoo import ema, of_curvature, root, scaled, square

DRAWN = "what is drawn is recorded"


def pytorch_optimizer(h: dict[str, Any], estimates: list[Any]) -> optax.GradientTransformation:
    """It adds eps to the power of the root, and corrects by the steps, not by the estimates."""
    (b1, b2), every, power, eps = h["betas"], h["update_period"], h["hessian_power"], h["eps"]
    tx = zoo.adahessian(h["lr"], b1, b2, eps=eps)
    if every > 1 or power != 1:
        by_steps = scaled(lambda count: 1 / (1 - b2 ** (count + 1)), of_curvature(ema(b2, of=square), every=every))
        bare = root(by_steps, eps=0.0, power=power)
        tx = tx.replace(denominator=zoo.serial(bare=bare, eps=optax.stateless(lambda d, _: added(d, eps))))
    if h.get("adam_debias"):
        tx = tx.replace(numerator=ema(b1))
    return with_estimates(ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h), estimates)


def added(tree: Any, eps: float) -> Any:
    return jax.tree.map(lambda x: x + eps, tree)


REPLAYS = {
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        given=lambda case: {"estimates": case["estimates"]},
        unread={"num_samples": DRAWN, "hessian_distribution": DRAWN},
    )
}
