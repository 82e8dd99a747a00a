"""The tables that an ablation prints as."""

from collections.abc import Iterable
from typing import Any

from optax_zoo.race.ablation.effects import Effect, described
from optax_zoo.race.ablation.outcome import Ablation
from optax_zoo.race.errors import require


def tables(ablation: Ablation) -> list[Any]:
    """What an ablation prints as: its levels, combinations, main effects and interactions as rich tables."""
    require("rich")
    blocks = [_levels_table(ablation), _combinations_table(ablation), _effects_table(ablation, "effects")]
    return [*blocks, _effects_table(ablation, "interactions")] if ablation.interactions else blocks


def _table(title: str, caption: str, left: Iterable[str], right: Iterable[str] = ()) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(title),
        caption=Text(caption) if caption else None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
    for heading in left:
        table.add_column(heading, overflow="fold")
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _levels_table(ablation: Ablation) -> Any:
    from rich.text import Text

    table = _table(f"Ablation of {ablation.base}: levels", "", ("slot", "level", "part"))
    for slot, levels in ablation.levels.items():
        for number, (label, text) in enumerate(levels.items()):
            table.add_row("" if number else slot, Text(label), Text(text))
    return table


def _combinations_table(ablation: Ablation) -> Any:
    from rich.text import Text

    settings = ablation.result.settings
    notes = [f"{each.name}: {'; '.join(each.row.notes)}" for each in ablation.combinations if each.row.notes]
    table = _table(
        f"Combinations on {settings.task}: {settings.steps} steps of {settings.batch_size} examples, "
        f"{settings.final_seeds} final seeds",
        "\n".join(notes),
        ablation.levels,
        ("best\nrate", f"test {settings.metric}\nmean ± 95 %", "state\nB/param"),
    )
    for each in ablation.combinations:
        row = each.row
        rate = "diverged" if row.best_rate is None else f"{row.best_rate:.3g}"
        metric = "diverged" if each.diverged else f"{row.test_metric:.4f} ± {row.test_metric_half_width:.4f}"
        table.add_row(*(Text(each.levels[slot]) for slot in ablation.levels), rate, metric, f"{row.state_bytes:.2f}")
    return table


def _effects_table(ablation: Ablation, kind: str) -> Any:
    from rich.text import Text

    effects: tuple[Effect, ...] = getattr(ablation, kind)
    title, caption = {
        "effects": (
            "Main effects: a level less the base's, averaged over the levels of the other slots",
            "Above 0 is better. Differences seed by seed, with the 95 % t-interval of each by itself.",
        ),
        "interactions": (
            "Interactions: by how much an effect changes when the other slot is changed, too",
            "Above 0: together better than the sum of both effects.",
        ),
    }[kind]
    diverged = [each.name for each in ablation.combinations if each.diverged]
    if diverged:
        caption += f"\nDiverged, and left out: {'; '.join(diverged)}."
    headings = (f"test {ablation.result.settings.metric}\nmean ± 95 %", "averaged\nover")
    table = _table(title, caption, ("change",), headings)
    table.add_column("", no_wrap=True)
    for effect in effects:
        figures = "-" if effect.mean is None else f"{effect.mean:+.4f} ± {effect.half_width:.4f}"
        missing = f" of {effect.combinations}" if effect.compared < effect.combinations else ""
        table.add_row(Text(described(effect.changes)), figures, f"{effect.compared}{missing}", effect.verdict)
    return table
