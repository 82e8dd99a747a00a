"""Links within the built site that lead nowhere: `python docs/links.py docs/_build`; exits with 1 if there are any.

The listings of source code, which Sphinx makes and links by itself, are left out.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit


@cache
def anchors(page: Path) -> frozenset[str]:
    """What a page has under a name of its own."""
    return frozenset(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))


def broken(folder: Path) -> Iterator[tuple[Path, str]]:
    """The links to files, and to places in pages, that are not there, with the page that each is on."""
    for page in sorted(page for page in folder.rglob("*.html") if "_modules" not in page.parts):
        for link in dict.fromkeys(re.findall(r'\bhref="([^"]+)"', page.read_text(encoding="utf-8"))):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            missing = not target.exists()
            if missing or (parts.fragment and target.suffix == ".html" and parts.fragment not in anchors(target)):
                yield page.relative_to(folder), link


def main() -> int:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print("usage: python docs/links.py FOLDER, with the folder of the built site", file=sys.stderr)
        return 2
    found = list(broken(Path(sys.argv[1]).resolve()))
    for page, link in found:
        print(f"{page}: {link}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
