"""What scikit-learn builds around our estimators is saved with them, and its own steps by skops."""

import re
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import loguniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    HistGradientBoostingRegressor,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import (
    SelectKBest,
    chi2,
    f_classif,
    f_regression,
    mutual_info_classif,
    mutual_info_regression,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    ShuffleSplit,
    TunedThresholdClassifierCV,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    StandardScaler,
)

from sklloss import LossSearchCV, MetricEmbedder, NeuralClassifier, NeuralRegressor
from sklloss.metrics import get_scorer
from sklloss.persistence import load, save
from sklloss.persistence.objects import functions

from .every_answer import assert_same, assert_same_answers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = X[:, 0] + 0.1 * RNG.normal(size=60)
CLASSES = np.where(Y > 0, "up", "down")
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(e=np.where(X[:, 1] > 0, "x", "y"))
pytestmark = pytest.mark.filterwarnings("ignore:Training of loss")
QUICK = {"hidden_layer_sizes": (4,), "max_epochs": 2, "random_state": 0, "n_members": 1}
REGRESSOR, CLASSIFIER = NeuralRegressor("huber", **QUICK), NeuralClassifier(**QUICK)


def through(model, path, **params):
    save(model, path)
    return load(path, **params)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.sklloss"


def columns():
    return make_column_transformer(
        (StandardScaler(), ["a", "b"]),
        (OneHotEncoder(), make_column_selector(dtype_exclude=np.number)),
        (FunctionTransformer(np.tanh), slice(2, 3)),
        remainder="passthrough",
    )


MODELS = {
    "pipeline": (make_pipeline(StandardScaler(), REGRESSOR), X, Y),
    "steps with names": (
        Pipeline([("scale", StandardScaler()), ("keep", "passthrough"), ("net", CLASSIFIER)]),
        X,
        CLASSES,
    ),
    "columns": (make_pipeline(columns(), REGRESSOR), FRAME, Y),
    "columns with ours": (
        make_pipeline(
            ColumnTransformer(
                [("near", MetricEmbedder(max_epochs=1, random_state=0), list("ab"))],
                remainder=StandardScaler(),
            ),
            CLASSIFIER,
        ),
        FRAME[list("abcd")],
        CLASSES,
    ),
    "union": (
        make_pipeline(
            FeatureUnion([("scale", StandardScaler()), ("same", "passthrough")]), REGRESSOR
        ),
        X,
        Y,
    ),
    "target": (
        TransformedTargetRegressor(REGRESSOR, func=np.log1p, inverse_func=np.expm1),
        X,
        np.exp(Y),
    ),
    "target in a pipeline": (
        TransformedTargetRegressor(
            make_pipeline(StandardScaler(), REGRESSOR), transformer=StandardScaler()
        ),
        X,
        Y,
    ),
    "vote": (VotingRegressor([("net", REGRESSOR), ("line", Ridge())]), X, Y),
    "bag": (BaggingRegressor(REGRESSOR, n_estimators=2, random_state=0), X, Y),
    "stack": (
        StackingClassifier([("net", CLASSIFIER)], LogisticRegression(), cv=2),
        X,
        CLASSES,
    ),
    "imputed": (make_pipeline(SimpleImputer(), KBinsDiscretizer(3), REGRESSOR), X, Y),
    "boosted": (AdaBoostRegressor(REGRESSOR, n_estimators=2, random_state=0), X, Y),
    "threshold": (TunedThresholdClassifierCV(CLASSIFIER, cv=2), X, (Y > 0).astype(int)),
    "several": (MultiOutputRegressor(REGRESSOR), X, np.column_stack((Y, X[:, 2]))),
    "calibrated": (CalibratedClassifierCV(CLASSIFIER, cv=2, ensemble=False), X, CLASSES),
    "without ours": (make_pipeline(StandardScaler(), Ridge()), X, Y),
}


@pytest.mark.parametrize(("model", "rows", "y"), MODELS.values(), ids=MODELS)
def test_objects_around_ours(model, rows, y, file):
    fitted = model.fit(rows, y)
    loaded = through(fitted, file)
    assert_same_answers(fitted, loaded, rows)
    assert printed(loaded) == printed(fitted)
    loaded.fit(rows, y)
    assert_same(fitted.predict(rows), loaded.predict(rows))


def printed(model):
    return re.sub("0x[0-9a-f]+", "", repr(model))


