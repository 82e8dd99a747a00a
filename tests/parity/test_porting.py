"""Every line of docs/porting.md takes the steps that it says."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from harness import Replay, cases, largest_error
from ledger import replay_of, uncompiled

import optax_zoo as zoo
from optax_zoo.compat import enable_x64

PAGE = (Path(__file__).parents[2] / "docs" / "porting.md").read_text()
NAMES = {"zoo": zoo, "optax": optax}
FROM_OPTAX = re.findall(r"^\| `(optax\.[^`]*)` \| `(zoo\.[^`]*)` \|", PAGE, re.M)
FROM_TORCH = dict(re.findall(r"^\| `([A-Z]\w+\([^`]*\))` \| `(zoo\.[^`]*)` \|$", PAGE, re.M))
RECORDED = {  # which trajectory of PyTorch is that of a line
    "SGD(lr=0.01)": ("sgd", "lr=0.01-mixed"),
    "SGD(lr=0.1, weight_decay=0.01)": ("sgd", "lr=0.1,weight_decay=0.01-smooth"),
    "SGD(lr=0.01, momentum=0.9)": ("momentum", "lr=0.01,momentum=0.9-mixed"),
    "SGD(lr=0.01, momentum=0.9, nesterov=True)": ("nag", "lr=0.01,momentum=0.9-mixed"),
    "Adam()": ("adam", "defaults-mixed"),
    "Adam(lr=0.01, weight_decay=0.1)": ("adam", "weight_decay=0.1,lr=0.01-outlier"),
    "Adam(amsgrad=True)": ("amsgrad", "defaults-mixed"),
    "AdamW()": ("adamw", "defaults-mixed"),
    "NAdam()": ("nadam", "defaults-mixed"),
    "RAdam()": ("radam", "defaults-mixed"),
    "Adamax()": ("adamax", "defaults-mixed"),
    "Adagrad()": ("adagrad", "defaults-mixed"),
    "Adadelta()": ("adadelta", "defaults-mixed"),
    "RMSprop()": ("rmsprop", "defaults-mixed"),
    "RMSprop(centered=True)": ("rmsprop", "centered=True-smooth"),
    "Rprop()": ("rprop", "defaults-mixed"),
    "Muon()": ("muon", "defaults-smooth"),
}


def made(expression):
    return eval(expression, NAMES)


def test_every_line_is_tested():
    assert FROM_TORCH.keys() == RECORDED.keys() and len(FROM_OPTAX) == 5


@pytest.mark.parametrize("call", RECORDED)
def test_a_line_takes_the_recorded_steps_of_torch(call):
    algorithm, name = RECORDED[call]
    case, recorded = cases(algorithm)[f"torch/{name}"], replay_of(algorithm, f"torch/{name}")
    tolerance = recorded.tolerance_of(case)
    assert largest_error(case, Replay(lambda h: made(FROM_TORCH[call])), uncompiled) <= tolerance


@pytest.mark.parametrize(("theirs", "ours"), FROM_OPTAX)
def test_a_line_takes_the_steps_of_optax(theirs, ours):
    with enable_x64(True):
        start = {"w": jnp.linspace(-1.0, 2.0, 6).reshape(2, 3)}
        found = []
        for tx in (made(theirs), made(ours)):
            params, state = start, tx.init(start)
            for step in range(5):
                updates, state = tx.update(jax.tree.map(lambda p, n=step: jnp.sin(3 * p + n), params), state, params)
                params = optax.apply_updates(params, updates)
            found.append(params["w"])
        np.testing.assert_allclose(*found, rtol=0, atol=1e-9 * np.max(np.abs(found[0] - start["w"])))
