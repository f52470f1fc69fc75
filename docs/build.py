"""Build the documentation site into docs/_build/html; any warning is an error.

    python docs/build.py               # everything, gallery included
    python docs/build.py --no-gallery  # fast: the examples are shown, but not run

Nothing is downloaded. SKLLOSS_INTERSPHINX=1 links to the documentation of Python, NumPy, scikit-learn
and PyTorch, whose inventories it downloads.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent
BUILD = DOCS / "_build"
# What an earlier build wrote into the sources.
WRITTEN = (DOCS / "auto_examples", DOCS / "api" / "generated", DOCS / "sg_execution_times.rst")


def main() -> int:
    """Build the site and return sphinx's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-gallery", action="store_true", help="do not run the examples")
    parser.add_argument("--fresh", action="store_true", help="remove what was built before")
    options = parser.parse_args()
    if options.fresh:
        remove_built()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from sphinx.cmd.build import main as sphinx  # After the environment is set.

    arguments = ["-W", "--keep-going", "-n", "-q", "-b", "html", "-d", str(BUILD / "doctrees")]
    if options.no_gallery:
        arguments += ["-D", "plot_gallery=0"]
    code = sphinx([*arguments, str(DOCS), str(BUILD / "html")])
    if code == 0:
        print(f"The site is {BUILD / 'html' / 'index.html'}")
    return code


def remove_built() -> None:
    """Remove what earlier builds wrote."""
    for path in (BUILD, *WRITTEN):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
