"""Which loss serves my metric?
===============================

The loss is a hyperparameter, so ``GridSearchCV`` answers that. A regressor predicts how many
seconds the check of an R package takes, and is scored by its mean absolute error; a classifier
finds the few loans that go bad, and is scored by its balanced accuracy. Look at ``"loss"``, which
is searched like any other parameter, and at the winner, which beats the default loss in every fold.

Run it with ``python examples/quickstart.py``; it needs the ``examples`` extra.
"""

# %%
# A regressor
# -----------
# Half of the checks take less than 80 seconds, and one in a hundred takes more than nine minutes.
# The table goes in as it is.
from data import check_times, lending_club
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold

from sklloss import NeuralClassifier, NeuralRegressor, compare_losses
from sklloss.inspection import LossComparisonDisplay

X, y = check_times()
y = y.sample(4_000, random_state=0)
X = X.loc[y.index]

regression = GridSearchCV(
    NeuralRegressor(random_state=0),
    {"loss": ["mse", "mae", "huber", "cross_entropy"]},
    scoring=["neg_mean_absolute_error", "r2"],
    refit="neg_mean_absolute_error",
    cv=KFold(5, shuffle=True, random_state=0),
    n_jobs=2,
)
regression.fit(X, y)
print(compare_losses(regression))

# %%
# Small dots are folds, and the star is the winner by the mean absolute error. R2, in the other
# panel, has another one: it measures squared errors.
LossComparisonDisplay.from_search(regression)

# %%
# A classifier
# ------------
# One loan in twenty goes bad, so a model that never says so has an accuracy of 95 % and is of no
# use. Balanced accuracy is the mean of the shares of bad and of good loans that are recognised.
# "logit_adjusted" knows how rare a class is. By default a fit trains eight networks and averages
# their predictions; one is enough for this comparison.
X, y = lending_club()

classification = GridSearchCV(
    NeuralClassifier(n_members=1, random_state=0),
    {"loss": ["mse", "mae", "huber", "cross_entropy", "logit_adjusted"]},
    scoring=["balanced_accuracy", "accuracy"],
    refit="balanced_accuracy",
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
    n_jobs=2,
)
classification.fit(X, y)
print(compare_losses(classification))

# %%
LossComparisonDisplay.from_search(classification)

# %%
# What was learnt
# ---------------
# The metric is the same for all losses, so it compares them fairly. The default loss is not the one
# that serves it best.
for search, default in ((regression, "mse"), (classification, "cross_entropy")):
    compared = compare_losses(search)
    of_default = compared.to_frame().set_index("candidate").loc[default]
    print(
        f"{compared.metric}: {abs(search.best_score_):.3g} by {compared.best},"
        f" {of_default['mean']:.3g} by {default}, which it beats in {of_default['ahead']:.0f} of"
        " 5 folds."
    )
