"""AdaSecant: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo
from optax_zoo.primitives.secant import scale_by_secant


def options(h: dict[str, Any]) -> dict[str, Any]:
    """What all versions have in common; -1 means that variance reduction never starts."""
    assert h["grad_clip"] is None and not h["skip_nan_inf"]
    start = h["start_var_reduction"]
    return dict(
        gamma_clip=h["gamma_clip"],
        start_var_reduction=None if start == -1 else start,
        delta_clip=h["delta_clip"],
        use_adagrad=h["use_adagrad"],
    )


def workshop(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.pipeline(
        gradient=zoo.normalize_by_norm("l2", eps=1e-7),
        rescale=scale_by_secant(
            decay=h["decay"],
            debias=False,
            gamma_reg=0.0,
            outlier_horizon=2.2,
            outlier_growth=None,
            max_horizon=1e8,
            seed_mean_step=False,
            eps_root=h["learning_rate"],
            **options(h),
        ),
        learning_rate=1.0,
    )


def later(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.create("adasecant", **options(h)).replace(rescale=scale_by_secant(decay=h["decay"], **options(h)))


def latest(h: dict[str, Any]) -> zoo.Pipeline:
    rates = dict(learning_rate=h["learning_rate"], slow_decay=h["slow_decay"], gamma_reg=h["gamma_reg"])
    return zoo.create("adasecant", **rates, **options(h))


ONLY = {"use_corrected_grad": True}  # without it the code fails
REPLAYS = {
    "workshop": Replay(workshop, only=ONLY),
    "later": Replay(later, only=ONLY),
    "latest": Replay(latest, only={**ONLY, "perform_update": True}, unread={"decay": "it is stored, and never used"}),
}

AUTHORS = {"workshop", "later", "latest"}
