"""PyTorch's side of `step_torch.py`, for a Python that has it."""

import importlib

import torch
from step_torch_turns import serve


def begin(params, gradients, task):
    """`optimizer.step()` with gradients that are there."""
    torch.set_num_threads(task["threads"])
    module, name = task["name"].split(":")
    params = [torch.nn.Parameter(torch.tensor(p)) for p in params]
    gradients = [list(map(torch.tensor, grads)) for grads in gradients]
    optimizer = getattr(importlib.import_module(module), name)(params, **task["hyperparameters"])

    def step(number):
        for p, g in zip(params, gradients[number], strict=True):
            p.grad = g.clone()  # some write into it
        optimizer.step()

    return step


if __name__ == "__main__":
    serve(begin)
