"""Figures as text: as many digits as their intervals warrant."""

import math
import statistics
from collections.abc import Sequence

Interval = tuple[float, float]

UNKNOWN_PLACES = 4  # where no interval says how many digits matter
MOST_PLACES, LARGE = 6, 1e6


def places_of(interval: Interval | None) -> int | None:
    """Decimal places at which an interval is at least three units of the last place wide; None for one without width.

    They are negative where even tens are finer than that.
    """
    width = 0.0 if interval is None else interval[1] - interval[0]
    return math.ceil(math.log10(3 / width)) if width > 0 else None


def column_places(intervals: Sequence[Interval | None]) -> list[int]:
    """Decimal places for each figure of a column: the same for all whose own differ little from the median."""
    own = [places_of(interval) for interval in intervals]
    known = [places for places in own if places is not None]
    middle = statistics.median_high(known) if known else UNKNOWN_PLACES
    common = max((places for places in known if abs(places - middle) <= 1), default=UNKNOWN_PLACES)
    return [max(0, common if each is None or abs(each - middle) <= 1 else each) for each in own]


def number(value: float, places: int) -> str:
    """A number with some decimal places; with four significant digits where that would be long."""
    if places > MOST_PLACES or abs(value) >= LARGE:
        return f"{value:.4g}"
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def with_interval(value: float, interval: Interval, places: int) -> str:
    """A number with its interval, `0.975 [0.972, 0.978]`; a line may break before the interval, but not in it."""
    low, high = interval
    return f"{number(value, places)} [{number(low, places)},\N{NO-BREAK SPACE}{number(high, places)}]"
