"""Numbers: all precisions, all magnitudes, long runs, and the invariances that an optimizer claims."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.compat import enable_x64
from optax_zoo.conformance import trees
from optax_zoo.conformance.assertions import close, finite, require, same_kind, wide
from optax_zoo.conformance.registry import check_in
from optax_zoo.conformance.subject import Subject

check = check_in("numerics")

LONG = 5000
INT32_MAX = np.iinfo(np.int32).max


@check()
def zero_gradients(subject: Subject) -> None:
    """Gradients of 0 give finite updates and states."""
    finite("updates and state", _with_gradients(subject, lambda g: jnp.zeros_like(g)))


@check()
def huge_gradients(subject: Subject) -> None:
    """Gradients of size 1e15, 1e20 and up to the largest float32 give finite updates, then and at later steps."""
    params = trees.parameters()
    usual = [trees.gradients(params, t) for t in range(4)]
    largest = jax.tree.map(lambda g: jnp.sign(g) * jnp.finfo(g.dtype).max, usual[1])
    for size in (1e15, 1e20, 3e38, None):
        first, second = (
            (jax.tree.map(lambda g, size=size: size * g, g) for g in usual[:2]) if size else (largest, largest)
        )
        for gradients in ([first, second, *usual[2:]], [usual[0], second, *usual[2:]]):
            state = subject.init(params)
            for t, grads in enumerate(gradients):
                updates, state = subject.compiled_update(params, state, grads)
                finite(f"updates of step {t + 1} with gradients of size {size or 'the largest float32'}", updates)


@check()
def tiny_gradients(subject: Subject) -> None:
    """Gradients of size 1e-25, whose squares are 0 in float32, give finite updates and states."""
    finite("updates and state", _with_gradients(subject, lambda g: 1e-25 * g))


@check()
def float16(subject: Subject) -> None:
    """float16 trees: updates in float16, near those in float32."""
    _low_precision(subject, jnp.float16)


@check()
def bfloat16(subject: Subject) -> None:
    """bfloat16 trees: updates in bfloat16, near those in float32."""
    _low_precision(subject, jnp.bfloat16)


@check()
def float64(subject: Subject) -> None:
    """float64 trees: updates in float64, and finite."""
    with enable_x64(True):
        finite("updates", _in_dtype(subject, jnp.float64))


@check()
def float32_beside_float64(subject: Subject) -> None:
    """float32 trees stay float32 when float64 is enabled."""
    with enable_x64(True):
        _in_dtype(subject, jnp.float32)


@check()
def strict_promotion(subject: Subject) -> None:
    """float32 and bfloat16 trees work when jax is told not to promote dtypes ("strict") and ranks ("raise")."""
    for dtype in (jnp.float32, jnp.bfloat16):
        params = trees.parameters(dtype)
        grads = trees.gradients(params)
        with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
            state = jax.eval_shape(subject.tx.init, params)
            jax.eval_shape(lambda p, s, g: subject.update(subject.tx, p, s, g), params, state, grads)


@check()
def bfloat16_for_long(subject: Subject) -> None:
    """5,000 constant bfloat16 gradients end at the same update as float32 ones: no average or counter sticks."""
    last = {dtype: _long_run(subject, dtype) for dtype in (jnp.bfloat16, jnp.float32)}
    close("last update", last[jnp.bfloat16], last[jnp.float32], rtol=0.02)


@check()
def count_at_its_limit(subject: Subject) -> None:
    """An int32 counter at its limit stays there: it does not turn negative, and updates stay finite."""
    params = trees.parameters()
    grads = trees.gradients(params)
    _, state = subject.compiled_update(params, subject.init(params), grads)
    state = jax.tree.map(lambda x: jnp.full_like(x, INT32_MAX) if _is_count(x) else x, state)
    for _ in range(2):
        updates, state = subject.compiled_update(params, state, grads)
        finite("updates", updates)
        counts = [x for x in jax.tree.leaves(state) if _is_count(x)]
        require(all(np.all(np.asarray(x) >= 0) for x in counts), "a counter of the state turned negative.")


@check(claim="rest")
def rests_without_gradient(subject: Subject) -> None:
    """Parameters whose gradients have always been 0 do not move."""
    updates, _ = _with_gradients(subject, lambda g: jnp.zeros_like(g))
    close("updates", updates, jax.tree.map(jnp.zeros_like, updates), rtol=0, atol=0)


@check(claim="scale")
def scale_invariance(subject: Subject) -> None:
    """Gradients multiplied by one constant give the same updates."""
    expected, _ = _with_gradients(subject, lambda g: 1e3 * g)
    found, _ = _with_gradients(subject, lambda g: 1e6 * g)
    close("updates", found, expected, rtol=1e-3)


@check(claim="sign")
def sign_symmetry(subject: Subject) -> None:
    """Gradients of opposite sign give the opposite updates."""
    expected, _ = _with_gradients(subject, lambda g: g)
    found, _ = _with_gradients(subject, lambda g: -g)
    close("updates", found, jax.tree.map(jnp.negative, expected))


@check(claim="order")
def leaves_in_any_order(subject: Subject) -> None:
    """Leaves that are renamed, and so reordered, get the same updates."""
    params = trees.parameters()
    names = dict(zip(sorted(params), reversed(sorted(params)), strict=True))
    expected, _ = _updates(subject, params, [trees.gradients(params, t) for t in range(3)])
    renamed = {new: params[old] for old, new in names.items()}
    grads = [{new: trees.gradients(params, t)[old] for old, new in names.items()} for t in range(3)]
    found, _ = _updates(subject, renamed, grads)
    close("updates", {old: found[new] for old, new in names.items()}, expected)


@check(claim="apart")
def nan_stays_in_its_leaf(subject: Subject) -> None:
    """A NaN in the gradient of one leaf does not reach the others."""
    params = trees.parameters()
    grads = trees.gradients(params)
    spoilt = {**grads, "bias": grads["bias"].at[0].set(jnp.nan)}
    for after in ([], [grads]):
        expected, _ = _updates(subject, params, [grads, *after])
        found, _ = _updates(subject, params, [spoilt, *after])
        for name in ("kernel", "filters"):
            close(f"updates[{name!r}]", found[name], expected[name])


def _with_gradients(subject: Subject, of: Any) -> tuple[Any, Any]:
    """The last updates and the state after three steps with a function of the usual gradients."""
    params = trees.parameters()
    grads = [jax.tree.map(of, trees.gradients(params, t)) for t in range(3)]
    return _updates(subject, params, grads)


def _updates(subject: Subject, params: Any, gradients: list[Any]) -> tuple[Any, Any]:
    """The last updates and the state after steps that leave the parameters alone."""
    state, updates = subject.init(params), None
    for grads in gradients:
        updates, state = subject.compiled_update(params, state, grads)
    return updates, state


def _in_dtype(subject: Subject, dtype: Any) -> Any:
    """The last updates after three steps on trees of a dtype, whose kinds must stay, like those of the state."""
    params = trees.parameters(dtype)
    state, updates = subject.init(params), None
    for t in range(3):
        grads = trees.gradients(params, t)
        updates, after = subject.compiled_update(params, state, grads)
        same_kind("updates", updates, grads)
        same_kind("state", after, state)
        state = after
    return updates


def _low_precision(subject: Subject, dtype: Any) -> None:
    params = trees.parameters(dtype)
    grads = [trees.gradients(params, t) for t in range(3)]
    lifted = jax.tree.map(lambda x: x.astype(jnp.float32), (params, grads))
    expected, _ = _updates(subject, *lifted)
    close("updates", _in_dtype(subject, dtype), expected, rtol=0.02, atol=float(jnp.finfo(dtype).smallest_subnormal))


def _long_run(subject: Subject, dtype: Any) -> Any:
    params = {"bias": jnp.ones(3, dtype)}
    grads = {"bias": jnp.array([1.0, -0.5, 0.25], dtype)}

    @jax.jit
    def run() -> Any:
        def body(carry: Any, _: Any) -> tuple[Any, None]:
            return subject.update(subject.tx, params, carry[1], grads), None

        return jax.lax.scan(body, (grads, subject.tx.init(params)), length=LONG)[0][0]

    return jax.tree.map(wide, run())


def _is_count(x: Any) -> bool:
    return hasattr(x, "dtype") and x.dtype == jnp.int32 and x.ndim == 0
