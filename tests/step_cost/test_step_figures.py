"""No algorithm's step takes more memory, bytes or kernels than is recorded, whatever the load of the machine."""

import figures
import jax
import pytest

import optax_zoo as zoo
from optax_zoo.cost.step.program import least_accessed

RECORDED = {name: figures.recorded(name).get(jax.__version__) for name in zoo.list_algorithms()}
NONE = f"no figures for jax {jax.__version__}: python tests/step_cost/figures.py"


@pytest.mark.slow
@pytest.mark.usefixtures("users_emitters")
@pytest.mark.skipif(not any(RECORDED.values()), reason=NONE)
@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_a_step_costs_what_is_recorded(name):
    assert figures.figures(name) == RECORDED[name], f"if that is meant, run python tests/step_cost/figures.py {name}"


@pytest.mark.slow
@pytest.mark.skipif(not any(RECORDED.values()), reason=NONE)
@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_what_accesses_more_bytes_than_the_floor_says_why(name):
    known, why = zoo.describe(name), figures.FOLDERS / name / "temporaries.json"
    least = least_accessed(known.factory(**known.example), figures.TREE)
    assert why.exists() or RECORDED[name]["accessed"] <= 1.02 * least
