"""Watching optimizers: `animate` follows each one down a landscape and makes a film of it.

>>> from optax_zoo.animate import animate
>>> animation = animate(["sgd", "optax.adam"], steps=20, progress=False)
>>> [path.points.shape for path in animation.paths]
[(21, 1), (21, 1)]
"""

from optax_zoo.animate.animation import Animation
from optax_zoo.animate.errors import AnimationError
from optax_zoo.animate.landscapes import LANDSCAPES, Landscape
from optax_zoo.animate.paths import RATES, Path
from optax_zoo.animate.runner import animate

__all__ = ["LANDSCAPES", "RATES", "Animation", "AnimationError", "Landscape", "Path", "animate"]
