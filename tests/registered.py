"""The registered algorithms, to parametrize tests over."""

import pytest

import optax_zoo as zoo

# Stages of their own with many operations: their tests take a third of the time, and run in CI.
HEAVY = {"adasecant", "learned_lstm", "santa_e", "santa_sss"}
ALGORITHMS = [
    pytest.param(name, marks=pytest.mark.slow) if name in HEAVY else pytest.param(name)
    for name in zoo.list_algorithms()
]
