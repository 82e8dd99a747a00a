"""What the leaves of a network of Flax are to optimizers of matrices, told by the names that Flax gives them."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from optax_zoo.primitives.matrices import outputs_under
from optax_zoo.primitives.paths import as_keys, keys_of, named, refuse_absent
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes, stacked_under
from optax_zoo.route import matrices

REST = ("embedding", "bias", "scale")  # leaves of nn.Embed, of all layers, and of norms
PROJECTIONS = ("query", "key", "value")  # of nn.MultiHeadDotProductAttention and nnx.MultiHeadAttention


def flax_layout(variables: Any, but: Iterable[str] = (), *, stacked: Stacked | str = None) -> dict[str, Any]:
    """The arguments `by`, `stacked` and `outputs` of optimizers of matrices, for a network of Flax Linen or NNX.

    Embeddings, biases and the scales of norms are "rest", and so is what is named in `but`. All other leaves of two or
    more axes are matrices:

    - a kernel of `Dense` and `Linear`, (inputs, outputs), as it is;
    - a kernel of a convolution, (height, width, inputs, outputs), of height x width x inputs rows and a column for each
      output;
    - kernels of attention: those of "query", "key" and "value", (inputs, heads, head), have heads x head columns, that
      of "out", (heads, head, outputs), has heads x head rows;
    - a kernel of `DenseGeneral` and `LinearGeneral`, whose bias tells how many axes of it are outputs;
    - each layer of leaves that `nn.scan`, `nn.vmap` or `nnx.vmap` stack.

    Args:
      variables: the variables or parameters, shapes suffice: `model.init(...)`, `nnx.state(model, nnx.Param)`. Only
        names and shapes are read.
      but: keys of paths under which leaves are "rest": heads, the first layer.
      stacked: the key under which layers are stacked along the first axis, "layers"; or another rule, see
        `normalize_by_norm`. None for none.

    Returns:
      A dict of the three, to be handed on: `muon(**flax_layout(params, ("head",)))`.

    Raises:
      ValueError: for a key that no path has, for norms that look as if layers were stacked where nothing says so, and
        for a kernel with more than two axes of outputs.
      TypeError: for a rule that is none.

    Example:
      >>> import jax, jax.numpy as jnp, optax_zoo as zoo
      >>> from flax import linen as nn
      >>> attention = nn.MultiHeadDotProductAttention(num_heads=2)
      >>> params = jax.eval_shape(attention.init, jax.random.key(0), jnp.ones((1, 3, 6)))
      >>> tx = zoo.muon(**zoo.flax_layout(params))
      >>> tx.sides_of(params)["params"]["query"]
      {'bias': 'rest', 'kernel': 'matrices'}
    """
    but = as_keys("but", but, "('head',)")
    keys = {key for path, _ in jax.tree.leaves_with_path(variables) for key in keys_of(path)}
    rule = stacked_under(stacked) if isinstance(stacked, str) else stacked
    check_stacked(rule)
    refuse_absent("but", but, keys)
    refuse_absent("stacked", (rule.name,) if isinstance(rule, stacked_under) else (), keys)
    if rule is None:
        _refuse_stacked_norms(variables)
    heads = _heads(variables, rule)
    return {
        "by": matrices(but=(*REST, *but), stacked=rule),
        "stacked": rule,
        "outputs": outputs_under(heads) if heads else "last",
    }


def _refuse_stacked_norms(variables: Any) -> None:
    """Refuses scales of norms that have more than their one axis."""
    for path, leaf in jax.tree.leaves_with_path(variables):
        if keys_of(path)[-1:] == ("scale",) and np.ndim(leaf) > 1:
            raise ValueError(
                f"stacked is None, but the scale {named(path)} has the shape {np.shape(leaf)}: say which axes stack "
                "layers, stacked='layers' for those under that key; 0 if none do."
            )


def _heads(variables: Any, rule: Stacked) -> tuple[str, ...]:
    """The names of modules whose kernels have two axes of outputs."""
    leaves = jax.tree.leaves_with_path(variables)
    axes: dict[tuple[str, ...], int] = {}
    for (path, leaf), stacked in zip(leaves, stacked_axes(rule, variables), strict=True):
        axes[keys_of(path)] = np.ndim(leaf) - len(stacked)
    found = []
    for path, count in axes.items():
        *above, last = path or ("",)
        if last != "kernel" or not above or count < 3:
            continue
        outputs = axes.get((*above, "bias"), 2 if above[-1] in PROJECTIONS else 1)
        if outputs > 2 and count > outputs:
            raise ValueError(
                f"the kernel {'/'.join(path)} has {outputs} axes of outputs, as its bias tells, but names are for two: "
                f"give outputs=, a function of path and leaf, with {tuple(range(-outputs, 0))} for it."
            )
        found += [above[-1]] if outputs == 2 else []
    return tuple(dict.fromkeys(found))
