"""Losses that users bring: torch's loss classes, ``nn.Module`` subclasses and plain functions."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .base import ClassificationLoss, Loss, RegressionLoss, State, class_shares, logits_of
from .classification.probabilities import PosteriorLoss, one_hot, probabilities
from .fields import unknown_parameter_message
from .weighted import weighted_mean

# Arguments of torch's constructors that are no hyperparameters here.
NOT_PARAMS = frozenset({"self", "reduction", "reduce", "size_average"})

# torch's classes by what they take, which decides what they can be used for.
ON_VALUES = (nn.L1Loss, nn.MSELoss, nn.HuberLoss, nn.SmoothL1Loss)
ON_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss)
ON_LABELS = (nn.BCEWithLogitsLoss, nn.SoftMarginLoss)
# Those whose optimum is the class posterior.
WITH_POSTERIOR = (nn.CrossEntropyLoss, nn.NLLLoss, nn.BCEWithLogitsLoss, nn.MSELoss, nn.L1Loss)


def class_of(function: Any) -> Any:
    """Return the class of an instance, the class itself, or None for a function."""
    if isinstance(function, type):
        return function
    return type(function) if isinstance(function, nn.Module) else None


def keywords_of(function: Any) -> dict[str, Any]:
    """Return the hyperparameters of a user's loss with their current values.

    The hyperparameters of a class are the arguments of its constructor. Those of an instance are
    the same, read from its attributes. Those of a function are its arguments after prediction and
    y.
    """
    cls = class_of(function)
    arguments = list(inspect.signature(cls or function).parameters.values())
    named = [
        p
        for p in (arguments if cls else arguments[2:])
        if p.name not in NOT_PARAMS and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    if isinstance(function, nn.Module):
        return {p.name: getattr(function, p.name) for p in named if hasattr(function, p.name)}
    return {p.name: None if p.default is p.empty else p.default for p in named}


@dataclass(frozen=True, repr=False)
class OwnLoss(Loss):
    """Base of the losses that users bring: functions of what torch's losses receive.

    Parameters
    ----------
    function : nn.Module class or instance, or callable
        Called with prediction and y. Returns one loss per row, shape (n,), one per target, or a
        scalar.
    keywords : tuple of (str, value) pairs
        Hyperparameters that override those of `function`.
    """

    name: ClassVar[str] = "own"
    functional: ClassVar[str] = "own"
    # The function may return one number for a whole batch.
    weighs_rows: ClassVar[bool] = False

    function: Any = None
    keywords: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        known = keywords_of(self.function)
        for key, _ in self.keywords:
            if key not in known:
                raise ValueError(unknown_parameter_message(self.label, key, list(known)))

    @property
    def label(self) -> str:
        """The name of the function or class."""
        named = class_of(self.function) or self.function
        return getattr(named, "__name__", type(self.function).__name__)

    @property
    def params(self) -> dict[str, Any]:
        """The hyperparameters by name."""
        return {**keywords_of(self.function), **dict(self.keywords)}

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
        """
        keywords = {**dict(self.keywords), **params}
        return own_loss(self.function, self.task, tuple(sorted(keywords.items())))

    @property
    def structure(self) -> tuple[Any, ...]:
        """Models share a stack only if they share the function and all its hyperparameters."""
        return (type(self), self.function, self.keywords)

    def check_params(self) -> None:
        """Build the loss once, so that errors of its constructor are raised before training."""
        _ = self.built

    @functools.cached_property
    def built(self) -> Callable[..., Any]:
        """The callable of (prediction, y), unreduced if the loss has a `reduction`."""
        cls, keywords = class_of(self.function), dict(self.keywords)
        if cls is None:
            return functools.partial(self.function, **keywords)
        if isinstance(self.function, nn.Module) and not keywords:
            built = copy.copy(self.function)
        else:
            built = cls(**{**self._kept_arguments(), **keywords})
        if hasattr(built, "reduction"):
            vars(built)["reduction"] = "none"
        return built

    def _kept_arguments(self) -> dict[str, Any]:
        """Return the constructor arguments that an instance keeps as attributes; {} for a class."""
        if not isinstance(self.function, nn.Module):
            return {}
        values = keywords_of(self.function)
        hidden = set(keywords_of(type(self.function))) - set(values)
        if hidden:
            raise ValueError(
                f"Loss {self.label} does not keep its argument {min(hidden)!r} as an attribute of"
                " that name, so it cannot be rebuilt with another parameter. Store it, or give the"
                " class instead of the instance."
            )
        return values

    def __repr__(self) -> str:
        """Return code that rebuilds the loss, if the function has a name."""
        named = getattr(self.function, "__name__", repr(self.function))
        params = "".join(f", {key}={value!r}" for key, value in self.keywords)
        return f"get_loss({named}, task={self.task!r}{params})"

    def stacked_params(self, n_classes: int | None) -> dict[str, float | tuple[float, ...]]:
        """Return none, since the function keeps its own hyperparameters."""
        return {}

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Add the parameters of an ``nn.Module``, which are trained, and its buffers."""
        state = super().prepare(y, sample_weight, n_classes)
        if not isinstance(self.built, nn.Module):
            return state
        trained = {k: v for k, v in self.built.named_parameters() if v.requires_grad}
        own = {**dict(self.built.named_parameters()), **dict(self.built.named_buffers())}
        for key, value in own.items():
            dtype = sample_weight.dtype if value.is_floating_point() else value.dtype
            state[key] = value.detach().to(sample_weight.device, dtype, copy=True)
        return State(state, trained)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return one loss per target, repeating the loss of a row or of the batch."""
        if raw.ndim == 3:
            values = self._rows(raw, y, state)
            return (values.reshape(len(y), -1) if values.ndim else values).expand(y.shape)
        states = [state.model(k).without_models() for k in range(len(raw))]
        of_models = zip(raw, y, states, strict=True)
        return torch.stack([self.pointwise(*of_model) for of_model in of_models])

    def ignores_weights(self, raw: Tensor, y: Tensor, state: State) -> bool:
        """Return whether the function returns a scalar for a batch."""
        return self._rows(raw, y, state).ndim == 0

    def _rows(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Call the function for one model: a loss per row, a loss per target, or a scalar."""
        prediction, target = self.arguments(raw, y)
        # The function may write into its target.
        values = self._call(prediction, target.clone(), state)
        wanted = {(), (len(y),), tuple(y.shape)}
        if not isinstance(values, Tensor) or tuple(values.shape) not in wanted:
            got = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise ValueError(
                f"Loss {self.label} returned {got} for {len(y)} rows; return one loss per row, a"
                f" tensor of shape ({len(y)},), or a scalar. It received a prediction of shape"
                f" {tuple(prediction.shape)} and y of shape {tuple(target.shape)}."
            )
        return self._checked_values(values, raw)

    def _checked_values(self, values: Tensor, raw: Tensor) -> Tensor:
        if not values.is_floating_point():
            raise ValueError(
                f"Loss {self.label} returned numbers of dtype {values.dtype}; return real"
                " floating-point losses."
            )
        if torch.is_grad_enabled() and raw.requires_grad and not values.requires_grad:
            raise ValueError(
                f"Loss {self.label} returned values without a gradient; compute them from the"
                " prediction with torch functions, without detach() or item()."
            )
        return values.to(raw.dtype)

    def _call(self, prediction: Tensor, target: Tensor, state: State) -> Any:
        if not isinstance(self.built, nn.Module):
            return self.built(prediction, target)
        names = [n for n, _ in (*self.built.named_parameters(), *self.built.named_buffers())]
        own = {name: state[name] for name in names}
        return torch.func.functional_call(self.built, own, (prediction, target))

    def arguments(self, raw: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return what torch's losses receive: prediction and target."""
        raise NotImplementedError


def single(values: Tensor) -> Tensor:
    """Drop the axis of targets if there is only one: (n, 1) to (n,)."""
    return values.squeeze(1) if values.shape[1] == 1 else values


@dataclass(frozen=True, repr=False)
class OwnRegressionLoss(OwnLoss, RegressionLoss):
    """A user's loss for regression, called with prediction and y, each (n,) or (n, targets).

    Both are on the scale on which the network is trained: centred and divided by the standard
    deviation, unless the estimator has ``scale_target=False``.

    Parameters
    ----------
    function : nn.Module class or instance, or callable
        Called with prediction and y. Returns one loss per row, shape (n,), one per target, or a
        scalar.
    keywords : tuple of (str, value) pairs, default=()
        Hyperparameters that override those of `function`.

    Examples
    --------
    >>> import torch
    >>> loss = OwnRegressionLoss(torch.nn.HuberLoss, (("delta", 2.0),))
    >>> loss.params
    {'delta': 2.0}
    """

    def arguments(self, raw: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return prediction and y, each (n,) or (n, targets)."""
        return single(raw.squeeze(-1)), single(y)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the weighted mean."""
        return weighted_mean(y, sample_weight).unsqueeze(-1)


@dataclass(frozen=True, repr=False)
class OwnClassificationLoss(OwnLoss, ClassificationLoss):
    """A user's loss for classification: called with logits (n, classes) and class indices (n,).

    For multi-label targets it receives logits and 0/1 labels, both (n, labels). For segmentation it
    receives logits (n, classes, pixels) and class indices (n, pixels), as torch's losses do.

    There is no ``predict_proba``, because the optimum of an unknown loss need not be a probability.
    A loss that has one says so by an attribute ``inverse_link``, which maps logits to
    probabilities.

    Parameters
    ----------
    function : nn.Module class or instance, or callable
        Called with logits and class indices. Returns one loss per row, shape (n,), or a scalar.
    keywords : tuple of (str, value) pairs, default=()
        Hyperparameters that override those of `function`.

    Examples
    --------
    >>> import torch
    >>> loss = OwnClassificationLoss(torch.nn.MultiMarginLoss, (("margin", 0.5),))
    >>> loss.params["margin"]
    0.5
    """

    @property
    def takes_logits(self) -> bool:
        """Whether raw output is logits: True for torch's losses, unknown for any other."""
        return class_of(self.function) in (*ON_VALUES, *ON_CLASSES, *ON_LABELS)

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return one logit per class, also for two classes, or 1 per label."""
        if class_of(self.function) in ON_CLASSES and multi_label:
            raise ValueError(
                f"{self.label} takes one class per row; y is multi-label. Use nn.BCEWithLogitsLoss"
                " or 'cross_entropy'."
            )
        if class_of(self.function) in ON_LABELS and not multi_label and n_classes != 2:
            raise ValueError(
                f"{self.label} takes two classes or multi-label y; y has {n_classes} classes. Use"
                " nn.CrossEntropyLoss or 'cross_entropy'."
            )
        per_label = multi_label or class_of(self.function) in ON_LABELS
        return 1 if per_label else n_classes or 2

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the logits of the class shares, in as many columns as the function takes."""
        baseline = logits_of(class_shares(y, sample_weight, state))
        if baseline.shape[-1] == 1 and self.n_outputs(2, y.shape[-1] > 1) == 2:
            return torch.cat((-baseline / 2, baseline / 2), -1)
        return baseline

    def arguments(self, raw: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and class indices, or what losses on values compare."""
        cls = class_of(self.function)
        if cls in ON_VALUES:
            p = probabilities(raw)
            return p, one_hot(y, p)
        if raw.shape[-1] == 1:
            labels = 2 * y - 1 if cls is nn.SoftMarginLoss else y
            return single(raw.squeeze(-1)), single(labels).to(raw.dtype)
        scores = raw.log_softmax(-1) if cls is nn.NLLLoss else raw
        if y.shape[1] > 1:
            # Targets are pixels, and torch has the classes on the second axis.
            return scores.mT, y
        return scores.squeeze(1), y.squeeze(1)

    def _call(self, prediction: Tensor, target: Tensor, state: State) -> Any:
        values = super()._call(prediction, target, state)
        return values.sum(-1) if class_of(self.function) in ON_VALUES else values


@dataclass(frozen=True, repr=False)
class OwnProbabilityLoss(OwnClassificationLoss, PosteriorLoss):
    """A user's loss for classification whose optimum determines the class posterior."""

    functional: ClassVar[str] = "class posterior"

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the softmax, or the result of the user's ``inverse_link``.

        Their function is called with logits (n, classes or labels), as the loss is.
        """
        source = self.built if isinstance(self.built, nn.Module) else self.function
        own = getattr(source, "inverse_link", None)
        if own is None:
            return probabilities(raw)
        scores = raw.flatten(-2).flatten(0, -2)
        p = own(scores)
        if not isinstance(p, Tensor) or p.shape != scores.shape:
            raise ValueError(
                f"inverse_link of loss {self.label} must turn logits of shape"
                f" {tuple(scores.shape)} into probabilities of the same shape; it returned"
                f" {tuple(p.shape) if isinstance(p, Tensor) else type(p).__name__}."
            )
        p = p.view(raw.shape)
        return torch.cat((1 - p, p), -1) if raw.shape[-1] == 1 else p


# torch's functions and the classes that compute the same.
CLASS_OF_FUNCTION: dict[Any, Any] = {
    nn.functional.l1_loss: nn.L1Loss,
    nn.functional.mse_loss: nn.MSELoss,
    nn.functional.huber_loss: nn.HuberLoss,
    nn.functional.smooth_l1_loss: nn.SmoothL1Loss,
    nn.functional.cross_entropy: nn.CrossEntropyLoss,
    nn.functional.nll_loss: nn.NLLLoss,
    nn.functional.multi_margin_loss: nn.MultiMarginLoss,
    nn.functional.binary_cross_entropy_with_logits: nn.BCEWithLogitsLoss,
    nn.functional.soft_margin_loss: nn.SoftMarginLoss,
}


def own_loss(function: Any, task: str, keywords: tuple[tuple[str, Any], ...] = ()) -> OwnLoss:
    """Wrap a user's loss for a task; torch's functions are replaced by their classes.

    Raises
    ------
    ValueError
        If it is a class of torch that does not suit the task.
    """
    if inspect.isfunction(function):
        function = CLASS_OF_FUNCTION.get(function, function)
    if task not in ("regression", "classification"):
        raise ValueError(
            f"Your own loss for {task} needs to be a Loss, a frozen dataclass with task ="
            f" {task!r}; got {function!r}. list_losses({task!r}) shows the existing ones."
        )
    cls = class_of(function)
    if cls is not None and cls.__module__.startswith("torch.nn"):
        _check_torch_class(cls, task)
    if task == "regression":
        return OwnRegressionLoss(function, keywords)
    plain = OwnClassificationLoss(function, keywords)
    weighted = any(plain.params.get(k) is not None for k in ("weight", "pos_weight"))
    is_posterior = not weighted and not plain.params.get("label_smoothing")
    if (cls in WITH_POSTERIOR and is_posterior) or hasattr(function, "inverse_link"):
        return OwnProbabilityLoss(function, keywords)
    return plain


def _check_torch_class(cls: type, task: str) -> None:
    allowed = ON_VALUES if task == "regression" else ON_VALUES + ON_CLASSES + ON_LABELS
    if cls not in allowed:
        names = ", ".join(f"nn.{c.__name__}" for c in allowed)
        raise ValueError(
            f"nn.{cls.__name__} does not take what a {task} network returns; torch's losses for"
            f" {task} are {names}. Use one of these, or a name from list_losses({task!r})."
        )
