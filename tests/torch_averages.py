"""PyTorch's average of parameters beside an optimizer, as what `record.py` records:

PYTHONPATH=tests python tests/record.py averaged torch_averages:Averaged --around torch.optim:SGD --inner lr=0.1
--set decay=0.9 --tag torch --source "PyPI torch==2.13.0 (torch.optim.swa_utils.AveragedModel)" --evaluated evaluate
"""

from typing import Any


class Averaged:
    """An optimizer, and an `AveragedModel` that is shown its parameters every so many steps after the first.

    Args:
      optimizer: the optimizer.
      decay: of the moving average; None for the mean.
      begin: how many steps are taken before the first that counts.
      every: how many steps are taken for each that is averaged.
    """

    def __init__(self, optimizer: Any, decay: float | None = None, begin: int = 0, every: int = 1):
        import torch
        from torch.optim import swa_utils

        self.optimizer, self.begin, self.every, self.count = optimizer, begin, every, 0
        self.params = torch.nn.ParameterList(p for group in optimizer.param_groups for p in group["params"])
        average = swa_utils.get_swa_multi_avg_fn() if decay is None else swa_utils.get_ema_multi_avg_fn(decay)
        self.averaged = swa_utils.AveragedModel(self.params, multi_avg_fn=average)

    def step(self) -> None:
        """A step of the optimizer."""
        self.optimizer.step()
        self.count += 1
        if self.count > self.begin and (self.count - self.begin) % self.every == 0:
            self.averaged.update_parameters(self.params)

    def evaluate(self) -> None:
        """Puts the average in place of the parameters."""
        for parameter, average in zip(self.params, self.averaged.module, strict=True):
            parameter.data.copy_(average)
