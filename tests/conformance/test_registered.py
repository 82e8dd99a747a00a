"""Every registered algorithm through every check of the kit."""

import pytest

import optax_zoo as zoo
from optax_zoo import conformance


def all_cases():
    for name in zoo.list_algorithms():
        _, parameters = conformance.cases(**conformance.registered(name))
        for case in parameters:
            yield pytest.param(*case.values, id=f"{name}-{case.id}", marks=[*case.marks, pytest.mark.slow])


@pytest.mark.parametrize("case", list(all_cases()))
def test_conformance(case):
    case()
