"""Formulas of docstrings, readable in a terminal."""

import re
import unicodedata

_SYMBOLS = {
    "leftarrow": "←", "to": "→", "neq": "≠", "leq": "≤", "geq": "≥", "sim": "~", "ldots": "…", "cdot": "·", "sum": "Σ",
    "prod": "Π", "odot": "⊙", "times": "\N{MULTIPLICATION SIGN}", "infty": "∞", "epsilon": "ε",
    "quad": "   ", "qquad": "      ", "left": "", "right": "", "nabla": "∇", "in": "∈", "pm": "±",
}  # fmt: skip
_SCRIPTS = {
    "_": str.maketrans("0123456789+-aeijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"),
    "^": str.maketrans("0123456789+-nt", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵗ"),
}


def unicode_maths(tex: str) -> str:
    r"""A formula in TeX as a line of text.

    >>> unicode_maths(r"p_t &= p_{t-1} - \alpha_t \frac{m_t}{\sqrt{v_t} + \epsilon} \\")
    'pₜ = pₜ₋₁ - αₜ mₜ / (√(vₜ) + ε)'
    """
    text = re.sub(r"\\\\|&|\\[,;]", "", tex)
    text = re.sub(r"\\([a-zA-Z]+)(?=[^a-zA-Z]|$)", _symbol, text)
    before = None
    while text != before:  # From the inside out: what holds no braces is replaced.
        before = text
        text = re.sub(r"([_^])(?:\{([^{}]*)\}|([^\W_]))", _script, text)
        text = re.sub(r"\\(?:text|mathcal|mathrm)\{([^{}]*)\}", r"\1", text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", text)
        text = re.sub(r"\\frac\{([^{}]*)\}\s*\{([^{}]*)\}", lambda m: f"{_group(m[1])} / {_group(m[2])}", text)
    text = re.sub(r"\\hat *\{?(\w)\}?", "\\1\N{COMBINING CIRCUMFLEX ACCENT}", text)
    return "\n".join(line.rstrip() for line in text.replace(r"\|", "‖").splitlines())


def _symbol(found: re.Match[str]) -> str:
    name = found[1]
    if name in ("frac", "sqrt", "text", "mathcal", "mathrm", "hat"):
        return found[0]
    if name in _SYMBOLS:
        return _SYMBOLS[name]
    try:
        return unicodedata.lookup(f"GREEK SMALL LETTER {'LAMDA' if name == 'lambda' else name}")
    except KeyError:
        return name


def _script(found: re.Match[str]) -> str:
    """A subscript or superscript in small letters, or with its mark where a letter has no small form."""
    mark, inner = found[1], found[2] or found[3]
    small = inner.translate(_SCRIPTS[mark])
    if all(ord(letter) in _SCRIPTS[mark] for letter in inner):
        return small
    return f"{mark}{inner}" if len(inner) == 1 else f"{mark}({inner})"


def _group(text: str) -> str:
    return f"({text})" if re.search(r"[\s/]", text) and not re.fullmatch(r"\([^()]*\)", text) else text
