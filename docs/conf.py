"""Sphinx configuration. The pages build and read without a network."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # document this tree, installed or not

project = "liegroup_teleport"
author = "liegroup_teleport developers"
copyright = "liegroup_teleport developers"
release = version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "sg_execution_times.rst"]
templates_path = ["_templates"]

html_theme = "furo"
html_title = f"liegroup_teleport {release}"
html_show_sphinx = False

# Symbols in the text are math, not configuration: MathJax keeps its defaults.
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_update_mathjax = False
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc states the types
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the autosummary template lists them

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,  # no table of running times
    "abort_on_example_error": True,
}
