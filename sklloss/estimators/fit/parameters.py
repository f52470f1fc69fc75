"""The parameters of the estimators, each declared once, in groups that the estimators inherit."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch

from ...modules.activations import ACTIVATIONS
from ...parameters.declared import parameter
from ...parameters.domains import Choice, Either, Interval, Satisfies, Tuple
from ...training import ENCODINGS, is_callback
from .scikit_learn import BaseEstimator

AUTO = Choice("auto")
BOOL = Choice(True, False)
COUNT = Interval(1, integer=True)
POSITIVE = Interval(0, closed="neither")
NOT_NEGATIVE = Interval(0)
MAPPING = Satisfies(lambda value: value is None or isinstance(value, Mapping), "None or a dict")
FUNCTION = Satisfies(
    lambda value: value is None or (callable(value) and not isinstance(value, type)),
    "None or a function (a class only as an instance)",
)
CALLBACKS = Satisfies(
    lambda value: (
        value is None
        or (isinstance(value, str) and value == "disable")
        or (isinstance(value, list | tuple) and all(map(is_callback, value)))
    ),
    "None or a list of skorch callbacks, or of pairs of a name and a callback",
)
DEVICE = Satisfies(
    lambda value: value is None or isinstance(value, str | int | torch.device),
    "a name such as 'cpu', or a torch.device",
)


@dataclass(kw_only=True, eq=False, repr=False)
class RunParameters(BaseEstimator):
    """How a fit runs, whatever it learns."""

    dtype: str = parameter(
        "auto",
        Choice("auto", "float32", "float64"),
        """Precision of training; "auto" is float64 if all rows fit into one batch, else
        float32.""",
        kind='{"auto", "float32", "float64"}',
        fixed=True,
        shared=True,
    )
    callbacks: Any = parameter(
        None,
        CALLBACKS,
        "Callbacks of skorch, called during training.",
        kind="list of skorch callbacks or None",
        fixed=True,
    )
    device: str = parameter(
        "cpu",
        DEVICE,
        'The device to train on; "auto" is a GPU if there is one.',
        kind="str",
        fixed=True,
    )
    warm_start: bool = parameter(
        False,
        BOOL,
        "Whether another call of `fit` continues the training of the last one.",
        kind="bool",
    )
    random_state: Any = parameter(
        None,
        None,
        "Seed of all randomness; None gives different results in every fit.",
        kind="int, RandomState or None",
    )
    n_members: int | str = parameter(
        1,
        COUNT,
        """Number of networks that are trained together, with the seeds random_state,
        random_state + 1 ...; predictions are means over them.""",
        kind="int",
        fixed=True,
    )
    verbose: int = parameter(
        0,
        Either(BOOL, Interval(0, integer=True)),
        "1 prints one line per epoch of the first member.",
        kind="int",
    )


@dataclass(kw_only=True, eq=False, repr=False)
class StoppingParameters(BaseEstimator):
    """When training stops."""

    early_stopping: bool | str = parameter(
        False,
        BOOL,
        """Whether the loss on validation rows decides when to stop and which epoch's weights to
        keep.  If False, training stops when the training loss no longer falls.""",
        kind="bool",
        shared=True,
    )
    validation_fraction: Any = parameter(
        0.1,
        None,
        """The validation rows: a share of all rows, a splitter, whose first split is used, or a
        pair (train, valid) of index arrays.  Each part needs at least two rows, and each class at
        least two rows in all.""",
        kind="float, splitter or pair of index arrays",
        shared=True,
    )
    n_iter_no_change: float | str = parameter(
        10,
        Either(COUNT, Choice(float("inf"))),
        "Epochs without improvement after which training stops.",
        kind="int or inf",
    )
    tol: float = parameter(
        1e-4,
        NOT_NEGATIVE,
        """The smallest improvement that counts, >= 0, as a share of the largest possible fall below
        the loss of the best constant.""",
        kind="float",
    )


@dataclass(kw_only=True, eq=False, repr=False)
class OptimizationParameters(BaseEstimator):
    """How weights are found."""

    optimizer: Any = parameter(
        "adam",
        None,
        """The optimiser: "sgd" (with momentum 0.9), "adam", "adamw", "rmsprop", "adagrad", "nadam",
        "radam", "lbfgs" (all rows in one batch), or a class.""",
        kind="str or type of torch.optim.Optimizer",
        fixed=True,
        shared=True,
    )
    optimizer_params: dict[str, Any] | None = parameter(
        None,
        MAPPING,
        """Further arguments of the optimiser; also set as ``optimizer__x`` in ``set_params`` and
        grids.""",
        kind="dict or None",
        fixed=True,
        shared=True,
    )
    lr: float | str = parameter(
        "auto",
        Either(AUTO, POSITIVE),
        """Learning rate, > 0; "auto" is 0.02 for sgd, 0.05 for adagrad, 0.003 for radam, 1 for
        lbfgs, 0.001 otherwise.""",
        kind='float or "auto"',
    )
    batch_size: int | str = parameter(
        "auto",
        Either(AUTO, COUNT),
        """Rows per step; "auto" is a fiftieth of the rows, between 200 and 1024 (all rows, if there
        are fewer or for lbfgs).""",
        kind='int or "auto"',
        shared=True,
    )
    max_epochs: int | str = parameter(
        200, COUNT, "Maximum number of passes over the rows.", kind="int"
    )
    weight_decay: Any = parameter(
        0.0,
        NOT_NEGATIVE,
        """L2 penalty on weights, >= 0: ``weight_decay * w`` is added to the gradient (decoupled for
        adamw).""",
        kind="float",
    )


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkParameters(BaseEstimator):
    """What a network computes."""

    module: Any = parameter(
        "mlp",
        None,
        """The network: "mlp" for tables, "cnn" for images, "text" for token ids, or your own, for X
        with any number of axes.  A class or factory receives the sizes of input and output under
        the usual names (``n_features``, ``in_channels``, ``n_outputs``, ``num_classes`` ...) and
        the shape of a row as ``input_shape``; one with ``**kwargs``, such as torchvision's,
        receives ``num_classes``.  An instance is copied in every fit.""",
        kind="str, nn.Module class, instance or factory",
        fixed=True,
        shared=True,
    )
    module_params: dict[str, Any] | None = parameter(
        None,
        MAPPING,
        """Further arguments of the class or factory, such as ``linear_path`` and ``init`` of "mlp"
        (see ``sklloss.modules.MLP``); also set as ``module__x`` in ``set_params`` and grids.""",
        kind="dict or None",
        fixed=True,
        shared=True,
    )
    activation: str = parameter(
        "relu",
        Choice(*ACTIVATIONS),
        "Activation of the hidden layers.",
        kind='{"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}',
        fixed=True,
        shared=True,
    )
    dropout: float = parameter(
        0.0,
        Interval(0, 1, closed="left"),
        "Probability, in [0, 1), of setting a hidden unit to 0 in training.",
        kind="float",
        fixed=True,
    )
    l1: float = parameter(
        0.0,
        NOT_NEGATIVE,
        """L1 penalty on weights, >= 0, which makes some of them 0 (nearly 0 with lbfgs).""",
        kind="float",
    )


@dataclass(kw_only=True, eq=False, repr=False)
class HiddenLayerParameters(BaseEstimator):
    """The hidden layers of the built-in networks that have any."""

    hidden_layer_sizes: Any = parameter(
        (100,),
        Either(COUNT, Tuple(COUNT, min_length=0)),
        """Widths of the hidden layers of ``module="mlp"``, and of the final dense layers of the
        other built-in networks; ``()`` is the linear model.""",
        kind="int or tuple of int",
        remedy="Give one width per hidden layer, such as (64, 64), or () for the linear model.",
        fixed=True,
        shared=True,
    )


@dataclass(kw_only=True, eq=False, repr=False)
class InputParameters(BaseEstimator):
    """What is done to X inside."""

    scale_inputs: bool = parameter(
        True,
        BOOL,
        "Whether features are standardised internally, and images channel by channel.",
        kind="bool",
        fixed=True,
    )


@dataclass(kw_only=True, eq=False, repr=False)
class TableParameters(BaseEstimator):
    """How the columns of a table are encoded."""

    scale_inputs: bool | None = parameter(
        None,
        Either(BOOL, Choice(None)),
        """True and False are short for ``numeric_encoding="standard"`` and ``"none"``; None leaves
        the choice to `numeric_encoding`.  Images are standardised channel by channel unless it is
        False; token ids are never changed.""",
        kind="bool or None",
        fixed=True,
    )
    numeric_encoding: str = parameter(
        "standard",
        Choice(*ENCODINGS),
        """How numbers in a table are encoded.  "none": not at all.  "standard": standardised.
        "robust": centred and scaled by median and quartiles, and smoothly clipped.  "quantile":
        normal scores of their ranks.  "piecewise_linear": as "robust", with additional
        piecewise-linear codes of up to 32 bins, from which a network learns steps and thresholds
        (Gorishniy 2022).  "auto": "piecewise_linear" if there are enough rows for 4 bins per
        column, else "robust"; but "standard" for a linear model or with `augment`.  Columns of 0
        and 1 are only centred, and constant columns are dropped.""",
        kind='{"auto", "none", "standard", "robust", "quantile", "piecewise_linear"}',
        fixed=True,
    )
    categorical_features: Any = parameter(
        None,
        None,
        """Further categorical columns, besides those of text or categorical dtype: names, indices
        or a mask; None or "from_dtype" for no others.  Each level with at least 5 rows is encoded
        as one column, missing values likewise; rarer and unknown levels have none.  At most the
        1,000 most frequent levels of a column are kept.""",
        kind='array-like, "from_dtype" or None',
        fixed=True,
    )


@dataclass(kw_only=True, eq=False, repr=False)
class AugmentParameters(BaseEstimator):
    """What changes the rows of training batches."""

    augment: Any = parameter(
        None,
        FUNCTION,
        """Random changes of training rows: a function from a tensor (n, ...) on the scale of X to
        one of the same shape, or a transform of torchvision, which is called with each row.  The
        global random generators of torch, NumPy and Python are seeded by `random_state`.""",
        kind="callable or None",
    )

    def __sklearn_clone__(self) -> Self:
        """Clone as scikit-learn does, but copy `augment` as it is.

        Transforms of torchvision have a method ``get_params`` that is not scikit-learn's.
        """
        bare = copy.copy(self)
        bare.augment = None
        cloned: Self = super(AugmentParameters, bare).__sklearn_clone__()
        cloned.augment = copy.deepcopy(self.augment)
        return cloned


@dataclass(kw_only=True, eq=False, repr=False)
class TargetScaleParameters(BaseEstimator):
    """What is done to y inside."""

    scale_target: bool = parameter(
        True,
        BOOL,
        """Whether y is scaled internally, as far as the loss allows.  Thresholds such as Huber's
        delta are in units of that scale.""",
        kind="bool",
        fixed=True,
    )


@dataclass(kw_only=True, eq=False, repr=False)
class CalibrationParameters(BaseEstimator):
    """Whether quantiles are corrected by rows that were held out."""

    calibrate: bool = parameter(
        False,
        BOOL,
        """Whether quantiles and intervals are corrected by held-out rows, so that an interval
        contains as many values as its coverage says.  This also gives intervals to losses that
        predict a point.  It needs members that hold out folds, or ``early_stopping=True``.""",
        kind="bool",
        remedy="True needs held-out rows; False keeps the quantiles of the loss.",
        fixed=True,
    )


@dataclass(kw_only=True, eq=False, repr=False)
class ClassWeightParameters(BaseEstimator):
    """What classes weigh."""

    class_weight: Any = parameter(
        None,
        None,
        """Weights of the classes, as in scikit-learn.  They change the distribution that is
        learned, so ``predict_proba`` describes the weighted data.""",
        kind='dict, "balanced" or None',
    )
