"""The ablation on top of its report: what was found, main effects, interactions, combinations and levels."""

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from optax_zoo.race.ablation.effects import BASE, Effect, described
from optax_zoo.race.ablation.outcome import Ablation
from optax_zoo.race.html import Lead, palette, words
from optax_zoo.race.html.figures import Figure, layout
from optax_zoo.race.html.tables import Cell, Column, Table

LINES = {"effects": 46, "interactions": 62}  # pixels for one: its name, and under it the point
NAME = Markup("<strong>{}</strong>")
BETTER, WORSE = palette.LIGHT[0], palette.LIGHT[1]
TITLES = {"effects": "Main effects", "interactions": "Interactions"}
MEANINGS = {
    "effects": "By how much the test {metric} changes when a slot leaves the base's part, averaged over the levels of "
    "the other slots; above 0 is better",
    "interactions": "By how much the effect of one change grows when the other is made as well, in test {metric}; "
    "above 0 both are better together than the sum of their effects",
}


def lead(ablation: Ablation) -> Lead:
    """The section that the report of an ablation opens with."""
    kinds = [kind for kind in TITLES if getattr(ablation, kind)]
    effects = [(TITLES[kind], _figure(ablation, kind), _effects_table(ablation, kind)) for kind in kinds]
    levels = ("Levels", None, _levels_table(ablation))
    return Lead(
        kind="Ablation of an optimizer",
        title=f"Ablation of {ablation.base} on {ablation.result.settings.task}",
        id="ablation",
        heading="Ablation",
        paragraphs=paragraphs(ablation),
        parts=[*effects, ("Combinations", None, _combinations_table(ablation)), levels],
        race="Race of the combinations",
    )


def paragraphs(ablation: Ablation) -> list[Markup]:
    """Which effects were found, in the order of their p-values, and which combinations diverged."""
    effects = [*ablation.effects, *ablation.interactions]
    found = sorted((each for each in effects if each.found), key=lambda each: (each.p_value, -abs(each.mean or 0)))
    amount = f"{len(found)} differ from 0" if found else "none was found to differ from 0"
    if len(found) == 1:
        amount = "one differs from 0"
    counts = {"main effect": len(ablation.effects), "interaction": len(ablation.interactions)}
    said = [Markup(f"Of {words.listed(words.count(n, noun) for noun, n in counts.items() if n)} {amount}.")]
    said += [_sentence(each, ablation.result.settings.metric) for each in found]
    lost = [each.name for each in ablation.combinations if each.diverged]
    if lost:
        said.append(Markup("Diverged, and left out: {}.").format(Markup(", ").join(map(NAME.format, lost))))
    return said


def _sentence(effect: Effect, metric: str) -> Markup:
    mean, p_value = effect.mean or 0.0, words.probability(effect.p_value or 0.0)
    if effect.interaction:
        first, second = (NAME.format(f"{slot}={level}") for slot, level in effect.changes.items())
        more = "more" if mean > 0 else "less"
        return Markup("{} and {} together: {} {} than the sum of both in test {} ({}).").format(
            first, second, words.number(abs(mean)), more, metric, p_value
        )
    return Markup("{} is {} than the base's part by {} in test {} ({}).").format(
        NAME.format(described(effect.changes)), effect.verdict, words.number(abs(mean)), metric, p_value
    )


def _figure(ablation: Ablation, kind: str) -> Figure:
    """A line for each effect: its name, and under it the mean with its interval."""
    effects: Sequence[Effect] = getattr(ablation, kind)
    metric = ablation.result.settings.metric
    height = 70 + LINES[kind] * len(effects)
    return Figure(
        id=f"ablation-{kind}",
        caption=f"{MEANINGS[kind].format(metric=metric)}. Mean over {ablation.result.settings.final_seeds} final seeds "
        "(marker) and 95 % t-interval of each alone (bar); filled where it differs from 0 at 5 % over all effects "
        "and interactions together (Holm).",
        alternative=f"{TITLES[kind]}. {'; '.join(map(str, effects))}.",
        traces=[_point(place, effect) for place, effect in enumerate(effects) if effect.mean is not None],
        layout=layout(
            annotations=[_name(place, effect) for place, effect in enumerate(effects)],
            margin=dict(l=12, r=12, t=8, b=46),
            xaxis=dict(title=f"change of test {metric}", range=_range(ablation), nticks=7),
            yaxis=dict(range=[len(effects) - 0.5, -0.9], showticklabels=False, showgrid=False),
            shapes=[
                dict(type="line", x0=0, x1=0, yref="y domain", y0=0, y1=1, line=dict(color=palette.MUTED, width=1))
            ],
            dragmode=False,
        ),
        height=height,
        narrow_height=height,
    )


