"""DoWG, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {"optax.contrib.dowg": Counterpart({"d0": 0.1}, {"init_estim_sq_dist": 0.01})}
