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
        doc="""Widths of the hidden layers of ``module="mlp"``, and of the dense layers that end
        other built-in networks; ``()`` is the linear model.  "auto" is (128, 128) for "mlp", else
        (100,).""",
        kind='int, tuple of int or "auto"',
    )
    optimizer: Any = redeclared(OptimizationParameters, "optimizer", default="adamw")
    lr: float | str = redeclared(
        OptimizationParameters,
        "lr",
        doc="""Learning rate, > 0; "auto" is for adamw on tables 0.003 with validation rows, without
        them 0.064 divided by the width of the narrowest hidden layer, at most 0.02; for a linear
        model at most 0.5 divided by the number of its inputs; 0.003 for radam, 0.02 for sgd, 0.05
        for adagrad, 1 for lbfgs, 0.001 otherwise.""",
    )
    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc="""Rows per step.  "auto" is 64 for tables of fewer than 1,000 rows, 128 for fewer than
        6,000, else 256, where each epoch leaves out a few rows that would not fill its last batch,
        chosen anew each time; all rows where fewer than 200 are distinct, or for lbfgs.  Of images,
        texts and networks of your own it is a fiftieth of the rows, between 200 and 1024.""",
    )
    max_epochs: int | str = redeclared(
        OptimizationParameters,
        "max_epochs",
        default="auto",
        domain=Either(AUTO, COUNT),
        doc="""Passes over the rows, at most.  "auto" is for tables with validation rows 40, or as
        many as make 600 steps, and fewer from 7,300 rows on (18 for 40,000); without them 20, or
        as many as make 100 steps; for images, texts and networks of your own 200.""",
        kind='int or "auto"',
    )
    n_iter_no_change: float | str = redeclared(
        StoppingParameters,
        "n_iter_no_change",
        default="auto",
        domain=Either(AUTO, COUNT, Choice(float("inf"))),
        doc="""Epochs without improvement after which training stops.  "auto" is for tables with
        validation rows a third of the epochs, at most 8, without them 10, or as many as make 60
        steps; else 10.""",
        kind='int, inf or "auto"',
    )
    weight_decay: float | str = redeclared(
        OptimizationParameters,
        "weight_decay",
        default="auto",
        domain=Either(AUTO, NOT_NEGATIVE),
        doc="""L2 penalty on weights, >= 0: ``weight_decay * w`` joins the gradient (for adamw it is
        decoupled).  "auto" is 0.01 for adamw on tables, else 0.""",
        kind='float or "auto"',
    )
    n_members: int | str = redeclared(
        RunParameters,
        "n_members",
        default="auto",
        domain=Either(AUTO, COUNT),
        doc="""Networks that are trained as one program, with the seeds random_state, random_state
        + 1 ...; predictions are means over them.  "auto" is 8 with early stopping for
        ``module="mlp"`` where at least 200 rows differ, without `callbacks`, `warm_start`, lbfgs or
        `partial_fit`; else 1.""",
        kind='int or "auto"',
    )
    early_stopping: bool | str = redeclared(
        StoppingParameters,
        "early_stopping",
        default="auto",
        domain=Either(AUTO, BOOL),
        doc="""Whether validation rows decide when to stop and which epoch's weights to keep, by the
        loss that is trained.  Without, training stops when the training loss no longer falls.
        "auto" is True for ``module="mlp"`` where at least 200 rows differ, without `callbacks`,
        `warm_start`, lbfgs or `partial_fit`.""",
        kind='bool or "auto"',
    )
    validation_fraction: Any = redeclared(
        StoppingParameters,
        "validation_fraction",
        default="auto",
        doc="""The validation rows: an eighth of the rows, another one for each of eight members,
        with its share of every class or of small and large y ("auto"); a share of all rows that
        each member draws; the first split of a splitter; or (train, valid) indices.  A share or a
        splitter has to leave two rows for each part; a class of one row is refused.""",
        kind='"auto", float, splitter or pair of index arrays',
    )

    @property
    def oof_(self) -> np.ndarray:
        """What the member that has held a row out says of it; see the attributes of the class."""
        check_is_fitted(self, "net_")
        if self._oof is None:
            raise AttributeError(
                f"This {type(self).__name__} has no oof_, because its members have held out no"
                " folds. Set n_members=8, early_stopping=True and validation_fraction='auto';"
                " without these it takes at least 200 different rows."
            )
        return self._oof
