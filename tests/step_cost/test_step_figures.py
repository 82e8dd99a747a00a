"""No algorithm's step takes more memory, bytes or kernels than is recorded, whatever the load of the machine."""

import figures
import jax
import pytest

import optax_zoo as zoo

RECORDED = {name: figures.recorded(name).get(jax.__version__) for name in zoo.list_algorithms()}
NONE = f"no figures for jax {jax.__version__}: python tests/step_cost/figures.py"


@pytest.mark.slow
@pytest.mark.usefixtures("users_emitters")
@pytest.mark.skipif(not any(RECORDED.values()), reason=NONE)
@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_a_step_costs_what_is_recorded(name):
    assert figures.figures(name) == RECORDED[name], f"if that is meant, run python tests/step_cost/figures.py {name}"
