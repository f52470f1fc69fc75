"""Contenders of the quality benchmark, each with its matching objective and treatment of categories.

A contender is a function from a task, training rows, test features and a seed to predictions: labels
where macro-F1 judges, probabilities in the order of the sorted classes for the log-loss, numbers
otherwise.  All are at their defaults, but those that are called tuned.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from quality_sets import LOG_LOSS, MACRO_F1, MAE, OF_NUMBERS, PINBALL, POISSON, RMSE, Task
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor

Contender = Callable[[Task, pd.DataFrame, pd.Series, pd.DataFrame, int], np.ndarray]

LEVEL = 0.9
RATES = (0.03, 0.1, 0.3)
# Iterations without improvement after which a tuned booster stops, and at most.
PATIENCE, MOST = 50, 3000
# What a user would search over who does not know the matched loss, and the scorer of each metric.
GRIDS: dict[str, Any] = {
    MAE: {"loss": ["mse", "mae", "huber", "log_cosh"]},
    RMSE: {"loss": ["mse", "mae", "huber", "log_cosh"]},
    PINBALL: [
        {"loss": ["quantile"], "loss__quantile": [LEVEL]},
        {"loss": ["mse", "mae", "gaussian_nll"]},
    ],
    POISSON: {"loss": ["poisson", "tweedie", "negative_binomial", "gamma"]},
    LOG_LOSS: {"loss": ["mse", "mae", "huber", "cross_entropy"]},
    MACRO_F1: {"loss": ["mse", "mae", "huber", "cross_entropy"]},
}
SCORERS: dict[str, Any] = {
    MAE: "neg_mean_absolute_error",
    RMSE: "neg_root_mean_squared_error",
    PINBALL: make_scorer(mean_pinball_loss, alpha=LEVEL, greater_is_better=False),
    POISSON: "neg_mean_poisson_deviance",
    LOG_LOSS: "neg_log_loss",
    MACRO_F1: "f1_macro",
}
N_THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))


def _decided(task: Task, model: Any, X: Any) -> np.ndarray:
    predicted = model.predict_proba(X) if task.metric == LOG_LOSS else model.predict(X)
    return np.asarray(predicted).squeeze() if task.metric != LOG_LOSS else predicted


# ------------------------------------------------------------------ ours


def ours(**params: Any) -> Contender:
    """Return our estimators: the raw table goes in, the loss is the metric's own."""

    def contend(
        task: Task, X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame, seed: int
    ) -> np.ndarray:
        return _decided(task, our_model(task, seed, **params).fit(X, y), X_test)

    return contend


def our_model(task: Task, seed: int, **params: Any) -> Any:
    """Return the estimator for a task."""
    if task.metric in OF_NUMBERS:
        loss = {MAE: "mae", RMSE: "mse", POISSON: "poisson", PINBALL: "quantile"}[task.metric]
        model = NeuralRegressor(loss, random_state=seed, **params)
        return model.set_params(loss__quantile=LEVEL) if task.metric == PINBALL else model
    decision = "macro_f1" if task.metric == MACRO_F1 else "argmax"
    return NeuralClassifier(**{"decision": decision, "random_state": seed, **params})


def searched(
    task: Task, X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame, seed: int
) -> np.ndarray:
    """Return the best loss of a grid by the metric's own scores."""
    search = LossSearchCV(our_model(task, seed), GRIDS[task.metric], scoring=SCORERS[task.metric])
    search.fit(X, y)
    print(f"best of the grid: {search.best_params_}")
    return _decided(task, search, X_test)


# ------------------------------------------------------------------ boosted trees


def with_categories(X: pd.DataFrame, *others: pd.DataFrame) -> list[pd.DataFrame]:
    """Return tables whose text is of category dtype, all with the levels of the first."""
    found = [table.copy() for table in (X, *others)]
    for name in X:
        if not pd.api.types.is_numeric_dtype(X[name]):
            levels = pd.CategoricalDtype(sorted(X[name].dropna().astype(str).unique()))
            for table in found:
                text = table[name].astype(object)
                table[name] = text.where(text.isna(), text.astype(str)).astype(levels)
    return found


def hist_gradient_boosting(**params: Any) -> Contender:
    """Return scikit-learn's HistGradientBoosting."""

    def contend(
        task: Task, X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame, seed: int
    ) -> np.ndarray:
        X, X_test = with_categories(X, X_test)
        # Beyond 255 levels it refuses a category; as codes they are numbers.
        for name in X.select_dtypes("category"):
            if X[name].cat.categories.size > 255:
                X[name], X_test[name] = X[name].cat.codes, X_test[name].cat.codes
        return _decided(task, _hgb(task, seed, **params).fit(X, y), X_test)

    return contend


