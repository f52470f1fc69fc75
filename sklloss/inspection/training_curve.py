"""TrainingCurveDisplay: learning curves of a fit, or of the candidates of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..advice.verdicts.labels import distinct, labels_of, value_text
from ..estimators.fit.estimator import NeuralEstimator
from ..search.steps import fitted_net_of
from .candidates import check_is_search, last_rows
from .given import check_estimator
from .learning_course import LearningCourse, mean_course
from .style import (
    BLACK,
    BLUE,
    GREY,
    VERMILION,
    draws,
    legend_above,
    legend_beside,
    looks,
    panels,
    shortened,
    tidy,
)

# Candidates that have a colour and a name of their own.
MOST_NAMED = 7
NAMES = {"train_loss": "training loss", "valid_loss": "validation loss"}
COLOUR_OF = {"train_loss": BLUE, "valid_loss": VERMILION}


class TrainingCurveDisplay:
    """Losses and metrics by epoch.

    For a fitted estimator, thin lines are its members and bold lines their mean; dots mark the
    epochs whose weights are kept.  For a search, thin lines are candidates and the bold line is the
    winner, each averaged over splits.

    Create it with `from_estimator` or `from_search`.

    Parameters
    ----------
    courses : list of list of LearningCourse
        Learning curves by group.  The members of an estimator are one group; each candidate of a
        search is a group, with one curve per split.
    labels : sequence of str, default=None
        Labels of the groups; None for the members of an estimator.
    best : int or None, default=None
        Position of the winner's group; None draws no bold line.
    relative : bool, default=False
        Whether each loss is rescaled to 1 in its first epoch and 0 at its lowest, because losses
        have different units.

    Attributes
    ----------
    ax_ : Axes
        The first panel.
    axes_ : ndarray of Axes
        All panels: the losses, and one per metric.
    figure_ : Figure
        The figure.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import NeuralRegressor
    >>> from sklloss.inspection import TrainingCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = NeuralRegressor("huber", max_epochs=5, random_state=0).fit(X, y)
    >>> display = TrainingCurveDisplay.from_estimator(model)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        courses: Sequence[Sequence[LearningCourse]],
        labels: Sequence[str] | None = None,
        best: int | None = None,
        relative: bool = False,
    ) -> None:
        self.courses = courses
        self.labels = labels
        self.best = best
        self.relative = relative

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Draw the learning curves of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator
            An estimator of sklloss, a Pipeline or TransformedTargetRegressor around one, or a
            search whose best estimator is one.
        ax : Axes, array-like of Axes or None, default=None
            As in `plot`.

        Returns
        -------
        TrainingCurveDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it contains no estimator of sklloss.
        ImportError
            If matplotlib is not installed.
        """
        check_estimator(f"{cls.__name__}.from_estimator", estimator)
        net = fitted_net_of(getattr(estimator, "best_estimator_", estimator))
        if not isinstance(net, NeuralEstimator):
            raise TypeError(
                f"{cls.__name__}.from_estimator needs an estimator of sklloss, whose history_ has"
                f" its losses; got {type(net).__name__}."
            )
        return cls(courses=[[LearningCourse.of_net(each) for each in net.members_]]).plot(ax)

    @classmethod
    def from_search(cls, search: Any, *, relative: bool | None = None, ax: Any = None) -> Self:
        """Draw the learning curves of all candidates of a search.

        Parameters
        ----------
        search : fitted LossSearchCV
            The search, or another one with ``histories_``.
        relative : bool or None, default=None
            Whether each loss is rescaled to 1 in its first epoch and 0 at its lowest.  None does so
            if candidates have different losses, because their units differ.
        ax : Axes, array-like of Axes or None, default=None
            As in `plot`.

        Returns
        -------
        TrainingCurveDisplay
            The display, drawn.

        Raises
        ------
        TypeError or ValueError
            If it is no fitted search, or has kept no losses by epoch.
        ImportError
            If matplotlib is not installed.
        """
        owner = f"{cls.__name__}.from_search"
        check_is_search(search, owner)
        histories = getattr(search, "histories_", [])
        courses = [[LearningCourse.of_history(h) for h in of if h] for of in histories]
        if not any(courses):
            best = fitted_net_of(getattr(search, "best_estimator_", None))
            alone = " Draw the winner alone with from_estimator(search.best_estimator_)."
            raise ValueError(
                f"{owner} needs losses by epoch, which this {type(search).__name__} has not kept:"
                " LossSearchCV over an estimator of sklloss keeps them in histories_."
                f"{alone * isinstance(best, NeuralEstimator)}"
            )
        table, best = search.cv_results_["params"], getattr(search, "best_index_", None)
        trained = [i for i in last_rows(search.cv_results_) if courses[i]]
        labels = distinct(labels_of([table[i] for i in trained]), trained)
        display = cls(
            courses=[courses[i] for i in trained],
            labels=labels,
            best=trained.index(best) if best in trained else None,
            relative=_losses_differ(table) if relative is None else relative,
        )
        return display.plot(ax)

    @draws
    def plot(self, ax: Any = None) -> Self:
        """Draw the learning curves.

        Parameters
        ----------
        ax : Axes, array-like of Axes or None, default=None
            One Axes per panel; a single one is divided, and None makes a new figure.

        Returns
        -------
        TrainingCurveDisplay
            The display itself.
        """
        draw = self._draw_members if self.labels is None else self._draw_candidates
        shown = self.panel_names
        size = (1.2 + 4.6 * len(shown) + 1.8 * (self.labels is not None), 3.6)
        self.axes_ = panels(f"{type(self).__name__}.plot", ax, len(shown), size)
        for panel, names in zip(self.axes_, shown, strict=True):
            draw(panel, names)
            panel.set_xlabel("epoch")
            panel.xaxis.get_major_locator().set_params(integer=True)
            tidy(panel)
        if self.labels is None:
            legend_above(self.axes_)
        else:
            legend_beside(self.axes_)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        return self

    @property
    def panel_names(self) -> list[list[str]]:
        """The names of the values that each panel shows."""
        names = list(
            dict.fromkeys(n for of in self.courses for course in of for n in course.values)
        )
        losses = [name for name in NAMES if name in names]
        others = [[name] for name in names if name not in NAMES]
        return [losses, *others] if self.labels is None else [[name] for name in losses]

    def _draw_members(self, ax: Any, names: Sequence[str]) -> None:
        """Draw members thin, their mean bold, and the epochs that are kept."""
        members = self.courses[0]
        mean = mean_course(members)
        for name in names:
            colour = COLOUR_OF.get(name, BLUE)
            for member in members if len(members) > 1 else ():
                ax.plot(member.epoch, member.values[name], color=colour, linewidth=0.7, alpha=0.45)
            dash = "--" if name == "train_loss" else "-"
            label = NAMES.get(name, name)
            ax.plot(mean.epoch, mean.values[name], dash, color=colour, linewidth=2.2, label=label)
        judged = "valid_loss" if "valid_loss" in names else names[-1]
        _mark_kept(ax, members, judged, "best epoch, kept")
        ax.set_ylabel("loss" if names[0] in NAMES else names[0])

    def _draw_candidates(self, ax: Any, names: Sequence[str]) -> None:
        """Draw candidates thin and the winner bold, each the mean over splits."""
        (name,) = names
        means = [self._mean(of) for of in self.courses]
        for mean, look in zip(means, self._looks(), strict=True):
            if name in mean.values:
                ax.plot(mean.epoch, mean.values[name], **look)
        if self.best is not None:
            _mark_kept(ax, [means[self.best]], name, "epoch kept, mean over splits")
        ax.set_ylabel("relative " * self.relative + NAMES[name])
        if self.relative:
            ax.set_ylim(-0.04, 1.3)

    def _mean(self, courses: Sequence[LearningCourse]) -> LearningCourse:
        mean = mean_course(courses)
        return mean.relative() if self.relative else mean

    def _looks(self) -> list[dict[str, Any]]:
        """Return how the line of each candidate is drawn."""
        labels = [shortened(label, 28) for label in self.labels or ()]
        named = len(labels) <= MOST_NAMED
        found: list[dict[str, Any]] = []
        for i, (label, look) in enumerate(zip(labels, looks(len(labels)), strict=True)):
            if i == self.best:
                bold = {"color": BLACK, "linewidth": 2.8, "zorder": 3}
                found.append({**bold, "label": f"{label} (chosen)"})
            elif named:
                thin = {"color": look.color, "linestyle": look.linestyle, "linewidth": 1.1}
                found.append({**thin, "label": label})
            else:
                found.append({"color": GREY, "linewidth": 0.7, "alpha": 0.6})
        if not named:
            others = [i for i in range(len(found)) if i != self.best]
            found[others[0]]["label"] = f"{len(others)} other candidates"
        return found


def _mark_kept(ax: Any, courses: Sequence[LearningCourse], name: str, label: str) -> None:
    """Mark the epochs whose weights are kept."""
    kept = [
        (course.best_epoch, np.interp(course.best_epoch, course.epoch, course.values[name]))
        for course in courses
        if course.best_epoch is not None and name in course.values
    ]
    if kept:
        epochs, at = zip(*kept, strict=True)
        look = {"marker": "o", "markersize": 5.5, "markerfacecolor": "white", "zorder": 4}
        ax.plot(epochs, at, linestyle="none", color=BLACK, label=label, **look)


def _losses_differ(params: Sequence[Any]) -> bool:
    """Return whether candidates were trained on different losses, or forms of one."""
    of_loss = [
        {k: value_text(v) for k, v in each.items() if "loss" in k.split("__")} for each in params
    ]
    return any(each != of_loss[0] for each in of_loss)
