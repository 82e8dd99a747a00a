"""Types that arguments of several primitives and algorithms share."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import jax
from jax.typing import DTypeLike

Scalar: TypeAlias = float | jax.Array
Decay: TypeAlias = Scalar | Callable[[jax.Array], Any]  # a function is given the number of steps taken
Initial: TypeAlias = Scalar | Callable[[Any], Any]  # a function is given a tree of zeros
Seeded: TypeAlias = Literal["first_step", "while_zero"] | None
Additive: TypeAlias = Literal[False, True, "decaying"]
Statistic: TypeAlias = Callable[[jax.Array], jax.Array]
Mask: TypeAlias = Any  # a tree of bools, or a function from parameters to one
Key: TypeAlias = jax.Array | int
DType: TypeAlias = DTypeLike | None
AxisName: TypeAlias = str | tuple[str, ...] | None
Scope: TypeAlias = Literal["leaf", "tree"]
