"""How do I search over losses inside a Pipeline?
=================================================

The houses of Ames have 33 numeric columns and 40 columns of text, some with missing values. Which
loss predicts their prices with the lowest mean absolute error, behind an encoder of your own? Look
at the grids: ``net__loss`` reaches the loss through the Pipeline. (The network would also take the
table as it is.)

Run it with ``python examples/pipeline.py``; it needs the ``examples`` extra.
"""

# %%
# Build the Pipeline
# ------------------
# The encoder already scales the columns, so the network has ``scale_inputs=False``.
import textwrap

from data import ames_houses
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklloss import LossSearchCV, NeuralRegressor, compare_losses
from sklloss.inspection import LossComparisonDisplay

numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
texts = make_pipeline(
    SimpleImputer(strategy="constant", fill_value="None"),
    OneHotEncoder(handle_unknown="ignore"),
)
columns = ColumnTransformer(
    [
        ("numbers", numbers, make_column_selector(dtype_include="number")),
        ("texts", texts, make_column_selector(dtype_exclude="number")),
    ]
)
net = NeuralRegressor(n_members=1, scale_inputs=False, random_state=0)
model = Pipeline([("columns", columns), ("net", net)])

# %%
# Search through it
# -----------------
# ``net__loss__delta`` is a parameter of one of the losses only, so it is in a grid of its own.
# ``GridSearchCV`` takes the same grids and finds the same scores; ``LossSearchCV`` fits the encoder
# once per split and trains the networks together.
GRIDS = [
    {"net__loss": ["mse", "mae", "cross_entropy"]},
    {"net__loss": ["huber"], "net__loss__delta": [0.1, 1.0, 3.0]},
]
SPLITS = KFold(5, shuffle=True, random_state=0)
SCORING = "neg_mean_absolute_error"

X, y = ames_houses()
search = LossSearchCV(model, GRIDS, scoring=SCORING, cv=SPLITS).fit(X, y)
compared = compare_losses(search)
print(compared)

# %%
LossComparisonDisplay.from_search(search)

# %%
# What was learnt
# ---------------
guess = -cross_val_score(DummyRegressor(strategy="median"), X, y, scoring=SCORING, cv=SPLITS).mean()
error = -search.best_score_
of_mse = compared.to_frame().set_index("candidate").loc["mse"]
text = (
    f"The best candidate, {compared.best}, is off by {error:,.0f} dollars on average,"
    f" {error / guess:.0%} of the error of predicting the median. That is"
    f" {of_mse['difference']:,.0f} dollars less than mse, which it beats in"
    f" {of_mse['ahead']:.0f} of 5 folds."
)
print(textwrap.fill(text, width=80))
