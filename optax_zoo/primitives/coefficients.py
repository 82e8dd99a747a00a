"""Coefficients of Newton-Schulz iterations: those published, and Polar Express, which computes them."""

from typing import Any, Literal, TypeAlias

import numpy as np

from optax_zoo import _checks

Triple: TypeAlias = tuple[float, float, float]
Coefficients: TypeAlias = Triple | tuple[Triple, ...] | Literal["keller_jordan", "you_jiacheng", "polar_express"]
KELLER_JORDAN: Triple = (3.4445, -4.7750, 2.0315)
YOU_JIACHENG: tuple[Triple, ...] = (
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
)


def polar_express(
    steps: int = 8, *, lower: float = 1e-3, safety: float = 1e-2, cushion: float = 0.02
) -> tuple[Triple, ...]:
    r"""Coefficients of iterations that bring the worst of all singular values in a range nearest to 1 (Polar Express).

    Each is the best odd polynomial of degree 5 on the range that the one before leaves: it has equal largest errors
    below and above 1.

    Args:
      steps: how many iterations are computed; the last, which then is nearly :math:`(15 x - 10 x^3 + 3 x^5) / 8`,
        serves all further ones.
      lower: the least singular value that the first range has, in (0, 1); its upper end is 1.
      safety: by how much the range of each iteration but the last is widened above, as rounding can lead there: 0.01
        for bfloat16.
      cushion: the lower end of a range is taken as at least this part of the upper one, so that no iteration
        trades all others for the least singular values.

    Returns:
      A tuple of (a, b, c), for `coefficients` of `orthogonalize`.

    Example:
      >>> import optax_zoo as zoo
      >>> [round(a, 3) for a, b, c in zoo.polar_express()]
      [8.237, 4.082, 3.926, 3.298, 2.297, 1.876, 1.856, 1.875]

    Source:
      N. Amsel, D. Persson, C. Musco, R. M. Gower (2025): The Polar Express: Optimal Matrix Sign Methods and Their
      Application to the Muon Algorithm; NoahAmsel/PolarExpress. The defaults give what timm and pytorch_optimizer call
      "polar_express", and `safety=2e-2` their "polar_express_safer", of modded-nanogpt; the table in the paper has a
      cushion of 0.0240733 and no safety, which it then divides by.
    """
    _checks.scalar("steps", steps, "at least 1", lambda n: n >= 1)
    _checks.scalar("lower", lower, "in (0, 1)", lambda x: 0 < x < 1)
    _checks.scalar("cushion", cushion, "in [0, 1)", lambda x: 0 <= x < 1)
    _checks.non_negative("safety", safety)
    found, low, high = [], lower, 1.0
    for step in range(steps):
        triple = _equal_errors(max(low, cushion * high), high)
        if cushion * high > low:
            triple = triple * 2 / (_value(triple, low) + _value(triple, high))
        if step < steps - 1:
            triple = triple / (1 + safety) ** np.array([1, 3, 5])
        low = _value(triple, low)
        high = 2 - low
        found.append(tuple(map(float, triple)))
    return tuple(found)  # type: ignore[arg-type]


def table_of(coefficients: Any, steps: int) -> list[Triple]:
    """The coefficients of each iteration.

    Raises:
      ValueError: for what are no coefficients.
    """
    if isinstance(coefficients, str):
        named = {"keller_jordan": KELLER_JORDAN, "you_jiacheng": YOU_JIACHENG, "polar_express": polar_express()}
        _checks.one_of("coefficients", coefficients, named)
        coefficients = named[coefficients]
    table = np.atleast_2d(np.asarray(coefficients, np.float64))
    if table.ndim != 2 or table.shape[1] != 3:
        raise ValueError(f"coefficients is {coefficients!r}, but must be three numbers, or a tuple of such, or a name.")
    return [tuple(table[min(number, len(table) - 1)].tolist()) for number in range(steps)]


def _value(triple: np.ndarray, x: float) -> float:
    return float(triple @ [x, x**3, x**5])


def _equal_errors(low: float, high: float) -> np.ndarray:
    """The polynomial a x + b x^3 + c x^5 nearest to 1 on [low, high], by Remez's algorithm."""
    if low / high > 1 - 5e-6:
        return np.array([15 / high, -10 / high**3, 3 / high**5]) / 8
    inner, error, last = [(3 * low + high) / 4, (low + 3 * high) / 4], np.inf, 0.0
    while abs(error - last) > 1e-15:
        last = error
        points = np.array([low, *inner, high])
        signs = np.array([1, -1, 1, -1])
        a, b, c, error = np.linalg.solve(np.stack([points, points**3, points**5, signs], 1), np.ones(4))
        root = np.sqrt(9 * b * b - 20 * a * c)
        inner = [np.sqrt((-3 * b - root) / (10 * c)), np.sqrt((-3 * b + root) / (10 * c))]
    return np.array([a, b, c])
