"""Sphinx configuration of the documentation site: `make docs`.

Nothing is fetched from the network: formulas become MathML, which browsers draw by themselves, and
there are no links into other projects' documentation.
"""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import mesosynth

project = "mesosynth"
author = "the mesosynth authors"
version = release = mesosynth.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "tutorials", "recipes", "**sg_execution_times.rst"]
default_role = "literal"

# ------------------------------------------------------------------------------ Markdown, formulas

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathml"


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>\n')
    raise nodes.SkipNode


# --------------------------------------------------------------------------------------------- API

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings have shapes and units
autodoc_class_signature = "mixed"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

# ----------------------------------------------------------------- Tutorials and recipes: scripts

sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "recipes"],
    "gallery_dirs": ["gallery/tutorials", "gallery/recipes"],
    "filename_pattern": r"\.py",  # all of them are executed
    "ignore_pattern": r"__init__",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "copyfile_regex": r".*\.rst",
    "plot_gallery": True,
}

# -------------------------------------------------------------------------------------------- HTML

html_theme = "furo"
html_title = f"mesosynth {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Register the renderer of formulas."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