def _hgb(task: Task, seed: int, **params: Any) -> Any:
    given = {"categorical_features": "from_dtype", "random_state": seed, **params}
    if task.metric not in OF_NUMBERS:
        return HistGradientBoostingClassifier(**given)
    losses = {MAE: "absolute_error", RMSE: "squared_error", POISSON: "poisson", PINBALL: "quantile"}
    level = LEVEL if task.metric == PINBALL else None
    return HistGradientBoostingRegressor(loss=losses[task.metric], quantile=level, **given)


def light_gbm(
    task: Task, X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame, seed: int
) -> np.ndarray:
    """LightGBM."""
    X, X_test = _plain_names(*with_categories(X, X_test))
    return _decided(task, _lgbm(task, seed).fit(X, y), X_test)


def _lgbm(task: Task, seed: int, **params: Any) -> Any:
    import lightgbm

    given = {"random_state": seed, "n_jobs": N_THREADS, "verbose": -1, **params}
    if task.metric not in OF_NUMBERS:
        return lightgbm.LGBMClassifier(**given)
    objectives = {MAE: "l1", RMSE: "l2", POISSON: "poisson", PINBALL: "quantile"}
    return lightgbm.LGBMRegressor(objective=objectives[task.metric], alpha=LEVEL, **given)


def _plain_names(*tables: pd.DataFrame) -> list[pd.DataFrame]:
    """Return tables whose columns have names that LightGBM takes."""
    return [table.set_axis([f"c{i}" for i in range(table.shape[1])], axis=1) for table in tables]


def cat_boost(
    task: Task, X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame, seed: int
) -> np.ndarray:
    """CatBoost."""
    X, X_test, names = _texts(X, X_test)
    return _decided(task, _catboost(task, seed, cat_features=names).fit(X, y), X_test)


def _texts(X: pd.DataFrame, *others: pd.DataFrame) -> tuple[Any, ...]:
    """Return tables whose categories are text, missing ones a level, and the names of these."""
    names = [name for name in X if not pd.api.types.is_numeric_dtype(X[name])]
    found = [
        table.assign(**{n: table[n].astype(object).fillna("missing").astype(str) for n in names})
        for table in (X, *others)
    ]
    return *found, names


def _catboost(task: Task, seed: int, **params: Any) -> Any:
    import catboost

    given = {"random_seed": seed, "thread_count": N_THREADS, "verbose": 0, **params}
    given["allow_writing_files"] = False
    if task.metric not in OF_NUMBERS:
        return catboost.CatBoostClassifier(**given)
    losses = {MAE: "MAE", RMSE: "RMSE", POISSON: "Poisson", PINBALL: f"Quantile:alpha={LEVEL}"}
    model = catboost.CatBoostRegressor(loss_function=losses[task.metric], **given)
    return _Exponent(model) if task.metric == POISSON else model


class _Exponent:
    """A CatBoost regressor of rates, whose predictions are otherwise their logarithms."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, *args: Any, **params: Any) -> "_Exponent":
        self.model.fit(*args, **params)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return self.model.predict(X, prediction_type="Exponent")

    @property
    def best_score_(self) -> Any:
        return self.model.best_score_


# ------------------------------------------------------------------ boosted trees, tuned a little


def tuned(fit: Callable[..., tuple[Any, float]]) -> Contender:
    """Return a booster that stops early on a fifth of the rows, at the best of three rates."""

    def contend(
        task: Task, X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame, seed: int
    ) -> np.ndarray:
        classes = None if task.metric in OF_NUMBERS else y
        parts = train_test_split(X, y, test_size=0.2, random_state=seed, stratify=classes)
        fitted = [fit(task, parts, X_test, seed, rate) for rate in RATES]
        return min(fitted, key=lambda pair: pair[1])[0]

    return contend


def _tuned_hgb(task: Task, parts: Any, X_test: Any, seed: int, rate: float) -> tuple[Any, float]:
    X, X_valid, y, y_valid = parts
    X, X_valid, X_test = with_categories(X, X_valid, X_test)
    stopping = {"early_stopping": True, "n_iter_no_change": PATIENCE, "max_iter": MOST}
    model = _hgb(task, seed, learning_rate=rate, **stopping)
    model.fit(X, y, X_val=X_valid, y_val=y_valid)
    return _decided(task, model, X_test), -float(np.max(model.validation_score_))


def _tuned_lgbm(task: Task, parts: Any, X_test: Any, seed: int, rate: float) -> tuple[Any, float]:
    import lightgbm

    X, X_valid, y, y_valid = parts
    X, X_valid, X_test = _plain_names(*with_categories(X, X_valid, X_test))
    model = _lgbm(task, seed, learning_rate=rate, n_estimators=MOST)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    model.fit(X, y, eval_set=[(X_valid, y_valid)], callbacks=[stop])
    (scores,) = model.best_score_.values()
    return _decided(task, model, X_test), float(next(iter(scores.values())))


def _tuned_catboost(
    task: Task, parts: Any, X_test: Any, seed: int, rate: float
) -> tuple[Any, float]:
    X, X_valid, y, y_valid = parts
    X, X_valid, X_test, names = _texts(X, X_valid, X_test)
    options = {"early_stopping_rounds": PATIENCE, "iterations": MOST, "cat_features": names}
    model = _catboost(task, seed, learning_rate=rate, **options)
    model.fit(X, y, eval_set=(X_valid, y_valid))
    return _decided(task, model, X_test), float(
        next(iter(model.best_score_["validation"].values()))
    )


# ------------------------------------------------------------------ networks


def sklearn_mlp(
    task: Task, X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame, seed: int
) -> np.ndarray:
    """Return scikit-learn's MLP with early stopping, behind the usual preprocessing."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (texts, make_column_selector(dtype_exclude="number")),
    )
    given = {"early_stopping": True, "random_state": seed}
    if task.metric not in OF_NUMBERS:
        return _decided(task, make_pipeline(columns, MLPClassifier(**given)).fit(X, y), X_test)
    if task.metric == POISSON:
        net = make_pipeline(columns, MLPRegressor(loss="poisson", **given)).fit(X, y)
        return net.predict(X_test).clip(1e-3, 1e3 * y.mean())
    net = TransformedTargetRegressor(MLPRegressor(**given), transformer=StandardScaler())
    return make_pipeline(columns, net).fit(X, y).predict(X_test)


