"""MetricEmbedder: a neural network that turns rows into vectors, alike rows into near ones."""

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
    """A neural network that turns rows into unit vectors, alike rows into near ones.

    It is trained on the loss of your choice.  What it learns is a distance, not classes: rows of
    classes that it has never seen can be compared, too.

    With `early_stopping`, a share of validation rows is taken from every class alike.

    %(parameters)s

    Attributes
    ----------
    %(attributes_and_names)s

    See Also
    --------
    NeuralClassifier : classes that are all known in training.

    Notes
    -----
    Where one batch holds all rows, equal rows of one label are merged and their weights added, so
    weight 2 is a row repeated.

    A row that is the only one of its class has nothing to be near to; the others are kept away
    from it.

    As a step of a Pipeline it makes a classifier, ``make_pipeline(MetricEmbedder(),
    KNeighborsClassifier())``; with one of DataFrames, ``set_output(transform="pandas")`` names the
    components.  By itself it is no classifier to searches: ``cv=3`` splits rows as they come,
    ``cv=StratifiedKFold(3)`` every class alike.

    Examples
    --------
    Digits of classes that were not there in training:

    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> known = y < 5
    >>> model = MetricEmbedder("infonce", max_epochs=10, random_state=0).fit(X[known], y[known])
    >>> model.transform(X[~known]).shape
    (896, 32)
    >>> bool(model.score(X[~known], y[~known]) > 0.9)
    True

    The same from pairs, alike where both rows are of one class:

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
        "Width of the vectors; a network of your own puts out (n, n_components).",
        kind="int",
        fixed=True,
        shared=True,
    )
    pairs: bool = parameter(
        False,
        BOOL,
        """Whether `fit` and `score` are given pairs of rows and whether these are alike, instead
        of rows and their labels; `augment` then receives pairs, (n, 2, ...).""",
        kind="bool",
        fixed=True,
        shared=True,
    )
    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc="""Rows, or pairs, per step; "auto" is a fiftieth of them, between 200 and 1024 (all,
        where there are fewer or for lbfgs).  They are compared with each other, so memory grows
        with its square.  Batches hold at least two rows of nearly every class that they have.""",
    )
    n_members: int = redeclared(
        RunParameters,
        "n_members",
        doc="""Networks that are trained as one program, with the seeds random_state, random_state +
        1 ...; their unit vectors are put side by side and divided by √n_members, so the cosine of
        two rows is the mean over members.""",
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
            As `NeuralClassifier` takes it; pairs are numbers.
            With ``pairs=True`` pairs of such rows, a dense array (n_pairs, 2, n_features), as
            ``np.stack([left, right], axis=1)`` makes it; of images
            (n_pairs, 2, n_channels, height, width).
        y : array-like of shape (n_samples,)
            Labels of any type: rows of one label are alike.  With ``pairs=True`` 1 for each alike
            pair and 0 (or -1) for each other.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights >= 0 of rows, or pairs; two rows are compared with the product of their
            weights.  Weight 2 is a row repeated, weight 0 a row removed.

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MetricEmbedder:
        """Train for one epoch; rows may have new classes, scaling is that of the first call.

        Parameters
        ----------
        %(continued)s
        """
        return self._train(FitData(X, y, sample_weight), epochs=1, go_on=True)

    def transform(self, X: Any) -> np.ndarray:
        """Turn rows into unit vectors; their scalar products are cosines.

        Parameters
        ----------
        %(X)s
            Rows, also of an estimator that was trained on pairs.

        Returns
        -------
        ndarray of shape (n_samples, n_components * n_members)
            In the network's dtype.

        Raises
        ------
        ValueError
            If the network puts out a zero vector, which has no direction.
        """
        return self._vectors(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return recall@1: the share of rows whose nearest other row of X has their label.

        Rows whose label occurs once in `y` are left out, but may be found.  With ``pairs=True`` it
        is the area under the ROC curve: how often an alike pair has a larger cosine than an unlike
        one.

        Parameters
        ----------
        %(X)s
            With ``pairs=True`` (n_pairs, 2, n_features).
        y : array-like of shape (n_samples,)
            Labels, as in `fit`; they need not be those of the training rows.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            What each row, or pair, counts.

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
        """Return the fitted model as a plain ``nn.Module``, from X as `transform` takes it.

        %(module)s

        Parameters
        ----------
        output : {"transform", "raw"}, default="transform"
            What comes out: unit vectors as those of `transform`, but 0 where the network puts out
            0; or the network's raw output, (n_samples, 1, n_components), the mean over members.

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
        "The network puts out a zero vector for",
        "",
        "It has no direction. Let the last layer of your module be linear, without an activation"
        " behind it, and with a bias.",
    )
    return of_member(raw, state)
