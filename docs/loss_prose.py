"""The text of ``losses.md`` that belongs to no class: how to choose a loss, how to bring one."""

INTRODUCTION = """\
<!-- `python docs/make_losses.py` writes this page from the classes in `sklloss.losses`. Change those, not this page. -->

# The losses

Every loss, with its formula, a picture, its parameters, what it elicits, when to take it and when
not, what it costs, and where it comes from. If you are not sure what to look for, start with
[Choose a loss](guide/choose_a_loss.md) or with [what you want](#how-to-choose). You can also bring
[your own loss](#your-own-loss).

Never compare two losses by their values, because each has its own unit. Compare them by one metric,
on the same splits.\
"""

ALL_LOSSES = """\
Cost is the processor time of a training step of the default network, relative to that with the
usual loss of the task, which each entry names: 1.3 is about 30 % more. `python docs/loss_costs.py`
measures it.\
"""

NOTATION = """\
## Notation

`r` is prediction - y, `u` is y - prediction, `z` is the raw output of the network, `p` is a softmax
probability (of the true class, if it has no index), and `K` is the number of classes. A *predictive
distribution* is the distribution of y given X. Averages over rows are weighted means. Losses with a
threshold or a scale receive y centred at its median and divided by 1.4826 median absolute
deviations, so that a threshold means the same for house prices and for temperatures;
`scale_target=False` leaves y as it is.\
"""

REGRESSION_QUESTIONS = (
    ("the mean of y", ("squared_error",), "R², totals, averages"),
    ("the median of y", ("absolute_error",), "a typical value; outliers do not move it"),
    ("the mean, apart from a few outliers", ("huber", "log_cosh", "pseudo_huber"), ""),
    (
        "the bulk of y, when many rows are plainly wrong",
        ("cauchy", "welsch", "tukey"),
        "not convex: try several seeds",
    ),
    (
        "a level that y stays below with a given probability",
        ("quantile", "multi_quantile"),
        "0.9: nine times in ten",
    ),
    ("counts", ("poisson", "negative_binomial"), "the second also provides intervals"),
    (
        "counts of which more are 0 than `poisson` predicts",
        ("zero_inflated_poisson", "hurdle_poisson"),
        "or their forms with `negative_binomial`; all provide intervals",
    ),
    ("positive amounts whose spread grows with their size", ("gamma", "lognormal_nll"), "no zeros"),
    ("amounts, many of them exactly 0", ("tweedie",), "power between 1 and 2"),
    ("relative errors", ("absolute_percentage_error", "squared_log_error"), "both predict low"),
    (
        "an interval, or a predictive distribution",
        ("gaussian_nll", "student_t_nll", "crps"),
        "student_t_nll with outliers",
    ),
    (
        "a distribution of any shape",
        ("cross_entropy", "multi_quantile"),
        "needs many rows",
    ),
)

CLASSIFICATION_QUESTIONS = (
    ("probabilities", ("cross_entropy", "squared_error"), ""),
    (
        "rare classes and a balanced score",
        ("logit_adjusted", "class_balanced", "auc_margin"),
        "or `class_weight='balanced'`",
    ),
    ("many easy rows and a few hard ones", ("focal",), ""),
    ("many labels, of which a row has few", ("asymmetric",), "multi-label y"),
    (
        "some labels are wrong",
        ("generalized_cross_entropy", "bi_tempered", "symmetric_cross_entropy"),
        "with probabilities",
    ),
    ("you know which labels are mistaken for which", ("forward_correction",), "give the matrix"),
    ("ordered classes", ("cumulative_link", "coral", "corn"), "grades, ratings, stages"),
    ("only a decision", ("hinge", "active_passive"), "no `predict_proba`"),
    ("a high F1 score", ("logit_adjusted", "soft_f1"), "search tau below 1"),
    (
        "the area under the ROC curve",
        ("cross_entropy", "squared_error", "auc_margin"),
        "the last for two classes alone",
    ),
)

OTHER_QUESTIONS = {
    "segmentation": (
        (
            "a probability for every pixel",
            ("cross_entropy", "squared_error"),
            "as in classification",
        ),
        ("a large overlap of small regions", ("dice",), "no `predict_proba`"),
        ("no missed regions", ("tversky",), "beta above alpha"),
        ("many easy pixels and few hard ones", ("focal",), ""),
    ),
    "boxes": (
        ("the largest overlap", ("giou", "ciou"), "the second converges faster"),
        ("corners within a few pixels", ("squared_error", "smooth_l1", "huber"), ""),
    ),
    "transcription": (
        ("what was said, without an alignment", ("ctc",), "the first loss to try"),
        ("rare symbols", ("focal_ctc",), ""),
        ("no isolated spikes of symbols", ("entropy_ctc",), "slower"),
    ),
    "embedding": (
        (
            "nearest neighbours, also of new classes",
            ("infonce", "triplet"),
            "infonce is the first to try",
        ),
        ("one distance that separates similar rows from others", ("contrastive",), ""),
        ("a first look at given pairs", ("cosine_embedding",), ""),
        ("pairs of which some are wrongly labelled as similar", ("hinge_embedding",), ""),
    ),
    "recommendation": (
        ("an order of items, from interactions", ("bpr",), "the first loss to try"),
        ("the first few items right", ("warp", "infonce"), "more sampled items take more time"),
        ("pairs in the right order to stop pulling", ("hinge",), ""),
        ("ratings", ("squared_error", "absolute_error", "huber"), "as in regression"),
    ),
    "ranking": (
        ("the best rows in the first positions", ("lambdarank", "approx_ndcg"), "NDCG"),
        (
            "the whole order",
            ("ranknet", "hinge", "listmle"),
            "every pair or position counts the same",
        ),
        ("the few best of many rows", ("listnet",), "fast"),
        ("the relevance itself as well", ("squared_error",), "`predict` is on the scale of y"),
    ),
}

