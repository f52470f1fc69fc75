"""The pictures of a report, as SVG inside a page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.metrics import ConfusionMatrixDisplay, PredictionErrorDisplay
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing

from ...estimators.fit.estimator import NeuralEstimator
from ...losses import Loss
from ...search.steps import fitted_net_of
from ..candidates import Candidates, last_rows
from ..functionals import is_checkable
from ..intervals import predicts_intervals
from ..learning_course import LearningCourse
from ..loss_comparison import LossComparisonDisplay
from ..loss_shape import LossShapeDisplay, has_shape
from ..prediction_interval import PredictionIntervalDisplay
from ..reliability import ReliabilityDisplay
from ..style import BLUE
from ..training_curve import TrainingCurveDisplay

# Inches; a picture is as wide as a column of the page.
WIDTH = 5.0
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sklloss",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.parse_math": False,
}
NO_METADATA = dict.fromkeys(("Date", "Creator", "Type", "Format"))
# Losses whose shapes are drawn, at most.
MOST_SHAPES = 12
# Candidates whose scores are drawn, at most.
MOST_CANDIDATES = 40
# Classes of a matrix of confusion, at most.
MOST_CLASSES = 12

Draw = Callable[[Any], Any]


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Attributes
    ----------
    caption : str
    alt : str
        What it shows, for readers who do not see it.
    svg : str
    """

    caption: str
    alt: str
    svg: str


def drawn(caption: str, alt: str, draw: Draw, n_panels: int = 1, height: float = 3.6) -> Picture:
    """Return a picture of panels below each other, which `draw` draws into."""
    import matplotlib.style
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        # Names in other scripts are text of the page, which the browser's fonts show.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.subplots(n_panels, 1, squeeze=False)[:, 0]
        draw(axes)
        figure.savefig(buffer, format="svg", metadata=NO_METADATA)
    return Picture(caption, alt, _inline(buffer.getvalue()))


def _inline(svg: str) -> str:
    """Return an SVG file as an element of a page, with shorter numbers and the page's font."""
    svg = svg[svg.index("<svg") :].replace(
        "'DejaVu Sans'", "system-ui, Helvetica, Arial, sans-serif"
    )
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'"[^"]*"', _with_short_numbers, svg)
    return svg.replace("<svg ", '<svg role="presentation" aria-hidden="true" ', 1)


