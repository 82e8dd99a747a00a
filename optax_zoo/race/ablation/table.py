"""The tables that an ablation prints as."""

from typing import Any

from optax_zoo.race.ablation.effects import Effect, described
from optax_zoo.race.ablation.findings import Findings
from optax_zoo.race.terminal.formats import column_places, with_interval
from optax_zoo.running.tables import empty_table


def tables(ablation: Findings) -> list[Any]:
    """What an ablation prints as: its levels, combinations, main effects and interactions as rich tables."""
    blocks = [_levels_table(ablation), _combinations_table(ablation), _effects_table(ablation, "effects")]
    return [*blocks, _effects_table(ablation, "interactions")] if ablation.interactions else blocks


def _levels_table(ablation: Findings) -> Any:
    from rich.text import Text

    table = empty_table(f"Ablation of {ablation.base}: levels", "", ("slot", "level", "part"))
    for slot, levels in ablation.levels.items():
        for number, (label, text) in enumerate(levels.items()):
            table.add_row("" if number else slot, Text(label), Text(text))
    return table


def _combinations_table(ablation: Findings) -> Any:
    from rich.text import Text

    settings = ablation.result.settings
    notes = [f"{each.name}: {'; '.join(each.row.notes)}" for each in ablation.combinations if each.row.notes]
    table = empty_table(
        f"Combinations on {settings.task}: {settings.steps} steps of {settings.batch_size} examples, "
        f"{settings.final_seeds} final seeds",
        "\n".join(notes),
        ablation.levels,
        ("best\nrate", f"test {settings.metric}\nIQM [95 %]", "state\nB/param"),
    )
    places = column_places([each.row.test_metric_interval for each in ablation.combinations])
    for each, count in zip(ablation.combinations, places, strict=True):
        row, metric = each.row, "diverged"
        if row.test_metric is not None and row.test_metric_interval is not None:
            metric = with_interval(row.test_metric, row.test_metric_interval, count)
        rate = "none" if row.best_rate is None else f"{row.best_rate:.3g}"
        table.add_row(*(Text(each.levels[slot]) for slot in ablation.levels), rate, metric, f"{row.state_bytes:.2f}")
    return table


def _effects_table(ablation: Findings, kind: str) -> Any:
    from rich.text import Text

    effects: tuple[Effect, ...] = getattr(ablation, kind)
    title, caption = {
        "effects": (
            "Main effects: a level minus the base's, averaged over the levels of the other slots",
            "Above 0 is better. Differences seed by seed: mean and 95 % t-interval of each alone. What was found: "
            "t-tests at 5 % over all effects and interactions together (Holm), so that an interval without 0 is not "
            "enough.",
        ),
        "interactions": (
            "Interactions: by how much an effect changes when the other slot is changed as well",
            "Above 0: together better than the sum of both effects.",
        ),
    }[kind]
    diverged = [each.name for each in ablation.combinations if each.diverged]
    if diverged:
        caption += f"\nDiverged, and left out: {'; '.join(diverged)}."
    headings = (f"test {ablation.result.settings.metric}\nmean ± 95 %", "averaged\nover")
    table = empty_table(title, caption, ("change",), headings)
    table.add_column("", no_wrap=True)
    for effect in effects:
        figures = "-" if effect.mean is None else f"{effect.mean:+.4f} ± {effect.half_width:.4f}"
        missing = f" of {effect.combinations}" if effect.compared < effect.combinations else ""
        table.add_row(Text(described(effect.changes)), figures, f"{effect.compared}{missing}", effect.verdict)
    return table