def of_pytabkit(name: str) -> Contender:
    """Return a network of pytabkit."""

    def contend(
        task: Task, X: pd.DataFrame, y: pd.Series, X_test: pd.DataFrame, seed: int
    ) -> np.ndarray:
        import pytabkit

        kind = "Regressor" if task.metric in OF_NUMBERS else "Classifier"
        metrics = {MAE: "mae", PINBALL: f"pinball({LEVEL})", RMSE: "rmse", POISSON: "rmse"}
        given: dict[str, Any] = {"random_state": seed, "n_threads": N_THREADS, "device": "cpu"}
        if task.metric in metrics:
            given["val_metric_name"] = metrics[task.metric]
            if name.startswith("RealMLP"):
                of_training = {**metrics, RMSE: "mse", POISSON: "mse"}
                given["train_metric_name"] = of_training[task.metric]
        elif task.metric == LOG_LOSS:
            given["val_metric_name"] = "cross_entropy"
        model = getattr(pytabkit, f"{name}_{kind}")(**given)
        X, X_test = with_categories(X, X_test)
        # Missing numbers are refused.
        medians = X.median(numeric_only=True)
        X, X_test = X.fillna(medians), X_test.fillna(medians)
        return _decided(task, model.fit(X, y), X_test)

    return contend


OURS = "sklloss"
ONE = "sklloss, one network"
# Compared with each other, in one run on one machine: its kind decides the last bits of a fit.
MATCHED, SEARCHED = "sklloss, matching loss", "sklloss, best loss of a grid"
HGB, BALANCED, LGBM, CATBOOST = "HistGradientBoosting", "HGB, balanced", "LightGBM", "CatBoost"
MLP = "scikit-learn MLP"
REALMLP, TABM = "RealMLP_TD_S", "TabM_D"
TUNED = {name: f"{name}, tuned" for name in (HGB, LGBM, CATBOOST)}

CONTENDERS: dict[str, Contender] = {
    OURS: ours(),
    ONE: ours(n_members=1),
    MATCHED: ours(),
    SEARCHED: searched,
    HGB: hist_gradient_boosting(),
    BALANCED: hist_gradient_boosting(class_weight="balanced"),
    LGBM: light_gbm,
    CATBOOST: cat_boost,
    MLP: sklearn_mlp,
    REALMLP: of_pytabkit("RealMLP_TD_S"),
    TABM: of_pytabkit("TabM_D"),
    TUNED[HGB]: tuned(_tuned_hgb),
    TUNED[LGBM]: tuned(_tuned_lgbm),
    TUNED[CATBOOST]: tuned(_tuned_catboost),
}
# Those that train on few rows, because they take long, or stand apart as an upper mark.
SLOW = (REALMLP, TABM, MATCHED, SEARCHED, *TUNED.values())
# A fit takes minutes, so they have a single split.
SLOWEST = (TABM,)
BOOSTERS = (HGB, LGBM, CATBOOST)