SEARCHES = {
    "losses": LossSearchCV(
        make_pipeline(StandardScaler(), REGRESSOR),
        [
            {"neuralregressor__loss": ["mse", "mae"]},
            {"neuralregressor__loss": ["huber"], "neuralregressor__loss__delta": [0.5, 1.0]},
        ],
        cv=ShuffleSplit(2, random_state=0),
        keep_predictions=True,
    ),
    "metrics": LossSearchCV(
        NeuralRegressor("gaussian_nll", **QUICK),
        {"lr": [0.01, 0.1]},
        scoring={"crps": get_scorer("neg_crps"), "r2": "r2"},
        refit="crps",
        cv=2,
    ),
    "draws": LossSearchCV(
        REGRESSOR, {"lr": loguniform(1e-3, 1e-1)}, n_iter=2, random_state=0, cv=2
    ),
    "grid": GridSearchCV(REGRESSOR, {"loss": ["mse", "mae"]}, cv=2),
    "grid with a scorer": GridSearchCV(
        make_pipeline(StandardScaler(), REGRESSOR),
        {"neuralregressor__lr": [0.01, 0.1]},
        scoring=make_scorer(mean_pinball_loss, alpha=0.3, greater_is_better=False),
        cv=2,
    ),
    "random": RandomizedSearchCV(
        REGRESSOR, {"loss": ["mse", "mae", "huber"]}, n_iter=2, random_state=0, cv=2
    ),
}


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_searches(search, file):
    fitted = search.fit(X, Y)
    loaded = through(fitted, file)
    assert_same(fitted.predict(X), loaded.predict(X))
    assert fitted.score(X, Y) == loaded.score(X, Y)
    assert loaded.best_params_ == fitted.best_params_
    assert list(loaded.cv_results_) == list(fitted.cv_results_)
    for name, values in fitted.cv_results_.items():
        if name == "params":
            assert loaded.cv_results_[name] == values
        else:
            np.testing.assert_array_equal(loaded.cv_results_[name], values)
    assert type(loaded.cv_results_["rank_" + next(iter(fitted_scores(fitted)))]) is np.ndarray
    assert len(getattr(loaded, "histories_", [])) == len(getattr(fitted, "histories_", []))
    loaded.fit(X, Y)
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))


def fitted_scores(search):
    return [
        name.removeprefix("mean_") for name in search.cv_results_ if name.startswith("mean_test")
    ]


def test_groups_and_metadata_requests(file):
    with config_context(enable_metadata_routing=True):
        net = clone(REGRESSOR).set_fit_request(sample_weight=True)
    search = GridSearchCV(net, {"lr": [0.01]}, cv=GroupKFold(2))
    assert net.get_metadata_routing().fit.requests["sample_weight"] is True
    loaded = through(search, file)
    assert loaded.estimator.get_metadata_routing().fit.requests["sample_weight"] is True
    assert loaded.cv.n_splits == 2


def test_steps_that_skops_does_not_trust_are_named(file):
    model = make_pipeline(HistGradientBoostingRegressor(max_iter=2)).fit(X, Y)
    save(model, file)
    with pytest.raises(ValueError, match="TreePredictor.*trusted=") as error:
        load(file)
    name = str(error.value).partition("trusted=['")[2].partition("']")[0]
    assert_same(model.predict(X), load(file, trusted=[name]).predict(X))


@pytest.mark.parametrize(
    "score",
    [f_classif, f_regression, chi2, mutual_info_classif, mutual_info_regression],
    ids=lambda score: score.__name__,
)
def test_selectors_by_a_score_of_scikit_learn_need_no_trust(score, file):
    net, y = (REGRESSOR, Y) if "regression" in score.__name__ else (CLASSIFIER, CLASSES)
    model = make_pipeline(SelectKBest(score, k=2), net).fit(abs(X), y)
    assert_same(model.predict(abs(X)), through(model, file).predict(abs(X)))


def test_another_function_of_that_name_needs_trust():
    assert functions.is_score_of_features("sklearn.feature_selection._chi2.chi2") is False
    assert functions.is_score_of_features("mypackage.chi2") is False


def test_an_estimator_that_hides_inside_a_foreign_one_is_refused(file):
    from sklearn.inspection import PartialDependenceDisplay
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.semi_supervised import LabelSpreading

    assert PartialDependenceDisplay
    model = make_pipeline(FunctionTransformer(kw_args={"net": REGRESSOR}), Ridge())
    with pytest.raises(TypeError, match=r"an sklloss estimator is inside a .*FunctionTransformer"):
        save(model, file)
    assert not file.exists()
    for each in (OneVsRestClassifier(CLASSIFIER).fit(X, CLASSES), LabelSpreading().fit(X, CLASSES)):
        assert_same(each.predict(X), through(each, file).predict(X))


def test_without_skops_the_error_names_the_extra(file, monkeypatch):
    model = make_pipeline(StandardScaler(), REGRESSOR).fit(X, Y)
    save(model, file)
    alone = file.with_name("alone")
    save(model[-1], alone)
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ImportError, match=r"sklloss\[files\]"):
        load(file)
    with pytest.raises(ImportError, match=r"Pipeline.steps.*sklloss\[files\]"):
        save(model, file)
    assert_same(model[-1].predict(X), load(alone).predict(X))
