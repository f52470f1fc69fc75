"""What other libraries call the parameters and losses that have another name here.

The names are those of the documentation of scikit-learn's MLPRegressor and MLPClassifier, skorch's
NeuralNet, Keras (compile, fit and EarlyStopping), Lightning's Trainer, torch.nn, XGBoost ("XGBoost
Parameters", "Learning Task Parameters"), LightGBM ("Parameters"), CatBoost ("Training parameters",
"Objectives and metrics") and TensorFlow Ranking (``tfr.keras.losses``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Synonym:
    """A parameter by the name that other libraries give it.

    Attributes
    ----------
    library : str
        Who calls it so.
    ours : str
        The parameter here; '' where there is none.
    code : str
        How it is written, with the value as ``{value}``; '' for the parameter with the same value.
    remark : str
        A sentence on what differs.
    """

    library: str
    ours: str = ""
    code: str = ""
    remark: str = ""

    def code_of(self, value: Any) -> str:
        """Return how the parameter is written with a value, '' where there is no parameter."""
        shown = repr(value) if isinstance(value, str | int | float | None) else "..."
        code = self.code or (f"{self.ours}={{value}}" if self.ours else "")
        return code.replace("{value}", shown)


MLP, BOOSTING = "scikit-learn's MLP", "XGBoost, LightGBM or CatBoost"
HELD_OUT = "validation_fraction=(train, valid), early_stopping=True"
TWO_INDEX_ARRAYS = (
    "Both are arrays of row indices: put the validation rows behind the others, in the X and y that"
    " fit receives."
)
SCHEDULE = "callbacks=[LRScheduler(...)]"
OF_TREES = "It shapes trees; the size of a network is hidden_layer_sizes."
SCORERS = (
    "Metrics are scorers of scikit-learn, which cross_validate and every search take as scoring=...,"
    " after the fit."
)
THREADS = (
    "A fit uses the threads of torch.set_num_threads, and LossSearchCV(n_jobs=...) starts"
    " processes."
)

_PARAMETERS: tuple[tuple[str, Synonym], ...] = (
    ("solver", Synonym(MLP, "optimizer")),
    (
        "alpha",
        Synonym(
            "scikit-learn's MLP, LightGBM",
            "weight_decay",
            "weight_decay=alpha / batch_size",
            "scikit-learn divides by the rows of a batch, and weight_decay is not divided."
            " LightGBM's alpha is loss__quantile of quantile or loss__delta of huber.",
        ),
    ),
    ("learning_rate_init", Synonym(MLP, "lr")),
    (
        "learning_rate",
        Synonym(
            "scikit-learn's MLP, Keras, XGBoost, LightGBM, CatBoost",
            "lr",
            'lr="auto"',
            f"Numbers are allowed, too; schedules are skorch's, {SCHEDULE}. Networks take smaller"
            " rates than trees.",
        ),
    ),
    ("power_t", Synonym(MLP, "callbacks", SCHEDULE)),
    ("max_iter", Synonym(MLP, "max_epochs")),
    (
        "momentum",
        Synonym(f"{MLP}, torch", "optimizer_params", 'optimizer_params={"momentum": {value}}'),
    ),
    (
        "nesterovs_momentum",
        Synonym(MLP, "optimizer_params", 'optimizer_params={"nesterov": {value}}'),
    ),
    (
        "beta_1 beta_2",
        Synonym(f"{MLP}, Keras", "optimizer_params", 'optimizer_params={"betas": (0.9, 0.999)}'),
    ),
    ("epsilon", Synonym(f"{MLP}, Keras", "optimizer_params", 'optimizer_params={"eps": {value}}')),
    ("shuffle", Synonym(f"{MLP}, Keras", remark="Rows are shuffled again in every epoch.")),
    ("criterion", Synonym("skorch", "loss")),
    ("train_split", Synonym("skorch", "validation_fraction", HELD_OUT, TWO_INDEX_ARRAYS)),
    ("loss_fn", Synonym("torch's tutorials", "loss")),
    ("epochs n_epochs num_epochs", Synonym("Keras", "max_epochs")),
    (
        "validation_data",
        Synonym("Keras", "validation_fraction", HELD_OUT, TWO_INDEX_ARRAYS),
    ),
    (
        "validation_split",
        Synonym(
            "Keras",
            "validation_fraction",
            "validation_fraction={value}, early_stopping=True",
            "The rows are drawn at random, where Keras takes the last ones.",
        ),
    ),
    ("metrics", Synonym("Keras", remark=SCORERS)),
    ("metric eval_metric custom_metric", Synonym(BOOSTING, remark=SCORERS)),
    ("units hidden_units", Synonym("Keras", "hidden_layer_sizes")),
    ("patience", Synonym("Keras, Lightning", "n_iter_no_change")),
    (
        "min_delta",
        Synonym(
            "Keras, Lightning",
            "tol",
            "tol=1e-4",
            "It is relative to how far the loss of the best constant may fall.",
        ),
    ),
    ("dropout_rate", Synonym("Keras", "dropout")),
    ("accelerator devices gpus", Synonym("Lightning", "device", 'device="auto"')),
    ("precision", Synonym("Lightning", "dtype", 'dtype="float32"')),
    (
        "gradient_clip_val",
        Synonym(
            "Lightning",
            "callbacks",
            "callbacks=[GradientNormClipping({value})]",
            "The class is one of skorch.callbacks.",
        ),
    ),
    (
        "val_dataloaders",
        Synonym("Lightning", "validation_fraction", HELD_OUT, TWO_INDEX_ARRAYS),
    ),
    ("objective", Synonym("XGBoost, LightGBM", "loss")),
    ("loss_function", Synonym("CatBoost", "loss")),
    (
        "n_estimators num_boost_round num_iterations num_round iterations",
        Synonym(
            BOOSTING,
            "max_epochs",
            'max_epochs="auto"',
            "It counts passes over the rows, where boosting counts trees.",
        ),
    ),
    ("eta", Synonym("XGBoost", "lr", 'lr="auto"', "Networks take smaller rates than trees.")),
    (
        "eval_set evals valid_sets",
        Synonym(BOOSTING, "validation_fraction", HELD_OUT, TWO_INDEX_ARRAYS),
    ),
    (
        "early_stopping_rounds early_stopping_round od_wait",
        Synonym(BOOSTING, "n_iter_no_change", "early_stopping=True, n_iter_no_change={value}"),
    ),
    ("use_best_model", Synonym("CatBoost", "early_stopping")),
    ("reg_alpha lambda_l1", Synonym("XGBoost, LightGBM", "l1", "l1={value}", "Its scale differs.")),
    (
        "reg_lambda lambda_l2 l2_leaf_reg",
        Synonym(BOOSTING, "weight_decay", "weight_decay={value}", "Its scale differs."),
    ),
    (
        "num_leaves max_depth max_leaves depth min_child_weight min_child_samples min_data_in_leaf"
        " max_bin tree_method boosting_type boosting grow_policy colsample_bytree"
        " feature_fraction bagging_fraction subsample",
        Synonym(BOOSTING, remark=OF_TREES),
    ),
    (
        "scale_pos_weight",
        Synonym("XGBoost, LightGBM", "class_weight", "class_weight={0: 1, 1: {value}}"),
    ),
    ("is_unbalance", Synonym("LightGBM", "class_weight", 'class_weight="balanced"')),
    ("auto_class_weights", Synonym("CatBoost", "class_weight", 'class_weight="balanced"')),
    ("class_weights", Synonym("CatBoost", "class_weight")),
    (
        "quantile_alpha",
        Synonym(
            "XGBoost", "loss", 'loss="quantile"', "Then set_params(loss__quantile=...) sets it."
        ),
    ),
    (
        "tweedie_variance_power",
        Synonym(
            "XGBoost, LightGBM",
            "loss",
            'loss="tweedie"',
            "Then set_params(loss__power=...) sets it.",
        ),
    ),
    (
        "huber_slope",
        Synonym(
            "XGBoost",
            "loss",
            'loss="pseudo_huber"',
            "Then set_params(loss__delta=...) sets it.",
        ),
    ),
    (
        "fair_c",
        Synonym("LightGBM", "loss", 'loss="fair"', "Then set_params(loss__scale=...) sets it."),
    ),
    ("num_class num_classes classes_count", Synonym(BOOSTING, remark="It is read from y.")),
    (
        "base_score boost_from_average init_score",
        Synonym(BOOSTING, remark="Training starts at the best constant."),
    ),
    ("seed random_seed", Synonym(f"{BOOSTING}, Keras", "random_state")),
    ("n_jobs nthread num_threads thread_count", Synonym(BOOSTING, remark=THREADS)),
    (
        "cat_features categorical_feature",
        Synonym("LightGBM, CatBoost", "categorical_features"),
    ),
    (
        "enable_categorical",
        Synonym("XGBoost", remark="Columns of text and of categorical dtype are categories."),
    ),
    ("task_type device_type", Synonym("CatBoost, LightGBM", "device", 'device="auto"')),
    ("verbosity verbose_eval", Synonym("XGBoost, LightGBM", "verbose")),
)
PARAMETERS = {name: synonym for names, synonym in _PARAMETERS for name in names.split()}


@dataclass(frozen=True)
class LossSynonym:
    """A loss by the name that another library gives it.

    Attributes
    ----------
    library : str
    task : str
        The task of our loss.
    ours : str
        Its name here.
    params : dict of str to str
        Parameters of theirs, and what they are called here.
    is_same : bool
        Whether it is the same loss up to a constant factor, instead of the nearest there is.
    """

    library: str
    task: str
    ours: str
    params: dict[str, str] = field(default_factory=dict)
    is_same: bool = True


def _regression(library: str, ours: str, **params: str) -> LossSynonym:
    return LossSynonym(library, "regression", ours, params)


def _classification(library: str, ours: str, **params: str) -> LossSynonym:
    return LossSynonym(library, "classification", ours, params)


def _ranking(library: str, ours: str, *, is_same: bool = True) -> LossSynonym:
    return LossSynonym(library, "ranking", ours, is_same=is_same)


_LOSSES: tuple[tuple[str, LossSynonym], ...] = (
    ("MeanSquaredError", _regression("Keras", "squared_error")),
    ("MeanAbsoluteError", _regression("Keras", "absolute_error")),
    ("MeanAbsolutePercentageError", _regression("Keras", "absolute_percentage_error")),
    ("MeanSquaredLogarithmicError", _regression("Keras", "squared_log_error")),
    ("reg:squarederror reg:linear", _regression("XGBoost", "squared_error")),
    ("reg:absoluteerror", _regression("XGBoost", "absolute_error")),
    ("reg:squaredlogerror", _regression("XGBoost", "squared_log_error")),
    ("reg:pseudohubererror", _regression("XGBoost", "pseudo_huber", huber_slope="delta")),
    ("reg:quantileerror", _regression("XGBoost", "quantile", quantile_alpha="quantile")),
    ("count:poisson", _regression("XGBoost", "poisson")),
    ("reg:gamma", _regression("XGBoost", "gamma")),
    ("reg:tweedie", _regression("XGBoost", "tweedie", tweedie_variance_power="power")),
    (
        "regression regression_l2 l2_root root_mean_squared_error",
        _regression("LightGBM", "squared_error"),
    ),
    ("regression_l1", _regression("LightGBM", "absolute_error")),
    ("RMSE", _regression("CatBoost, LightGBM", "squared_error")),
    ("RMSEWithUncertainty", _regression("CatBoost", "gaussian_nll")),
    ("Quantile", _regression("CatBoost", "quantile", alpha="quantile")),
    ("MultiQuantile", _regression("CatBoost", "multi_quantile", alpha="quantiles")),
    ("Expectile", _regression("CatBoost", "expectile", alpha="expectile")),
    ("Huber", _regression("CatBoost", "huber", delta="delta")),
    ("Tweedie", _regression("CatBoost", "tweedie", variance_power="power")),
    ("ls", _regression("scikit-learn before 1.2", "squared_error")),
    ("lad least_absolute_deviation", _regression("scikit-learn before 1.2", "absolute_error")),
    (
        "CategoricalCrossentropy SparseCategoricalCrossentropy BinaryCrossentropy KLDivergence",
        _classification("Keras", "cross_entropy"),
    ),
    (
        "BCELoss BCEWithLogitsLoss SoftMarginLoss MultiLabelSoftMarginLoss binary_cross_entropy"
        " binary_cross_entropy_with_logits bce_with_logits nll_loss",
        _classification("torch", "cross_entropy"),
    ),
    (
        "BinaryFocalCrossentropy CategoricalFocalCrossentropy",
        _classification("Keras", "focal", gamma="gamma", alpha="alpha"),
    ),
    ("sigmoid_focal_loss", _classification("torchvision", "focal", gamma="gamma", alpha="alpha")),
    ("CategoricalHinge", _classification("Keras", "multi_margin")),
    (
        "binary:logistic binary:logitraw reg:logistic multi:softmax multi:softprob",
        _classification("XGBoost", "cross_entropy"),
    ),
    ("binary:hinge", _classification("XGBoost", "hinge")),
    (
        "binary binary_logloss multiclass multi_logloss softmax xentropy",
        _classification("LightGBM", "cross_entropy"),
    ),
    (
        "Logloss MultiClass MultiLogloss MultiCrossEntropy",
        _classification("CatBoost", "cross_entropy"),
    ),
    ("Focal", _classification("CatBoost", "focal", focal_gamma="gamma", focal_alpha="alpha")),
    (
        "deviance binomial_deviance multinomial_deviance logistic",
        _classification("scikit-learn", "cross_entropy"),
    ),
    ("rank:ndcg", _ranking("XGBoost", "lambdarank")),
    ("rank:pairwise", _ranking("XGBoost", "ranknet")),
    ("LambdaMart", _ranking("CatBoost", "lambdarank")),
    ("PairLogit PairLogitPairwise", _ranking("CatBoost", "ranknet")),
    ("QueryRMSE", _ranking("CatBoost", "squared_error", is_same=False)),
    ("QuerySoftMax", _ranking("CatBoost", "listnet", is_same=False)),
    ("YetiRank YetiRankPairwise", _ranking("CatBoost", "lambdarank", is_same=False)),
    ("rank_xendcg", _ranking("LightGBM", "listnet", is_same=False)),
    ("rank:map", _ranking("XGBoost", "lambdarank", is_same=False)),
    ("pairwise_logistic_loss", _ranking("TensorFlow Ranking", "ranknet")),
    ("pairwise_hinge_loss", _ranking("TensorFlow Ranking", "hinge")),
    ("approx_ndcg_loss", _ranking("TensorFlow Ranking", "approx_ndcg")),
    ("list_mle_loss", _ranking("TensorFlow Ranking", "listmle")),
    ("softmax_loss", _ranking("TensorFlow Ranking", "listnet", is_same=False)),
)


def bare(name: str) -> str:
    """Return a name in lower case without what is no letter or digit.

    Examples
    --------
    >>> bare("reg:absoluteerror"), bare("MeanSquaredError"), bare("mean_squared_error")
    ('regabsoluteerror', 'meansquarederror', 'meansquarederror')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


