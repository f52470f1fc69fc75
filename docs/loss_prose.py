"""The parts of ``losses.md`` that no class can say: how to choose a loss, and how to bring one."""

INTRODUCTION = """\
# The losses

Written by `python docs/make_losses.py` from the classes in `sklloss.losses`; change those, not this page.

`r` is prediction - y, `u` is y - prediction, `z` the raw output of the network, `p` a softmax probability (that of the true class
where it has no index), `K` the number of classes. A *law* is the whole distribution of y given X. Averages over rows are weighted
means. Losses with a threshold or a scale see y centred at its median and divided by 1.4826 median absolute deviations, so that a
threshold means the same for house prices and for temperatures; `scale_target=False` leaves y as it is.

Never compare two losses by their values: each has its own unit. Compare them by one metric, on the same splits.\
"""

REGRESSION_QUESTIONS = (
    ("the mean of y", ("squared_error",), "R², totals, averages"),
    ("the median of y", ("absolute_error",), "a typical value; outliers do not move it"),
    ("the mean, but for a few outliers", ("huber", "log_cosh", "pseudo_huber"), ""),
    (
        "the bulk of y, many rows are plainly wrong",
        ("cauchy", "welsch", "tukey"),
        "not convex: try several seeds",
    ),
    (
        "a level that y stays below so often",
        ("quantile", "multi_quantile"),
        "0.9: nine times in ten",
    ),
    ("counts", ("poisson", "negative_binomial"), "the second also gives intervals"),
    ("positive amounts, spread grows with size", ("gamma", "lognormal_nll"), "no zeros"),
    ("amounts, many of them exactly 0", ("tweedie",), "power between 1 and 2"),
    ("relative errors", ("absolute_percentage_error", "squared_log_error"), "both predict low"),
    (
        "an interval, or the whole law of y",
        ("gaussian_nll", "student_t_nll", "crps"),
        "student_t_nll with outliers",
    ),
    ("the whole law, of any shape", ("cross_entropy", "multi_quantile"), "needs many rows"),
)

CLASSIFICATION_QUESTIONS = (
    ("probabilities", ("cross_entropy", "squared_error"), ""),
    (
        "rare classes, a balanced score",
        ("logit_adjusted", "class_balanced", "ldam"),
        "or `class_weight='balanced'`",
    ),
    ("many easy rows, a few hard ones", ("focal",), ""),
    ("many labels per row, few present", ("asymmetric",), "multi-label y"),
    (
        "some labels are wrong",
        ("generalized_cross_entropy", "bi_tempered", "symmetric_cross_entropy"),
        "with probabilities",
    ),
    ("you know which labels are mistaken for which", ("forward_correction",), "give the matrix"),
    ("ordered classes", ("cumulative_link", "coral", "corn"), "grades, ratings, stages"),
    ("a decision only", ("hinge", "active_passive"), "no `predict_proba`"),
    (
        "the F1 score or the area under the ROC curve",
        ("soft_f1", "auc_margin"),
        "no `predict_proba`",
    ),
)

OTHER_QUESTIONS = {
    "segmentation": (
        (
            "a probability for every pixel",
            ("cross_entropy", "squared_error"),
            "as in classification",
        ),
        ("a large overlap, small regions", ("dice",), "no `predict_proba`"),
        ("no region missed", ("tversky",), "beta above alpha"),
        ("many easy pixels, few hard ones", ("focal",), ""),
    ),
    "boxes": (
        ("the largest overlap", ("giou", "ciou"), "the second closes in faster"),
        ("corners within a few pixels", ("squared_error", "smooth_l1", "huber"), ""),
    ),
    "transcription": (
        ("what was said, without an alignment", ("ctc",), "the loss to begin with"),
        ("rare symbols", ("focal_ctc",), ""),
        ("no lone spikes of symbols", ("entropy_ctc",), "several times as slow"),
    ),
    "embedding": (
        (
            "nearest neighbours, also of new classes",
            ("infonce", "triplet"),
            "infonce to begin with",
        ),
        ("one distance that tells alike rows from others", ("contrastive",), ""),
        ("a first look at pairs that are given", ("cosine_embedding",), ""),
        ("some labels of alike rows are wrong", ("hinge_embedding",), ""),
    ),
    "recommendation": (
        ("an order of items, from what users took", ("bpr",), "the loss to begin with"),
        ("the first few items right", ("warp", "infonce"), "more sampled items, more time"),
        ("only what is in the wrong order to pull", ("hinge",), ""),
        ("ratings", ("squared_error", "absolute_error", "huber"), "as in regression"),
    ),
    "ranking": (
        ("the best rows in the first places", ("lambdarank", "approx_ndcg"), "NDCG"),
        ("the whole order", ("ranknet", "hinge", "listmle"), "every pair or place counts alike"),
        ("the few best of many rows", ("listnet",), "the fastest"),
        ("the relevance itself, too", ("squared_error",), "`predict` is on the scale of y"),
    ),
}

REMARKS = {
    "segmentation": (
        "`NeuralSegmenter` also takes the losses for classification that have a value per row: each pixel is a row then.",
    ),
    "embedding": (
        "Vectors are divided by their lengths before they are compared, so that `d² = 2 - 2 cos`: distances are in [0, 2].",
    ),
    "boxes": ("`NeuralBoxRegressor` also takes the losses for regression, of the four corners.",),
    "recommendation": (
        "These learn an order of items from pairs (user, item) alone. From ratings a `Recommender` learns by the losses for regression.",
    ),
    "ranking": (
        "`s` is a score and `y` the relevance of a row of a group; the loss is a mean over groups, each counting alike. A group whose rows "
        "are all equally relevant has no order: its loss is 0, but for `squared_error`. `raw` is `(..., groups, rows, 1)`, `y` `(..., groups, "
        "rows)`, -1 where a group has ended.",
    ),
}

