"""The gallery: which examples run while the site is built, how strictly, and in which order."""

import multiprocessing
import os
import re
import warnings
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
RESULTS = ROOT / "docs" / "gallery_results"

# The gallery from top to bottom; every example is in one group.
GROUPS = {
    "Start here": ("quickstart", "loss_search", "pipeline"),
    "Numbers": ("outliers", "quantiles", "counts"),
    "Classes": ("imbalance", "noisy_labels", "ordinal"),
    "Your own losses, and training": (
        "custom_loss",
        "optuna_pruning",
        "optimisers",
        "regularisation",
        "linear_regression",
    ),
    "Images, texts and speech": (
        "image_classification",
        "segmentation_and_boxes",
        "sentiment",
        "speech_ctc",
        "digit_strings_ctc",
    ),
    "Rankings, recommendations and embeddings": ("ranking", "recommender", "embeddings"),
    "Several targets, many rows, many machines": ("multi_task", "out_of_core", "cluster"),
}
ORDER = tuple(name for group in GROUPS.values() for name in group)

# Examples that a build does not run, because they take too long or because no Python package has
# their data. Their pages show what a stored run printed and drew, which
# ``python docs/store_gallery.py <name>`` writes to docs/gallery_results: <name>.txt, <name>.png,
# <name>_2.png ...
LONG = frozenset({"speech_ctc"})

# How many examples run at a time.
EXAMPLES_AT_A_TIME = min(2, os.cpu_count() or 1)

# Other modules in the folder of examples.
NOT_EXAMPLES = ("data",)


def settings() -> dict[str, object]:
    """Return the settings of sphinx-gallery."""
    left_out = "|".join(NOT_EXAMPLES)
    run = "|".join(name for name in ORDER if name not in LONG)
    return {
        "examples_dirs": "../examples",
        "gallery_dirs": "auto_examples",
        "filename_pattern": rf"[\\/]({run})\.py$",
        "ignore_pattern": rf"^({left_out})\.py$",
        "within_subsection_order": "gallery.example_order",
        "capture_repr": (),
        "doc_module": (),
        "backreferences_dir": None,
        "download_all_examples": False,
        "min_reported_time": 10,
        "write_computation_times": False,
        "show_memory": False,
        "show_signature": False,
        "remove_config_comments": True,
        "plot_gallery": "True",
        "parallel": EXAMPLES_AT_A_TIME,
        "reset_modules": ("matplotlib", "gallery.reset_warnings"),
        "reset_modules_order": "both",
        "copyfile_regex": r"",
    }


def example_order(path: str) -> int:
    """Return where an example stands in the gallery."""
    name = Path(path).stem
    if name not in ORDER:
        raise ValueError(
            f"{path} has no place in the gallery. Add it to GROUPS in docs/gallery.py."
        )
    return ORDER.index(name)


_OUTSIDE = {"filters": None, "PYTHONWARNINGS": None}


def reset_warnings(gallery_conf: dict, name: str, when: str) -> None:
    """Make warnings errors while an example runs, here and in the processes that it starts."""
    if when == "before":
        if multiprocessing.get_start_method() == "loky":
            # Examples run in processes of joblib, whose start method no other library knows.
            multiprocessing.set_start_method("spawn", force=True)
        _OUTSIDE["filters"] = warnings.filters[:]
        _OUTSIDE["PYTHONWARNINGS"] = os.environ.get("PYTHONWARNINGS")
        # Examples train for few epochs, which they are warned of.
        os.environ["PYTHONWARNINGS"] = "error,ignore:max_epochs"
        warnings.filterwarnings("error")
        warnings.filterwarnings("ignore", "max_epochs")
        # Pages show pictures without a window.
        warnings.filterwarnings("ignore", ".*non-interactive")
    elif _OUTSIDE["filters"] is not None:
        warnings.filters[:] = _OUTSIDE["filters"]
        before = _OUTSIDE["PYTHONWARNINGS"]
        if before is None:
            os.environ.pop("PYTHONWARNINGS", None)
        else:
            os.environ["PYTHONWARNINGS"] = before


def change_page(app, docname: str, source: list[str]) -> None:
    """Change what sphinx-gallery wrote: group the index, and show stored results."""
    folder, _, name = docname.partition("/")
    if folder == "auto_examples" and name == "index":
        source[0] = grouped(source[0])
    elif folder == "auto_examples" and name in LONG:
        source[0] = with_results(source[0], name)


def grouped(index: str) -> str:
    """Return the index with a heading above the thumbnails of each group."""
    container = '.. raw:: html\n\n    <div class="sphx-glr-thumbcontainer"'
    for title, (first, *_) in GROUPS.items():
        start = index.rindex(container, 0, index.index(f":doc:`/auto_examples/{first}`"))
        heading = (
            ".. raw:: html\n\n    </div>\n\n"
            f"{title}\n{'-' * len(title)}\n\n"
            '.. raw:: html\n\n    <div class="sphx-glr-thumbnails">\n\n'
        )
        index = index[:start] + heading + index[start:]
    return index


def with_results(page: str, name: str) -> str:
    """Return the page of an example with what a stored run printed and drew at its end."""
    note = (
        ".. note::\n\n"
        "   The build of this page does not run this example. What it printed and drew in a stored"
        f" run is\n   :ref:`at the end <stored_{name}>`.\n\n"
    )
    results = [f".. _stored_{name}:\n\nStored output\n-------------\n"]
    results.append(f".. literalinclude:: ../gallery_results/{name}.txt\n   :language: none\n")
    for picture in sorted(RESULTS.glob(f"{name}*.png")):
        if re.fullmatch(rf"{name}(_\d+)?", picture.stem):
            path = f"../gallery_results/{picture.name}"
            results.append(f".. image:: {path}\n   :alt: What the example draws\n")
    start = page.index(".. GENERATED FROM PYTHON SOURCE LINES")
    end = page.index(f".. _sphx_glr_download_auto_examples_{name}.py:")
    return page[:start] + note + page[start:end] + "\n".join(results) + "\n" + page[end:]


def setup(app) -> None:
    """Connect what changes the pages of the gallery."""
    app.connect("source-read", change_page)
