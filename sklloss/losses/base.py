"""The contract of a loss: a frozen value that says what a prediction costs and what raw output means.

Shapes, throughout the package::

    raw            (*models, n_samples, n_targets, n_outputs)    what the network put out
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
from .fields import check_fields, is_numeric, unknown_parameter_message
from .minimum import minimised
from .state import State as State
from .weighted import class_mass, row_sums, weighted_mean

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
Scaling = Literal["standard", "robust", "scale", "none"]

REAL = Interval()
PACE = 5.0  # a trained part is this many times the number that trains: it moves so much faster than weights do
FORMULAS = {"pointwise", "of_row", "total"}  # methods that say what a loss is
MIN_SHARE = 1e-4  # of a class, in the logits that training starts from


@dataclasses.dataclass(frozen=True)
class Loss:
    """Base of all losses: a frozen dataclass whose fields are the hyperparameters.

    A subclass declares the class attributes below and overrides `pointwise`; `RegressionLoss` and
    `ClassificationLoss` say what else each task needs.

    Attributes
    ----------
    name : str
        The name in the catalogue.
    aliases : tuple of str
        Other names, torch's class name among them.
    task : str
        One of ``list_losses().task``: what the loss is for.
    functional : str
        What the optimal prediction estimates.
    metric : str or None
        The scorer of scikit-learn, or its metric, that measures what the loss estimates.
    y_domain : Interval
        The targets that the loss accepts.
    reference : str
        Where it comes from.
    when : str
        When to choose it and when not, for a reader who knows scikit-learn but not the literature.
    y_is_index : bool
        Whether targets are indices of classes or symbols.
    learns_from_y : bool
        Whether `prepare` learns from the targets what `pointwise` needs.
    kinked : bool
        Whether the loss has kinks that `pointwise` rounds off over ``state["rounding"]`` where that is given, so that
        a second-order optimiser converges.
    weighs_rows : bool
        Whether a row of weight 2 counts as two equal rows, whatever the batch.
    whole_batch : bool
        Whether the loss has a value per batch but none per row, so that a batch should look like the whole.
    compares_rows : bool
        Whether it compares the rows of a batch with each other, so that its value is one of batches of that size, never of more rows.
    needs_all_classes : bool
        Whether it means nothing for a batch that lacks a class.
    is_composite : bool
        Whether it is a `CompositeLoss`, a sum of terms.
    is_density : bool
        Whether it is minus the logarithm of a density, which may be negative without end.
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
    is_composite: ClassVar[bool] = False
    is_density: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))

    # ------------------------------------------------------------------ hyperparameters

    @property
    def label(self) -> str:
        """The name to say in messages."""
        return self.name or type(self).__name__

    @property
    def params(self) -> dict[str, Any]:
        """The hyperparameters by name."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def replace(self, **params: Any) -> Loss:
        """Return this loss with other hyperparameters.

        Raises
        ------
        ValueError
            If the loss does not have one of them.
        """
        unknown = sorted(set(params) - set(self.params))
        if unknown:
            raise ValueError(unknown_parameter_message(self.label, unknown[0], list(self.params)))
        return dataclasses.replace(self, **params)

    @property
    def structure(self) -> tuple[Any, ...]:
        """What models must have in common to be trained as one stack."""
        declared = declared_by(self).items()
        return (type(self), *(getattr(self, name) for name, of in declared if of.structural))

    def check_params(self) -> None:
        """Raise a ValueError if a hyperparameter lies outside its domain, a TypeError if one is no field of the dataclass."""
        check_fields(type(self))
        check_declared(type(self).__name__, self, self.params)

    @property
    def y_domain(self) -> Interval:
        """The targets that the loss accepts."""
        return REAL

    # ------------------------------------------------------------------ state

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Return the state of one model: hyperparameters as tensors, and what is learnt from y.

        Parameters
        ----------
        y : Tensor of shape (n_samples, n_targets)
            Training targets on the scale that the network is trained on, or class indices.
        sample_weight : Tensor of shape (n_samples,)
            Positive weights; their dtype is that of the state.
        n_classes : int or None
            Number of classes of each target, in classification.
        """
        dtype, device = sample_weight.dtype, sample_weight.device
        values = self.stacked_params(n_classes).items()
        return State({k: torch.tensor([[v]], dtype=dtype, device=device) for k, v in values})

    def stacked_params(self, n_classes: int | None) -> dict[str, float | tuple[float, ...]]:
        """Return the hyperparameters that travel in the state: numbers, or tuples of one per class."""
        structural = {name for name, declared in declared_by(self).items() if declared.structural}
        values = ((name, value) for name, value in self.params.items() if name not in structural)
        return {name: value for name, value in values if is_numeric(value)}

    def readable(self, state: State) -> State:
        """Return the state with what trains without bounds also as what it stands for, detached."""
        shown = state.detached()
        return State({**shown, **self.learnt(shown)}, state.trained)

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return what the trained entries of the state stand for, by name."""
        return {}

    # ------------------------------------------------------------------ value

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of every target, shape (*models, n_samples, n_targets); neither reduced nor weighted."""
        raise NotImplementedError(f"{type(self).__name__} needs a method pointwise(raw, y, state).")

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor | None:
        """Return the derivative of `pointwise` by raw, in the shape of raw; None where autograd is to find it.

        A closed form is several times as fast.  It holds for the formula beside which it stands: a subclass with a formula of its
        own has its own or none.
        """
        return None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if FORMULAS & vars(cls).keys() and "gradient" not in vars(cls):
            cls.gradient = Loss.gradient  # type: ignore[method-assign]

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the sum over rows of weight times loss, averaged over targets, shape (*models,)."""
        return row_sums(mean_over_targets(self.pointwise(raw, y, state)) * sample_weight)

    def __call__(
        self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the weighted mean of the loss per model, shape (*models,).

        Raises
        ------
        ValueError
            If the shapes do not fit each other exactly: nothing is broadcast silently.
        """
        if sample_weight is None:
            sample_weight = torch.ones(y.shape[:-1], dtype=raw.dtype, device=raw.device)
        self.check_shapes(raw, y, state, sample_weight)
        return self.total(raw, y, state, sample_weight) / sample_weight.sum(-1)

    def check_shapes(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> None:
        """Raise a ValueError if shapes do not fit each other exactly."""
        if raw.shape[:-1] != y.shape or sample_weight.shape != y.shape[:-1]:
            raise ValueError(
                f"{self.label} needs raw of shape (*models, n_samples, n_targets, n_outputs), y of shape"
                f" (*models, n_samples, n_targets) and sample_weight of shape (*models, n_samples); got"
                f" {tuple(raw.shape)}, {tuple(y.shape)} and {tuple(sample_weight.shape)}. Add or drop an axis."
            )

    def shaped(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return what a network put out for each row, (*models, n_samples, width), in the shape that `pointwise` takes."""
        return raw.view(*y.shape, -1)

    def constant_raw(self, baseline: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the raw output of constants (*models, n_targets or 1, n_outputs) for every row of y."""
        return baseline.unsqueeze(-3).expand(*y.shape, -1)

    def ignores_weights(self, raw: Tensor, y: Tensor, state: State) -> bool:
        """Tell whether weights cannot reach the loss; raw, y and state of a few rows of one model, without its axis."""
        return False

    def least(self, y: Tensor, state: State) -> Tensor:
        """Return a bound below the loss of every target, whatever raw output is, in the shape of y; none where it is a density's."""
        return torch.zeros(y.shape, dtype=torch.get_default_dtype(), device=y.device)

    # ------------------------------------------------------------------ meaning

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return how many numbers the network puts out per target."""
        raise NotImplementedError

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the raw output of the best constant, shape (n_targets, n_outputs): where training starts."""
        raise NotImplementedError

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return what raw output means on the scale of y."""
        raise NotImplementedError

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return the point that the loss elicits, shape (*models, n_samples, n_targets)."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class RegressionLoss(Loss):
    """Base of the losses for regression.

    Attributes
    ----------
    scaling : {"standard", "robust", "scale", "none"}
        How the estimator may scale y: centre and divide by the standard deviation; centre at the median and divide by
        a robust scale; divide only; leave alone.
    """

    task: ClassVar[Task] = "regression"
    scaling: ClassVar[Scaling] = "standard"

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """One number per target."""
        return 1

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the best constant, found by minimising from the weighted mean; for several outputs from 0 in the others."""
        start = weighted_mean(y, sample_weight).unsqueeze(-1)
        start = torch.nn.functional.pad(start, (0, self.n_outputs() - 1))
        rows = (*y.shape, start.shape[-1])
        return minimised(start, lambda raw: self(raw.expand(rows), y, state, sample_weight))

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """The identity: (*models, n_samples, n_targets, 1) to (*models, n_samples, n_targets)."""
        return raw.squeeze(-1)

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return the prediction on the (scaled) scale of y, shape (*models, n_samples, n_targets)."""
        return self.inverse_link(raw, state)

    def check_y(self, y: np.ndarray) -> None:
        """Raise a ValueError if any target lies outside the loss's domain."""
        outside = ~self.y_domain.inside(y)
        if outside.any():
            raise ValueError(
                f"{type(self).__name__} needs {self.y_domain.describe('y')}; {outside.sum()} of {y.size} values are"
                f" outside, for example {y[outside][0]:g}. Shift y, or choose a loss for real-valued y."
            )


@dataclasses.dataclass(frozen=True)
class ClassificationLoss(Loss):
    """Base of the losses for classification.

    A single target of two classes has one output z, as has each label of a multi-label target: the pair of logits
    (0, z).  More classes have one logit each.  A loss whose posterior can be recovered defines ``predict_proba``.

    Attributes
    ----------
    multi_label, multi_class : bool
        Whether the loss takes multi-label targets, and more than two classes.
    ordinal : bool
        Whether the order of the classes matters.
    """

    task: ClassVar[Task] = "classification"
    y_is_index: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True
    multi_class: ClassVar[bool] = True
    ordinal: ClassVar[bool] = False
    functional: ClassVar[str] = "class posterior"

    @property
    def decides_by_posterior(self) -> bool:
        """Whether ``predict`` is the likeliest class of ``predict_proba``; not where a loss balances the decision."""
        return True

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """One logit per class; one number for two classes and for each label of a multi-label target."""
        if n_classes is None:
            raise ValueError(f"{self.label} needs n_classes to say its number of outputs.")
        return 1 if multi_label or n_classes == 2 else n_classes

    def n_classes_of(self, n_outputs: int) -> int:
        """Return how many classes at least a network with so many outputs tells apart."""
        return max(2, n_outputs)

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Return the hyperparameters and ``prior``, the classes' shares of the weight, (1, n_targets, n_classes)."""
        state = super().prepare(y, sample_weight, n_classes)
        if n_classes is None:
            raise ValueError(f"{self.label} needs n_classes to prepare its state.")
        state["prior"] = class_mass(y, sample_weight, n_classes).unsqueeze(0)
        return state

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the sum over rows of weight times loss, averaged over targets, shape (*models,).

        Where the state has a ``weight_by_class``, (1, 1, n_classes), every target counts by the weight of its class.
        """
        if "weight_by_class" not in state:
            return super().total(raw, y, state, sample_weight)
        weight = state["weight_by_class"].expand(*y.shape, -1).gather(-1, y.unsqueeze(-1))
        values = self.pointwise(raw, y, state) * weight.squeeze(-1)
        return row_sums(mean_over_targets(values) * sample_weight)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the best constant, found from the logits of the class shares.

        Where the optimum is a mode, these logits themselves: the best constant may be infinite and learn nothing.
        """
        shares = class_shares(y, sample_weight, state)
        start = logits_of(shares)
        return start if self.functional == "mode" else self._minimised(start, shares, state)

    def _minimised(self, start: Tensor, shares: Tensor, state: State) -> Tensor:
        """Minimise the expected loss under class shares (n_targets, n_classes) over a constant raw output."""
        n_classes = shares.shape[-1]
        classes = (
            torch.arange(n_classes, device=start.device).unsqueeze(1).expand(n_classes, len(shares))
        )

        def expected(raw: Tensor) -> Tensor:
            values = self.pointwise(raw.expand(n_classes, *raw.shape), classes, state)
            return (shares.T * values).sum()

        return minimised(start, expected)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """The decision function itself, where raw output has no scale of probability."""
        return self.decision_function(raw, state)

    def decision_function(self, raw: Tensor, state: State) -> Tensor:
        """Return a score per class, shape (*models, n_samples, n_targets, n_classes or 1); its sign or argmax decides."""
        return raw[..., 1:] - raw[..., :1] if raw.shape[-1] == 2 else raw

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return the class index that the decision function chooses."""
        scores = self.decision_function(raw, state)
        return (scores.squeeze(-1) > 0).long() if scores.shape[-1] == 1 else scores.argmax(-1)


def class_shares(y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
    """Return the classes' shares of the weight, of at least MIN_SHARE each, (n_targets, n_classes)."""
    return class_mass(y, sample_weight, state["prior"].shape[-1]).clamp(min=MIN_SHARE)


def logits_of(shares: Tensor) -> Tensor:
    """Return the logits of class shares, (..., n_classes) to (..., n_classes or 1 for two)."""
    log_share = shares.log()
    if log_share.shape[-1] == 2:
        return log_share[..., 1:] - log_share[..., :1]
    return log_share - log_share.mean(-1, keepdim=True)


def mean_over_targets(values: Tensor) -> Tensor:
    """Average over the last axis: (*models, n_samples, n_targets) to (*models, n_samples)."""
    return values.squeeze(-1) if values.shape[-1] == 1 else values.mean(-1)
