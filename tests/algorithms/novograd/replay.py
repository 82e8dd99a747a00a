"""NovoGrad: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def largest_so_far(tx: zoo.Pipeline, b2: float, eps: float, seeded: Any) -> zoo.Pipeline:
    """NovoGrad's amsgrad option: the largest average so far."""
    average = zoo.ema(b2, of=zoo.leaf_sum(zoo.square), seeded=seeded)
    return tx.replace(denominator=zoo.root(zoo.running_max(average), eps=eps))


def openseq2seq(h: dict[str, Any], b2: float | None = None) -> zoo.Pipeline:
    return zoo.novograd(
        h["learning_rate"],
        h["beta1"],
        h["beta2"] if b2 is None else b2,
        eps_root=h["epsilon"],
        weight_decay=h["weight_decay"],
        grad_averaging=h["grad_averaging"],
    )


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.novograd(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        eps_root=0.0,
        weight_decay=h["weight_decay"],
        grad_averaging=h["grad_averaging"],
    )
    return largest_so_far(tx, h["betas"][1], h["eps"], "while_zero") if h["amsgrad"] else tx


def skip_averaging_at_first(b1: float, weight_decay: float) -> optax.GradientTransformation:
    """grad_averaging as tensorflow-addons and pytorch_optimizer have it: the first normalized gradient enters whole."""
    return zoo.serial(decay=zoo.coupled_decay(weight_decay), trace=zoo.ema(b1, seeded="first_step"))


def seeded_by_step(
    rate: float, b1: float, b2: float, eps: float, weight_decay: float, grad_averaging: bool
) -> zoo.Pipeline:
    tx = zoo.novograd(rate, b1, b2, eps=eps, eps_root=0.0, weight_decay=weight_decay, reseed=False)
    return tx.replace(momentum=skip_averaging_at_first(b1, weight_decay)) if grad_averaging else tx


def tfa(h: dict[str, Any]) -> zoo.Pipeline:
    b2, eps = h["beta_2"], h["epsilon"]
    tx = seeded_by_step(h["learning_rate"], h["beta_1"], b2, eps, h["weight_decay"], h["grad_averaging"])
    return largest_so_far(tx, b2, eps, "first_step") if h.get("amsgrad") else tx


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """`adam_debias` corrects the rate; a decoupled decay follows the one before that."""
    rate, (b1, b2), weight_decay, fixed = h["lr"], h["betas"], h["weight_decay"], h["fixed_decay"]
    corrected = (lambda count: rate * jnp.sqrt(1 - b2 ** (count + 1.0))) if h.get("adam_debias") else rate
    coupled = 0.0 if h["weight_decouple"] else weight_decay
    tx = seeded_by_step(corrected, b1, b2, h["eps"], coupled, h["grad_averaging"])
    if h["weight_decouple"] and weight_decay:
        tx = tx.replace(decay=optax.add_decayed_weights(-weight_decay if fixed else -weight_decay * rate))
    return ascending(tx, h)


REPLAYS = {
    "jettify": Replay(timm),
    # The average is never stored, so that v is the squared norm of every step's gradient: b2 = 0.
    "openseq2seq-as-is": Replay(lambda h: openseq2seq(h, b2=0.0), unread={"beta2": "the average is never stored"}),
    "openseq2seq-ema": Replay(openseq2seq),
    "openseq2seq-ema-f32": Replay(openseq2seq),
    "tfa": Replay(tfa),
    "timm": Replay(timm),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}

AUTHORS = {"openseq2seq-as-is", "openseq2seq-ema", "openseq2seq-ema-f32"}
