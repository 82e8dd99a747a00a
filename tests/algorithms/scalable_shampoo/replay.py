"""Scalable Shampoo: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import numpy as np
import optax
from harness import Replay

import optax_zoo as zoo


def magnitude(h: dict[str, Any]) -> Any:
    """What `graft_type` names."""
    eps = h.get("diagonal_eps", 1e-10)
    squares = {2: zoo.total(of=zoo.square), 3: zoo.ema(h["betas"][1], of=zoo.square)}
    kind = h.get("graft_type", 1)
    plain = {0: None, 1: "gradient", 4: zoo.scale_by_sign()}
    return plain[kind] if kind in plain else zoo.pipeline(denominator=zoo.root(squares[kind], eps=eps))


def merged(shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """How the source merges axes: a first axis that is too long leaves one of length 1 before it."""
    found, product = [], 1
    for n in shape:
        product *= n
        if product > most:
            found.append(product // n)
            product = n
    return (*found, product)


@zoo.primitive
def reshaped(part: zoo.Route, most: int) -> zoo.Rule:
    """An optimizer that sees leaves with merged axes."""

    def seen(tree: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(merged(x.shape, most)), tree)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        made, after = part.update(seen(updates), state, seen(params))
        return jax.tree.map(lambda u, x: u.reshape(x.shape), made, updates), after

    return zoo.Rule(lambda params: part.init(seen(params)), update)


def shapes(case: dict[str, Any]) -> dict[str, Any]:
    return {"shapes": {leaf: np.shape(value) for leaf, value in case["params_0"].items()}}


def pytorch_optimizer(h: dict[str, Any], shapes: dict[str, Any]) -> Any:
    """What is not among the hyperparameters has its default there. Only a decoupled rate is one of the decay, too."""
    size, merges = h.get("block_size", 512), h.get("shape_interpretation", True)

    def by(path: Any, leaf: Any) -> str:
        shape = shapes[path[0].key]
        few = leaf.ndim < 2 or len(shape) < h.get("skip_preconditioning_rank_lt", 1)
        return "rest" if few or max(shape) > h.get("no_preconditioning_for_layers_with_dim_gt", 8192) else "matrices"

    (b1, b2), eps, coefficient = h["betas"], h.get("matrix_eps", 1e-6), h["weight_decay"]
    decoupled = h.get("decoupled_weight_decay", False)
    coupled = 0.0 if decoupled else coefficient / (1.0 if h["decoupled_learning_rate"] else h["lr"])
    tx = zoo.scalable_shampoo(
        h["lr"],
        b1,
        None if b2 == 1 else b2,
        nesterov=h["nesterov"],
        averaged=h["moving_average_for_momentum"],
        eps=eps,
        root=h.get("inverse_exponent_override", 0) or None,
        start=h.get("start_preconditioning_step", 25),
        every=h.get("preconditioning_compute_steps", 1000),
        statistics_every=h.get("statistics_compute_steps", 1),
        block_size=size if size > 0 else 10**9,
        merge=False,
        sides={0: "all", 1: "but_last", 2: "last"}[h.get("pre_conditioner_type", 0)],
        magnitude=magnitude(h),
        inverse_root=zoo.eigh_root if h.get("use_svd") else zoo.coupled_newton(ridge=eps, tolerance=1e-3),
        weight_decay=coupled,
        by=by,
    )
    ascent = {"gradient": optax.scale(-1.0)} if h.get("maximize") else {}
    decay = {"decay": zoo.optional(zoo.decoupled_decay, coefficient)} if decoupled else {}
    tx = tx.replace(matrices={**ascent, **decay}, rest={**ascent, **decay})
    return reshaped(tx, size) if merges else tx


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer, given=shapes)}
