"""LAMB: how each source's hyperparameters, under its own names (h), are said here."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import adanorm, keras_clips

import optax_zoo as zoo
from optax_zoo import ema, in_series, optional, root, square

Transformation = optax.GradientTransformation


def of_decayed_parameters(part: Transformation, share: float) -> Transformation:
    """A part that sees parameters which have decayed by a share already, where the source decays them first."""

    def update(u: Any, state: Any, params: Any, **extra_args: Any) -> Any:
        return part.update(u, state, jax.tree.map(lambda p: (1 - share) * p, params), **extra_args)

    return optax.GradientTransformationExtraArgs(part.init, update)


def without_correction(rate: Any, b1: float, b2: float, eps: float) -> zoo.Pipeline:
    return zoo.pipeline(numerator=ema(b1), denominator=root(ema(b2, of=square), eps=eps), learning_rate=rate)


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    """`debias` corrects the rate, after the ratio."""
    rate, (b1, b2) = h["lr"], h["betas"]
    corrected = lambda count: rate * jnp.sqrt(1 - b2 ** (count + 1.0)) / (1 - b1 ** (count + 1.0))  # noqa: E731
    tx = without_correction(corrected if h.get("debias") else rate, b1, b2, h["eps"])
    ratio = zoo.trust_ratio(max_param_norm=h.get("clamp_value", 10))
    decay = optional(zoo.coupled_decay, h["weight_decay"])
    return tx.replace(rescale=in_series(decay=decay, trust=None if h.get("adam") else ratio))


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    """Without `grad_averaging` gradients are summed, and the sum corrected like an average."""
    (b1, b2), rate, weight_decay, limit = h["betas"], h["lr"], h["weight_decay"], h["max_grad_norm"]
    tx = zoo.adam(rate, b1, b2, eps=h["eps"]) if h["bias_correction"] else without_correction(rate, b1, b2, h["eps"])
    sums = None if h["grad_averaging"] else optax.scale(1 / (1 - b1))
    ratio = zoo.trust_ratio(max_ratio=1.0 if h["trust_clip"] else None)
    decoupled = weight_decay and h["decoupled_decay"]  # at a constant rate the corrected one is the same
    if decoupled:
        ratio = of_decayed_parameters(ratio, rate * weight_decay)
    parts = {
        "sums": sums,
        "cautious": zoo.cautious() if h["caution"] else None,
        "decay": None if decoupled else optional(zoo.coupled_decay, weight_decay),
        "trust": ratio if h["always_adapt"] or weight_decay else None,
    }
    return tx.replace(
        gradient=None if limit is None else zoo.clip_by_norm("l2", limit, eps=0.0, scope="tree"),
        rescale=in_series(**parts),
        decay=zoo.decoupled_decay(weight_decay) if decoupled else None,
    )


def tfa(h: dict[str, Any]) -> zoo.Pipeline:
    """It masks leaves by their names."""
    rate, decay = h["learning_rate"], h["decay"]
    tx = zoo.lamb(
        (lambda count: rate / (1 + decay * count)) if decay else rate,
        h["beta_1"],
        h["beta_2"],
        eps=h["epsilon"] or 1e-7,
        weight_decay=h["weight_decay"],
        weight_decay_mask=but_for(h["exclude_from_weight_decay"]),
        trust_mask=but_for(h["exclude_from_layer_adaptation"] or h["exclude_from_weight_decay"]),
    )
    return tx.replace(gradient=keras_clips(h))


def but_for(patterns: list[str] | None) -> Any:
    """A mask without the leaves whose names match one of some patterns."""

    def mask(params: Any) -> Any:
        return {name: not any(re.search(pattern, f"{name}:0") for pattern in patterns or []) for name in params}

    return mask if patterns else None


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """The first average is corrected by the rate, the second one not; parameters decay before their norms are taken."""
    rate, (b1, b2), eps, weight_decay, limit = h["lr"], h["betas"], h["eps"], h["weight_decay"], h["max_grad_norm"]
    decoupled = h["weight_decouple"] and weight_decay
    share = decoupled * (1 if h["fixed_decay"] else rate)
    corrected = rate if h.get("adam_debias") else lambda count: rate / (1 - b1 ** (count + 1.0))
    tx = without_correction(corrected, b1, b2, eps)
    average = ema(b1) if h["grad_averaging"] else zoo.trace(b1)
    ratio = zoo.trust_ratio(eps=eps, max_param_norm=10.0)
    if h["rectify"]:
        denominator = zoo.debiased(root(ema(b2, of=square), eps=eps))
        otherwise = "momentum" if h.get("degenerated_to_sgd", False) else "still"
        threshold = h.get("n_sma_threshold", 5)
        tx = tx.replace(denominator=zoo.rectified(denominator, b2, threshold=threshold, otherwise=otherwise))
        ratio = ratio_to_new_parameters(eps, 10.0)
    parts = {
        "decay": None if h["weight_decouple"] or h["rectify"] else optional(zoo.coupled_decay, weight_decay),
        "trust": None if h["adam"] else of_decayed_parameters(ratio, share),
    }
    before = {
        "clip": clip_in_float32(limit, eps) if h.get("pre_norm") and limit else None,
        "ascent": optax.scale(-1.0) if h.get("maximize") else None,
    }
    return tx.replace(
        gradient=in_series(**before),
        numerator=in_series(size=adanorm(h), average=average),
        rescale=in_series(**parts),
        decay=optax.add_decayed_weights(-share) if decoupled else None,
    )


def clip_in_float32(max_norm: float, eps: float) -> Transformation:
    """A clip by the norm of all gradients whose factor is found in float32, so that its last digit may differ."""

    def update(g: Any, state: Any, params: Any = None) -> Any:
        squares = [jnp.linalg.norm(x.ravel()).astype("float32") ** 2 for x in jax.tree.leaves(g)]
        factor = jnp.minimum(jnp.float32(max_norm) / (jnp.sqrt(sum(squares)) + jnp.float32(eps)), jnp.float32(1))
        return jax.tree.map(lambda x: x * factor.astype(x.dtype), g), state

    return optax.GradientTransformation(optax.identity().init, update)


def ratio_to_new_parameters(eps: float, max_param_norm: float) -> Transformation:
    """With `rectify` it divides by the norm of the parameters that the step would lead to, instead of the step's."""

    def update(u: Any, state: Any, params: Any, *, learning_rate: Any, **extra_args: Any) -> Any:
        def rescale(u: Any, p: Any) -> Any:
            before, after = jnp.linalg.norm(p.ravel()), jnp.linalg.norm((p - learning_rate * u).ravel())
            ratio = jnp.minimum(before, max_param_norm) / (after + eps)
            return u * jnp.where((before == 0) | (after == 0), 1, ratio)

        return jax.tree.map(rescale, u, params), state

    return optax.GradientTransformationExtraArgs(optax.identity().init, update)


REPLAYS = {
    "pytorch_optimizer": Replay(pytorch_optimizer),
    "jettify": Replay(jettify),
    "timm": Replay(timm, unread={"corrected_weight_decay": "the same at a constant rate"}),
    "tfa": Replay(tfa),
}
