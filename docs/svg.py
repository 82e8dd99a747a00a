"""Small drawings in SVG that stand in a page and take the colours of its theme, light or dark."""

from collections.abc import Iterable, Sequence
from html import escape

INK, FAINT, LINE = "var(--color-foreground-primary)", "var(--color-foreground-muted)", "var(--color-background-border)"
FILL = "var(--color-background-secondary)"
COLOURS = ("#3d7fc4", "#d2691e", "#5a9e5a", "#a05ab0")  # of which each stands out on white and on black
CHARACTER = 7.25  # width of one in the monospaced text of a drawing
Point = tuple[float, float]


def drawing(width: float, height: float, parts: Iterable[str], title: str) -> str:
    """A drawing as HTML on one line, which Markdown leaves alone; it scrolls where it is wider than the page.

    Args:
      width: in pixels, like the height.
      height: of what the parts fill.
      parts: elements of SVG.
      title: what screen readers say.
    """
    style = f'style="width: {width:g}px; height: auto"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" {style} role="img">'
    return f'<div class="drawing">{opening}<title>{escape(title)}</title>{"".join(parts)}</svg></div>'


def text(x: float, y: float, words: str, colour: str = INK, anchor: str = "start", monospaced: bool = False) -> str:
    """Words whose baseline begins, is centred or ends at a point."""
    family = "var(--font-stack--monospace)" if monospaced else "var(--font-stack)"
    size = 12 if monospaced else 13
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" '
        f'style="fill: {colour}; font-family: {family}">{escape(words)}</text>'
    )


def box(x: float, y: float, width: float, height: float, dashed: bool = False) -> str:
    """A rectangle with round corners."""
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"{dash} '
        f'style="fill: {"none" if dashed else FILL}; stroke: {LINE}"/>'
    )


def arrow(x: float, start: float, end: float) -> str:
    """An arrow downwards."""
    return (
        f'<path d="M{x:g} {start:g}V{end - 5:g}" style="stroke: {FAINT}"/>'
        f'<path d="M{x - 4:g} {end - 6:g}h8l-4 6z" style="fill: {FAINT}"/>'
    )


def polyline(points: Sequence[Point], colour: str, width: float = 1.8) -> str:
    """Straight lines from each point to the next."""
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{corners}" style="fill: none; stroke: {colour}; stroke-width: {width:g}"/>'


def disc(x: float, y: float, colour: str, radius: float = 4, hollow: bool = False) -> str:
    """A point, or a ring where it is hollow."""
    fill = "var(--color-background-primary)" if hollow else colour
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" style="fill: {fill}; stroke: {colour}; stroke-width: 2"/>'


def rule(x: float, y: float, width: float, height: float) -> str:
    """A thin straight line."""
    return f'<path d="M{x:g} {y:g}l{width:g} {height:g}" style="stroke: {LINE}"/>'
