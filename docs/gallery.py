"""The pictures of gallery.md: `python docs/gallery.py [NAME...]` runs the command of each, and saves what it makes.

They are saved in docs/_static/gallery. The drawings of the page are made with the documentation.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import path_drawing
import sensitivity_curve
import slot_diagram
from PIL import Image

import optax_zoo as zoo

DOCS = Path(__file__).parent
FOLDER = DOCS / "_static" / "gallery"
COLOURS = 128  # of a saved picture


@dataclass(frozen=True)
class Picture:
    """A picture that a command makes.

    Attributes:
      title: its heading.
      words: what it shows.
      command: what makes it; `--out` is added here.
      file: which of the files that are made it is; of a film the last frame.
      page: where the command is described.
    """

    title: str
    words: str
    command: str
    file: str
    page: str


def _film(title: str, words: str, landscape: str) -> Picture:
    return Picture(title, words, f"optax-zoo animate --landscape {landscape}", "animation.gif", "animate")


def _report(title: str, words: str, file: str) -> Picture:
    return Picture(title, words, "optax-zoo report docs/results/digits_mlp", file, "report")


PICTURES = {
    "rosenbrock": _film(
        "A curved valley", "The last frame of a film: ten optimizers, each at its best rate of a grid.", "rosenbrock"
    ),
    "beale": _film("A flat with steep edges", "The same on Beale's function.", "beale"),
    "rastrigin": _film("Many minima", "The same on Rastrigin's function, from a summit.", "rastrigin"),
    "saddle": _film("A saddle", "The same beside a saddle point, which all must leave.", "saddle"),
    "errors": Picture(
        "How far from the minimum",
        "What is above the minimum by steps, of the first film.",
        "optax-zoo animate --landscape rosenbrock",
        "errors.png",
        "animate",
    ),
    "curves": _report("A race by steps", "Validation at the best rate of each, from a saved race.", "curves.png"),
    "ranking": _report("Who can be told apart", "The test metric at the best rate, with intervals.", "ranking.png"),
    "sensitivity": _report("How much the rate matters", "Validation by learning rate.", "sensitivity.png"),
    "effects": Picture(
        "What each part contributes",
        "Expectigrad with and without its momentum and its mean of all squares.",
        "optax-zoo ablate expectigrad --slot 'denominator:ema=root(debiased(ema(0.999, of=square)))' "
        "--slot momentum=none --final-seeds 5",
        "effects.png",
        "ablate",
    ),
}
OTHERS = (
    Picture(
        "A film of seventeen optimizers",
        "The comparison of an article, each at the rate that suits it.",
        "optax-zoo animate --tuned",
        "animation.gif",
        "animate",
    ),
    Picture(
        "A dozen optimizers on digits",
        "The race of the README.",
        "optax-zoo race",
        "race.png",
        "race",
    ),
    Picture(
        "A published figure, computed again",
        "The gap to the minimum by steps, a line for each rate.",
        "python docs/results.py --write docs/results.md",
        "results/convex.png",
        "results",
    ),
    Picture(
        "Scores over several tasks",
        "The score of each over the tasks, with its interval.",
        "python docs/results.py --write docs/results.md",
        "results/across.png",
        "results",
    ),
    Picture(
        "Where a listing goes wrong",
        "Eve's feedback and loss, by its formula and by the code of an article.",
        "python docs/errata_pictures.py --write",
        "errata/eve_feedback.png",
        "errata",
    ),
)
DRAWINGS = """\
### What an optimizer is made of

The slots of [`soap`](algorithms/soap.md).

{slots}

### Where it goes

[`adam`](algorithms/adam.md) and [`momentum`](algorithms/momentum.md), from the ring to the disc.

{adam}

{momentum}

### How much its rate matters

[`novograd`](algorithms/novograd.md) and [`sgd`](algorithms/sgd.md), accuracy by rate.

{novograd}

{sgd}
"""


def pictures() -> str:
    """All pictures, each with the command that makes it."""
    found = [(f"gallery/{name}.png", picture) for name, picture in PICTURES.items()]
    found += [(picture.file, picture) for picture in OTHERS]
    return "\n\n".join(
        f"### {each.title}\n\n{each.words} [More]({each.page}.md)\n\n![{each.title}](_static/{file})\n\n"
        f"```bash\n{each.command}\n```"
        for file, each in found
    )


def drawings() -> str:
    """Some of the drawings that the pages of algorithms have."""
    return DRAWINGS.format(
        slots=slot_diagram.slot_diagram("soap", zoo.soap()),
        **{name: path_drawing.path_drawing(name) for name in ("adam", "momentum")},
        **{name: sensitivity_curve.sensitivity_curve(name) for name in ("novograd", "sgd")},
    )


def make(name: str, folder: Path = FOLDER) -> Path:
    """Runs the command of a picture; the file that it is saved as."""
    picture = PICTURES[name]
    program, *arguments = shlex.split(picture.command)
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", f"{program.replace('-', '_')}.cli", *arguments, "--out", out]
        subprocess.run(command, cwd=DOCS.parent, check=True, stdout=subprocess.DEVNULL)
        with Image.open(Path(out) / picture.file) as image:
            image.seek(getattr(image, "n_frames", 1) - 1)
            folder.mkdir(parents=True, exist_ok=True)
            image.convert("RGB").quantize(COLOURS).save(folder / f"{name}.png", optimize=True)
    return folder / f"{name}.png"


def main() -> None:
    parser = argparse.ArgumentParser(description="The pictures of gallery.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)} (default: all)")
    names = parser.parse_args().names
    if unknown := [name for name in names if name not in PICTURES]:
        parser.error(f"there is no picture {unknown[0]!r}; there are {', '.join(PICTURES)}.")
    for name in names or PICTURES:
        print(make(name), flush=True)


if __name__ == "__main__":
    main()
