"""The wrappers through the checks of the kit, eight devices among them."""

import pytest

import optax_zoo as zoo
from optax_zoo import conformance, precision

WIDE = "updates are in float32, so that optax.apply_updates ends where it shall"
ROUNDED_ENDS = "an update is the distance of two narrow numbers, in any dtype, and near that of float32 only on average"
OF_WIDE_UPDATES = {
    **dict.fromkeys(["float16", "bfloat16", "bfloat16_for_long"], ROUNDED_ENDS),
    "inject_hyperparams_keeps_dtype": WIDE,
}
ROUNDED = {"inject_hyperparams_bfloat16_default"}  # a rate in bfloat16 may end at a neighbour in bfloat16
FAILURES = {
    precision.with_master_weights: OF_WIDE_UPDATES,
    precision.with_kahan_summation: OF_WIDE_UPDATES,
    precision.with_stochastic_rounding: OF_WIDE_UPDATES,
    precision.float32_statistics: {},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adamw", "schedule_free_adamw"])
@pytest.mark.parametrize("wrap", FAILURES, ids=lambda wrap: wrap.__name__)
def test_conformance(wrap, name):
    def make(learning_rate=0.01, weight_decay=0.01):
        return wrap(zoo.create(name, learning_rate=learning_rate, weight_decay=weight_decay))

    checks = [check for check in conformance.CHECKS if check not in ROUNDED]
    report = conformance.check(make, needs=("params",), only=checks, expected_failures=FAILURES[wrap])
    assert report.ok, str(report)
