"""Registered algorithms through the checks of the kit.

By default all checks run for one algorithm, a choice of them for those that stand for the mechanisms of a pipeline, and
what differs from row to row for all. CI runs all checks for these, and those about an optimizer alone, rather than what
is around it, for algorithms that have between them every part there is.
"""

import pytest
from registered import COVER, FACES, is_heavy

import optax_zoo as zoo
from optax_zoo import conformance

WHOLE = {"expectigrad"}
OF_ROWS = {
    "state_is_stable",
    "init_without_values",
    "by_leaf_as_whole_tree",
    "evaluation_params_in_wrappers",
    "zero_gradients",
    "huge_gradients",
    "count_at_its_limit",
    "missing_extra_arguments_are_refused",
    *(check.name for check in conformance.CHECKS.values() if check.claim),
}
QUICK = OF_ROWS | {
    "updates_mirror_parameters",
    "bfloat16",
    "inject_hyperparams",
    "pickle_round_trip",
    "lowers_for_tpu",
    "matrix_parabola",
}


# What follows from the parts: for a row of parts that others have too CI looks again.
OF_PARTS = {
    "state_is_stable",
    "init_without_values",
    "leaves_in_any_order",
    "by_leaf_as_whole_tree",
    "count_at_its_limit",
    "zero_gradients",
    "huge_gradients",
    "evaluation_params_in_wrappers",
}
AROUND = {"composition", "evaluation", "persistence", "devices"}  # groups of checks of what is around an optimizer
OF_TREES = {  # which the pipeline walks, whatever the parts
    *("masked_node", "nested_containers", "single_array", "none_leaf", "none_gradient", "integer_leaves"),
    *("names_of_state_fields", "a_thousand_leaves", "lowers_for_cpu"),
}
OF_SHARDS = {"named_sharding_2d_explicit", "state_shardings_follow", "shard_map_sharded", "no_collectives"}


def is_run(name, check):
    """Whether a check runs at all."""
    if check in QUICK or check in zoo.describe(name).expected_failures or name in {*FACES, *WHOLE}:
        return True
    one = conformance.CHECKS[check]
    return name in COVER and check not in OF_TREES and (one.group not in AROUND or check in OF_SHARDS)


def iterate_of(name):
    """The kind of what keeps other parameters, if there is any."""
    part = getattr(zoo.create(name, **zoo.describe(name).example), "slots", {}).get("iterate")
    return repr(part).partition("(")[0]


ITERATES = {name: iterate_of(name) for name in zoo.list_algorithms()}
FIRST_OF_ITERATES = {iterate: name for name, iterate in reversed(ITERATES.items())}


def is_quick(name, check):
    """Whether a check runs by default."""
    if name in WHOLE:
        return check != "a_thousand_leaves"
    if check == "evaluation_params_in_wrappers" and ITERATES[name] != "None":
        return FIRST_OF_ITERATES[ITERATES[name]] == name
    quick = QUICK if name in FACES else OF_ROWS if name in COVER else OF_ROWS - OF_PARTS
    return not is_heavy(name) and check in quick


def all_cases():
    for name in zoo.list_algorithms():
        _, parameters = conformance.cases(**conformance.registered(name))
        for case in parameters:
            if is_run(name, case.id):
                marks = [] if is_quick(name, case.id) else [pytest.mark.slow]
                yield pytest.param(*case.values, id=f"{name}-{case.id}", marks=[*case.marks, *marks])


def test_the_choice_is_one_of_checks():
    assert set(conformance.CHECKS) >= QUICK


@pytest.mark.parametrize("case", list(all_cases()))
def test_conformance(case):
    case()
