"""Adafactor: how each source's hyperparameters, under its own names (h), are said here."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import average_in

import optax_zoo as zoo
from optax_zoo import ema, factored, in_series, optional, power_decay, relative_rate, root

Transformation = optax.GradientTransformation


def fairseq_rate(h: dict[str, Any]) -> Any:
    """The rate of fairseq and of those that follow it."""
    rate, relative = h["lr"], relative_rate(None, warmup=1e-6) if h["warmup_init"] else relative_rate()
    return relative if h["relative_step"] else rate


def fairseq_decay(weight_decay: float, min_scale: float | None) -> Transformation | None:
    """Parameters that shrink by decay times the rate, which is relative to their size where there is a least one."""
    scale = None if min_scale is None else zoo.scale_by_param_norm("avg_l2", min_norm=min_scale)

    def update(u: Any, state: Any, params: Any, *, learning_rate: Any, **extra_args: Any) -> Any:
        sized = params if scale is None else scale.update(params, optax.EmptyState(), params)[0]
        return jax.tree.map(lambda u, p: u - learning_rate * weight_decay * p, u, sized), state

    return optax.GradientTransformationExtraArgs(optax.identity().init, update) if weight_decay else None


def with_means(part: zoo.Part, used: Callable[[Any], Any]) -> Transformation:
    """`factored`, whose rows are divided by something else than their means."""

    def update(g: Any, state: Any, params: Any = None) -> Any:
        v, state = part.update(g, state, params)

        def divided(v: Any, rows: Any) -> Any:
            means = jnp.mean(rows, -2, keepdims=True)
            return v * means / used(means)

        return jax.tree.map(lambda v, rows: divided(v, rows) if v.ndim > 1 else v, v, state.value.rows), state

    return optax.GradientTransformation(part.init, update)


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    """Of stacked matrices it divides rows by the means of others: the means lack the axis of the rows."""
    eps, min_scale = h["eps2"]
    min_scale = min_scale if h["scale_parameter"] else None
    tx = zoo.adafactor(fairseq_rate(h), h["beta1"], clip_threshold=h["clip_threshold"], min_scale=min_scale)
    squares = factored(ema(power_decay(-h["decay_rate"])), eps=eps)
    of_others = with_means(squares, lambda means: jnp.squeeze(means, (-2, -1))[..., None])
    return tx.replace(denominator=root(of_others, eps=0.0), decay=fairseq_decay(h["weight_decay"], min_scale))


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    """Relative is only a rate of its own; of convolutions the first two axes are factored, if they are long enough."""
    more_than = h["min_dim_size_to_factor"]

    def other_axes(path: Any, x: Any) -> Any:
        convolves = x.ndim > 2 and min(x.shape[:2]) > more_than
        return tuple(range(2, x.ndim)) if convolves else 0

    scales, min_scale = h["scale_parameter"] and h["relative_step"], h["eps_scale"]
    min_scale = min_scale if scales else None
    tx = zoo.adafactor(fairseq_rate(h), h["beta1"], clip_threshold=h["clip_threshold"], min_scale=min_scale)
    squares = factored(ema(power_decay(-h["decay_rate"])), eps=h["eps"], min_size=more_than + 1, stacked=other_axes)
    if h["caution"] and h["beta1"] is not None:
        tx = tx.replace(velocity=zoo.serial(average=tx.slots["velocity"], cautious=of_descent(zoo.cautious())))
    return tx.replace(denominator=root(squares, eps=0.0), decay=fairseq_decay(h["weight_decay"], min_scale))


def of_descent(part: Transformation) -> Transformation:
    """A part that is shown the sign which a finished step has lost."""
    return zoo.serial(back=optax.scale(-1.0), part=part, descend=optax.scale(-1.0))


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """The average step is kept in bfloat16 unless told otherwise."""
    (b1, limit), weight_decay, decoupled = h["betas"], h["weight_decay"], h["weight_decouple"]
    kept_in = str(h.get("momentum_dtype", "bfloat16")).removeprefix("torch.")
    min_scale = h["eps2"] if h["scale_parameter"] else None
    decay = power_decay(-h.get("decay_rate", -0.8), limit)
    tx = zoo.adafactor(
        fairseq_rate(h),
        b2=decay,
        eps=1e-7 if kept_in == "float16" else h["eps1"],
        clip_threshold=h.get("clip_threshold", 1.0),
        min_scale=min_scale,
    )
    if h["ams_bound"]:  # the largest root, of which it takes the root
        tx = tx.replace(
            numerator=optax.scale_by_schedule(lambda count: jnp.sqrt(1 - decay(count))),
            denominator=root(zoo.running_max(tx.slots["denominator"]), eps=0.0),
        )
    ascent = optax.scale(-1.0) if h.get("maximize") else None
    coupled = None if decoupled else optional(zoo.coupled_decay, weight_decay)
    cautious = of_descent(cautious_by_count()) if h.get("cautious") else None
    of_parameters = (
        optax.add_decayed_weights(-weight_decay) if h["fixed_decay"] else fairseq_decay(weight_decay, min_scale)
    )
    return tx.replace(
        gradient=in_series(ascent=ascent, coupled=coupled),
        velocity=None if b1 is None else in_series(average=average_in(kept_in, b1), cautious=cautious),
        decay=of_parameters if decoupled and weight_decay else None,
    )


def cautious_by_count() -> Transformation:
    """The first form of `cautious`: times n / (kept + 1) for a leaf of n elements."""

    def update(u: Any, state: Any, params: Any = None, *, gradient: Any, **extra_args: Any) -> Any:
        def keep(u: Any, g: Any) -> Any:
            kept = (u * g > 0).astype(u.dtype)
            return u * kept * (kept.size / (jnp.sum(kept) + 1))

        return jax.tree.map(keep, u, gradient), state

    return optax.GradientTransformationExtraArgs(optax.identity().init, update)


def torch(h: dict[str, Any], dtype: str) -> zoo.Pipeline:
    """Its eps is the least mean of the rows, and the least root; parameters decay by the largest rate."""
    eps = jnp.finfo(dtype).eps if h["eps"][0] is None else h["eps"][0]
    tx = zoo.adafactor(relative_rate(h["lr"]), clip_threshold=h["d"], min_scale=h["eps"][1])
    squares = factored(ema(power_decay(-h["beta2_decay"])), eps=0.0)
    roots = root(with_means(squares, lambda means: jnp.maximum(means, eps)), eps=0.0)
    least = optax.stateless(lambda d, params: jax.tree.map(lambda d: jnp.maximum(d, eps), d))
    return tx.replace(
        gradient=optax.scale(-1.0) if h.get("maximize") else None,
        denominator=zoo.serial(roots=roots, least=least),
        decay=optax.add_decayed_weights(-h["lr"] * h["weight_decay"]) if h["weight_decay"] else None,
    )


REPLAYS = {
    "jettify": Replay(jettify),
    "timm": Replay(timm),
    "pytorch_optimizer": Replay(pytorch_optimizer),
    "torch": Replay(torch, given=lambda case: {"dtype": case["dtype"]}),
}
