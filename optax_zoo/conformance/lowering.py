"""Lowering: the compiled step can be made for platforms other than this machine's."""

from typing import Any

import jax
from jax import export

from optax_zoo.conformance import trees
from optax_zoo.conformance.assertions import require
from optax_zoo.conformance.registry import check_in
from optax_zoo.conformance.subject import Subject

check = check_in("lowering")


@check()
def lowers_for_cpu(subject: Subject) -> None:
    """jax.export lowers the step for CPUs."""
    _export(subject, "cpu")


@check()
def lowers_for_cuda(subject: Subject) -> None:
    """jax.export lowers the step for CUDA GPUs."""
    _export(subject, "cuda")


@check()
def lowers_for_tpu(subject: Subject) -> None:
    """jax.export lowers the step for TPUs."""
    _export(subject, "tpu")


def _export(subject: Subject, platform: str) -> None:
    """Lowers `init` and a step from only shapes and dtypes."""
    tx = subject.tx
    params = jax.eval_shape(trees.parameters)

    def two_steps(params: Any, grads: Any) -> Any:
        state = tx.init(params)
        params, state = subject.step(tx, params, state, grads)
        return subject.step(tx, params, state, grads)

    exported = export.export(jax.jit(two_steps), platforms=[platform])(params, params)
    require(exported.platforms == (platform,), f"exported for {exported.platforms} instead of {platform}.")
