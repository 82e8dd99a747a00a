"""The parameters to evaluate with, where an optimizer trains at others."""

from typing import Any

import jax
import optax


def evaluation_params(tx: optax.GradientTransformation, state: Any, params: Any) -> Any:
    """The parameters to evaluate with, from those that a training loop holds.

    Optimizers with an `iterate` slot train at other parameters than the ones they lead to: schedule-free at a point
    between average and newest, lookahead at its fast weights. Training goes on from `params`; what is returned here is
    for evaluation and for the final checkpoint. It is found in the state, so the optimizer may stand in an
    `optax.chain`, in an `optax.partition` (each group has its own), in `route`, or in `optax.MultiSteps`,
    `optax.inject_hyperparams`, `optax.masked`.

    Args:
      tx: the optimizer.
      state: its state after the last step.
      params: the parameters that the loop holds after that step.

    Returns:
      A tree like `params`; `params` themselves for an optimizer without such a slot.

    Raises:
      TypeError: if `tx` is not an optimizer (as where the arguments are in another order).

    Example:
      >>> import jax.numpy as jnp, optax, optax_zoo as zoo
      >>> tx = optax.chain(optax.clip(1.0), zoo.schedule_free_adamw(0.1))
      >>> params = jnp.array([1.0])
      >>> state = tx.init(params)
      >>> for _ in range(3):
      ...     updates, state = tx.update(params, state, params)
      ...     params = optax.apply_updates(params, updates)
      >>> averaged = zoo.evaluation_params(tx, state, params)
      >>> bool(averaged[0] > params[0])
      True
    """
    if not isinstance(tx, (optax.GradientTransformation, optax.MultiSteps)):
        raise TypeError(
            f"tx is of type {type(tx).__name__}, but must be the optimizer: evaluation_params(tx, state, params)."
        )
    for node in jax.tree.leaves(state, is_leaf=_keeps_params):
        if _keeps_params(node):
            params = node.evaluation_params(params)
    return params


def _keeps_params(node: Any) -> bool:
    return hasattr(node, "evaluation_params")
