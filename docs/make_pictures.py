"""Write the pictures of ``docs/displays``, an example of a report, and one of a notebook.

After any change of a display or of the report, run

    python docs/make_pictures.py

and look at what it has written.  It trains for about two minutes and needs the extra "examples";
photographs of the report need chromium, and the notebook needs nbconvert and ipykernel:
``pip install -c constraints.txt nbconvert ipykernel``.  What cannot be made here is left as it is,
and named.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from PIL import Image
from sklearn.model_selection import KFold, train_test_split

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor, report
from sklloss.inspection import (
    LossComparisonDisplay,
    LossShapeDisplay,
    PredictionIntervalDisplay,
    ReliabilityDisplay,
    TrainingCurveDisplay,
)
from sklloss.losses import Huber

DOCS = Path(__file__).parent
FOLDER = DOCS / "displays"
sys.path.insert(0, str(DOCS.parent / "examples"))

from data import ames_houses, breast_cancer, check_times  # noqa: E402

GRID: Any = [
    {"loss": ["mse", "mae", "gamma", "gaussian_nll", "student_t_nll"]},
    {"loss": ["huber"], "loss__delta": [0.5, 1.5]},
]
CELLS = [
    """
    from data import ames_houses

    from sklloss import LossSearchCV, NeuralRegressor, compare_losses, suggest_losses
    from sklloss.inspection import LossComparisonDisplay

    X, y = ames_houses()
    suggest_losses(X, y, metric="neg_mean_absolute_error")
    """,
    """
    search = LossSearchCV(
        NeuralRegressor(n_members=1, random_state=0),
        {"loss": ["mse", "mae", "gamma", "huber"]},
        scoring="neg_mean_absolute_error",
    )
    search.fit(X, y)
    """,
    "compare_losses(search)",
    "LossComparisonDisplay.from_search(search);",
    "search.best_estimator_",
]
# Pixels of the photographs of the report: width, and height.
SIZES = {400: 3600, 1400: 2600}


def houses_search() -> tuple[Any, Any, LossSearchCV]:
    """Return the houses of Ames, their prices, and a search over losses for them."""
    X, y = ames_houses()
    net = NeuralRegressor(n_members=1, random_state=0)
    scoring = ["neg_mean_absolute_error", "neg_root_mean_squared_error"]
    search = LossSearchCV(net, GRID, scoring=scoring, refit=scoring[0], cv=10)
    return X, y, search.fit(X, y)


def save(name: str, display: Any) -> None:
    """Write a display as PNG."""
    display.figure_.savefig(FOLDER / f"{name}.png", dpi=100)
    plt.close(display.figure_)


def draw_searches(search: LossSearchCV) -> None:
    """Draw what candidates scored and how they learned, and the shapes of losses."""
    save("loss_comparison", LossComparisonDisplay.from_search(search))
    save("training_curve_search", TrainingCurveDisplay.from_search(search))
    losses = ["mse", "mae", Huber(delta=1.5), "tukey", "log_cosh"]
    save("loss_shape", LossShapeDisplay.from_losses(losses))
    margins = ["cross_entropy", "hinge", "focal", "brier", "generalized_cross_entropy"]
    shapes = LossShapeDisplay.from_losses(margins, task="classification")
    save("loss_shape_margin", shapes)


def draw_front() -> None:
    """Draw the search of "Get started", judged by two metrics, for the front page."""
    X, y = check_times()
    y = y.sample(3000, random_state=0)
    scoring = ["neg_mean_absolute_error", "neg_root_mean_squared_error"]
    search = LossSearchCV(
        NeuralRegressor(n_members=1, random_state=0),
        {"loss": ["mse", "mae", "huber", "cross_entropy"]},
        scoring=scoring,
        refit=scoring[0],
        cv=KFold(10, shuffle=True, random_state=0),
    )
    search.fit(X.loc[y.index], y)
    save("front", LossComparisonDisplay.from_search(search))


def draw_predictions(X: Any, y: Any) -> None:
    """Draw how a fit learned, and its intervals and reliability on rows held out."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = NeuralRegressor("student_t_nll", random_state=0).fit(X_train, y_train)
    save("training_curve", TrainingCurveDisplay.from_estimator(model))
    held_out = X_test, y_test
    save("prediction_interval", PredictionIntervalDisplay.from_estimator(model, *held_out))
    quantile = NeuralRegressor("quantile", random_state=0).set_params(loss__quantile=0.9)
    quantile.fit(X_train, y_train)
    save("reliability_quantile", ReliabilityDisplay.from_estimator(quantile, *held_out))
    X, y = breast_cancer()
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    classifier = NeuralClassifier("brier", random_state=0).fit(X_train, y_train)
    display = ReliabilityDisplay.from_estimator(classifier, X_test, y_test, n_bins=5)
    save("reliability_probability", display)


def photograph(page: Path) -> None:
    """Write what a browser shows of a page at several widths."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("No chromium: photographs of the report are left as they are.")
        return
    for width, height in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            # Windows have a least width, frames have none.
            frame, shot = Path(folder) / "frame.html", Path(folder) / "shot.png"
            style = "border:0;position:absolute;left:0;top:0"
            frame.write_text(
                f"<iframe src='{page.as_uri()}' width={width} height={height} style='{style}'>"
            )
            command = [browser, "--headless=new", "--no-sandbox", "--hide-scrollbars"]
            size = f"--window-size={max(width, 500)},{height}"
            command += [size, f"--screenshot={shot}", frame.as_uri()]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            picture = Image.open(shot).convert("RGB").crop((0, 0, width, height))
            picture.quantize(48).save(FOLDER / f"report_{width}.png", optimize=True)


def write_notebook() -> None:
    """Run a notebook and write what it shows as HTML."""
    if find_spec("nbconvert") is None or find_spec("ipykernel") is None:
        print("No nbconvert or ipykernel: the notebook is left as it is.")
        return
    import nbformat
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import ExecutePreprocessor

    cells = [nbformat.v4.new_code_cell(textwrap.dedent(cell).strip()) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    where = {"metadata": {"path": str(DOCS.parent / "examples")}}
    notebook, _ = ExecutePreprocessor(timeout=600).preprocess(notebook, where)
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    body = re.sub(r"<script[^>]*src=[^>]*></script>", "", body)
    style = (
        "body{max-width:1000px;margin:20px auto;font:15px/1.5 sans-serif}td,th{padding:3px 10px}"
    )
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>A notebook</title><style>{style}</style>'
    (DOCS / "notebook_example.html").write_text(f"{head}<body>{body}</body></html>\n")


def main() -> None:
    """Write everything."""
    mpl.use("Agg")
    FOLDER.mkdir(exist_ok=True)
    X, y, search = houses_search()
    draw_front()
    draw_searches(search)
    draw_predictions(X, y)
    photograph(report(search, DOCS / "report_example.html", X=X, y=y))
    write_notebook()
    for path in [*sorted(FOLDER.iterdir()), *sorted(DOCS.glob("*_example.html"))]:
        print(f"{path.relative_to(DOCS)}: {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
