"""What checks assert: one sentence that names the leaf."""

from typing import Any

import jax
import numpy as np


class Skip(Exception):  # noqa: N818  (no error)
    """A check that does not apply here; the message says why."""


def require(condition: Any, sentence: str) -> None:
    """Fails with a sentence unless the condition holds."""
    if not condition:
        raise AssertionError(sentence)


def same_kind(what: str, found: Any, expected: Any) -> None:
    """Fails unless two trees agree in structure and in the shapes, dtypes and weak types of their leaves."""
    same_structure(what, found, expected)
    for (path, x), y in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        if kind(x) != kind(y):
            raise AssertionError(f"{what}{jax.tree_util.keystr(path)} is {kind(x)}, but {kind(y)} was expected.")


def same_structure(what: str, found: Any, expected: Any) -> None:
    """Fails unless two trees have the same structure."""
    ours, theirs = str(jax.tree.structure(found)), str(jax.tree.structure(expected))
    require(ours == theirs, f"{what} has the structure {ours}, but expected {theirs}.")


def kind(x: Any) -> str:
    """Dtype, shape and weak type in words."""
    aval = jax.typeof(x)
    return f"{aval.dtype}{list(aval.shape)}" + " (weakly typed)" * aval.weak_type


def close(what: str, found: Any, expected: Any, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """Fails unless two trees of one structure agree leaf by leaf; the tolerance is relative to a leaf's largest."""
    same_structure(what, found, expected)
    for (path, x), y in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        x, y = wide(x), wide(y)
        name = what + jax.tree_util.keystr(path)
        require(x.shape == y.shape, f"{name} has the shape {x.shape}, but expected {y.shape}.")
        require(np.array_equal(np.isfinite(x), np.isfinite(y)), f"{name} is not finite where expected, or the reverse.")
        finite = np.isfinite(y)
        error = np.max(np.abs(np.where(finite, x, 0) - np.where(finite, y, 0)), initial=0)
        allowed = atol + rtol * np.max(np.abs(y), initial=0, where=finite)
        require(error <= allowed, f"{name} is off by {error:.2g}, more than {allowed:.2g}.")


def equal(what: str, found: Any, expected: Any) -> None:
    """Fails unless two trees agree bit for bit."""
    same_kind(what, found, expected)
    for (path, x), y in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        same = np.array_equal(raw(x), raw(y), equal_nan=True)
        require(same, f"{what}{jax.tree_util.keystr(path)} differs.")


def finite(what: str, tree: Any) -> None:
    """Fails if a leaf holds NaN or an infinity."""
    for path, x in jax.tree.leaves_with_path(tree):
        require(np.all(np.isfinite(wide(x))), f"{what}{jax.tree_util.keystr(path)} is not finite.")


def raw(x: Any) -> np.ndarray:
    """A leaf as a NumPy array, of a typed key its data."""
    require(hasattr(x, "dtype"), f"a leaf is {x!r} of type {type(x).__name__}, but must be an array.")
    return np.asarray(jax.random.key_data(x) if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key) else x)


def wide(x: Any) -> np.ndarray:
    """A leaf as a NumPy array in double precision."""
    x = raw(x)
    return x.astype(np.complex128 if np.iscomplexobj(x) else np.float64)
