"""Sphinx's settings of the site; `make docs` builds it."""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("LAB_HOME", tempfile.mkdtemp(prefix="lab-docs-"))  # runs that tutorials make
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["MPLBACKEND"] = "agg"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))  # of subprocesses

from docs import docstrings, generate  # noqa: E402
from lab import __version__  # noqa: E402

generate.write_all()

project = "Keras RL & GAN Lab"
author = "The Keras RL & GAN Lab authors"
copyright = author
version = release = __version__
extensions = ["sphinx.ext.autodoc", "myst_parser", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["_build", "tutorials", "from_stable_baselines3", "examples"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 68
add_module_names = False

sphinx_gallery_conf = {
    "examples_dirs": "_build/tutorials",
    "gallery_dirs": "learn",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "docs.generate.TutorialOrder",
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "abort_on_example_error": False,
    "capture_repr": ("_repr_html_", "__repr__"),
}

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["lab.css"]
html_js_files = ["tables.js"]
html_copy_source = False
html_theme_options = {"navigation_with_keys": False}
highlight_language = "none"
smartquotes = False  # "--seed" stays two hyphens
pygments_style = "friendly"
pygments_dark_style = "monokai"


def setup(app):
    """Connects the converters of docstrings and of tables."""
    app.connect("autodoc-process-docstring", docstrings.process)
    app.connect("source-read", lambda app, name, source: source.__setitem__(0, generate.expand(source[0])))
