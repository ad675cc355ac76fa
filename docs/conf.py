"""Sphinx configuration. The pages build and read without a network."""

from __future__ import annotations

import atexit
import re
import shutil
import sys
import tempfile
import tomllib
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path

from docutils import nodes
from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style as UnsrtStyle
from pybtex.style.labels import BaseLabelStyle

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
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "matplotlib.sphinxext.plot_directive",
]
exclude_patterns = [
    "_build",
    "auto_examples/*.ipynb",
    "sg_execution_times.rst",  # it loads scripts from other servers
    "auto_examples/sg_execution_times.rst",
]
templates_path = ["_templates"]

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = f"liegroup_teleport {release}"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]

# Symbols in the text are math, not configuration: MathJax keeps its defaults.
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_update_mathjax = False
myst_heading_anchors = 3
# The menu of MathJax offers what lies on other servers.
mathjax3_config = {"options": {"enableMenu": False}}

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc states the types
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the autosummary template lists them

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The pictures of the pages, drawn by the scripts in figures/.
plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 160)]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,  # no table of running times
    "abort_on_example_error": True,
}


class KeyLabels(BaseLabelStyle):
    """A reference is called by its key, in the pages as in the docstrings."""

    def format_labels(self, sorted_entries):
        return [entry.key for entry in sorted_entries]


class KeyStyle(UnsrtStyle):
    default_label_style = KeyLabels
    default_sorting_style = "author_year_title"


register_plugin("pybtex.style.formatting", "keys", KeyStyle)
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "keys"
bibtex_reference_style = "label"


def reachable(projects: dict[str, str], seconds: float = 3.0) -> dict[str, tuple[str, str]]:
    """Return where the projects' pages are, with a copy of each inventory that can be fetched.

    A project that does not answer in time is left out: its names stay plain text.
    """
    folder = Path(tempfile.mkdtemp(prefix="inventories-"))
    atexit.register(shutil.rmtree, folder)

    def fetch(name: str) -> bool:
        try:
            with urllib.request.urlopen(projects[name] + "objects.inv", timeout=seconds) as answer:
                inventory = answer.read()
        except OSError:
            return False
        (folder / name).write_bytes(inventory)
        return inventory.startswith(b"# Sphinx inventory version 2")

    with ThreadPoolExecutor(len(projects)) as pool:
        found = zip(projects, pool.map(fetch, projects), strict=True)
        return {name: (projects[name], str(folder / name)) for name, good in found if good}


intersphinx_mapping = reachable(
    {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
        "scipy": "https://docs.scipy.org/doc/scipy/",
        "matplotlib": "https://matplotlib.org/stable/",
        "sympy": "https://docs.sympy.org/latest/",
    }
)


BIBLIOGRAPHY = (ROOT / "docs" / "references.bib").read_text(encoding="utf-8")
KEYS = set(re.findall(r"^@\w+\{([^,]+),", BIBLIOGRAPHY, re.MULTILINE))


def link_keys(app, what, name, obj, options, lines):
    """Make the keys that begin the references of a docstring links to the bibliography."""
    for i, line in enumerate(lines):
        found = re.match(r"(\s*)\[([^\]]+)\](?= )", line)
        if found and found[2] in KEYS:
            lines[i] = f"{found[1]}:cite:p:`{found[2]}`{line[found.end() :]}"


def describe(app, pagename, templatename, context, doctree):
    """Describe a page to search engines by its first paragraph, unless it says so itself."""
    found = doctree.findall(nodes.paragraph) if doctree else ()
    paragraph = next((p for p in found if not isinstance(p.parent, nodes.Admonition)), None)
    if paragraph and 'name="description"' not in context.get("metatags", ""):
        text = escape(" ".join(paragraph.astext().split())[:200])
        context["metatags"] = (
            context.get("metatags", "") + f'<meta name="description" content="{text}">'
        )


def mend_back_links(app, pagename, templatename, context, doctree):
    """Point the links from sources back to the pages of the objects.

    viewcode takes one module's public name for all of its objects; here they may differ, and the
    name of a page is that of its object.
    """
    if pagename.startswith("_modules/"):
        link = r"""(generated/([\w.]+\.(\w+))\.html)#[\w.]*?\.\3(?=["'.])"""
        context["body"] = re.sub(link, r"\1#\2", context["body"])


def drop_last_blank_line(app, docname, source):
    """A code block ends with a blank line where doctest reads it, and without one on the page."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def setup(app):
    app.connect("source-read", drop_last_blank_line)
    app.connect("autodoc-process-docstring", link_keys, priority=900)  # after numpydoc
    app.connect("html-page-context", describe)
    app.connect("html-page-context", mend_back_links)
