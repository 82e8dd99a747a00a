"""What pages have of the registry and of what is recorded, made when the documentation is built."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import algorithm_map
import gallery
import slot_table
from conformance_table import checks, reasons
from pages import fill

import optax_zoo as zoo
from optax_zoo.registry import families

REPOSITORY = Path(__file__).parents[1]


def printed_by(script: str) -> Callable[[], str]:
    """What a script prints, run on its own: it sets up devices or precision for itself."""

    def run() -> str:
        done = subprocess.run([sys.executable, REPOSITORY / script], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


def algorithms() -> str:
    """For each family what its algorithms are made of."""
    return "\n".join(family_section(name, sentence) for name, sentence in families().items())


def family_section(family: str, sentence: str) -> str:
    """Heading, and a table of slots of the algorithms of a family."""
    title, _, rest = sentence.partition(": ")
    names = zoo.list_algorithms(lambda each: each.family == family)
    table = slot_table.slot_table(names, "[`{0}`](algorithms/{0}.md)".format)
    return f"\n## {title}\n\n{rest[:1].upper()}{rest[1:]}\n\n{table}\n"


def document(file: str) -> Callable[[], str]:
    """A document of the repository for a page: its title is a heading, its links lead to pages."""

    def made() -> str:
        text = (REPOSITORY / ".github" / file).read_text(encoding="utf-8")
        blocks = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)  # comments of code are no headings
        blocks[::2] = [re.sub(r"^#", "##", block, flags=re.MULTILINE) for block in blocks[::2]]
        linked = re.sub(r"\]\(\.\./docs/", "](", "".join(blocks))
        return re.sub(r"\]\((CODE_OF_CONDUCT|SECURITY)\.md\)", _to_heading, linked).strip()

    return made


def _to_heading(link: re.Match[str]) -> str:
    return f"](#{link[1].lower().replace('_', '-')})"


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "algorithms": {"algorithms": algorithms},
    "conformance": {"checks": checks, "reasons": reasons},
    "contributing": {
        "contributing": document("CONTRIBUTING.md"),
        "conduct": document("CODE_OF_CONDUCT.md"),
        "security": document("SECURITY.md"),
    },
    "gallery": {"pictures": gallery.pictures, "drawings": gallery.drawings},
    "map": {"map": algorithm_map.algorithm_map},
    "optax": {"counterparts": printed_by("tests/counterparts.py")},
    "parity": {"ledger": printed_by("tests/parity/ledger.py")},
    "performance": {"step-bytes": printed_by("docs/step_bytes.py")},
    "scaling": {"scaling": printed_by("docs/scaling_table.py")},
}


def fill_page(app: Any, page: str, source: list[str]) -> None:
    """Fills the parts of a page, for Sphinx's event `source-read`."""
    for marker, make in PARTS.get(page, {}).items():
        source[0] = fill(source[0], marker, make())
