"""The tables and pictures of results.md, from the results saved beside it.

`python docs/results.py --check docs/results.md` verifies the tables without computing anything; `--write` writes them
and draws the pictures; `--again` computes a quick row of each section anew and compares; `--run` computes all of it.
Races go on from what `docs/results/NAME` holds: remove it.
"""

import argparse
import sys
from pathlib import Path

from pages import fill, write_or_check

DOCS = Path(__file__).parent
SAVED, PICTURES = DOCS / "results", DOCS / "_static" / "results"
NAMES = (
    *("quadratic_deep", "reddi", "convex", "deep_mlp", "deep_mlp_long"),
    *("digits_mlp", "santa", "mnist1d_mlp", "across"),
)


def filled(text, names):
    """A Markdown text with the tables of some sections."""
    from results_race_tables import RACE_TABLES
    from results_replay_tables import REPLAY_TABLES

    tables = {**REPLAY_TABLES, **RACE_TABLES}
    for name in names:
        text = fill(text, f"results:{name}", tables[name](SAVED))
    return text


def draw(names):
    """Draws the pictures of some sections."""
    from results_pictures import FIGURES

    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name in FIGURES:
            FIGURES[name](SAVED).savefig(PICTURES / f"{name}.png", dpi=130, metadata={"Software": None})


def run(names):
    """Computes the results of some sections; what the tables need is kept."""
    from optax_zoo.race.engine import processes

    processes.use_all_cores(2)
    from results_races import RACED, RACES
    from results_replays import REPLAYS, save

    for name in names:
        folder = SAVED / name
        if name in REPLAYS:
            save(name, folder)
        if name in RACES:
            RACED(**RACES[name](), resume=True, out=folder)
            for leftover in [*folder.glob("*.png"), *folder.glob("*.svg"), *folder.glob("trials.jsonl")]:
                leftover.unlink()


def main():
    """Runs, writes or checks."""
    parser = argparse.ArgumentParser(description="The tables and pictures of results.md.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", type=Path, metavar="FILE", help="rewrite the tables in a file, and the pictures")
    action.add_argument("--check", type=Path, metavar="FILE", help="exit with 1 if --write would change the file")
    action.add_argument("--run", action="store_true", help="compute the results anew")
    action.add_argument("--again", action="store_true", help="compute a quick row of each section anew, and compare")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    arguments = parser.parse_args()
    names = arguments.only or NAMES
    if arguments.run:
        run(names)
        return 0
    if arguments.again:
        from results_again import differences

        found = differences(SAVED, names)
        print("\n".join(found) or "A quick row of each section comes out as saved.")
        return int(bool(found))
    status = write_or_check(parser, arguments, lambda text: filled(text, names))
    if arguments.write:
        draw(names)
    return status


if __name__ == "__main__":
    sys.exit(main())
