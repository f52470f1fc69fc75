"""MetricEmbedder: a neural network that turns rows into vectors, alike rows into near ones, and whose loss is a hyperparameter."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import Tensor, nn

from ...losses.base import Loss, Task
from ...losses.embedding.embedding import SHORTEST
from ...modules import check_widths
from ...modules.embedding.siamese import Siamese
from ..fit.estimator import NeuralEstimator
from ..fit.nets import Start
from ..fit.prepared import Shelf
from ..fit.sample import Sample
from ..fit.splits import Parts
from ..inputs.weights import checked_weights
from ..targets.answers import (
    RAW,
    FittedModule,
    JoinedVectors,
    Reading,
    chosen_reading,
    side_by_side,
)
from .neighbours import area_under_curve, recall_at_1
from .pairs import is_alike, sides, stacked_pairs


class MetricEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeuralEstimator):
    """A neural network that turns rows into unit vectors, alike rows into near ones, trained on the loss of your choice.

    What it learns is a distance, not classes: rows of classes that it has never seen can be compared, too.

    Parameters
    ----------
    loss : str or EmbeddingLoss, default="infonce"
        What is minimised: a name, alias or torch class name of ``list_losses("embedding")``, a class or instance of it, or your own
        subclass of ``sklloss.losses.EmbeddingLoss``.
    n_components : int, default=32
        Width of the vectors.
    pairs : bool, default=False
        Whether `fit` and `score` are given pairs of rows and whether these are alike, in place of rows and their labels.
    module : str, nn.Module class, instance or factory, default="mlp"
        The network: "mlp" for tables, "cnn" for images, "text" for token ids, or your own from rows to (n, n_components), as in
        `NeuralRegressor`.
    module_params, hidden_layer_sizes, activation, dropout
        As in `NeuralRegressor`.
    optimizer, optimizer_params, lr, weight_decay, l1
        As in `NeuralRegressor`.
    batch_size : int or "auto", default="auto"
        Rows, or pairs, per step; they are compared with each other, so that memory grows with its square.  Batches hold at least two rows
        of nearly every class that they have.
    max_epochs, early_stopping, validation_fraction, n_iter_no_change, tol
        As in `NeuralRegressor`; a share of rows is taken from every class alike.
    scale_inputs, augment, dtype, callbacks, device, warm_start, random_state, verbose
        As in `NeuralRegressor`.  With ``pairs=True`` `augment` receives pairs, (n, 2, ...).
    n_members : int, default=1
        Networks that are trained, with the seeds random_state, random_state + 1 ...; their unit vectors are put side by side and
        divided by √n_members, so that the cosine of two rows is the mean over members.

    Attributes
    ----------
    loss_, loss_state_, net_, members_, history_, n_iter_, n_features_in_, feature_names_in_
        As in `NeuralRegressor`.

    See Also
    --------
    NeuralClassifier : classes that are all known in training.

    Notes
    -----
    Where one batch holds all rows, equal rows of one label are joined and their weights added, so that weight 2 is a row repeated.

    A row that is the only one of its class has nothing to be near to; the others are kept away from it.

    As a step of a Pipeline it makes a classifier, ``make_pipeline(MetricEmbedder(), KNeighborsClassifier())``; with one of DataFrames,
    ``set_output(transform="pandas")`` names the components.  By itself it is no classifier to searches: ``cv=3`` splits rows as they come,
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

    _task: Task = "embedding"
    _built_ins = ("mlp", "cnn", "text")

    def __init__(
        self,
        loss: Any = "infonce",
        *,
        n_components: int = 32,
        pairs: bool = False,
        module: Any = "mlp",
        module_params: dict[str, Any] | None = None,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        optimizer: Any = "adam",
        optimizer_params: dict[str, Any] | None = None,
        lr: float | str = "auto",
        batch_size: int | str = "auto",
        max_epochs: int = 200,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: Any = 0.1,
        n_iter_no_change: float = 10,
        tol: float = 1e-4,
        scale_inputs: bool = True,
        augment: Any = None,
        dtype: str = "auto",
        callbacks: Any = None,
        device: str = "cpu",
        warm_start: bool = False,
        random_state: Any = None,
        n_members: int = 1,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.n_components = n_components
        self.pairs = pairs
        self.module = module
        self.module_params = module_params
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.optimizer_params = optimizer_params
        self.lr = lr
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.weight_decay = weight_decay
        self.l1 = l1
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scale_inputs = scale_inputs
        self.augment = augment
        self.dtype = dtype
        self.callbacks = callbacks
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_members = n_members
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MetricEmbedder:
        """Train the network.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Features: numbers, none missing; what other networks take as in `NeuralClassifier`.  With ``pairs=True`` pairs of such rows,
            a dense array (n_pairs, 2, n_features), as ``np.stack([left, right], axis=1)`` makes it; of images
            (n_pairs, 2, n_channels, height, width).
        y : array-like of shape (n_samples,)
            Labels of any type: rows of one label are alike.  With ``pairs=True`` 1 for each alike pair and 0 (or -1) for each other.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights >= 0 of rows, or pairs; two rows are compared with the product of their weights.  Weight 2 is a row repeated, weight 0
            a row removed.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or parameters are outside what is allowed; the message names which.
        FloatingPointError
            If training turns NaN or infinite.
        """
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MetricEmbedder:
        """Train for one epoch on these rows, which may have new classes; scaling is that of the first call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self
        """
        return self._fit_one_epoch(X, y, sample_weight)

    def transform(self, X: Any) -> np.ndarray:
        """Turn rows into unit vectors; their scalar products are cosines.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
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

        Rows whose label occurs once in `y` are left out, but may be found.  With ``pairs=True`` it is the area under the ROC curve: how
        often an alike pair has a larger cosine than an unlike one.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
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
            given = stacked_pairs(X)
            vectors, alike = self._vectors(sides(given)), is_alike(y, len(given))
            weights = checked_weights(sample_weight, given, noun="pair")
            return area_under_curve(vectors[::2], vectors[1::2], alike, weights)
        vectors, labels = self._vectors(X), checked_labels(y)
        check_consistent_length(vectors, labels)
        return recall_at_1(vectors, labels, checked_weights(sample_weight, vectors))

    def to_module(self, output: str = "transform") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from X as `transform` takes it to unit vectors.

        It is a copy of its own, in evaluation mode, runs without the estimator and exports with ``torch.export``, as shown in
        `NeuralRegressor.to_module`.

        Parameters
        ----------
        output : {"transform", "raw"}, default="transform"
            What comes out: vectors as those of `transform`, but 0 where the network puts out 0; or the network's raw output,
            (n_samples, 1, n_components), the mean over members.

        Returns
        -------
        FittedModule
            From a dense tensor of rows, not scaled.

        Raises
        ------
        ValueError
            If `output` is none of these.
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self, "net_")
        vectors = Reading(self.loss_.predict, JoinedVectors(), side_by_side)
        reading = chosen_reading({"transform": vectors, "raw": RAW}, output, self.loss_.label)
        return FittedModule.of_nets(self.members_, self._input_scaler, self._input_shape, reading)

    # ------------------------------------------------------------------ parts of the fit

    def _validated(self, X: Any, y: Any, first: bool, shelf: Shelf) -> tuple[Any, np.ndarray]:
        if not self.pairs:
            self._point_to_pairs(X)
            return super()._validated(X, y, first, shelf)
        given = stacked_pairs(X)
        alike = is_alike(y, len(given))
        rows = self._checked(sides(given), first)
        if first:
            self._input_shape = tuple(rows.shape[1:])
        return rows.reshape(len(given), 2, *rows.shape[1:]), alike

    def _point_to_pairs(self, X: Any) -> None:
        shape = tuple(getattr(X, "shape", ()))
        if (
            isinstance(self.module, str)
            and self.module == "mlp"
            and len(shape) == 3
            and shape[1] == 2
        ):
            raise ValueError(
                f"Found array with dim 3, while dim <= 2 is required: X has the shape {shape}. If its rows are pairs, set pairs=True."
            )

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        """Return class indices (n_samples, 1); of pairs (n_pairs, 2), the right index always 0 and the left one 0 where they are alike."""
        if self.pairs:
            return np.column_stack((~y, np.zeros_like(y))).astype(np.int64)
        classes, index = np.unique(checked_labels(y), return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"MetricEmbedder needs at least two classes; y has one class only, {classes.tolist()[0]!r}, in all {len(y)} rows. Give rows"
                " of another class."
            )
        return index[:, None]

    def _check_suits(self, loss: Any, sample: Sample) -> None:
        check_has_alike(loss, sample.y, "")

    def _parts(self, sample: Sample, epochs: int | None, seed: int, shelf: Shelf) -> Parts:
        parts = super()._parts(sample, epochs, seed, shelf)
        if parts.valid is not None:
            check_has_alike(self._checked_loss(), sample.y[parts.train], " that train")
            check_has_alike(self._checked_loss(), sample.y[parts.valid], " set aside")
        return parts

    @property
    def _stratifies(self) -> bool:
        return True

    def _weighted_rows(self, sample: Sample) -> tuple[Any, np.ndarray]:
        if not self.pairs:
            return super()._weighted_rows(sample)
        return sides(sample.X), np.repeat(sample.sample_weight, 2)

    def _start(
        self, loss: Loss, sample: Sample, targets: Tensor, weighted: bool, shelf: Shelf
    ) -> Start:
        start = super()._start(loss, sample, targets, weighted, shelf)
        return start._replace(baseline=start.baseline.expand(1, self.n_components))

    @property
    def _raw_shape(self) -> tuple[int, int]:
        return -1, self.n_components

    @property
    def _starts_constant(self) -> bool:
        return False  # vectors that are all alike have no direction to go

    def _built(self, start: Start, source: torch.Generator) -> nn.Module:
        network = super()._built(start, source)
        return Siamese(network, len(self._input_shape)) if self.pairs else network

    def _check_module(self, module: nn.Module, few: Tensor, start: Start) -> None:
        network = module.network if isinstance(module, Siamese) else module
        rows = few.flatten(0, 1) if self.pairs else few
        check_widths(network, rows, [self.n_components], f"n_components={self.n_components}")

    # ------------------------------------------------------------------ use

    def _vectors(self, X: Any) -> np.ndarray:
        """Return the unit vectors of all members side by side."""
        check_is_fitted(self, "net_")
        shape = tuple(getattr(X, "shape", ()))
        if self.pairs and shape[1:] == (2, *self._input_shape):
            raise ValueError(
                f"X has pairs, its shape is {shape}; transform takes rows. Give one side at a time: X[:, 0], then X[:, 1]."
            )
        scaled = self._scaled(X)
        said: list[Tensor] = []
        for net in self.members_:
            with torch.no_grad():
                raw = net.raw(scaled)
                said.append(self.loss_.predict(raw, net.criterion_.state)[0].cpu())
            check_has_direction(raw[0, :, 0])
        return side_by_side(torch.stack(said))[:, 0].numpy()

    @property
    def _n_features_out(self) -> int:
        return self._built_with["n_components"] * len(self.members_)  # type: ignore[operator]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = []
        tags.input_tags.three_d_array |= self.pairs is True
        return tags


def checked_labels(y: Any) -> np.ndarray:
    """Return labels of any type, (n_samples,)."""
    labels = column_or_1d(y, warn=True)
    kind = type_of_target(labels, input_name="y", raise_unknown=True)
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"Unknown label type: {kind}. y needs one label per row, and rows of one label are alike; for numbers give bins, for example"
            " np.digitize(y, edges)."
        )
    return labels


def check_has_alike(loss: Any, y: np.ndarray, which: str) -> None:
    """Refuse rows, or pairs, of which none are alike, and pairs that are all alike where the loss needs others."""
    noun = "rows" if y.shape[1] == 1 else "pairs"
    if noun == "rows":
        counts = np.unique(y, return_counts=True)[1]
        has_alike, has_unlike = counts.max() > 1, len(counts) > 1
    else:
        alike = y[:, 0] == y[:, 1]
        has_alike, has_unlike = alike.any(), not (alike.all() and loss.needs_unlike_pairs)
    if not has_alike:
        raise ValueError(
            f"MetricEmbedder needs {noun} that are alike; of the {len(y)} {noun}{which} none are"
            + (", each has a class of its own. Give" if noun == "rows" else ". Give")
            + (" classes of several rows." if noun == "rows" else " some with y = 1.")
        )
    if not has_unlike:
        raise ValueError(
            f"Loss {loss.label!r} needs {noun} that are not alike, too: with all {len(y)} {noun}{which} alike, one point for everything is"
            " its best. Give others, or, with pairs, choose loss='infonce', which compares each pair with the others of its batch."
        )


def check_has_direction(raw: Tensor) -> None:
    """Refuse raw output (n_samples, n_components) that has no direction."""
    lost = raw.norm(dim=-1) < SHORTEST
    if lost.any():
        row = int(lost.nonzero()[0])
        raise ValueError(
            f"The network puts out a zero vector for {int(lost.sum())} of {len(lost)} rows, for example row {row}: it has no direction. Let"
            " the last layer of your module be linear, without an activation behind it, and with a bias."
        )
