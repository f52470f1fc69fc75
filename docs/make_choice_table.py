"""Train a set of losses on two real tables and judge each by every metric: what a wrong choice costs.

    python docs/make_choice_table.py          # train: two minutes of processor time; docs/choice.csv
    python docs/make_choice_table.py --write  # the tables of docs/guide/choose_a_loss.md, from that file

The tables are 4,000 rows each of the times that checks of R packages take, and of bad loans of
Lending Club.  They come with the extra "examples".
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.model_selection import KFold, StratifiedKFold

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor

DOCS = Path(__file__).parent
RESULTS, PAGE = DOCS / "choice.csv", DOCS / "guide" / "choose_a_loss.md"
TIMES, LOANS = "check times", "Lending Club"
ROWS = 4_000

# Metrics of numbers, all better the smaller they are.
OF_NUMBERS: dict[str, Callable[..., float]] = {
    "RMSE": metrics.root_mean_squared_error,
    "MAE": metrics.mean_absolute_error,
    "MAPE": metrics.mean_absolute_percentage_error,
    "RMSLE": metrics.root_mean_squared_log_error,
    "pinball .9": lambda y, p: metrics.mean_pinball_loss(y, p, alpha=0.9),
    "Poisson deviance": metrics.mean_poisson_deviance,
    "error of the total": lambda y, p: abs(p.sum() / y.sum() - 1),
}
# Metrics of labels, all better the larger they are, and of probabilities, the smaller.
LARGER_IS_BETTER = ["accuracy", "macro-F1", "balanced accuracy", "AUC"]
REGRESSION_GRID = [
    {"loss": ["mse", "mae", "huber", "mape", "msle", "poisson"]},
    {"loss": ["quantile"], "loss__quantile": [0.9]},
]
CLASSIFICATION_GRID = [
    {"loss": ["cross_entropy"], "decision": ["argmax", "macro_f1"]},
    {"loss": ["mse", "mae", "hinge", "focal", "logit_adjusted", "auc_margin", "soft_f1"]},
]


def scores_of_numbers(model: Any, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    """Return every metric of a regressor, NaN where a prediction is not one that it takes."""
    predicted = model.predict(X)
    scores = {}
    for name, metric in OF_NUMBERS.items():
        try:
            scores[name] = float(metric(y, predicted))
        except ValueError:  # A negative prediction has no logarithm and no deviance.
            scores[name] = np.nan
    return scores


def scores_of_labels(model: Any, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    """Return every metric of a classifier, NaN where the loss gives no probabilities."""
    predicted, ranks = model.predict(X), model.decision_function(X)
    scores = {
        "accuracy": metrics.accuracy_score(y, predicted),
        "macro-F1": metrics.f1_score(y, predicted, average="macro"),
        "balanced accuracy": metrics.balanced_accuracy_score(y, predicted),
        "AUC": metrics.roc_auc_score(y, ranks),
        "log-loss": np.nan,
        "Brier score": np.nan,
    }
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(X)[:, 1]
        scores["log-loss"] = metrics.log_loss(y, probabilities)
        scores["Brier score"] = metrics.brier_score_loss(y, probabilities)
    return {name: float(score) for name, score in scores.items()}


def results_of(table: str, search: LossSearchCV) -> pd.DataFrame:
    """Return one line per candidate, metric and split."""
    lines = []
    for i, params in enumerate(search.cv_results_["params"]):
        name = params["loss"]
        if params.get("decision") == "macro_f1":
            name += ", macro_f1"
        for key, values in search.cv_results_.items():
            split, _, metric = key.partition("_test_")
            if metric and split.startswith("split"):
                score = float(f"{values[i]:.6g}")
                lines.append((table, name, metric, int(split.removeprefix("split")), score))
    return pd.DataFrame(lines, columns=["table", "loss", "metric", "split", "score"])


def sampled(X: pd.DataFrame, y: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """Return some rows, always the same ones."""
    X = X.sample(ROWS, random_state=0)
    return X, y.loc[X.index]


def train() -> pd.DataFrame:
    """Return the results of both searches: default estimators on three splits."""
    sys.path.insert(0, str(DOCS.parent / "examples"))
    from data import check_times, lending_club

    numbers = LossSearchCV(
        NeuralRegressor(random_state=0),
        REGRESSION_GRID,
        scoring=scores_of_numbers,
        refit=False,
        cv=KFold(3, shuffle=True, random_state=0),
    ).fit(*sampled(*check_times()))
    labels = LossSearchCV(
        NeuralClassifier(random_state=0),
        CLASSIFICATION_GRID,
        scoring=scores_of_labels,
        refit=False,
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
    ).fit(*sampled(*lending_club()))
    return pd.concat([results_of(TIMES, numbers), results_of(LOANS, labels)])


def markdown(table: str, results: pd.DataFrame) -> str:
    """Return a row per metric and a column per loss, the best of a row in bold."""
    own = results[results["table"] == table]
    means = own.pivot_table(
        index="metric", columns="loss", values="score", aggfunc=lambda x: x.mean(skipna=False)
    )
    means = means.reindex(index=own["metric"].unique(), columns=own["loss"].unique())
    lines = ["| judged by | " + " | ".join(f"`{name}`" for name in means) + " |"]
    lines.append("|---|" + "--:|" * len(means.columns))
    for metric, row in means.iterrows():
        best = _shown(row.max() if metric in LARGER_IS_BETTER else row.min())
        cells = [f"**{best}**" if shown == best else shown for shown in map(_shown, row)]
        lines.append(f"| {metric} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _shown(value: float) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def filled(page: str, results: pd.DataFrame) -> str:
    """Return the page with its tables written anew."""
    for table in (TIMES, LOANS):
        before, start, rest = page.partition(f"<!-- {table}, from docs/choice.csv -->\n")
        _, end, after = rest.partition("<!-- end -->")
        page = f"{before}{start}\n{markdown(table, results)}\n\n{end}{after}"
    return page


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the page, train nothing")
    if parser.parse_args(arguments).write:
        results = pd.read_csv(RESULTS)
        PAGE.write_text(filled(PAGE.read_text("utf-8"), results), encoding="utf-8")
    else:
        train().to_csv(RESULTS, index=False)


if __name__ == "__main__":
    main()
