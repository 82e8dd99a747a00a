"""What one step of an optimizer costs on a parameter tree: bytes, kernels, compilation, and time against another's."""

from optax_zoo.cost.step.costs import Cost, Figures, Times, measure
from optax_zoo.cost.step.memory import TooLargeError
from optax_zoo.cost.step.trees import TREES, tree_of

__all__ = ["TREES", "Cost", "Figures", "Times", "TooLargeError", "measure", "tree_of"]
