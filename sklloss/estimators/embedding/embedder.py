"""MetricEmbedder: a neural network that maps similar rows to vectors that are close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import Tensor

from ...losses.base import State
from ...losses.embedding.embedding import SHORTEST
from ...parameters.declared import declare, parameter, redeclared
from ...parameters.refusals import refuse_rows
from ..fit.documentation import documented
from ..fit.estimator import NeuralEstimator
from ..fit.loss_parameter import LossParameter
from ..fit.parameters import (
    BOOL,
    COUNT,
    AugmentParameters,
    HiddenLayerParameters,
    NetworkParameters,
    OptimizationParameters,
    RunParameters,
)
from ..fit.scikit_learn import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from ..fit.table_estimator import TableColumns
from ..inputs.base import Inputs
from ..inputs.data import FitData
from ..inputs.kinds import inputs_of
from ..inputs.tables import Table
from ..inputs.weights import checked_weights
from ..targets.fitted_module import FittedModule
from .likeness import Likeness, checked_labels, is_alike
from .neighbours import area_under_curve, recall_at_1
from .pairs import Pairs, SingleRows, sides


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class MetricEmbedder(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    AugmentParameters,
    TableColumns,
    HiddenLayerParameters,
    NetworkParameters,
    NeuralEstimator,
):
    """A neural network that maps rows to unit vectors, which are close if the rows are similar.

    It is trained on the loss of your choice.  It learns a distance, not classes, so rows of classes
    that were not in the training data can be compared, too.

    With `early_stopping`, the validation rows are stratified by class.

    %(parameters)s

    Attributes
    ----------
    %(attributes_and_names)s

    See Also
    --------
    NeuralClassifier : For classes that are all known in training.

    Notes
    -----
    If one batch holds all rows, equal rows of one label are merged and their weights added, so that
    a row of weight 2 counts as two equal rows.

    A row that is the only one of its class has no similar row; it is only kept away from others.

    ``make_pipeline(MetricEmbedder(), KNeighborsClassifier())`` is a classifier.
    ``set_output(transform="pandas")`` returns DataFrames with named components.  Scikit-learn does
    not take the estimator itself for a classifier, so that ``cv=3`` does not stratify: give
    ``cv=StratifiedKFold(3)``.

    Examples
    --------
    Digits of classes that were not in the training data:

    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> known = y < 5
    >>> model = MetricEmbedder("infonce", max_epochs=10, random_state=0).fit(X[known], y[known])
    >>> model.transform(X[~known]).shape
    (896, 32)
    >>> bool(model.score(X[~known], y[~known]) > 0.9)
    True

    The same from pairs, which are alike if both rows are of the same class:

    >>> import numpy as np
    >>> left, right = X[known][:400], X[known][400:800]
    >>> alike = y[known][:400] == y[known][400:800]
    >>> model = MetricEmbedder("contrastive", pairs=True, max_epochs=10, random_state=0)
    >>> model = model.fit(np.stack([left, right], axis=1), alike)
    >>> model.transform(X[:3]).shape
    (3, 32)
    """

    _loss: ClassVar[LossParameter] = LossParameter("embedding")
    _built_ins: ClassVar[tuple[str, ...]] = ("mlp", "cnn", "text")

    loss: Any = field(
        default="infonce",
        kw_only=False,
        metadata=declare(
            """What is minimised: a name, alias or torch class name of
            ``list_losses("embedding")``, a class or instance of it, or your own subclass of
            ``sklloss.losses.EmbeddingLoss``.""",
            kind="str or EmbeddingLoss",
        ),
    )
    n_components: int = parameter(
        32,
        COUNT,
        "Length of the vectors; your own network has to return (n, n_components).",
        kind="int",
        fixed=True,
        shared=True,
    )
    pairs: bool = parameter(
        False,
        BOOL,
        """Whether `fit` and `score` receive pairs of rows, with y saying whether they are alike,
        instead of rows and their labels; `augment` then receives pairs, (n, 2, ...).""",
        kind="bool",
        fixed=True,
        shared=True,
    )
    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc="""Rows, or pairs, per step; "auto" is a fiftieth of them, between 200 and 1024 (all, if
        there are fewer or for lbfgs).  All rows of a batch are compared with each other, so memory
        grows with the square of the batch size.  Nearly every class in a batch has at least two
        rows.""",
    )
    n_members: int = redeclared(
        RunParameters,
        "n_members",
        doc="""Number of networks that are trained together, with the seeds random_state,
        random_state + 1 ...; their unit vectors are concatenated and divided by √n_members, so that
        the cosine of two rows is the mean over members.""",
    )

    @property
    def _inputs(self) -> Inputs:
        rows = inputs_of(self)
        if self.pairs:
            return Pairs(rows=rows)
        return SingleRows.of(self) if isinstance(rows, Table) else rows

    @property
    def _target(self) -> Likeness:
        return Likeness(self.n_components, self.pairs)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MetricEmbedder:
        """Train the network.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Rows, as in `NeuralClassifier`.  With ``pairs=True`` pairs of numeric rows, a dense
            array of shape (n_pairs, 2, n_features) such as ``np.stack([left, right], axis=1)``, or
            pairs of images, of shape (n_pairs, 2, n_channels, height, width).
        y : array-like of shape (n_samples,)
            Labels of any type; rows with the same label are alike.  With ``pairs=True`` 1 for pairs
            that are alike, and 0 or -1 for the others.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of rows or pairs, >= 0.  A comparison of two rows has the product of their
            weights.  A row of weight 2 counts as two equal rows, one of weight 0 as none.

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MetricEmbedder:
        """Train for one epoch, also on new classes; scaling is that of the first call.

        Parameters
        ----------
        %(continued)s
        """
        return self._train(FitData(X, y, sample_weight), epochs=1, go_on=True)

    def transform(self, X: Any) -> np.ndarray:
        """Map rows to unit vectors, whose scalar products are cosines.

        Parameters
        ----------
        %(X)s
            Rows, also for an estimator that was trained on pairs.

        Returns
        -------
        ndarray of shape (n_samples, n_components * n_members)
            Unit vectors, in the network's dtype.

        Raises
        ------
        ValueError
            If the network returns a zero vector, which has no direction.
        """
        return self._vectors(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return recall@1: the share of rows whose nearest other row in X has the same label.

        Rows whose label occurs once in `y` are not counted, but may be the nearest row of others.
        With ``pairs=True`` the score is the area under the ROC curve: the probability that a pair
        that is alike has a larger cosine than one that is not.

        Parameters
        ----------
        %(X)s
            Rows or pairs, as in `fit`.
        y : array-like of shape (n_samples,)
            Labels, as in `fit`; they may differ from those of the training rows.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of rows or pairs, >= 0.

        Returns
        -------
        float
            In [0, 1].
        """
        check_is_fitted(self, "net_")
        if self.pairs:
            given = self._inputs.opened(X)
            vectors, alike = self._vectors(sides(given)), is_alike(y, len(given))
            weights = checked_weights(sample_weight, given, noun="pair")
            return area_under_curve(vectors[::2], vectors[1::2], alike, weights)
        vectors, labels = self._vectors(X), checked_labels(y)
        check_consistent_length(vectors, labels)
        return recall_at_1(vectors, labels, checked_weights(sample_weight, vectors))

    def to_module(self, output: str = "transform") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module`` that takes X as `transform` does.

        %(module)s

        Parameters
        ----------
        output : {"transform", "raw"}, default="transform"
            What the module returns: the unit vectors of `transform`, or zero vectors where the
            network returns zeros; or the network's raw output, of shape
            (n_samples, 1, n_components), averaged over members.

        %(exported)s
        """
        return self._exported(output, self._answers)

    def _vectors(self, X: Any) -> np.ndarray:
        """Return the unit vectors of all members side by side."""
        answer = self._answers["transform"]
        checked = answer._replace(of_member=partial(_with_direction, answer.of_member))
        return self._said({"transform": checked}, X)["transform"]

    @property
    def _n_features_out(self) -> int:
        return self._learned.fixed["n_components"] * len(self.members_)

    def __sklearn_tags__(self) -> Any:
        return self._tagged(super().__sklearn_tags__())


def _with_direction(of_member: Callable[..., Tensor], raw: Tensor, state: State) -> Tensor:
    """Return what a member says of rows; raise if raw output of one has no direction."""
    refuse_rows(
        (raw[0, :, 0].norm(dim=-1) < SHORTEST).numpy(force=True),
        "The network returns a zero vector for",
        "",
        "It has no direction. Make the last layer of your module linear, with a bias and without an"
        " activation after it.",
    )
    return of_member(raw, state)
