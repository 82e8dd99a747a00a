"""Publications as entries for BibTeX, from what the registry says of them and nothing more."""

import re
import unicodedata

SMALL = {"a", "an", "the", "on", "of", "to", "and", "in", "for"}
SPECIAL = re.compile(r"([&%$#_{}])")


def entry(paper: str, year: int, url: str) -> str:
    """An entry for a publication.

    Args:
      paper: last names of the authors and the title, "Kingma and Ba: Adam: A Method for Stochastic Optimization".
      year: of the publication.
      url: where it is found; the number of an arXiv paper and a DOI are read from it.
    """
    authors, title = _parts(paper)
    fields = {"author": _authors(authors), "title": f"{{{_escaped(title)}}}", "year": str(year)}
    if found := re.fullmatch(r"https://arxiv\.org/abs/([\d.]+)", url):
        fields |= {"eprint": found[1], "archivePrefix": "arXiv"}
    elif found := re.fullmatch(r"https://doi\.org/(.+)", url):
        fields["doi"] = found[1]
    fields["url"] = url
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{key(paper, year)},\n{body}}}\n"


def key(paper: str, year: int) -> str:
    """The key of an entry: "kingma2015adam"."""
    authors, title = _parts(paper)
    first = re.split(r", | and | et al\.", authors)[0]
    words = [word for word in re.split(r"\W+", _ascii(title)) if word and word.lower() not in SMALL]
    return re.sub(r"\W", "", f"{_ascii(first)}{year}{words[0] if words else ''}").lower()


def _parts(paper: str) -> tuple[str, str]:
    """Authors and title; without a colon there is a title alone."""
    authors, colon, title = paper.partition(": ")
    return (authors, title) if colon else ("", paper)


def _authors(text: str) -> str:
    """Last names as BibTeX takes them: those of two words in braces, "et al." as others."""
    names = re.split(r", | and ", text.removesuffix(" et al."))
    braced = [f"{{{_escaped(name)}}}" if " " in name else _escaped(name) for name in names if name]
    return " and ".join([*braced, *(["others"] if text.endswith(" et al.") else [])])


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
