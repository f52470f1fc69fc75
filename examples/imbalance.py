"""Which losses find the rare class?
====================================

One customer in seventeen insures a caravan, and one loan in twenty goes bad. A loss that decides at
a probability of one half finds almost none of them, and its accuracy is that of never predicting a
positive. Look at the recall of the positives and at macro-F1: what differs between the losses is
where they draw the line, for the AUC hardly moves.

Run it with ``python examples/imbalance.py``; it needs the ``examples`` extra.
"""

# %%
# Ten ways to decide
# ------------------
# ``logit_adjusted`` and ``class_balanced`` balance ``predict`` on purpose, while ``predict_proba``
# stays the posterior of the data: compare their log-loss with that of cross-entropy under
# ``class_weight="balanced"``, which changes the probabilities, too. ``decision="macro_f1"`` learns
# the threshold from rows that the network has held out, for any number of classes;
# scikit-learn's ``TunedThresholdClassifierCV``, for two, from further fits.
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from data import caravan_insurance, lending_club
from sklearn.metrics import f1_score, log_loss, recall_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV

from sklloss import NeuralClassifier
from sklloss.losses import Focal, LogitAdjusted

# One network per fit is enough for a comparison; it takes the table as it is.
net = {"n_members": 1, "random_state": 0}
balanced, tau = {"class_weight": "balanced"}, LogitAdjusted(tau=0.5)
MODELS = {
    "cross_entropy": NeuralClassifier("cross_entropy", **net),
    "cross_entropy, weighted": NeuralClassifier("cross_entropy", **balanced, **net),
    "focal": NeuralClassifier("focal", **net),
    "focal, alpha=0.8": NeuralClassifier(Focal(alpha=0.8), **net),
    "class_balanced": NeuralClassifier("class_balanced", **net),
    "logit_adjusted": NeuralClassifier("logit_adjusted", **net),
    "logit_adjusted, tau=0.5": NeuralClassifier(tau, **net),
    "soft_f1": NeuralClassifier("soft_f1", **net),
    "decision=macro_f1": NeuralClassifier(decision="macro_f1", **net),
    "tuned threshold": TunedThresholdClassifierCV(
        NeuralClassifier(**net), scoring="f1_macro", cv=3
    ),
}
SPLITS = StratifiedKFold(3, shuffle=True, random_state=0)

# %%
# Cross-validate
# --------------
# Log-loss is measured where a loss gives probabilities.


def scores_of(model: object, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    """Return the scores of a fitted model."""
    predicted = model.predict(X)
    has_probabilities = hasattr(model, "predict_proba")
    return {
        "recall": recall_score(y, predicted),
        "macro-F1": f1_score(y, predicted, average="macro"),
        "accuracy": (y == predicted).mean(),
        "AUC": roc_auc_score(y, getattr(model, "estimator_", model).decision_function(X)),
        "log-loss": log_loss(y, model.predict_proba(X)) if has_probabilities else np.nan,
    }


tables = {}
for title, (X, y) in {"caravan insurance": caravan_insurance(), "loans": lending_club()}.items():
    rows = {}
    for name, model in MODELS.items():
        folds = []
        for train, test in SPLITS.split(X, y):
            model.fit(X.iloc[train], y.iloc[train])
            folds.append(scores_of(model, X.iloc[test], y.iloc[test]))
        rows[name] = pd.DataFrame(folds).mean()
    tables[title] = pd.DataFrame(rows).T
    print(f"{title}, mean over {SPLITS.n_splits} folds\n")
    print(tables[title].to_string(float_format="{:.3f}".format, na_rep="none"), end="\n\n")

# %%
# The highest recall and the best macro-F1 are in different rows.
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for ax, (title, table) in zip(axes, tables.items(), strict=True):
    ax.plot(table["recall"], table.index, "o", label="recall of the positives")
    ax.plot(table["macro-F1"], table.index, "s", label="macro-F1")
    ax.set(title=title, xlim=(-0.03, 1))
    ax.grid(axis="y", color="0.9")
axes[0].invert_yaxis()
figure.legend(
    *axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False
)

# %%
# What was learnt
# ---------------
HELPS = 0.03
f1 = pd.concat([table["macro-F1"] for table in tables.values()], axis=1)
gains = (f1 - f1.loc["cross_entropy"]).min(axis=1)
found = " and ".join(f"{table['recall']['cross_entropy']:.1%}" for table in tables.values())
text = (
    f"cross_entropy finds {found} of the positives. {(gains >= HELPS).sum()} of the"
    f" {len(gains) - 1} alternatives raise macro-F1 by {HELPS} or more on both data sets, most of"
    f" all {gains.idxmax()} (by at least {gains.max():.3f}). A fully balanced decision has the"
    " highest recall, at the price of false alarms."
)
print(textwrap.fill(text, width=80))
