"""Rows for estimators of scikit-learn that give X as it is to several others."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import StackingRegressor, VotingRegressor
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.estimators.alignment.align import align_columns

from .small_homes import fit, records

CATEGORIES = ["kind", "postcode", "floor"]
SMALL = {"max_epochs": 2, "random_state": 0}


def several():
    """Return a network on raw columns and one after an encoder, which tells None from NaN."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoded = make_pipeline(
        make_column_transformer((encoder, ["kind", "postcode"])), NeuralRegressor(**SMALL)
    )
    return [("a", NeuralRegressor(categorical_features=CATEGORIES, **SMALL)), ("b", encoded)]


@pytest.mark.parametrize("around", [VotingRegressor, lambda each: StackingRegressor(each, cv=2)])
@pytest.mark.parametrize("missing", [np.nan, None])
def test_regressors_side_by_side(around, missing, table):
    X = table.assign(kind=table["kind"].astype(object).where(table["kind"].notna(), missing))
    estimator = fit(around(several()), X)
    aligned = align_columns(estimator, records(table))
    np.testing.assert_array_equal(estimator.predict(aligned), estimator.predict(X))


@pytest.mark.parametrize(
    "around",
    [
        lambda net: CalibratedClassifierCV(net, cv=KFold(2)),
        OneVsRestClassifier,
        MultiOutputClassifier,
    ],
    ids=["calibrated", "one vs rest", "multi-output"],
)
def test_classifiers_of_several_fits(around, table):
    X = table.copy()
    X.loc[:3, "postcode"] = "7777"  # A code of the first fold alone.
    is_dear = (X["rooms"] > 3).to_numpy()
    estimator = around(NeuralClassifier(categorical_features=CATEGORIES, **SMALL))
    y = np.c_[is_dear, ~is_dear] if isinstance(estimator, MultiOutputClassifier) else is_dear
    estimator.fit(X, y)
    aligned = align_columns(estimator, records(X), unseen="error")
    np.testing.assert_array_equal(estimator.predict_proba(aligned), estimator.predict_proba(X))
