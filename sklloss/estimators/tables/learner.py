"""What NeuralRegressor and NeuralClassifier share: how they learn from tables by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...parameters.declared import redeclared
from ...parameters.domains import Choice, Either, Tuple
from ..fit.parameters import (
    AUTO,
    BOOL,
    COUNT,
    NOT_NEGATIVE,
    HiddenLayerParameters,
    OptimizationParameters,
    RunParameters,
    StoppingParameters,
    TableParameters,
)
from ..fit.table_estimator import TableEstimator


@dataclass(kw_only=True, eq=False, repr=False)
class TableLearner(TableEstimator):
    """Base of the estimators that train several members on raw tables by default.

    `TableRules` of ``fit/settings.py`` says what "auto" is.
    """

    _has_table_rules: ClassVar[bool] = True

    numeric_encoding: str = redeclared(TableParameters, "numeric_encoding", default="auto")
    hidden_layer_sizes: Any = redeclared(
        HiddenLayerParameters,
        "hidden_layer_sizes",
        default="auto",
        domain=Either(AUTO, COUNT, Tuple(COUNT, min_length=0)),
        doc="""Widths of the hidden layers of ``module="mlp"``, and of the final dense layers of the
        other built-in networks; ``()`` is the linear model.  "auto" is (128, 128) for "mlp", else
        (100,).""",
        kind='int, tuple of int or "auto"',
    )
    optimizer: Any = redeclared(OptimizationParameters, "optimizer", default="adamw")
    lr: float | str = redeclared(
        OptimizationParameters,
        "lr",
        doc="""Learning rate, > 0.  "auto" is 0.003 for adamw on tables with validation rows;
        without validation rows 0.064 divided by the width of the narrowest hidden layer, at most
        0.02; for a linear model at most 0.5 divided by the number of its inputs.  Otherwise it is
        0.003 for radam, 0.02 for sgd, 0.05 for adagrad, 1 for lbfgs, and 0.001 for the others.""",
    )
    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc="""Rows per step.  "auto" is 64 for tables of fewer than 1,000 rows, 128 for fewer than
        6,000, else 256; each epoch then leaves out a few random rows that would not fill its last
        batch.  It is all rows if fewer than 200 are distinct, or for lbfgs.  For images, texts and
        your own networks it is a fiftieth of the rows, between 200 and 1024.""",
    )
    max_epochs: int | str = redeclared(
        OptimizationParameters,
        "max_epochs",
        default="auto",
        domain=Either(AUTO, COUNT),
        doc="""Maximum number of passes over the rows.  For tables with validation rows, "auto" is
        40, or as many as make 600 steps, and fewer from 7,300 rows on (18 for 40,000); without
        validation rows 20, or as many as make 100 steps.  For images, texts and your own networks
        it is 200.""",
        kind='int or "auto"',
    )
    n_iter_no_change: float | str = redeclared(
        StoppingParameters,
        "n_iter_no_change",
        default="auto",
        domain=Either(AUTO, COUNT, Choice(float("inf"))),
        doc="""Epochs without improvement after which training stops.  For tables with validation
        rows, "auto" is a third of the epochs, at most 8; without validation rows 10, or as many as
        make 60 steps.  Otherwise it is 10.""",
        kind='int, inf or "auto"',
    )
    weight_decay: float | str = redeclared(
        OptimizationParameters,
        "weight_decay",
        default="auto",
        domain=Either(AUTO, NOT_NEGATIVE),
        doc="""L2 penalty on weights, >= 0: ``weight_decay * w`` is added to the gradient (decoupled
        for adamw).  "auto" is 0.01 for adamw on tables, else 0.""",
        kind='float or "auto"',
    )
    n_members: int | str = redeclared(
        RunParameters,
        "n_members",
        default="auto",
        domain=Either(AUTO, COUNT),
        doc="""Number of networks that are trained together, with the seeds random_state,
        random_state + 1 ...; predictions are means over them.  "auto" is 8 for ``module="mlp"``
        with early stopping and at least 200 distinct rows, without `callbacks`, `warm_start`, lbfgs
        or `partial_fit`; else 1.""",
        kind='int or "auto"',
    )
    early_stopping: bool | str = redeclared(
        StoppingParameters,
        "early_stopping",
        default="auto",
        domain=Either(AUTO, BOOL),
        doc="""Whether the loss on validation rows decides when to stop and which epoch's weights to
        keep.  If False, training stops when the training loss no longer falls.  "auto" is True for
        ``module="mlp"`` with at least 200 distinct rows, without `callbacks`, `warm_start`, lbfgs
        or `partial_fit`.""",
        kind='bool or "auto"',
    )
    validation_fraction: Any = redeclared(
        StoppingParameters,
        "validation_fraction",
        default="auto",
        doc="""The validation rows.  "auto": each of eight members holds out a different eighth of
        the rows, stratified by class or by the size of y.  A float: the share of rows that each
        member draws.  A splitter: its first split.  A pair (train, valid): index arrays.  Each part
        needs at least two rows, and each class at least two rows in all.""",
        kind='"auto", float, splitter or pair of index arrays',
    )

    @property
    def oof_(self) -> np.ndarray:
        """Out-of-fold predictions of the training rows; see the attributes of the class."""
        check_is_fitted(self, "net_")
        if self._oof is None:
            raise AttributeError(
                f"This {type(self).__name__} has no oof_, because its members held out no folds."
                " Set n_members=8, early_stopping=True and validation_fraction='auto'; by default"
                " this needs at least 200 different rows."
            )
        return self._oof
