"""A page for each algorithm, made from the registry and from what is recorded, whenever the documentation is built."""

import inspect
import json
import re
import sys
import textwrap
from pathlib import Path

import flax_examples
import neighbours
import path_drawing
import sensitivity_curve
import slot_diagram
import when_not

import optax_zoo as zoo

DOCS = Path(__file__).parent
RECORDED = DOCS.parent / "tests" / "algorithms"
CLAIM = re.compile(r"^Claim:\n((?:(?: .*)?\n)+)", re.MULTILINE)
sys.path.append(str(DOCS.parent / "tests" / "parity"))

import ledger  # noqa: E402
from replays import NOT_REPLAYED  # noqa: E402


def write(folder: Path) -> None:
    """Writes the pages; one that stays as it is is not touched, so that it is not built again."""
    folder.mkdir(exist_ok=True)
    names = zoo.list_algorithms()
    for stale in {file.stem for file in folder.glob("*.md")} - set(names):
        (folder / f"{stale}.md").unlink()
    for name in names:
        file, body = folder / f"{name}.md", page(zoo.describe(name))
        if not file.exists() or file.read_text(encoding="utf-8") != body:
            file.write_text(body, encoding="utf-8")


def page(algorithm: zoo.Algorithm) -> str:
    """What is known about an algorithm."""
    name = algorithm.name
    sections = {
        "Slots": f"{slot_diagram.slot_diagram(name, zoo.create(name))}\n\n```python\n{algorithm.composition}\n```",
        "Example": example(name),
        "Reference": f"```{{eval-rst}}\n.. autofunction:: optax_zoo.{name}\n```",
        "When not to take it": when_not.when_not(name),
        "What its neighbours do otherwise": neighbours.neighbours(name),
        "How much the rate matters": sensitivity(name),
        "Where it goes": paths(name),
        "Cost": cost(algorithm),
        "Proof": proof(algorithm),
        "Cite": f"```bibtex\n{algorithm.bibtex}```",
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items() if text)
    return f"# {name}\n\n{idea(algorithm)}\n\n{heading(algorithm)}\n\n{body}\n"


def idea(algorithm: zoo.Algorithm) -> str:
    """What it does, and when its authors say to use it: of its docstring what is before the maths, and the claim."""
    text = inspect.cleandoc(algorithm.factory.__doc__ or "")
    claim = textwrap.dedent(CLAIM.search(text)[1])
    return f"```{{eval-rst}}\n{text.partition('.. math::')[0].strip()}\n\n*Claim:* {claim.strip()}\n```"


def heading(algorithm: zoo.Algorithm) -> str:
    """Publication and kinship."""
    base = f" A variant of [`{algorithm.variant_of}`]({algorithm.variant_of}.md)." if algorithm.variant_of else ""
    called = (
        f" Also called {', '.join(f'`{each}`' for each in algorithm.also_called)}." if algorithm.also_called else ""
    )
    published = f"{algorithm.full_name} ({algorithm.year}): [{algorithm.paper}]({algorithm.url})."
    return f"{published} Family: {algorithm.family}.{base}{called}"


def example(name: str) -> str:
    """A training loop, and what it printed."""
    found = flax_examples.saved().get(name)
    if found is None:
        return ""
    words = (
        "A network of Flax on all of scikit-learn's digits at once, at the best of ten rates for these steps. It shows "
        "how the optimizer is called, not how it compares, which [races](../race.md) tell."
    )
    program = f"```python\n{flax_examples.code(name, found['rate'])}```"
    return f"{words}\n\n{program}\n\nIt prints\n\n```text\n{found['printed']}```"


def sensitivity(name: str) -> str:
    """The curve of the saved races, with what its rings and discs are."""
    curve = sensitivity_curve.sensitivity_curve(name)
    if curve is None:
        return ""
    words = (
        "Accuracy on validation after training at each rate, mean over the tuning seeds; the disc is the rate that was "
        "chosen. From the races over all algorithms under [Results](../results.md)."
    )
    return f"{curve}\n\n{words}"


def paths(name: str) -> str:
    """The paths that were saved, with what their marks are."""
    drawn = path_drawing.path_drawing(name)
    if drawn is None:
        return ""
    words = (
        "From the ring to the disc, in 200 steps, on the saddle in 100, or until it leaves the picture; the dots are "
        "minima. Each is at the best rate of a grid: `optax-zoo animate` makes films of them, see "
        "[Watching optimizers](../animate.md)."
    )
    return f"{drawn}\n\n{words}"


def cost(algorithm: zoo.Algorithm) -> str:
    """State, and what else a step holds."""
    needs = [each for each in algorithm.needs if each != "params"]
    sentences = [f"{algorithm.state_bytes:g} bytes of state for each float32 parameter."]
    file = RECORDED / algorithm.name / "temporaries.json"
    if file.exists():
        kept = json.loads(file.read_text())
        sentences.append(
            f"A step on one leaf of 512 x 512 keeps temporaries of {kept['leaves']:.3g} leaves: {kept['why']}"
        )
    else:
        sentences.append("A jitted, donated step on one leaf keeps no temporary of its size.")
    if needs:
        sentences.append(f"`update` must be given {', '.join(f'`{each}=`' for each in needs)}.")
    sentences.append("[Performance](../performance.md) says what a step accesses and how it is measured.")
    return " ".join(sentences)


def proof(algorithm: zoo.Algorithm) -> str:
    """Which recorded trajectories it replays, and which it does not."""
    rows = [f"| {source} | {len(cases)} | {dtype} |" for source, dtype, cases in ledger.groups(algorithm.name)]
    left_out = NOT_REPLAYED.get(algorithm.name, {})
    paragraphs = [f"Replayed, step by step, is {article(algorithm.proof)}; see [Parity](../parity.md)."]
    if rows:
        paragraphs.append("\n".join(["| original | cases | arithmetic |", "| --- | --- | --- |", *rows]))
    paragraphs += [f"Not replayed: `{case}`. {why}" for case, why in left_out.items()]
    if f"`{algorithm.name}`" in (DOCS / "errata.md").read_text(encoding="utf-8"):
        paragraphs.append("Where its sources disagree, [Errata](../errata.md) says so.")
    return "\n\n".join(paragraphs)


def article(proof_: str) -> str:
    return {"authors' code": "its authors' code", "formulas alone": "nothing: the proof is its formulas"}.get(
        proof_, proof_
    )