REMARKS = {
    "segmentation": (
        "`NeuralSegmenter` also takes the losses for classification that have a value per row,"
        " with a row for each pixel.",
    ),
    "embedding": (
        "Vectors are divided by their lengths before they are compared, so `d² = 2 - 2 cos`, and"
        " distances are in [0, 2].",
    ),
    "boxes": ("`NeuralBoxRegressor` also takes the losses for regression, of the four corners.",),
    "recommendation": (
        "These losses learn an order of items from pairs (user, item) alone. For ratings,"
        " `Recommender` takes the losses for regression.",
    ),
    "ranking": (
        "`s` is a score and `y` the relevance of a row of a group. The loss is a mean over groups,"
        " which all count the same. A group whose rows are all equally relevant has no order, and"
        " its loss is 0, except for `squared_error`. `raw` is `(..., groups, rows, 1)`, and `y` is"
        " `(..., groups, rows)`, with -1 after the end of a group.",
    ),
}

SEVERAL_TASKS = """\
## Several tasks at once

`NeuralMultiTask` takes a loss per task, for regression or classification. The joint loss,
`JointLoss`, is a mean over tasks of the mean loss of each task over the rows that have its label,
weighted by `weighting`. Models are evaluated, and stopped early, with fixed weights: equal ones, or
those of a dict.\
"""

OWN_LOSSES = """\
## Your own loss

Your loss receives what torch's losses receive, and returns one loss per row. In the regressor that
is the prediction and `y`, each `(n,)` or `(n, targets)`, on the scale on which the network is
trained: centred and divided by the standard deviation, unless `scale_target=False`. In the
classifier it is logits `(n, classes)` and class indices `(n,)`.

### A function

Arguments after the first two, with defaults, are its parameters. A search sets them as
`loss__<name>`.

```python
import torch
from sklearn.datasets import load_diabetes

from sklloss import NeuralRegressor

X, y = load_diabetes(return_X_y=True)


def linex(prediction, y, slope=1.0):
    \"\"\"Exponential if the prediction is too low, nearly linear if it is too high.\"\"\"
    missing = slope * (y - prediction)
    return torch.expm1(missing) - missing


model = NeuralRegressor(linex, max_epochs=20, random_state=0).set_params(loss__slope=0.5).fit(X, y)
print(model.predict(X[:2]))
```

### A class, with a parameter to search

The arguments of the constructor of an `nn.Module` subclass are its parameters.

```python
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.model_selection import GridSearchCV
from torch import nn


class LowIsWorse(nn.Module):
    \"\"\"Squared error that counts `factor` times if the prediction is too low.\"\"\"

    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def forward(self, prediction, y):
        error = prediction - y
        return torch.where(error < 0, self.factor, 1.0) * error**2


grid = [{"loss": ["mse"]}, {"loss": [LowIsWorse], "loss__factor": [2.0, 5.0]}]
# The pinball loss with alpha 0.8 penalises predictions that are too low.
cost = make_scorer(mean_pinball_loss, alpha=0.8, greater_is_better=False)
search = GridSearchCV(NeuralRegressor(max_epochs=20, random_state=0), grid, cv=3, scoring=cost)
print(search.fit(X, y).best_params_)
```

### An instance, with parameters that are trained

Parameters of the instance are trained along with the network, from the values that the instance
has. The instance itself is not changed; the trained values are in `loss_state_`.

```python
class LearntWidth(nn.Module):
    \"\"\"Laplace log-likelihood with one width for all rows, which is learnt.\"\"\"

    def __init__(self):
        super().__init__()
        self.log_width = nn.Parameter(torch.zeros(()))

    def forward(self, prediction, y):
        return (prediction - y).abs() / self.log_width.exp() + self.log_width


model = NeuralRegressor(LearntWidth(), max_epochs=20, random_state=0).fit(X, y)
# The width is in standard deviations of y.
print(model.loss_state_["log_width"].exp())
```

### A `Loss`, like those of the catalogue

A frozen dataclass defines more than a function can: which values its parameters may have, where
training starts, whether y may be scaled, and what is estimated. Pass the class or an instance; with
the decorator `@register_loss` its `name` works, too.

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

`raw` is `(..., rows, targets, outputs)`, `y` is `(..., rows, targets)`, and `state` holds the
parameters as tensors that broadcast against them. To add a loss to the catalogue, see [how to add a
loss](../CONTRIBUTING.md#how-to-add-a-loss).

### Weights

A loss with one value per row is weighted by `sample_weight` (and by `class_weight`). A function
that returns one number for the whole batch works as well, but weights cannot reach it, so passing
them raises an error.

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

A fitted model is pickled with a reference to its loss, as pickle does with every function and
class. Define the loss in a module that can be imported where the model is loaded. Pickle raises an
error for a lambda, or a function inside a function, which cannot be imported.

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
