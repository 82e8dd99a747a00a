"""What several algorithms of one source have in common: options that are said here in the same way."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import optax_zoo as zoo

# Options, and what some sources keep beside them, that change no number in float64.
WITHOUT_EFFECT = {
    *("foreach", "fused", "triton", "capturable", "differentiable", "kahan_sum", "gradient_release", "setup"),
    *("fsdp_in_use", "log_every", "no_deprecation_warning", "train_mode"),
    *("buffer", "k", "step", "d_max", "numerator_weighted", "d_numerator", "lr_max", "scheduled_lr", "weight_sum"),
}


def refuse(h: dict[str, Any], *options: str) -> None:
    """Refuses options that cannot be said here."""
    for option in options:
        if h.get(option):
            raise NotImplementedError(f"{option} is {h[option]!r}, which has not been expressed.")


def ascending(tx: zoo.Pipeline, h: dict[str, Any]) -> zoo.Pipeline:
    """PyTorch's `maximize`: the gradient with the other sign, before anything else."""
    if not h.get("maximize"):
        return tx
    return tx.replace(gradient=zoo.in_series(ascent=optax.scale(-1.0), gradient=tx.slots.get("gradient")))


def keras_rate(h: dict[str, Any]) -> optax.ScalarOrSchedule:
    """The rate over 1 + decay t."""
    rate, decay = h["lr"] if "lr" in h else h["learning_rate"], h["decay"]
    return (lambda count: rate / (1 + decay * count)) if decay else rate


def keras_sgd(h: dict[str, Any]) -> zoo.Pipeline:
    make, decay = zoo.nag if h["nesterov"] else zoo.momentum, h["momentum"]
    return make(keras_rate(h), decay) if decay else zoo.sgd(keras_rate(h))


def torch_sgd(h: dict[str, Any]) -> zoo.Pipeline:
    """The rate is outside the momentum, and the first gradient is not damped."""
    tx = zoo.sgd(h["lr"], weight_decay=h["weight_decay"])
    damped = dict(dampening=h["dampening"], seeded="first_step") if h["dampening"] else {}
    average = zoo.optional(zoo.trace, h["momentum"], nesterov=h["nesterov"], **damped)
    return ascending(tx.replace(momentum=average), h)


def chainer_decay(tx: zoo.Pipeline, h: dict[str, Any]) -> zoo.Pipeline:
    """`eta` multiplies the step, and the decay, which does not follow the rate."""
    eta, coefficient = h["eta"], h["weight_decay_rate"]
    tx = tx.replace(rescale=None if eta == 1 else zoo.in_series(other=tx.slots.get("rescale"), eta=optax.scale(eta)))
    return tx.replace(decay=zoo.optional(zoo.decoupled_decay, eta * coefficient / h["alpha"]))


def optimi_coefficient(h: dict[str, Any]) -> float:
    """Of decoupled decay: with `decouple_lr` the rate counts relative to its maximum."""
    highest = h["max_lr"] or h["lr"]
    return h["weight_decay"] / highest if h["decouple_lr"] else h["weight_decay"]


def optimi_decay(tx: zoo.Pipeline, h: dict[str, Any]) -> zoo.Pipeline:
    """Decoupled where `decouple_wd` or `decouple_lr` says so."""
    return with_decay(tx, {**h, "weight_decay": optimi_coefficient(h)}, h["decouple_wd"] or h["decouple_lr"])


def with_decay(tx: zoo.Pipeline, h: dict[str, Any], decoupled: bool, fixed: bool = False) -> zoo.Pipeline:
    """Coupled or decoupled decay; a `fixed` one does not follow the rate."""
    coefficient, rate = h["weight_decay"], h["lr"]
    if not coefficient:
        return tx
    if not decoupled:
        return tx.replace(gradient=zoo.in_series(other=tx.slots.get("gradient"), decay=zoo.coupled_decay(coefficient)))
    return tx.replace(decay=zoo.decoupled_decay(coefficient / rate if fixed else coefficient))


def adanorm(h: dict[str, Any]) -> zoo.Part | None:
    """pytorch_optimizer's `adanorm`, in the numerator: gradients that are shorter than on average become as long."""
    if not h.get("adanorm"):
        return None
    return zoo.raise_to_average_norm(h.get("adanorm_r") or 0.95)


def tfa_rate(h: dict[str, Any]) -> optax.ScalarOrSchedule:
    """The rate over 1 + decay t; with `total_steps` it warms up from 0 linearly, and then falls to `min_lr`."""
    first, least, decay, steps = h["learning_rate"], h["min_lr"], h["decay"], h["total_steps"]
    warmup = steps * h["warmup_proportion"]
    if not (decay or steps):
        return first

    def rate(count: jax.Array) -> jax.Array:
        now = first / (1 + decay * count)
        if not steps:
            return now
        falling = max(steps - warmup, 1)
        fallen = now + (least - now) / falling * jnp.minimum(count + 1 - warmup, falling)
        return jnp.where(count + 1 <= warmup, now * (count + 1) / warmup, fallen)

    return rate