SEVERAL_TASKS = """\
## Several tasks at once

`NeuralMultiTask` takes a loss per task, of regression or classification. The loss of all, `JointLoss`, is the mean over tasks of each
task's mean loss over the rows that have its label, weighed as `weighting` says. A model is judged, and stopped, by fixed weights: equal
ones, or those of a dict.\
"""

OWN_LOSSES = """\
## Your own loss

It receives what torch's losses receive, and returns one loss per row. In the regressor that is the prediction and `y`, each `(n,)` or
`(n, targets)`, on the scale that the network trains on: centred and divided by the standard deviation unless `scale_target=False`. In
the classifier it is logits `(n, classes)` and class indices `(n,)`.

### A function

Arguments behind the first two are its parameters, with defaults; a search reaches them as `loss__<name>`.

```python
import torch
from sklearn.datasets import load_diabetes

from sklloss import NeuralRegressor

X, y = load_diabetes(return_X_y=True)


def linex(prediction, y, slope=1.0):
    \"\"\"Exponential where the prediction is too low, nearly linear where it is too high.\"\"\"
    missing = slope * (y - prediction)
    return torch.expm1(missing) - missing


model = NeuralRegressor(linex, max_epochs=20, random_state=0).set_params(loss__slope=0.5).fit(X, y)
print(model.predict(X[:2]))
```

### A class, with a parameter to search

An `nn.Module` subclass keeps its constructor's arguments as parameters.

```python
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.model_selection import GridSearchCV
from torch import nn


class LowIsWorse(nn.Module):
    \"\"\"Squared error that counts `factor` times where the prediction is too low.\"\"\"

    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def forward(self, prediction, y):
        error = prediction - y
        return torch.where(error < 0, self.factor, 1.0) * error**2


grid = [{"loss": ["mse"]}, {"loss": [LowIsWorse], "loss__factor": [2.0, 5.0]}]
cost = make_scorer(mean_pinball_loss, alpha=0.8, greater_is_better=False)  # too low costs more
search = GridSearchCV(NeuralRegressor(max_epochs=20, random_state=0), grid, cv=3, scoring=cost)
print(search.fit(X, y).best_params_)
```

### An instance, with a part that trains

Parameters of the instance train beside the network, from the values that the instance has; the instance itself stays as it is. What
they have become is in `loss_state_`.

```python
class LearntWidth(nn.Module):
    \"\"\"Laplace's log-likelihood with one width for all rows, which is learnt.\"\"\"

    def __init__(self):
        super().__init__()
        self.log_width = nn.Parameter(torch.zeros(()))

    def forward(self, prediction, y):
        return (prediction - y).abs() / self.log_width.exp() + self.log_width


model = NeuralRegressor(LearntWidth(), max_epochs=20, random_state=0).fit(X, y)
print(model.loss_state_["log_width"].exp())  # in standard deviations of y
```

### A `Loss`, like those of the catalogue

A frozen dataclass says more than a function can: which parameters are allowed, where training starts, whether y may be scaled, what is
estimated. It is given as a class or as an instance; with `@register_loss` above it also by its `name`.

```python
from dataclasses import dataclass
from typing import ClassVar

from sklloss.losses import Interval, RegressionLoss, parameter


@dataclass(frozen=True)
class PowerError(RegressionLoss):
    \"\"\"``|r|^power``: between absolute and squared error.\"\"\"

    name: ClassVar[str] = "power_error"
    functional: ClassVar[str] = "between median and mean"
    scaling: ClassVar[str] = "robust"

    power: float = parameter(1.5, Interval(1, 2, closed="right"))

    def pointwise(self, raw, y, state):
        size = (raw.squeeze(-1) - y).abs().clamp(min=1e-6)
        return size ** state["power"]

    def baseline(self, y, sample_weight, state):
        return (sample_weight @ y / sample_weight.sum()).unsqueeze(-1)


by_class = NeuralRegressor(PowerError, max_epochs=20, random_state=0).fit(X, y)
by_instance = NeuralRegressor(PowerError(power=1.2), max_epochs=20, random_state=0).fit(X, y)
print(by_class.loss_, by_instance.loss_)
```

`raw` is `(..., rows, targets, outputs)`, `y` is `(..., rows, targets)`, and `state` holds the parameters as tensors that fit them. For
a class of your own in the catalogue, see [how to add a loss](../CONTRIBUTING.md#how-to-add-a-loss).

### Weights

A loss with one value per row is weighted by `sample_weight` (and by `class_weight`). A function that returns one number for the whole
batch trains too, but weights cannot reach it; then they are an error that says so.

```python
import numpy as np


def for_all_rows(prediction, y):
    return ((prediction - y) ** 2).mean()


weight = np.where(y > 200, 5.0, 1.0)
NeuralRegressor(linex, max_epochs=20, random_state=0).fit(X, y, sample_weight=weight)
NeuralRegressor(for_all_rows, max_epochs=20, random_state=0).fit(X, y)
try:
    NeuralRegressor(for_all_rows, max_epochs=20).fit(X, y, sample_weight=weight)
except ValueError as error:
    print(error)
```

### Saving a model

A fitted model pickles with its loss by reference, as pickle does with every function and class: define the loss in a module of yours
that can be imported where the model is loaded. A lambda, or a function inside a function, has no such place, and pickle's error says so.

```python
import pickle

again = pickle.loads(pickle.dumps(by_instance))
print(np.array_equal(again.predict(X), by_instance.predict(X)))

model = NeuralRegressor(lambda prediction, y: (prediction - y) ** 4, max_epochs=5).fit(X, y)
try:
    pickle.dumps(model)
except (pickle.PicklingError, AttributeError) as error:
    print(error)
```\
"""
