"""
How Sphinx makes the pages: `make docs` writes docs/_build/html.
"""

from batchkit import __version__

project = "batchkit"
release = version = __version__
copyright = "the authors of batchkit"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "notebooks"]
html_theme = "furo"
html_title = f"batchkit {release}"

myst_heading_anchors = 3
autodoc_member_order = "bysource"
maximum_signature_line_length = 88
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
