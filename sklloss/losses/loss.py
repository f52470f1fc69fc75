"""The contract of a loss: what a prediction costs, and what raw output means.

Shapes, throughout the package::

    raw            (*models, n_samples, n_targets, n_outputs)    output of the network
    y              (*models, n_samples, n_targets)               scaled target, or class index
    sample_weight  (*models, n_samples)

``*models`` is empty, or the axis of the models that are trained together.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ..parameters.declared import check_declared, declared_by
from ..parameters.domains import Interval
from ..parameters.plain import plain
from .documentation import document_methods
from .fields import check_fields, is_numeric, unknown_parameter_message
from .state import State
from .weighted import mean_over_targets, row_sums

Task = Literal[
    "regression",
    "classification",
    "segmentation",
    "boxes",
    "transcription",
    "ranking",
    "recommendation",
    "embedding",
    "multitask",
]


def forget_derivative(cls: type, derivative: str, automatic: Any, formulas: set[str]) -> None:
    """Replace an inherited derivative in a class that overrides one of its formulas."""
    if formulas & vars(cls).keys() and derivative not in vars(cls):
        setattr(cls, derivative, automatic)


@dataclasses.dataclass(frozen=True)
class Loss:
    """Base of all losses: a frozen dataclass whose fields are the hyperparameters.

    A subclass declares the class attributes below and overrides `pointwise`. `RegressionLoss` and
    `ClassificationLoss` document what else their tasks need.

    Attributes
    ----------
    name : str
        The name in the catalogue.
    aliases : tuple of str
        Other names, among them the name of torch's class.
    task : str
        What the loss is for: one of the values of ``list_losses().task``.
    functional : str
        What the optimal prediction estimates.
    metric : str or None
        The scorer or metric of scikit-learn that measures what the loss estimates.
    y_domain : Interval
        The targets that the loss accepts.
    reference : str
        Author and year, or arXiv number, of its source.
    when : str
        When to choose the loss and when not to, for a reader who knows scikit-learn but not the
        literature.
    y_is_index : bool
        Whether targets are indices of classes or symbols.
    learns_from_y : bool
        Whether `prepare` learns something from the targets that `pointwise` needs.
    kinked : bool
        Whether the loss has kinks, which `pointwise` rounds off over a width of
        ``state["rounding"]`` if that is given, so that a second-order optimiser converges.
    weighs_rows : bool
        Whether a row of weight 2 counts as two equal rows, whatever the batch.
    whole_batch : bool
        Whether the loss has a value per batch but none per row, so that each batch should look like
        the whole training set.
    compares_rows : bool
        Whether the loss compares the rows of a batch with each other, so that its value depends on
        the size of the batch.
    needs_all_classes : bool
        Whether the loss is undefined for a batch in which a class is missing.
    balances : bool
        Whether the loss balances classes by their shares in the data. Class weights do not change
        these shares; they are applied in addition.
    is_composite : bool
        Whether the loss is a sum of terms whose weights may change during training.
    is_density : bool
        Whether the loss is the negative logarithm of a density, which has no lower bound.

    Examples
    --------
    >>> from sklloss.losses import Huber
    >>> loss = Huber()
    >>> isinstance(loss, Loss), loss.params
    (True, {'delta': 1.0})
    >>> loss.replace(delta=2.0)
    Huber(delta=2.0)
    """

    name: ClassVar[str] = ""
    task: ClassVar[Task]
    aliases: ClassVar[tuple[str, ...]] = ()
    functional: ClassVar[str] = ""
    metric: ClassVar[str | None] = None
    reference: ClassVar[str] = ""
    when: ClassVar[str] = ""
    y_is_index: ClassVar[bool] = False
    learns_from_y: ClassVar[bool] = False
    kinked: ClassVar[bool] = False
    weighs_rows: ClassVar[bool] = True
    whole_batch: ClassVar[bool] = False
    compares_rows: ClassVar[bool] = False
    needs_all_classes: ClassVar[bool] = False
    balances: ClassVar[bool] = False
    is_composite: ClassVar[bool] = False
    is_density: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))

    @property
    def label(self) -> str:
        """The name of the loss in messages."""
        return self.name or type(self).__name__

    @property
    def params(self) -> dict[str, Any]:
        """The hyperparameters by name."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def replace(self, **params: Any) -> Loss:
        """Return a copy of this loss with other hyperparameters.

        Parameters
        ----------
        **params
            The hyperparameters to change, by name.

        Returns
        -------
        Loss
            The changed copy.

        Raises
        ------
        ValueError
            If the loss has no hyperparameter of one of these names.
        """
        unknown = sorted(set(params) - set(self.params))
        if unknown:
            raise ValueError(unknown_parameter_message(self.label, unknown[0], list(self.params)))
        return dataclasses.replace(self, **params)

    @property
    def structure(self) -> tuple[Any, ...]:
        """What models must have in common to be trained as one stack."""
        declared = declared_by(self).items()
        return (type(self), *(getattr(self, name) for name, each in declared if each.structural))

    def check_params(self) -> None:
        """Check the values of the hyperparameters.

        Raises
        ------
        ValueError
            If a hyperparameter lies outside its domain.
        TypeError
            If a hyperparameter is declared but is no field of the dataclass.
        """
        check_fields(type(self))
        check_declared(type(self).__name__, self, self.params)

    @property
    def y_domain(self) -> Interval:
        """The targets that the loss accepts."""
        return Interval()

    @property
    def takes_logits(self) -> bool:
        """Whether raw output is logits, so that no network should end in softmax or sigmoid."""
        return False

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Return the state of one model: hyperparameters as tensors, and what is learned from y.

        Parameters
        ----------
        y : Tensor of shape (n_samples, n_targets)
            Training targets on the scale on which the network is trained, or class indices.
        sample_weight : Tensor of shape (n_samples,)
            Positive weights. The state has their dtype.
        n_classes : int or None
            Number of classes of each target, in classification.

        Raises
        ------
        ValueError
            If a hyperparameter is too large or too small for the dtype.
        """
        dtype, device = sample_weight.dtype, sample_weight.device
        params = self.stacked_params(n_classes)
        # NumPy makes numbers of fractions, torch does not.
        wide = {k: torch.from_numpy(np.array([[v]], dtype=np.float64)) for k, v in params.items()}
        for name, values in wide.items():
            if not _holds(values, dtype):
                raise ValueError(
                    f"{type(self).__name__}({name}={params[name]!r}) has a number that"
                    f" {str(dtype).removeprefix('torch.')} does not hold. Choose one nearer to 1."
                )
        return State({k: values.to(device, dtype) for k, values in wide.items()})

    def stacked_params(self, n_classes: int | None) -> dict[str, float | tuple[float, ...]]:
        """Return the hyperparameters that travel in the state: numbers, or tuples of one per class.

        Each model of a stack has its own values of them.
        """
        structural = {name for name, each in declared_by(self).items() if each.structural}
        return {k: v for k, v in self.params.items() if k not in structural and is_numeric(v)}

    def readable(self, state: State) -> State:
        """Return the detached state, with trained entries also on their natural scale."""
        shown = state.detached()
        return State({**shown, **self.learnt(shown)}, state.trained)

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the trained entries of the state on their natural scale, by name."""
        return {}

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of every target, neither reduced nor weighted.

        Raises
        ------
        TypeError
            If the loss has a value per batch, but none per row.
        """
        if self.whole_batch:
            raise TypeError(
                f"{type(self).__name__} has a value per batch, but none per row. Call the loss"
                " itself: loss(raw, y, state, sample_weight)."
            )
        raise self._lacking("pointwise(raw, y, state)")

    def _lacking(self, method: str) -> NotImplementedError:
        """Return the error of a class that lacks a method."""
        return NotImplementedError(f"{type(self).__name__} needs a method {method}.")

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor | None:
        """Return the derivative of `pointwise` by raw, or None to leave it to autograd.

        A closed form is several times as fast as autograd. It belongs to the formula of its class:
        a subclass that overrides the formula does not inherit it.
        """
        return None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        forget_derivative(cls, "gradient", Loss.gradient, {"pointwise", "of_row", "total"})
        document_methods(cls)

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted sum over rows of the loss, averaged over targets, (n_models,)."""
        return row_sums(mean_over_targets(self.pointwise(raw, y, state)) * sample_weight)

    def __call__(
        self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the weighted mean of the loss per model, shape (n_models,).

        Raises
        ------
        ValueError
            If the shapes do not fit each other exactly. Nothing is broadcast silently.
        """
        if sample_weight is None:
            sample_weight = torch.ones(y.shape[:-1], dtype=raw.dtype, device=raw.device)
        self.check_shapes(raw, y, state, sample_weight)
        return self.total(raw, y, state, sample_weight) / sample_weight.sum(-1)

    def check_shapes(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> None:
        """Raise a ValueError if shapes do not fit each other exactly."""
        if raw.shape[:-1] != y.shape or sample_weight.shape != y.shape[:-1]:
            raise ValueError(
                f"{self.label} needs raw of shape (*models, n_samples, n_targets, n_outputs), y of"
                " shape (*models, n_samples, n_targets) and sample_weight of shape (*models,"
                f" n_samples); got {tuple(raw.shape)}, {tuple(y.shape)} and"
                f" {tuple(sample_weight.shape)}. Add or drop an axis."
            )

    def shaped(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Reshape network output (..., n_samples, width) to what `pointwise` takes."""
        return raw.view(*y.shape, -1)

    def constant_raw(self, baseline: Tensor, y: Tensor, state: State) -> Tensor:
        """Repeat a constant (..., n_targets or 1, n_outputs) for every row of y."""
        return baseline.unsqueeze(-3).expand(*y.shape, -1)

    def ignores_weights(self, raw: Tensor, y: Tensor, state: State) -> bool:
        """Return whether weights have no effect on the loss.

        The arguments hold a few rows of one model, without the axis of models.
        """
        return False

    def least(self, y: Tensor, state: State) -> Tensor:
        """Return a lower bound of the loss of every target over all raw outputs, in the shape of y.

        Losses with `is_density` have none.
        """
        return torch.zeros(y.shape, dtype=torch.get_default_dtype(), device=y.device)

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return how many outputs the network has per target, 1 unless overridden."""
        return 1

    def _given(self, n_classes: int | None, what: str) -> int:
        """Return the number of classes, or raise a ValueError that says what the loss needs."""
        if n_classes is None:
            raise ValueError(f"{self.label} needs {what}.")
        return n_classes

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the raw output of the best constant, from which training starts."""
        raise NotImplementedError

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Map raw output to the scale of y: here by dropping the axis of outputs.

        From (..., n_samples, n_targets, 1) to (..., n_samples, n_targets).
        """
        return raw.squeeze(-1)

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return the point prediction, on the scale of the scaled y, or scores that rank rows.

        Its shape is (..., n_samples, n_targets); higher scores come first.
        """
        return self.inverse_link(raw, state)


document_methods(Loss)


def _holds(values: Tensor, dtype: torch.dtype) -> bool:
    """Return whether a dtype holds numbers in full precision, none of them rounded to 0 or inf."""
    limits, size = torch.finfo(dtype), values.abs()
    fits = (size >= limits.tiny) & (size <= limits.max) | (size == 0) | ~values.isfinite()
    return bool(fits.all())
