"""Every registered algorithm through every check of the kit.

By default all checks run for one algorithm, and a choice of them for those that compile fast; CI runs all of them.
"""

import pytest
from registered import is_heavy

import optax_zoo as zoo
from optax_zoo import conformance

WHOLE = {"expectigrad"}
QUICK = {
    "updates_mirror_parameters",
    "state_is_stable",
    "init_without_values",
    "by_leaf_as_whole_tree",
    "evaluation_params_in_wrappers",
    "zero_gradients",
    "bfloat16",
    "count_at_its_limit",
    "inject_hyperparams",
    "missing_extra_arguments_are_refused",
    "pickle_round_trip",
    "lowers_for_tpu",
    "matrix_parabola",
    *(check.name for check in conformance.CHECKS.values() if check.claim),
}


def all_cases():
    for name in zoo.list_algorithms():
        _, parameters = conformance.cases(**conformance.registered(name))
        for case in parameters:
            quick = (name in WHOLE and case.id != "a_thousand_leaves") or (not is_heavy(name) and case.id in QUICK)
            marks = [*case.marks, *([] if quick else [pytest.mark.slow])]
            yield pytest.param(*case.values, id=f"{name}-{case.id}", marks=marks)


def test_the_choice_is_one_of_checks():
    assert set(conformance.CHECKS) >= QUICK


@pytest.mark.parametrize("case", list(all_cases()))
def test_conformance(case):
    case()