def _with_short_numbers(attribute: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", attribute[0])


def with_own_ids(svg: str, prefix: str) -> str:
    """Return an SVG whose ids are its own, since ids of a page are all different."""
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    return re.sub(r'(url\(#|href="#)', rf"\1{prefix}", svg)


def pictures_of_scores(candidates: Candidates) -> Iterator[Picture]:
    """Yield the scores of all candidates, by metric."""
    n_shown = min(len(candidates.labels), MOST_CANDIDATES)
    for scores in candidates.scores:
        display = LossComparisonDisplay(candidates=replace(candidates, scores=[scores]))
        name, n_candidates = scores.metric.name, len(candidates.labels)
        yield drawn(
            f"{name} of every candidate on every split.",
            f"{n_candidates} candidates by {name}, the best on top; the table has the numbers.",
            partial(display.plot, max_candidates=MOST_CANDIDATES),
            height=1.5 + 0.27 * max(n_shown, 3),
        )


def pictures_of_training(search: Any) -> Iterator[Picture]:
    """Yield how candidates learned, and how the winner did, where losses by epoch are known."""
    histories = getattr(search, "histories_", [])
    kept = [history for of in histories for history in of if history]
    if kept:
        n_panels = 1 + any("valid_loss" in history for history in kept)
        yield drawn(
            "How each candidate learned: means over splits.",
            f"Losses of {len(last_rows(search.cv_results_))} candidates by epoch, the chosen one"
            " bold.",
            lambda axes: TrainingCurveDisplay.from_search(search, ax=axes),
            n_panels,
            height=1.2 + 2.5 * n_panels,
        )
    best = getattr(search, "best_estimator_", None)
    net = None if best is None else fitted_net_of(best)
    if isinstance(net, NeuralEstimator):
        members = [LearningCourse.of_net(member) for member in net.members_]
        display = TrainingCurveDisplay(courses=[members])
        n_panels = len(display.panel_names)
        of_members = ": its members, and their mean" * (len(members) > 1)
        yield drawn(
            f"How the chosen candidate learned in its fit on all rows{of_members}.",
            f"Losses of the chosen candidate by epoch{of_members}.",
            display.plot,
            n_panels,
            height=1.0 + 2.6 * n_panels,
        )


def pictures_of_losses(losses: list[Loss]) -> Iterator[Picture]:
    """Yield the shapes of the losses that have one."""
    by_task: dict[str, list[Loss]] = {}
    for loss in dict.fromkeys(losses):
        if has_shape(loss):
            by_task.setdefault(loss.task, []).append(loss)
    without = dict.fromkeys(loss.label for loss in losses if not has_shape(loss))
    why = f" Not of one residual or margin: {', '.join(without)}." * bool(without)
    for task, found in by_task.items():
        few = found[:MOST_SHAPES]
        names = ", ".join(loss.label for loss in few)
        yield drawn(
            f"Loss and gradient of a row.{why}",
            f"Losses and gradients of {names}.",
            partial(_draw_shapes, few, task),
            2,
            height=5.6 + 0.1 * len(few),
        )


def _draw_shapes(losses: list[Loss], task: str, axes: Any) -> None:
    LossShapeDisplay.from_losses(losses, task=task, ax=axes)


def pictures_of_predictions(search: Any, estimator: Any, X: Any, y: Any) -> Iterator[Picture]:
    """Yield how good predictions are, of the test rows of the first split.

    The winner is fitted once more, on the training rows of that split.
    """
    is_known = is_classifier(estimator) or is_regressor(estimator)
    if not is_known or np.ndim(y) != 1:
        return
    train, test = next(check_cv(search.cv, y, classifier=is_classifier(estimator)).split(X, y))
    of_test = [_safe_indexing(each, test) for each in (X, y)]
    model = clone(estimator).fit(*(_safe_indexing(each, train) for each in (X, y)))
    kind = _of_classifier if is_classifier(estimator) else _of_regressor
    rows = f"{len(test):,} rows held out"
    for caption, alt, draw in kind(model, *of_test):
        comma = "" if caption.endswith("?") else ","
        yield drawn(f"{caption}{comma} {rows}.", f"{alt}, {rows}.", draw, height=4.0)


def _of_regressor(model: Any, X: Any, y: Any) -> Iterator[tuple[str, str, Draw]]:
    """Yield what to draw of a regressor of one target."""
    prediction = model.predict(X)
    look = {"color": BLUE, "alpha": 0.5, "s": 12}
    yield (
        "Observed and predicted values",
        f"Scatter of {len(prediction)} observed against predicted values",
        lambda axes: PredictionErrorDisplay.from_predictions(
            y,
            prediction,
            kind="actual_vs_predicted",
            random_state=0,
            ax=axes[0],
            scatter_kwargs=look,
        ),
    )
    if is_checkable(model):
        yield (
            "Are predictions calibrated?",
            "Reliability of predictions in groups",
            lambda axes: ReliabilityDisplay.from_estimator(model, X, y, ax=axes[0]),
        )
    if predicts_intervals(model):
        yield (
            "Do intervals have their coverage?",
            "Predicted intervals and observed values",
            lambda axes: PredictionIntervalDisplay.from_estimator(
                model, X, y, subsample=120, ax=axes[0]
            ),
        )


def _of_classifier(model: Any, X: Any, y: Any) -> Iterator[tuple[str, str, Draw]]:
    """Yield what to draw of a classifier of one label per row."""
    if len(model.classes_) > MOST_CLASSES:
        return
    yield (
        "Observed and predicted classes",
        f"Matrix of confusion of {len(model.classes_)} classes",
        lambda axes: ConfusionMatrixDisplay.from_estimator(
            model, X, y, cmap="Blues", colorbar=False, ax=axes[0]
        ),
    )
    if hasattr(model, "predict_proba"):
        yield (
            "Are probabilities calibrated?",
            "Reliability of probabilities in groups",
            lambda axes: ReliabilityDisplay.from_estimator(model, X, y, ax=axes[0]),
        )
