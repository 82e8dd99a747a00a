"""optax's own shared suite (it ships in the wheel) over algorithms that stand for the mechanisms of a pipeline.

Failures that the registry expects of the kit's convergence checks are expected of the suite's, which has the same four.
"""

import functools
import pathlib
import re
import types
import unittest

import pytest
from optax import contrib
from registered import FACES

import optax_zoo as zoo

SOURCE = pathlib.Path(contrib.__file__).with_name("_common_test.py")
OURS = "optimizer_of_ours"
CHECKS = {
    "_setup_parabola": "parabola",
    "_setup_rosenbrock": "rosenbrock",
    "_setup_matrix_parabola": "matrix_parabola",
    "_setup_mixed_tensor_target": "vector_and_matrix",
}
# These map parameters in a state, or inject every number of the example, of which one must be known before tracing.
SHOWS_NO_SHAPES = re.compile(r"test_optimizers\d|test_optimizers_can_be_wrapped_in_inject_hyperparams\d")


@functools.cache
def suite(needs_value):
    """The suite's class of tests with one optimizer under test, `optax.contrib.optimizer_of_ours`."""
    text = SOURCE.read_text()
    lists = text.index("_MAIN_OPTIMIZERS_UNDER_TEST = ["), text.index("_ALL_OPTIMIZERS_UNDER_TEST = tuple(")
    entry = {"opt_name": OURS, "opt_kwargs": {}, "wrapper_name": None, "wrapper_kwargs": None}
    text = (
        text[: lists[0]]
        + f"_MAIN_OPTIMIZERS_UNDER_TEST = [{entry}]\n_OTHER_OPTIMIZERS_UNDER_TEST = []\n"
        + text[lists[1] :]
    )
    if needs_value:
        text = text.replace("'momo_adam']", f"'momo_adam', {OURS!r}]").replace(
            "'momo_adam', 'sgd']", f"'momo_adam', 'sgd', {OURS!r}]"
        )
    module = types.ModuleType("optax_common_test")
    exec(compile(text, SOURCE, "exec"), module.__dict__)
    return module.ContribTest


def all_tests():
    for name in FACES:
        known = zoo.describe(name)
        if "curvature" in known.needs:  # which optax's suite gives to nothing
            continue
        tests = suite("value" in known.needs)
        for method in unittest.TestLoader().getTestCaseNames(tests):
            marks = [pytest.mark.slow]
            repr_of_parameters = getattr(getattr(tests, method), "__x_params_repr__", "")
            checks = [check for setup, check in CHECKS.items() if f"function {setup} " in repr_of_parameters]
            reasons = [known.expected_failures[check] for check in checks if check in known.expected_failures]
            if reasons and method.startswith("test_optimizers"):
                marks.append(pytest.mark.xfail(reason=reasons[0], strict=True))
            elif "map_params" in known.expected_failures and SHOWS_NO_SHAPES.match(method):
                # Not strict: some rows need the axes of leaves of three axes alone, of which Optax's suite has none.
                marks.append(pytest.mark.xfail(reason=known.expected_failures["map_params"], strict=False))
            yield pytest.param(name, method, id=f"{name}-{method}", marks=marks)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("name", "method"), list(all_tests()))
def test_optax_suite(name, method, monkeypatch):
    known = zoo.describe(name)
    factory = functools.partial(known.factory, **known.example)
    monkeypatch.setattr(contrib, OURS, factory, raising=False)
    suite("value" in known.needs)(method).debug()
