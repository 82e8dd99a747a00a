"""MARS: how each source's hyperparameters, under its own names (h), are said here; those of the other rows, too."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay

import optax_zoo as zoo
from optax_zoo import debiased, ema, parallel, root, scaled, serial, square


def unit_ball() -> zoo.Part:
    return zoo.clip_by_norm("l2", 1.0, eps=0.0)


def corrected(h: dict[str, Any], difference: zoo.Part, clip: zoo.Part) -> zoo.Part:
    """The gradient carried on along a difference, or clipped, in another way than the authors'."""
    b1 = h["betas"][0]
    change = scaled(h["gamma"] * b1 / (1 - b1), difference)
    return serial(correction=parallel(gradient=serial(), change=change), clip=clip)


@zoo.primitive
def of_raw_gradient(mask: zoo.Part) -> zoo.Rule:
    """A part that is given the gradient as it was before the correction."""

    def update(u: Any, state: Any, params: Any = None, *, slot_states: Any, **extra_args: Any) -> Any:
        raw = slot_states["gradient"]["correction"]["change"].previous
        return mask.update(u, state, params, gradient=raw)

    return zoo.Rule(mask.init, update)


def authors(h: dict[str, Any]) -> tuple[zoo.Pipeline, zoo.Pipeline]:
    """AdamW on the corrected gradient, and AdamW. Without `is_approx` a gradient before is never kept in `step`."""
    hidden = zoo.mars_adamw(h["lr"], *h["betas"], gamma=h["gamma"], eps=h["eps"], weight_decay=h["weight_decay"]).slots[
        "matrices"
    ]
    rest = zoo.adamw(h["lr_1d"], *h["betas_1d"], eps=h["eps"], weight_decay=h["weight_decay_1d"])
    if not h["is_approx"]:
        hidden = hidden.replace(gradient=corrected(h, serial(), unit_ball()))
    return (hidden.replace(**largest(h, h["betas"])), rest.replace(**largest(h, h["betas_1d"])))


def largest(h: dict[str, Any], betas: tuple[float, float]) -> dict[str, Any]:
    """`amsgrad`: the maximum is taken before the correction."""
    average = ema(betas[1], of=square)
    return {"denominator": root(debiased(zoo.running_max(average)), eps=h["eps"])} if h["amsgrad"] else {}


@zoo.primitive
def from_the_second_step(part: zoo.Part) -> zoo.Rule:
    """A stateless part that leaves the first update as it is."""

    def update(u: Any, count: Any, params: Any = None, **extra_args: Any) -> Any:
        later, _ = part.update(u, part.init(u))
        return jax.tree.map(lambda x, y: jnp.where(count == 0, x, y), u, later), count + 1

    return zoo.Rule(lambda params: jnp.zeros((), jnp.int32), update)


def timm(h: dict[str, Any]) -> tuple[zoo.Pipeline, zoo.Pipeline]:
    """The first difference is 0, and the first gradient as long as it is: later versions of timm clip it."""
    weight_decay, eps = h["weight_decay"], h["eps"]
    hidden = zoo.mars_adamw(h["lr"], *h["betas"], gamma=h["gamma"], eps=eps, weight_decay=weight_decay)
    gradient = corrected(h, zoo.difference(), from_the_second_step(unit_ball()))
    hidden = hidden.slots["matrices"].replace(gradient=gradient)
    betas = h["betas_1d"] or h["betas"]
    rest = zoo.adamw(h["lr"] * h["lr_1d_factor"], *betas, eps=eps, weight_decay=weight_decay)
    if h["caution"]:
        hidden = hidden.replace(numerator=masked(h["betas"], of_raw_gradient(zoo.cautious())))
        rest = rest.replace(numerator=masked(betas, zoo.cautious()))
    return hidden, rest


def masked(betas: tuple[float, float], mask: zoo.Part) -> zoo.Part:
    return serial(average=debiased(ema(betas[0])), mask=mask)


@zoo.primitive
def difference_to_decayed(weight_decay: float) -> zoo.Rule:
    """pytorch_optimizer's coupled decay comes after the step, and so counts in the gradient before alone."""

    def init(params: Any) -> Any:
        return zoo.difference(seeded=None).init(params)

    def update(g: Any, state: Any, params: Any, **extra_args: Any) -> Any:
        changes = jax.tree.map(lambda x, before: x - before, g, state.previous)
        return changes, state._replace(previous=jax.tree.map(lambda x, p: x + weight_decay * p, g, params))

    return zoo.Rule(init, update, needs=("params",))


def pytorch_optimizer(h: dict[str, Any]) -> tuple[zoo.Pipeline, zoo.Pipeline]:
    """eps meets the uncorrected root."""
    rate, betas, weight_decay = h["lr"], h["betas"], h["weight_decay"]
    hidden = zoo.mars_adamw(rate, *betas, gamma=h["gamma"], weight_decay=None).slots["matrices"]
    hidden = hidden.replace(denominator=uncorrected(h, betas), decay=decoupled(h, weight_decay, rate))
    rest = zoo.adamw(h["lr_1d"], *h["betas_1d"])
    decay = decoupled(h, h["weight_decay_1d"], h["lr_1d"])
    rest = rest.replace(denominator=uncorrected(h, h["betas_1d"]), decay=decay)
    if weight_decay and not h["weight_decouple"]:
        hidden = hidden.replace(gradient=corrected(h, difference_to_decayed(weight_decay), unit_ball()))
    if h.get("cautious"):
        mask = zoo.cautious(None)
        hidden = hidden.replace(numerator=masked(betas, of_raw_gradient(mask)))
        rest = rest.replace(numerator=masked(h["betas_1d"], mask))
    return hidden, rest


def uncorrected(h: dict[str, Any], betas: tuple[float, float]) -> zoo.Part:
    average = ema(betas[1], of=square)
    average = zoo.running_max(average) if h["ams_bound"] else average
    return debiased(root(average, eps=h["eps"], eps_root=1e-15))


def decoupled(h: dict[str, Any], coefficient: float, rate: float) -> zoo.Part | None:
    """A `fixed_decay` does not follow the rate."""
    coefficient = coefficient / rate if h["fixed_decay"] else coefficient
    return zoo.optional(zoo.decoupled_decay, coefficient if h["weight_decouple"] else None)


def routed(h: dict[str, Any], hidden: zoo.Pipeline, rest: zoo.Pipeline, most_axes: int | None = None) -> Any:
    """With `optimize_1d` all leaves are alike."""
    tx = hidden if h["optimize_1d"] else zoo.route(matrices=hidden, rest=rest, by=zoo.matrices(most_axes=most_axes))
    return ascending(tx, h)


def ascending(tx: optax.GradientTransformation, h: dict[str, Any]) -> optax.GradientTransformation:
    """PyTorch's `maximize`."""
    return optax.chain(optax.scale(-1.0), tx) if h.get("maximize") else tx


FACTOR = {"lr_1d_factor": "it is lr_1d over lr"}
REPLAYS: dict[str, Replay] = {
    "authors": Replay(lambda h: routed(h, *authors(h), most_axes=2), only={"mars_type": "mars-adamw"}),
    "timm": Replay(lambda h: routed(h, *timm(h)), only={"mars_type": "adamw"}),
    "pytorch_optimizer": Replay(lambda h: routed(h, *pytorch_optimizer(h)), only={"mars_type": "adamw"}, unread=FACTOR),
}
