"""The estimator: scikit-learn's interface to one fit, whatever X, y, loss and network are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ...losses.base import State
from ...training.checkpoints.kept_fits import kept, trained
from ...training.outcome import warn_of_few_epochs
from ..inputs.base import Inputs
from ..inputs.data import FitData
from ..notebook import ShowsLoss
from ..targets.answers import Answer, answered, chosen
from ..targets.base import Target
from ..targets.fitted_module import FittedModule
from ..targets.outputs import AsColumn
from .cache import Cache
from .learned import Prepared
from .nested import NestedParameters
from .parameters import OptimizationParameters, RunParameters, StoppingParameters
from .prepare import Preparation


class NeuralEstimator(
    ShowsLoss, RunParameters, StoppingParameters, OptimizationParameters, NestedParameters
):
    """Base of the estimators: Inputs x Target x loss x network.

    An estimator says what X and y may be by two frozen objects, made from its parameters, and
    names the answers that its methods give; the fit is the same for all.
    """

    # Whether "auto" has a meaning of its own for tables.
    _has_table_rules: ClassVar[bool] = False

    @property
    @abstractmethod
    def _inputs(self) -> Inputs:
        """What X may be."""

    @property
    @abstractmethod
    def _target(self) -> Target:
        """What y may be, and what is answered."""

    # ------------------------------------------------------------------ fit

    def _train(self, data: FitData, *, epochs: int | None = None, go_on: bool = False) -> Any:
        """Train on some data; a fit that fails leaves the estimator as it was.

        Parameters
        ----------
        data : FitData
        epochs : int or None, default=None
            How many, instead of what the stopping rule says; 0 learns all but the networks' weights,
            which start at the best constant.
        go_on : bool, default=False
            Whether to continue where the last fit ended.
        """
        self._check_param("warm_start")
        if epochs is not None and self.early_stopping is True:
            raise ValueError(
                "partial_fit trains one epoch and has no validation rows; set"
                " early_stopping=False, or call fit."
            )
        if epochs is not None and getattr(self, "class_weight", None) == "balanced":
            raise ValueError(
                "class_weight='balanced' is not for partial_fit, which would balance every batch by"
                " itself. Give the weights of all rows,"
                " dict(zip(classes, compute_class_weight('balanced', classes=classes, y=y)))."
            )
        before = self._learned if go_on and hasattr(self, "net_") else None
        with kept(self, vars(data), epochs, before is not None) as where:
            seeds = None if where is None else where.seeds
            prepared = Preparation(self, Cache(), epochs, before, seeds).of(data)
            errors: Sequence[Exception | None] = [None] * len(prepared.nets)
            if epochs != 0:
                errors = trained(prepared.nets, prepared.data, epochs, where)
            self._adopt(prepared, errors)
        # Whether somebody counts its epochs, and may ask for more.
        self._is_begun = epochs is not None
        if self._may_improve:
            warn_of_few_epochs(self.loss_, self.max_epochs)
        return self

    @property
    def _may_improve(self) -> bool:
        """Whether `max_epochs`, where it was given, has ended a training that still improved."""
        given = self.max_epochs != "auto"
        return given and any(getattr(net, "may_improve_", False) for net in self.members_)

    @property
    def _n_parameters(self) -> int:
        """How many numbers were trained, of all members, those of the loss included."""
        modules = [part for net in self.members_ for part in (net.module_, net.criterion_)]
        return sum(p.numel() for module in modules for p in module.parameters())

    def _adopt(self, prepared: Prepared, errors: Sequence[Exception | None]) -> None:
        """Become what training has made of the nets, or raise what stopped one of them."""
        for error in errors:
            if error is not None:
                raise error
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        learned, target = prepared.learned, self._target
        self.loss_: Any = prepared.loss
        self._oof: np.ndarray | None = None
        if prepared.held_out is not None and target.held_out_answer is not None:
            said = prepared.said_of_held_out(target)
            self._oof = prepared.held_out.as_given(said)
            learned = prepared.held_out.taught(target, learned, said)
        learned = prepared.calibrated(target, learned)
        self.__dict__.update(learned.attributes())
        self._learned, self._target_of_fit = learned, target
        # Filled when first asked for: partial_fit may be called many times before.
        self._answers_of_fit: dict[Any, Answer] = {}
        self.members_ = prepared.nets
        self.net_ = prepared.nets[0]
        self.history_ = self.net_.history
        self.n_iter_ = max(len(net.history) for net in prepared.nets)

    @property
    def loss_state_(self) -> State:
        """What the loss learned: hyperparameters, bins, class shares and trained parameters."""
        check_is_fitted(self, "net_")
        return self.loss_.readable(self.net_.criterion_.state)

    # ------------------------------------------------------------------ answers

    def __getstate__(self) -> dict[str, Any]:
        # Without the answers, which follow from the rest: they hold tensors, which skops cannot
        # write.
        state = super().__getstate__()
        return {**state, "_answers_of_fit": {}} if "_answers_of_fit" in state else state

    @property
    def _answers(self) -> dict[Any, Answer]:
        """Everything that the fitted estimator can say of a row, by name."""
        if not hasattr(self, "net_"):
            # Called only then, because it collects the estimator's tags, which resolve its loss.
            check_is_fitted(self, "net_")
        if not self._answers_of_fit:
            learned, n_members = self._learned, len(self.members_)
            how = self.loss_, learned.target, learned.target_scaler, n_members
            self._answers_of_fit.update(self._target_of_fit.answers(*how))
        return self._answers_of_fit

    def _answer(self, name: str, X: Any) -> Any:
        """Return what the answer of a name says of X."""
        return self._said({name: self._answers[name]}, X)[name]

    def _said(self, answers: Mapping[Any, Answer], X: Any) -> dict[Any, Any]:
        """Return what several answers say of X, running each net once."""
        rows = self._prediction_rows(X)
        at_once = self._target.rows_at_once(self._learned.target)
        return answered(answers, self.members_, rows, at_once)

    def _exported(
        self,
        output: Any,
        answers: Mapping[str, Answer],
        kind: type[FittedModule] = FittedModule,
        label: str | None = None,
        column: bool = False,
    ) -> Any:
        """Return a plain module that gives the answer of a name; errors name the loss by label."""
        learned, answer = self._learned, chosen(answers, output, label or self.loss_.label)
        if column:
            answer = answer._replace(of_members=nn.Sequential(answer.of_members, AsColumn()))
        return kind.of_nets(self.members_, learned.input_scaler, learned.inputs.shape, answer)

    def _prediction_rows(self, X: Any) -> Any:
        """Return X as a method of a fitted estimator receives it, checked and scaled for the nets."""
        learned = self._learned
        how = learned.inputs, learned.input_scaler, learned.torch_dtype
        return self._inputs.prediction_rows(self, X, *how)

    def __sklearn_tags__(self) -> Any:
        return self._tagged(super().__sklearn_tags__())

    def _tagged(self, tags: Any) -> Any:
        """Return tags with what X and y may be; repeated behind a mixin that makes new ones."""
        self._inputs.tag(tags.input_tags)
        try:
            loss = self._loss.resolved(self)
        except (TypeError, ValueError):
            loss = None
        self._target.tag(tags, loss)
        return tags
