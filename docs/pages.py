"""Generated parts of pages, between two markers each, and the commands that write them."""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path


def fill(text: str, name: str, body: str) -> str:
    """A Markdown text with the body between the two markers of a name.

    Raises:
      ValueError: if the text does not have both markers once.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    pattern = re.compile(rf"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the text must have {begin} and, after it, {end} once.")
    return pattern.sub(lambda _: f"{begin}\n\n{body}\n\n{end}", text)


def write_or_check(parser: argparse.ArgumentParser, arguments: argparse.Namespace, filled: Callable[[str], str]) -> int:
    """Writes the page of `--write`, or verifies that of `--check`; the exit status.

    Args:
      parser: says in one line what is wrong with the page, and exits.
      arguments: has `write` and `check`, one of which is a path.
      filled: from the text of the page to what it should be.
    """
    path = arguments.write or arguments.check
    try:
        before = path.read_text(encoding="utf-8")
        after = filled(before)
    except (OSError, ValueError) as error:
        parser.error(f"{path}: {error}")
    if arguments.write:
        path.write_text(after, encoding="utf-8")
    elif before != after:
        script = Path(sys.argv[0]).name
        print(f"{path} is out of date; run: python docs/{script} --write {path}", file=sys.stderr)
        return 1
    return 0


def one_part(description: str, name: str, make: Callable[[], str]) -> int:
    """The command of a script that makes one part of a page: it prints, writes or checks that; the exit status."""
    parser = argparse.ArgumentParser(description=description)
    action = parser.add_mutually_exclusive_group()
    markers = f"<!-- {name}:begin --> and <!-- {name}:end -->"
    action.add_argument("--write", type=Path, metavar="FILE", help=f"rewrite what is between {markers}")
    action.add_argument("--check", type=Path, metavar="FILE", help="exit with 1 if --write would change the file")
    arguments = parser.parse_args()
    if not (arguments.write or arguments.check):
        print(make())
        return 0

    def filled(text: str) -> str:
        fill(text, name, "")  # a page without markers is found before anything is computed
        return fill(text, name, make())

    return write_or_check(parser, arguments, filled)
