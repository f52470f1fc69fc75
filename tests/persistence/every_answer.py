"""Everything that a fitted estimator can say, to be compared bit by bit."""

import numpy as np
import pandas as pd
from scipy import sparse

METHODS = (
    *("predict", "predict_proba", "predict_log_proba", "decision_function", "predict_std"),
    *("predict_quantiles", "predict_interval", "transform", "recommend"),
)
ATTRIBUTES = (
    *("oof_", "classes_", "n_features_in_", "feature_names_in_", "n_iter_", "history_", "loss_"),
    *("loss_state_", "task_weights_", "vocabulary_"),
)


def answers_of(model, X):
    """Return every answer of a model by the name of its method."""
    found = {name: method(X) for name in METHODS if (method := _method(model, name))}
    if _method(model, "predict_distribution") and "predict_quantiles" in found:
        said = model.predict_distribution(X)
        found["ppf"] = said.ppf(0.3)
    if _method(model, "get_feature_names_out") and not hasattr(model, "steps"):
        found["names"] = model.get_feature_names_out()
    for name in ATTRIBUTES:
        if hasattr(model, name):
            found[name] = getattr(model, name)
    if "loss_" in found:
        # A loss of the user may compare by identity.
        found["loss_"] = repr(found["loss_"])
    if "history_" in found:
        # Without times.
        found["history_"] = [{**dict(row), "dur": 0} for row in found["history_"]]
    return found


def _method(model, name):
    return getattr(model, name, None)


def assert_same(mine, theirs):
    """Raise unless two values have the same types and bits."""
    assert type(mine) is type(theirs)
    if isinstance(mine, dict):
        assert list(mine) == list(theirs)
        for name in mine:
            assert_same(mine[name], theirs[name])
    elif isinstance(mine, list | tuple):
        assert len(mine) == len(theirs)
        for pair in zip(mine, theirs, strict=True):
            assert_same(*pair)
    elif isinstance(mine, pd.DataFrame):
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    elif isinstance(mine, np.ndarray):
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        np.testing.assert_array_equal(mine, theirs)
    elif hasattr(mine, "detach"):
        np.testing.assert_array_equal(mine.detach().numpy(), theirs.detach().numpy())
    elif sparse.issparse(mine):
        assert (mine != theirs).nnz == 0
    else:
        assert mine == theirs or (mine != mine and theirs != theirs)


def assert_same_answers(mine, theirs, X):
    """Raise unless two models give the same bits in every answer."""
    expected = answers_of(mine, X)
    assert set(expected) & set(METHODS)
    assert_same(expected, answers_of(theirs, X))
