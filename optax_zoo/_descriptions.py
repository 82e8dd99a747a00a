"""What means the same in every algorithm, said once, as sections of a docstring: see `optax_zoo._docstrings`."""

COMMON = """
Args:
  learning_rate: the rate alpha, at least 0, or a schedule.
  b1: decay of the average gradient, in [0, 1), or a function of the number of steps taken.
  b2: decay of the average squared gradient, in [0, 1), or a function of the number of steps taken.
  eps: added outside the root.
  eps_root: added inside the root.
  weight_decay: the coefficient of coupled (L2) decay, at least 0, or a schedule; None or 0 for none.
  weight_decay_mask: a tree of bools, or a function from parameters to one: which leaves decay.
  accumulator_dtype: dtype of the accumulators; by default the gradient's, at least float32.
  nesterov: step along the look-ahead of the momentum.
  axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
  stacked: which axes of a leaf stack layers (`nn.scan`, `nnx.scan`), each of which then has a statistic of its own:
    `stacked_under("layers")`, a function of path and leaf, or a number of leading axes; see `normalize_by_norm`.
  key: of what is drawn at random: a `jax.random.key`, raw key data or an int seed; None stands for seed 0. The same key
    draws the same numbers, also in two groups of an `optax.partition`.

Raises:
  ValueError: for a number outside its range.
"""
