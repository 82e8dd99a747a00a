"""The tables and the picture of choose.md, from the races saved in docs/results/choose.

`python docs/choose.py --check docs/choose.md` verifies the tables without computing anything; `--write` writes them and
draws the picture; `--run` races, and goes on from what is saved (remove it to begin anew); `--times` measures steps;
`--again` computes a row anew and compares.
"""

import argparse
import json
import sys
from pathlib import Path

from pages import fill, write_or_check

DOCS = Path(__file__).parent
SAVED, PICTURE = DOCS / "results" / "choose", DOCS / "_static" / "choose.png"
AGAIN, TOLERANCE = ("friedman_mlp", "adamw"), 0.01  # of a metric: rounding differs from machine to machine


def filled(text):
    """The page with its tables."""
    from choose_tables import TABLES

    for name, table in TABLES.items():
        text = fill(text, f"choose:{name}", table(SAVED))
    return text


def run(names):
    """Races; of what is written only what the tables need is kept."""
    from choose_races import RACED, RACES

    from optax_zoo.race.engine import processes

    processes.use_all_cores(2)
    for name in names or RACES:
        folder = SAVED / name
        RACED(**RACES[name](), resume=True, out=folder)
        for leftover in [*folder.glob("*.png"), *folder.glob("*.svg"), *folder.glob("trials.jsonl")]:
            leftover.unlink()


def times():
    """Measures steps."""
    from choose_times import ratios

    SAVED.mkdir(parents=True, exist_ok=True)
    (SAVED / "times.json").write_text(json.dumps(ratios(), indent=1) + "\n", encoding="utf-8")


def again():
    """A sentence if a quick row comes out otherwise than saved."""
    from choose_races import RACED, RACES

    from optax_zoo.race import load

    task, name = AGAIN
    arguments = RACES[task]()
    arguments["optimizers"] = [each for each in arguments["optimizers"] if each[0] == name]
    (row,), before = RACED(**arguments, progress=False).rows, load(SAVED / task)[name]
    same = abs(row.best_rate / before.best_rate - 1) < 1e-6 and abs(row.test_metric - before.test_metric) <= TOLERANCE
    figures = [f"{each.test_metric:.4f} at {each.best_rate:.3g}" for each in (row, before)]
    return "" if same else f"{task}, {name}: {figures[0]}, saved is {figures[1]}"


def main():
    """Runs, measures, writes or checks."""
    parser = argparse.ArgumentParser(description="The tables and the picture of choose.md.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", type=Path, metavar="FILE", help="rewrite the tables in a file, and the picture")
    action.add_argument("--check", type=Path, metavar="FILE", help="exit with 1 if --write would change the file")
    action.add_argument("--run", nargs="*", metavar="NAME", help="race: all, or those named")
    action.add_argument("--times", action="store_true", help="measure how long steps take")
    action.add_argument("--again", action="store_true", help="compute a quick row anew, and compare")
    arguments = parser.parse_args()
    if arguments.run is not None:
        run(arguments.run)
        return 0
    if arguments.times:
        times()
        return 0
    if arguments.again:
        found = again()
        print(found or "A quick row comes out as saved.")
        return int(bool(found))
    status = write_or_check(parser, arguments, filled)
    if arguments.write:
        from choose_picture import picture

        picture(SAVED).savefig(PICTURE, dpi=130, metadata={"Software": None})
    return status


if __name__ == "__main__":
    sys.exit(main())
