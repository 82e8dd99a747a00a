"""No algorithm's step takes more memory, bytes or kernels than is recorded, whatever the load of the machine."""

import figures
import jax
import pytest

import optax_zoo as zoo

RECORDED = figures.recorded().get(jax.__version__)


@pytest.mark.slow
@pytest.mark.skipif(RECORDED is None, reason=f"no figures for jax {jax.__version__}: python tests/step_cost/figures.py")
@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_a_step_costs_what_is_recorded(name):
    assert figures.figures(name) == RECORDED[name], "if that is meant, run python tests/step_cost/figures.py"


def test_every_version_has_every_algorithm():
    assert figures.recorded() and all(list(found) == zoo.list_algorithms() for found in figures.recorded().values())
