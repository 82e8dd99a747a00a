"""README's table of families: `python docs/families.py [--write|--check] README.md`."""

import sys

from pages import one_part

from optax_zoo.registry import families


def table() -> str:
    """A Markdown table with a row for each family, and a link to its folder."""
    rows = [("family", "what its algorithms do"), ("---", "---")]
    rows += [(f"[`{name}`](optax_zoo/algorithms/{name})", sentence) for name, sentence in families().items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Prints the table, writes it into a file, or checks that it is up to date there."""
    return one_part("The families of algorithms.", "families", table)


if __name__ == "__main__":
    sys.exit(main())
