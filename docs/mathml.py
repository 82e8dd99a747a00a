"""Formulas as MathML, which browsers draw themselves: pages need neither scripts nor the network for them."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util.math import wrap_displaymath


def setup(app: Any) -> dict[str, bool]:
    """Makes "mathml" a choice of Sphinx's `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def visit_inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_block(writer: Any, node: nodes.math_block) -> None:
    source = wrap_displaymath(node.astext(), None, False).strip().removeprefix("\\[").removesuffix("\\]")
    writer.body.append(f'<div class="math">{convert(source, display="block")}</div>')
    raise nodes.SkipNode
