"""The settings of the documentation site, which ``python docs/build.py`` builds."""

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import api_pages  # noqa: E402
import gallery  # noqa: E402
import page_links  # noqa: E402

import sklloss  # noqa: E402

project = "sklloss"
author = "The sklloss developers"
copyright = f"2026, {author}"  # noqa: A001
version = release = sklloss.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_templates"]
nitpicky = True
# The documentation of other projects is not there unless their inventories are.
nitpick_ignore_regex = [("py:.*", r"(sklearn|torch|skorch|numpy|pandas|matplotlib)\..*")]
default_role = "public_name"

# Inventories of other projects are downloaded only when this variable is set.
_INVENTORIES = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
}
intersphinx_mapping = _INVENTORIES if os.environ.get("SKLLOSS_INTERSPHINX") else {}

myst_enable_extensions = [
    "colon_fence",
    "dollarmath",
    "deflist",
    "attrs_inline",
    "attrs_block",
    "html_image",
]
myst_heading_anchors = 4

toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"
autodoc_docstring_signature = False
# Methods have headings of their own in the pages of classes.
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

sphinx_gallery_conf = gallery.settings()

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "sklloss"
html_logo = "_static/logo.svg"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css", "filter.css"]
html_js_files = ["filter.js"]
html_extra_path = ["report_example.html", "notebook_example.html"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "logo": {"text": "sklloss", "alt_text": "sklloss: home"},
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "show_nav_level": 1,
    "show_toc_level": 2,
    "navigation_depth": 3,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-light",
    "pygments_dark_style": "a11y-dark",
}
WIDE_PAGES = ("index", "get_started", "losses", "guide/choose_a_loss")
html_sidebars = {page: [] for page in WIDE_PAGES}
html_context = {"default_mode": "auto"}


def setup(app):
    """Connect what writes the API reference and what turns links into those of the site."""
    api_pages.setup(app)
    page_links.setup(app)
    gallery.setup(app)
