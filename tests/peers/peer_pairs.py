"""Optimizers of ours and of PyTorch packages, paired and with their hyperparameters set equal."""

import dataclasses
import functools
import importlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

import optax

import optax_zoo as zoo


@dataclasses.dataclass(frozen=True)
class Pair:
    """One of our optimizers and the one that it is timed against.

    Attributes:
      ours: our transformation.
      algorithm: how ours is called in the table.
      distribution: the PyPI distribution of theirs.
      path: module and class of theirs.
      options: its keyword arguments.
      peer: how theirs is called in the table.
      equal: what it takes that both compute the same.
    """

    ours: optax.GradientTransformation
    algorithm: str
    distribution: str
    path: str
    options: Mapping[str, Any]
    peer: str
    equal: str

    def theirs(self, parameters: Sequence[Any]) -> Any:
        """Their optimizer of a sequence of `torch.nn.Parameter`."""
        module, _, name = self.path.rpartition(".")
        return getattr(importlib.import_module(module), name)(parameters, **self.options)


KOZISTR = "pytorch_optimizer"
ADAM = functools.partial(
    Pair, zoo.adam(1e-3, 0.9, 0.999, eps=1e-8), "adam", "torch", "torch.optim.Adam", equal="same defaults"
)
ADAM_OPTIONS = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
PAIRS = (
    Pair(
        zoo.expectigrad(1e-3, 0.9, eps=1e-8),
        "expectigrad",
        "expectigrad",
        "expectigrad.pytorch.Expectigrad",
        {"lr": 1e-3, "beta": 0.9, "eps": 1e-8, "sparse_counter": True},
        "the authors' Expectigrad",
        "same defaults",
    ),
    Pair(
        zoo.gravity(0.1, alpha=0).replace(momentum=zoo.ema(zoo.growing_decay(0.9, start=1))),
        "gravity",
        KOZISTR,
        "pytorch_optimizer.Gravity",
        {"lr": 0.1, "alpha": 0.0, "beta": 0.9},
        "pytorch_optimizer's Gravity",
        "alpha 0: no random start; t from 1, as theirs",
    ),
    Pair(
        zoo.adabound(1e-3, 0.9, 0.999, final_lr=0.1, gamma=1e-3, eps=1e-8, eps_root=1e-15),
        "adabound",
        KOZISTR,
        "pytorch_optimizer.AdaBound",
        {"lr": 1e-3, "betas": (0.9, 0.999), "final_lr": 0.1, "gamma": 1e-3, "eps": 1e-8},
        "pytorch_optimizer's AdaBound",
        "eps_root 1e-15, which theirs adds",
    ),
    Pair(
        zoo.novograd(1e-3, 0.95, 0.98, eps=1e-8, eps_root=0.0, reseed=False),
        "novograd",
        KOZISTR,
        "pytorch_optimizer.NovoGrad",
        {"lr": 1e-3, "betas": (0.95, 0.98), "eps": 1e-8, "grad_averaging": False},
        "pytorch_optimizer's NovoGrad",
        "eps outside the root; only the first step seeds v",
    ),
    ADAM(options={**ADAM_OPTIONS, "foreach": True}, peer="torch's Adam, foreach"),
    ADAM(options={**ADAM_OPTIONS, "fused": True}, peer="torch's Adam, fused"),
)


def versions() -> dict[str, str]:
    """The version of each distribution of PAIRS, torch first.

    Raises:
      importlib.metadata.PackageNotFoundError: if one is not installed.
    """
    names = ["torch", *sorted({pair.distribution for pair in PAIRS} - {"torch"})]
    return {name: importlib.metadata.version(name) for name in names}
