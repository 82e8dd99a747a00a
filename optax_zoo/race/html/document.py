"""The page as a whole, written to a file that needs no other."""

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from optax_zoo.race.html import palette
from optax_zoo.race.html.lead import Lead
from optax_zoo.race.results import Result
from optax_zoo.race.storage.lines import write as write_text
from optax_zoo.running.errors import RaceError, require

HERE = Path(__file__).parent
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"


def write(
    results: Sequence[Result], path: str | os.PathLike[str], *, animation: bool = True, lead: Lead | None = None
) -> None:
    """Writes the report of races as one HTML file, which needs no network; an interruption leaves the old or the new.

    Args:
      results: one for each task.
      path: of the file.
      animation: whether the optimizers are animated on functions of two numbers, which takes some seconds.
      lead: what stands before the race, such as the effects of an ablation.

    Raises:
      RaceError: without results, for two on the same task, if no optimizer took part in all tasks, or if the file
        cannot be written.
      MissingExtraError: without the packages that the extra `race` installs.
    """
    write_text(Path(path), render(results, animation=animation, lead=lead))


def render(results: Sequence[Result], *, animation: bool = True, lead: Lead | None = None) -> str:
    """The text of the page; arguments and errors as those of `write`, but for the file."""
    require("plotly", "jinja2")
    from optax_zoo.race.html.page import context

    if not results:
        raise RaceError("results is empty, but must hold at least one.")
    return _environment().get_template("report.html").render(**_assets(), **context(results, animation, lead))


def _environment() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["data"] = embedded
    environment.filters["tidy"] = lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%")
    return environment


def embedded(value: Any) -> Markup:
    """JSON that no text in it can end or change when it stands in a `script` element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _assets() -> dict[str, Any]:
    """Styles and scripts, and the policy by which a browser runs these scripts, no others, and loads nothing.

    Code from strings is allowed, as drivers of browsers need it to wait for something.
    """
    from plotly.offline import get_plotlyjs

    scripts = [
        get_plotlyjs(),
        *((HERE / "assets" / name).read_text() for name in ("page.js", "tables.js", "figures.js")),
    ]
    scripts = [text.replace("</script", "<\\/script").strip("\n") for text in scripts]
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(x.encode()).digest()).decode()}'" for x in scripts)
    return {
        "style": Markup((HERE / "assets" / "report.css").read_text()),
        "hues": list(zip(palette.LIGHT, palette.DARK, strict=True)),
        "scripts": [Markup(text) for text in scripts],
        "policy": f"{POLICY}; script-src {hashes} 'unsafe-eval'",
    }
