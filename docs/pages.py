"""Generated parts of pages, between two markers each."""

import re


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
