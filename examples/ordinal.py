"""Does it help to know the order of the classes?
=================================================

Computing jobs ran very fast, fast, medium or long. Cross-entropy treats the four classes as
unrelated; the ordinal losses know their order, because y is a pandas ordered categorical,
VF < F < M < L (strings alone would be sorted alphabetically). Look at accuracy beside the mean
absolute error of ranks, by which "long" instead of "very fast" is three times as wrong as "fast".

Run it with ``python examples/ordinal.py``; it needs the ``examples`` extra.
"""

# %%
# Measure how far off a class is
# ------------------------------
# Three metrics: accuracy, the error of ranks, and the share of jobs that are off by two ranks or
# more.
import textwrap

import numpy as np
import pandas as pd
from data import job_run_times
from sklearn.metrics import make_scorer
from sklearn.model_selection import StratifiedKFold

from sklloss import LossSearchCV, NeuralClassifier, compare_losses
from sklloss.inspection import LossComparisonDisplay


def ranks_off(run_time: pd.Series, predicted: np.ndarray) -> np.ndarray:
    """Return by how many ranks each prediction is off."""
    order = run_time.cat.categories
    return np.abs(order.get_indexer(predicted) - run_time.cat.codes)


def error_of_ranks(run_time: pd.Series, predicted: np.ndarray) -> float:
    """Return the mean number of ranks by which predictions are off."""
    return float(np.mean(ranks_off(run_time, predicted)))


def far_off(run_time: pd.Series, predicted: np.ndarray) -> float:
    """Return the share of predictions that are off by two ranks or more."""
    return float(np.mean(ranks_off(run_time, predicted) >= 2))


# %%
# Search over losses and decisions
# --------------------------------
# The network takes the table as it is. Ordinal losses predict the median rank, which has the least
# expected error of ranks; cross-entropy predicts the most probable class.
search = LossSearchCV(
    NeuralClassifier(n_members=1, random_state=0),
    {"loss": ["cross_entropy", "cumulative_link", "coral", "corn"]},
    scoring={
        "accuracy": "accuracy",
        "error_of_ranks": make_scorer(error_of_ranks, greater_is_better=False),
        "far_off": make_scorer(far_off, greater_is_better=False),
    },
    refit="error_of_ranks",
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
)
X, run_time = job_run_times()
search.fit(X, run_time)
results = search.cv_results_
table = pd.DataFrame(
    {name: np.abs(results[f"mean_test_{name}"]) for name in search.scoring},
    index=list(results["param_loss"]),
)
print("Run time of jobs (4 ordered classes), mean over 5 folds\n")
print(table.to_string(float_format="{:.3f}".format), end="\n\n")
compared = compare_losses(search)
print(textwrap.fill(compared.verdict, width=80))

# %%
LossComparisonDisplay.from_search(search, metrics=["accuracy", "error_of_ranks"])

# %%
# What was learnt
# ---------------
best, far_off_jobs = compared.best, table["far_off"]
plain = compared.to_frame().set_index("candidate").loc["cross_entropy"]
text = (
    f"{best} is off by {table['error_of_ranks'][best]:.3f} ranks on average and cross_entropy by"
    f" {table['error_of_ranks']['cross_entropy']:.3f}; it is ahead in {plain['ahead']:.0f} of 5"
    f" folds. {far_off_jobs[best]:.1%} of its predictions are off by two ranks or more, and"
    f" {far_off_jobs['cross_entropy']:.1%} of those of cross_entropy. The best accuracy is that of"
    f" {table['accuracy'].idxmax()}, {table['accuracy'].max():.3f}."
)
print(textwrap.fill(text, width=80))