def of_pytorch_optimizer(h: dict[str, Any], b2: float) -> zoo.Part:
    """The denominator that many classes of pytorch_optimizer share: 1e-15 inside the root, eps beside the uncorrected.

    `ams_bound` takes the largest average so far.
    """
    average = zoo.ema(b2, of=zoo.square)
    largest = zoo.running_max(average) if h.get("ams_bound") else average
    return zoo.debiased(zoo.root(largest, eps=h["eps"], eps_root=1e-15))


def clip_by_uncorrected(states: str = "slot_states") -> zoo.Part:
    """pytorch_optimizer's `stable_adamw`: the clip of StableAdamW, of the gradient over an uncorrected root."""

    def whitened(updates: Any, *, gradient: Any, **extra_args: Any) -> Any:
        squares = zoo.moment(extra_args[states], "denominator")
        return jax.tree.map(lambda g, v: g / jnp.sqrt(jnp.maximum(v, 1e-16)), gradient, squares)

    return zoo.clip_by_norm("avg_l2", 1.0, eps=0.0, of=whitened)


def warming_half_life(limit: float, start: float, steps: float) -> optax.Schedule:
    """A decay whose half-life grows, found of decays that are larger by 1e-8, as in AdEMAMix's own code."""
    grown = zoo.warming_half_life(limit + 1e-8, start + 1e-8, steps)
    return lambda count: jnp.where(count + 1 < steps, grown(count), limit)


def keras_clips(h: dict[str, Any]) -> optax.GradientTransformation | None:
    """The clips of every Keras optimizer, of which one can be asked for."""
    if h.get("clipvalue") is not None:
        return optax.clip(h["clipvalue"])
    if h.get("clipnorm") is not None:
        return zoo.clip_by_norm("l2", h["clipnorm"], eps=0.0)
    if h.get("global_clipnorm") is not None:
        return zoo.clip_by_norm("l2", h["global_clipnorm"], eps=0.0, scope="tree")
    return None


def average_in(dtype: str, decay: float) -> optax.GradientTransformation:
    """An average that is kept in a dtype: differences and the weight are float32, where that is not wider."""
    weight = np.float32(1 - decay) if jnp.finfo(dtype).bits <= 32 else 1 - decay

    def update(u: Any, state: Any, params: Any = None) -> Any:
        def average(u: Any, m: Any) -> Any:
            difference = rounded(rounded(u, dtype) - m, dtype if dtype == "float64" else "float32")
            return rounded(m + weight * difference, dtype)

        after = jax.tree.map(average, u, state)
        return after, after

    return optax.GradientTransformation(lambda params: jax.tree.map(jnp.zeros_like, params), update)


def rounded(x: Any, dtype: str) -> Any:
    """Numbers rounded to a dtype, of which the compiler must see the bits, or it would leave the rounding out."""
    bits = jnp.finfo(dtype).bits
    if bits >= jnp.finfo(x.dtype).bits:
        return x
    narrow = x.astype("float32").astype(dtype)
    return jax.lax.bitcast_convert_type(jax.lax.bitcast_convert_type(narrow, f"uint{bits}"), dtype).astype(x.dtype)


SIDES = {"std": "smaller", "reverse_std": "larger", "left": "outputs", "right": "inputs", "full": "both"}


def on_each_side(tx: zoo.Route, change: Callable[[zoo.Pipeline], zoo.Pipeline]) -> zoo.Route:
    """A route whose sides are changed alike."""
    return tx.replace(**{name: change(side) for name, side in tx.slots.items()})


def galore_leaves(h: dict[str, Any]) -> Any:
    """Which leaves pytorch_optimizer projects: those of two axes, in groups that have a rank."""
    return zoo.matrices(most_axes=2) if h.get("rank") is not None else lambda path, leaf: "rest"


def galore_projector(h: dict[str, Any], **options: Any) -> zoo.Part:
    """pytorch_optimizer's GaLoreProjector, which counts steps from 1; its "random" is "std" here."""
    return zoo.subspace(
        h.get("rank"),
        h.get("update_proj_gap", 50),
        side=SIDES.get(h.get("projection_type", "std"), "smaller"),
        scale=h.get("scale", 1.0),
        phase=-1,
        outputs="first",
        **options,
    )


def with_estimates(tx: zoo.Pipeline, estimates: list[Any]) -> optax.GradientTransformation:
    """An optimizer that is given the curvature that is recorded of each step, None where there is none."""
    none = jax.tree.map(np.zeros_like, next(filter(None, estimates)), is_leaf=lambda x: isinstance(x, list))
    by_step = [none if each is None else {leaf: np.array(x) for leaf, x in each.items()} for each in estimates]
    stacked = {leaf: np.stack([each[leaf] for each in by_step]) for leaf in none}

    def update(g: Any, state: Any, params: Any = None) -> Any:
        inner, count = state
        now = {leaf: jnp.asarray(x)[count] for leaf, x in stacked.items()}
        updates, inner = tx.update(g, inner, params, curvature=now)
        return updates, (inner, count + 1)

    return optax.GradientTransformation(lambda params: (tx.init(params), jnp.zeros((), jnp.int32)), update)
