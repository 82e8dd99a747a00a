"""Yogi: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from harness import Replay
from sources import ascending, keras_clips, with_decay

import optax_zoo as zoo


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    """The average gradient starts where the average square does."""
    (b1, b2), initial = h["betas"], h["initial_accumulator"]
    mean = zoo.scaled(lambda count: 1 / (1 - b1 ** (count + 1.0)), zoo.ema(b1, initial=initial))
    tx = zoo.yogi(h["lr"], b1, b2, eps=h["eps"], initial_accumulator=initial).replace(numerator=mean)
    return with_decay(tx, h, h.get("weight_decouple", False), h.get("fixed_decay", False))


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    tx = jettify(h)
    if h.get("adam_debias"):
        tx = tx.replace(numerator=zoo.ema(h["betas"][0], initial=h["initial_accumulator"]))
    return ascending(tx, h)


def tfa(h: dict[str, Any]) -> zoo.Pipeline:
    """eps, which meets the uncorrected root, and the penalties are rounded to float32."""
    rate, decay, b1, b2 = h["learning_rate"], h["decay"], h["beta1"], h["beta2"]
    penalties = [np.float64(np.float32(h[f"{norm}_regularization_strength"])) for norm in ("l1", "l2")]
    squares = zoo.ema(b2, of=zoo.square, initial=h["initial_accumulator_value"], additive=True)
    if h["activation"] == "tanh":
        squares = softly_additive(b2, h["initial_accumulator_value"])
    correction = zoo.scale_by_bias_correction(b1, b2)
    return zoo.pipeline(
        gradient=keras_clips(h),
        numerator=zoo.ema(b1),
        denominator=zoo.root(squares, eps=np.float64(np.float32(h["epsilon"]))),
        rescale=correction,
        learning_rate=(lambda count: rate / (1 + decay * count)) if decay else rate,
        decay=proximal(*penalties, correction) if any(penalties) else None,
    )


@zoo.primitive
def softly_additive(b2: float, initial: float) -> zoo.Rule:
    """tfa's activation "tanh" in place of the sign."""

    def init(params: Any) -> Any:
        return jax.tree.map(lambda p: jnp.full_like(p, initial), params)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        new = jax.tree.map(lambda g, v: v + (1 - b2) * jnp.tanh(10 * (g * g - v)) * g * g, updates, state)
        return new, new

    return zoo.Rule(init, update)


@zoo.primitive
def proximal(l1: float, l2: float, correction: zoo.Part) -> zoo.Rule:
    """The proximal step of l1 and l2 penalties at the rate of each element."""

    def update(
        updates: Any, state: Any, params: Any = None, *, learning_rate: Any, denominator: Any, **extra_args: Any
    ) -> Any:
        rates, state = correction.update(jax.tree.map(lambda d: learning_rate / d, denominator), state)

        def solve(u: Any, p: Any, rate: Any) -> Any:
            new = p + u
            shrunk = jnp.sign(new) * jnp.maximum(jnp.abs(new) - l1 * rate, 0) / (1 + l2 * rate)
            return shrunk - p

        return jax.tree.map(solve, updates, params, rates), state

    return zoo.Rule(correction.init, update, needs=("params",))


REPLAYS = {"jettify": Replay(jettify), "pytorch_optimizer": Replay(pytorch_optimizer), "tfa": Replay(tfa)}
