"""Store what examples print and draw, for their pages in the gallery.

``python docs/store_gallery.py imbalance`` runs ``examples/imbalance.py`` as a script and writes
``docs/gallery_results/imbalance.txt`` and its pictures, ``imbalance.png``, ``imbalance_2.png`` ...
"""

import argparse
import io
import os
import platform
import runpy
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import sklearn
import torch

import sklloss

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "gallery_results"
# As in continuous integration; the examples train for few epochs, which they are warned of.
WARNINGS = "error,ignore:max_epochs"


def main(arguments: list[str] | None = None) -> None:
    """Store the examples that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", help="examples, without .py")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where to write")
    options = parser.parse_args(arguments)
    mpl.use("agg")
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        store(name, options.folder)


def store(name: str, folder: Path) -> None:
    """Run an example, and write its output and pictures to a folder."""
    printed = run(ROOT / "examples" / f"{name}.py")
    for i, number in enumerate(plt.get_fignums()):
        suffix = f"_{i + 1}" if i else ""
        plt.figure(number).savefig(folder / f"{name}{suffix}.png", dpi=100)
    (folder / f"{name}.txt").write_text(f"{heading(name)}\n\n{printed}\n")
    plt.close("all")


def run(path: Path) -> str:
    """Return what an example prints when it is run as a script."""
    os.environ["PYTHONWARNINGS"] = WARNINGS
    sys.path.insert(0, str(path.parent))
    printed, arguments = io.StringIO(), sys.argv
    sys.argv = [str(path)]
    with warnings.catch_warnings(), redirect_stdout(printed):
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "max_epochs")
        try:
            runpy.run_path(str(path), run_name="__main__")
        finally:
            sys.path.remove(str(path.parent))
            sys.argv = arguments
    return printed.getvalue().strip("\n")


def heading(name: str) -> str:
    """Return the command and the versions."""
    versions = {"sklloss": sklloss, "scikit-learn": sklearn, "torch": torch, "numpy": np}
    named = [f"{package} {module.__version__}" for package, module in versions.items()]
    python = f"Python {platform.python_version()}"
    return f"$ python docs/store_gallery.py {name}\n{', '.join([python, *named])}"


if __name__ == "__main__":
    main()
