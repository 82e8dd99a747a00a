"""An optimizer whose step is one kernel for each leaf."""

from typing import Any

import jax
import optax

from optax_zoo.fusion.flag import in_force
from optax_zoo.fusion.separated import separated
from optax_zoo.precision.around import inner_of
from optax_zoo.primitives.part import Rule, needs_of, primitive


@primitive
def fused(tx: optax.GradientTransformation) -> Rule:
    """An optimizer whose new parameters and states XLA:CPU writes by one kernel for each leaf, not one for each array.

    It takes the same steps, with the same state, but for rounding. Call `enable_fused_steps()` first: where kernels are
    not merged, on other backends, and outside of a traced function it is `tx` itself.

    A jitted step of Adam, with parameters and state donated, then accesses 28 bytes a parameter instead of 40: the
    least that a step can. Norms and other reductions are computed before, once. What it gains is in
    docs/performance.md; what the flag does to other programs of the process, too.

    Args:
      tx: any optax transformation; the whole optimizer, or a part of it.

    Returns:
      A transformation with the state of `tx`.

    Raises:
      TypeError: if tx is no transformation.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.fused(zoo.sgd(0.1))
      fused(pipeline(learning_rate=0.1))
    """
    return _Fused(tx)


class _Fused(Rule):
    """The rule of `fused`."""

    def __init__(self, tx: optax.GradientTransformation):
        self.step = inner_of(tx).update
        super().__init__(tx.init, self.update, needs_of(tx))

    def update(self, updates: Any, state: Any, params: Any = None, **extra_args: Any) -> tuple[Any, Any]:
        leaves, treedef = jax.tree.flatten((updates, state, params, extra_args))
        places = [number for number, leaf in enumerate(leaves) if isinstance(leaf, jax.core.Tracer)]
        if not places or not in_force():
            return self.step(updates, state, params, **extra_args)

        def step(*traced: Any) -> tuple[Any, Any]:
            given = dict(zip(places, traced, strict=True))
            updates, state, params, extra_args = jax.tree.unflatten(
                treedef, [given.get(number, leaf) for number, leaf in enumerate(leaves)]
            )
            return self.step(updates, state, params, **extra_args)

        values = [leaves[number] for number in places]
        program, shapes = jax.make_jaxpr(step, return_shape=True)(*values)
        if program.effects:
            return self.step(updates, state, params, **extra_args)
        steps = len(jax.tree.leaves(shapes[0]))
        return jax.tree.unflatten(jax.tree.structure(shapes), separated(program, values, steps))
