"""The gallery: which examples run while the site is built, how strictly, and in which order."""

import os
import re
import warnings
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
RESULTS = ROOT / "docs" / "gallery_results"

# The order of the gallery; every example is named here.
ORDER = (
    "quickstart",
    "loss_search",
    "pipeline",
    "outliers",
    "quantiles",
    "counts",
    "imbalance",
    "noisy_labels",
    "ordinal",
    "custom_loss",
    "optimisers",
    "regularisation",
    "linear_regression",
    "optuna_pruning",
    "image_classification",
    "segmentation_and_boxes",
    "sentiment",
    "speech_ctc",
    "digit_strings_ctc",
    "ranking",
    "recommender",
    "embeddings",
    "multi_task",
    "out_of_core",
    "cluster",
)

# Examples that take too long for a build: their pages show the output of a stored run, which is
# in docs/gallery_results/<name>.txt, and its picture, <name>.png, if there is one.
LONG: frozenset[str] = frozenset()

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
        "show_memory": False,
        "show_signature": False,
        "remove_config_comments": True,
        "plot_gallery": "True",
        "reset_modules": ("matplotlib", "gallery.reset_warnings"),
        "reset_modules_order": "both",
        "copyfile_regex": r"",
    }


def example_order(path: str) -> int:
    """Return where an example stands in the gallery."""
    name = Path(path).stem
    if name not in ORDER:
        raise ValueError(f"{path} has no place in the gallery. Add it to ORDER in docs/gallery.py.")
    return ORDER.index(name)


_OUTSIDE = {"filters": None, "PYTHONWARNINGS": None}


def reset_warnings(gallery_conf: dict, name: str, when: str) -> None:
    """Make warnings errors while an example runs, here and in the processes that it starts."""
    if when == "before":
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


def show_stored_results(app, docname: str, source: list[str]) -> None:
    """Add the output of a stored run to the page of an example that the build does not run."""
    folder, _, name = docname.partition("/")
    if folder != "auto_examples" or name not in LONG:
        return
    lines = [
        "",
        ".. note::",
        "",
        "   This example takes minutes, so the build of this page does not run it. Below is the",
        f"   output of ``python examples/{name}.py``, as it was stored.",
        "",
        f".. literalinclude:: ../gallery_results/{name}.txt",
        "   :language: none",
        "",
    ]
    if (RESULTS / f"{name}.png").exists():
        lines += [
            f".. image:: ../gallery_results/{name}.png",
            "   :alt: What the example draws",
            "",
        ]
    start = re.search(r"^\.\. GENERATED FROM PYTHON SOURCE LINES", source[0], re.MULTILINE)
    first_code = source[0].index("\n.. code-block::", start.end() if start else 0)
    source[0] = source[0][:first_code] + "\n".join(lines) + source[0][first_code:]


def setup(app) -> None:
    """Connect the stored results."""
    app.connect("source-read", show_stored_results)
