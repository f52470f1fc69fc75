"""The tools of scikit-learn that a user combines an estimator with."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, mean_pinball_loss, recall_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklloss import NeuralClassifier, NeuralRegressor


def regressor(**params):
    return NeuralRegressor(
        **{"max_epochs": 20, "hidden_layer_sizes": (16,), "lr": 0.005, "random_state": 0, **params}
    )


def classifier(**params):
    return NeuralClassifier(
        **{"max_epochs": 20, "hidden_layer_sizes": (16,), "lr": 0.005, "random_state": 0, **params}
    )


@pytest.mark.parametrize("way", [lambda m: pickle.loads(pickle.dumps(m)), clone])
def test_pickle_and_clone(way, breast_cancer):
    X, y = breast_cancer
    model = classifier(loss="huber").set_params(loss__delta=0.2).fit(X, y)
    twin = way(model)
    twin = twin if hasattr(twin, "net_") else twin.fit(X, y)
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
    assert twin.loss_ == model.loss_


def test_joblib(tmp_path, diabetes):
    X, y = diabetes
    model = regressor().fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    np.testing.assert_array_equal(
        joblib.load(tmp_path / "model.joblib").predict(X), model.predict(X)
    )


@pytest.mark.parametrize(
    "meta",
    [
        BaggingRegressor(regressor(), n_estimators=3, random_state=0),
        AdaBoostRegressor(regressor(), n_estimators=3, random_state=0),
        TransformedTargetRegressor(regressor(loss="mae"), func=np.log1p, inverse_func=np.expm1),
        make_pipeline(StandardScaler(), regressor(loss="huber")),
    ],
    ids=lambda m: type(m).__name__,
)
def test_regressors_inside_others(meta, diabetes):
    X, y = diabetes
    assert meta.fit(X, y).score(X, y) > 0.35


@pytest.mark.parametrize(
    "meta",
    [
        CalibratedClassifierCV(classifier(loss="hinge"), cv=3),
        StackingClassifier(
            [("a", classifier()), ("b", classifier(loss="mae"))], LogisticRegression(), cv=3
        ),
        VotingClassifier([("a", classifier()), ("b", classifier(loss="huber"))], voting="soft"),
    ],
    ids=lambda m: type(m).__name__,
)
def test_classifiers_inside_others(meta, breast_cancer):
    X, y = breast_cancer
    assert meta.fit(X, y).score(X, y) > 0.95
    np.testing.assert_allclose(meta.predict_proba(X).sum(1), 1, atol=1e-6)


def test_cross_val_predict(breast_cancer):
    X, y = breast_cancer
    p = cross_val_predict(classifier(), X, y, method="predict_proba", cv=3)
    assert p.shape == (len(X), 2)
    assert (np.array(["benign", "malignant"])[p.argmax(1)] == y).mean() > 0.95


def test_permutation_importance(diabetes):
    X, y = diabetes
    model = regressor().fit(X, y)
    importance = permutation_importance(model, X, y, n_repeats=3, random_state=0)
    assert set(importance.importances_mean.argsort()[-2:]) <= {2, 3, 4, 5, 8}


def test_set_output_and_feature_names(breast_cancer):
    X, y = breast_cancer
    pipeline = Pipeline([("scale", StandardScaler()), ("net", classifier())])
    pipeline.set_output(transform="pandas").fit(X, y)
    assert pipeline[-1].feature_names_in_.tolist() == X.columns.tolist()


def test_mixed_columns():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=200), "town": rng.choice(["Rome", "Oslo"], 200)})
    y = X["size"] + 3 * (X["town"] == "Oslo")
    columns = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    model = make_pipeline(columns, regressor(max_epochs=200)).fit(X, y)
    assert model.score(X, y) > 0.95


def test_metadata_routing(diabetes):
    X, y = diabetes
    weights = np.where(np.arange(len(y)) % 3, 1.0, 0.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = (
            regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        )
        search = GridSearchCV(make_pipeline(model), {"neuralregressor__loss": ["mse"]}, cv=2)
        search.fit(X, y, sample_weight=weights)
        unweighted = GridSearchCV(
            make_pipeline(regressor()), {"neuralregressor__loss": ["mse"]}, cv=2
        ).fit(X, y)
    assert search.best_score_ != unweighted.best_score_


def test_scores_of_string_labels_and_of_quantiles(breast_cancer, diabetes):
    X, y = breast_cancer
    recall = make_scorer(recall_score, pos_label="malignant")
    scores = cross_validate(
        classifier(), X, y, scoring={"recall": recall, "macro": "recall_macro"}, cv=3
    )
    assert scores["test_recall"].min() > 0.85
    with pytest.warns(UserWarning, match="pos_label"):
        broken = cross_validate(classifier(), X, y, scoring="recall", cv=3)
    assert np.isnan(broken["test_score"]).all()
    X, y = diabetes
    pinball = make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False)
    high = regressor(loss="quantile").set_params(loss__quantile=0.9)
    results = cross_validate(high, X, y, scoring=pinball, cv=3)["test_score"].mean()
    assert results > cross_validate(regressor(), X, y, scoring=pinball, cv=3)["test_score"].mean()
    assert np.mean(y <= high.fit(X, y).predict(X)) == pytest.approx(0.9, abs=0.05)


def test_representations():
    assert repr(NeuralRegressor("huber")) == "NeuralRegressor(loss='huber')"
    shown = repr(NeuralRegressor("huber").set_params(loss__delta=2.0))
    assert shown == "NeuralRegressor(loss=Huber(delta=2.0))"
    assert "NeuralClassifier" in classifier()._repr_html_()
