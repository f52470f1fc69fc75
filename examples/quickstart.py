"""Search over the loss like over any other hyperparameter, for a classifier and a regressor.

Run it with

    python examples/quickstart.py

It needs the core dependencies only.

Look at the calls of `GridSearchCV`, where "loss" is searched like any other parameter; at the
scores, which do not depend on the losses and so compare them fairly; and at the verdict below each
table: a small lead does not make a better loss.

In the classifier "mse", "mae" and "huber" compare probabilities with the label. In the regressor
"cross_entropy" learns a histogram of y and predicts its mean.
"""

import pandas as pd
from data import breast_cancer
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold

from sklloss import NeuralClassifier, NeuralRegressor

LOSSES = ["mse", "mae", "huber", "cross_entropy"]


def search_classifier() -> GridSearchCV:
    """Search for the loss that separates malignant from benign tumours best."""
    X, y = breast_cancer()
    search = GridSearchCV(
        NeuralClassifier(random_state=0),
        {"loss": LOSSES},
        scoring=["accuracy", "recall_macro", "f1_macro"],
        refit="f1_macro",
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        n_jobs=2,
    )
    return search.fit(X, y)


def search_regressor() -> GridSearchCV:
    """Search for the loss that predicts the progression of diabetes best."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    search = GridSearchCV(
        NeuralRegressor(random_state=0),
        {"loss": LOSSES},
        scoring=["r2", "neg_mean_absolute_error"],
        refit="neg_mean_absolute_error",
        cv=KFold(5, shuffle=True, random_state=0),
        n_jobs=2,
    )
    return search.fit(X, y)


def fold_scores(search: GridSearchCV, metric: str) -> pd.DataFrame:
    """Return the score of every loss (rows) in every fold (columns)."""
    results = search.cv_results_
    folds = [results[f"split{fold}_test_{metric}"] for fold in range(search.n_splits_)]
    return pd.DataFrame(folds, columns=list(results["param_loss"])).T


def print_table(title: str, search: GridSearchCV, headings: dict[str, str]) -> None:
    """Print one row per loss and mark the winner."""
    means = {
        heading: fold_scores(search, metric).mean(axis=1).abs()
        for metric, heading in headings.items()
    }
    table = pd.DataFrame(means)
    table[""] = ["<- winner" if loss == search.best_params_["loss"] else "" for loss in table.index]
    print(f"{title}\n\n{table.to_string(float_format='{:.3f}'.format)}\n")


def print_winner(search: GridSearchCV, heading: str) -> None:
    """Print the winner, and in how many folds it leads over the runner-up."""
    scores = fold_scores(search, search.refit)
    first, second = scores.mean(axis=1).sort_values(ascending=False).index[:2]
    gains = scores.loc[first] - scores.loc[second]
    ahead, folds = (gains > 0).sum(), len(gains)
    verdict = "a consistent lead" if ahead == folds else "too close to call"
    print(
        f"Winner by {heading}: {first}, ahead of {second} by {gains.mean():.3f} on average"
        f"\nand in {ahead} of {folds} folds: {verdict}.\n"
    )


def main() -> None:
    classifier = search_classifier()
    headings = {"accuracy": "accuracy", "recall_macro": "recall", "f1_macro": "F1"}
    print_table("Breast cancer, mean over 5 folds (higher is better)", classifier, headings)
    print_winner(classifier, "F1")
    regressor = search_regressor()
    headings = {"r2": "R2", "neg_mean_absolute_error": "MAE"}
    print_table(
        "Diabetes, mean over 5 folds (higher R2 and lower MAE are better)", regressor, headings
    )
    print_winner(regressor, "MAE")
    X, _ = breast_cancer()
    print("The refitted winner predicts the labels themselves:", *classifier.predict(X[18:21]))


if __name__ == "__main__":
    main()
