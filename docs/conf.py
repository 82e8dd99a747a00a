"""Configuration of Sphinx."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import algorithm_map
import algorithm_pages
import generated

import optax_zoo as zoo

project = "optax_zoo"
author = "The optax_zoo authors"
copyright = author
release = zoo.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "myst_parser",
    "mathml",
    "shown_types",
]
exclude_patterns = ["_build"]
default_role = "py:obj"

autodoc_typehints = "none"  # those of `shown_types` are shorter
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_use_rtype = False
napoleon_custom_sections = ["State", "Claim", "Source"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

html_theme = "furo"
html_math_renderer = "mathml"
copybutton_prompt_text = ">>> |... "
copybutton_prompt_is_regexp = True
html_title = f"optax_zoo {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_js_files = ["filter.js"]


def setup(app):
    algorithm_pages.write(Path(__file__).parent / "algorithms")
    algorithm_map.rows()  # kept before autodoc puts the text of defaults in their place
    app.connect("source-read", generated.fill_page)