def _range(ablation: Ablation) -> list[float]:
    """The same for both figures, with 0 in it."""
    ends = [
        abs(each.mean) + (each.half_width or 0.0)
        for each in (*ablation.effects, *ablation.interactions)
        if each.mean is not None
    ]
    reach = 1.1 * max(ends, default=0.0) or 1.0
    return [-reach, reach]


def _name(place: int, effect: Effect) -> dict[str, Any]:
    lost = ": nothing left to compare" if effect.mean is None else ""
    parts = [f"{slot}={words.short(level, 28)}" for slot, level in effect.changes.items()]
    where = dict(xref="x domain", x=0, xanchor="left", y=place - 0.22, yanchor="bottom")
    return dict(where, text=" ×\n".join(parts) + lost, font=dict(size=12), bgcolor=palette.GROUND)  # noqa: RUF001


def _point(place: int, effect: Effect) -> dict[str, Any]:
    mean, half = effect.mean or 0.0, effect.half_width or 0.0
    colour = palette.MUTED if not effect.found else BETTER if mean > 0 else WORSE
    symbol = "circle" if effect.found else "circle-open"
    said = described(effect.changes), f"{_signed(mean)} ± {words.number(half)}", effect.verdict
    return dict(
        mode="markers",
        x=words.rounded([mean], 6),
        y=[place],
        error_x=dict(array=words.rounded([half]), width=4, thickness=2),
        marker=dict(color=colour, symbol=symbol, size=9, line=dict(width=2, color=colour)),
        text="\n".join(said),
    )


def _effects_table(ablation: Ablation, kind: str) -> Table:
    effects: Sequence[Effect] = getattr(ablation, kind)
    columns = (
        Column("Change", numeric=False),
        Column("Mean", f"test {ablation.result.settings.metric}"),
        Column("± 95 %"),
        Column("p", "corrected"),
        Column("Averaged over", "combinations"),
        Column("Verdict", numeric=False),
    )
    return Table(f"{TITLES[kind]} in figures.", columns, tuple(map(_effect_row, effects)), sortable=True)


def _effect_row(effect: Effect) -> tuple[Cell, ...]:
    of = f" of {effect.combinations}" if effect.compared < effect.combinations else ""
    p_value = words.MISSING if effect.p_value is None else f"{effect.p_value:.2g}"
    if effect.p_value is not None and effect.p_value < 1e-3:
        p_value = "< 0.001"
    return (
        Cell(_breakable(described(effect.changes)), described(effect.changes)),
        Cell(_signed(effect.mean), effect.mean),
        Cell(words.number(effect.half_width), effect.half_width),
        Cell(p_value, effect.p_value),
        Cell(f"{effect.compared}{of}", effect.compared),
        Cell(effect.verdict, effect.verdict),
    )


def _signed(value: float | None) -> str:
    return f"+{words.number(value)}" if value is not None and value > 0 else words.number(value)


def _breakable(text: str) -> Markup:
    """Text that a narrow column may break after equals signs and brackets."""
    return Markup("<wbr>").join(re.findall(r"[^=(]+[=(]*|[=(]+", text))


def _combinations_table(ablation: Ablation) -> Table:
    """The level of each slot, the best first."""
    slots = [Column(slot, numeric=False) for slot in ablation.levels]
    metric = Column(f"Test {ablation.result.settings.metric}", "tuned [95 %]", sort="descending")
    columns = (*slots, metric, Column("Best rate"))
    rows = []
    for each in ablation.combinations:
        row = each.row
        shown = "diverged" if row.test_metric is None else words.number(row.test_metric)
        interval = "" if row.test_metric_interval is None else words.interval(row.test_metric_interval)
        levels = [Cell(_breakable(each.levels[slot]), each.levels[slot]) for slot in ablation.levels]
        rows.append(
            (
                *levels,
                Cell(shown, row.test_metric, interval),
                Cell(words.rate(row.best_rate), row.best_rate),
            )
        )
    caption = f"All combinations, the best first; {BASE} is the part of {ablation.base}."
    return Table(caption, columns, tuple(rows), sortable=True)


def _levels_table(ablation: Ablation) -> Table:
    rows = [
        (Cell(slot), Cell(label), Cell(part))
        for slot, parts in ablation.levels.items()
        for label, part in parts.items()
    ]
    columns = (Column("Slot", numeric=False), Column("Level", numeric=False), Column("Part", numeric=False))
    return Table("The part in each slot at each level.", columns, tuple(rows))
