"""What an optimizer costs: a step (`optax_zoo.cost.step`), and at scale, on each device of a mesh.

`optax-zoo cost` on the command line; from Python:

Example:
  >>> import optax_zoo as zoo
  >>> from optax_zoo.cost import MODELS, StateLayout
  >>> layout = StateLayout.of(zoo.adam(1e-3), MODELS["7b"])
  >>> round(layout.state_bytes(256) / 2**20, 1)  # MiB of state on each of 256 devices
  200.8
"""

from optax_zoo.cost.collectives import Collective, collectives_of
from optax_zoo.cost.memory import StateLayout
from optax_zoo.cost.mesh import mesh_shape
from optax_zoo.cost.models import MODELS, Decoder
from optax_zoo.cost.scaling import DEVICES, Row, rows

__all__ = ["DEVICES", "MODELS", "Collective", "Decoder", "Row", "StateLayout", "collectives_of", "mesh_shape", "rows"]