LOSSES = {bare(name): synonym for names, synonym in _LOSSES for name in names.split()}


def loss_synonym(name: str) -> tuple[LossSynonym | None, dict[str, str]]:
    """Return what a loss of another library is here, and the parameters in its name, if any.

    CatBoost writes these behind the name, as in ``"Quantile:alpha=0.9"``.

    Examples
    --------
    >>> found, params = loss_synonym("Quantile:alpha=0.9")
    >>> found.ours, params
    ('quantile', {'quantile': '0.9'})
    """
    head, _, tail = name.partition(":")
    pairs = (each.partition("=") for each in tail.split(";"))
    given = {key: value for key, is_pair, value in pairs if is_pair}
    found = LOSSES.get(bare(head if given else name))
    if found is None:
        return None, {}
    return found, {found.params[key]: value for key, value in given.items() if key in found.params}


def _value(text: str) -> str:
    """Return a value as Python writes it: numbers with commas between them are a tuple."""
    return f"({text})" if "," in text else text


def said_of_loss(name: str) -> str:
    """Return how a loss of another library is written here, '' where there is no such name."""
    found, params = loss_synonym(name)
    if found is None:
        return ""
    which = "In sklloss this is" if found.is_same else "The nearest in sklloss is"
    if params:
        values = ", ".join(f"loss__{key}={_value(text)}" for key, text in params.items())
        return f"{which} loss={found.ours!r}, with set_params({values})."
    theirs = "".join(f"; {key} is loss__{ours}" for key, ours in found.params.items())
    return f"{which} loss={found.ours!r}{theirs}."
