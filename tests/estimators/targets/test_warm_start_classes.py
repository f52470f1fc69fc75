"""A fit that goes on has the classes of the first one, whatever labels are."""

import numpy as np
import pandas as pd
import pytest

from sklloss import NeuralClassifier, NeuralMultiTask, NeuralSegmenter

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
GRADE = np.arange(60) % 3
TEXT = np.array(["low", "mid", "top"])[GRADE]
SIGN = GRADE > 0
SEVERAL = np.column_stack((GRADE == 0, GRADE < 2, GRADE == 2)).astype(int)


def model(loss="cross_entropy", **params):
    settings = {"hidden_layer_sizes": (4,), "max_epochs": 2, "random_state": 0, "warm_start": True}
    return NeuralClassifier(loss, **{**settings, **params})


LACKING = r"y has no rows of the classes .*, which are in `classes_`.*warm_start=False"
UNKNOWN = r"y has labels that are not in `classes_`.*warm_start=False"
OTHER = [
    ("fewer text", TEXT, TEXT, GRADE < 2, LACKING),
    ("fewer objects", TEXT.astype(object), TEXT.astype(object), GRADE < 2, LACKING),
    ("fewer categories", pd.Categorical(TEXT), pd.Categorical(TEXT), GRADE < 2, LACKING),
    ("fewer numbers", GRADE, GRADE, GRADE > 0, LACKING),
    ("fewer floats", GRADE.astype(float), GRADE.astype(float), GRADE > 0, LACKING),
    ("more text", TEXT, np.where(GRADE == 1, "new", TEXT), GRADE < 9, UNKNOWN),
    ("more numbers", GRADE, GRADE + 1, GRADE < 9, UNKNOWN),
    ("numbers after text", TEXT, GRADE, GRADE < 9, UNKNOWN),
    ("numbers after objects", TEXT.astype(object), GRADE, GRADE < 9, UNKNOWN),
    ("text after numbers", GRADE, GRADE.astype(str), GRADE < 9, UNKNOWN),
    ("numbers after their text", GRADE.astype(str), GRADE, GRADE < 9, UNKNOWN),
    ("numbers after bools", SIGN, GRADE, GRADE < 9, UNKNOWN),
    ("text after bools", SIGN, SIGN.astype(str), GRADE < 9, UNKNOWN),
    ("bools after text", SIGN.astype(str), SIGN, GRADE < 9, UNKNOWN),
    ("bools after other numbers", SIGN + 1, SIGN, GRADE < 9, UNKNOWN),
    ("fewer labels", SEVERAL, SEVERAL[:, :2], GRADE < 9, "was trained on other ones"),
    ("more labels", SEVERAL[:, :2], SEVERAL, GRADE < 9, "was trained on other ones"),
    ("one label of several", SEVERAL, GRADE, GRADE < 9, "trained with 3 labels"),
    ("several of one", GRADE, SEVERAL, GRADE < 9, "was trained on other ones"),
]


@pytest.mark.parametrize(
    ("first", "second", "rows", "message"),
    [case[1:] for case in OTHER],
    ids=[case[0] for case in OTHER],
)
def test_other_classes_are_refused_and_the_model_stays(first, second, rows, message):
    fitted = model().fit(X, first)
    before = fitted.predict_proba(X).tobytes()
    with pytest.raises(ValueError, match=message):
        fitted.fit(X[rows], second[rows])
    assert fitted.predict_proba(X).tobytes() == before
    assert fitted.n_iter_ == 2


@pytest.mark.parametrize("loss", ["coral", "cumulative_link"])
def test_the_lacking_class_is_named_in_any_order(loss):
    order = pd.Categorical(TEXT, ["top", "low", "mid"], ordered=True)
    fitted = model(loss).fit(X, order)
    with pytest.raises(ValueError, match=r"no rows of the classes \['mid'\]"):
        fitted.fit(X[GRADE != 1], order[GRADE != 1])


@pytest.mark.parametrize("y", [GRADE, TEXT, SIGN, SEVERAL], ids=["int", "text", "bool", "several"])
def test_the_same_classes_go_on(y):
    assert model().fit(X, y).fit(X[::-1], y[::-1]).n_iter_ == 4
    # A label that none of the rows has is no class that is missing.
    if y is SEVERAL:
        assert model().fit(X, y).fit(X[GRADE < 2], y[GRADE < 2]).n_iter_ == 4


def test_a_class_of_weight_0_is_lacking_too_and_partial_fit_takes_some():
    fitted = model().fit(X, TEXT)
    with pytest.raises(ValueError, match=r"no rows of the classes \['top'\]"):
        fitted.fit(X, TEXT, sample_weight=(GRADE < 2).astype(float))
    assert fitted.partial_fit(X[GRADE < 2], TEXT[GRADE < 2]).n_iter_ == 3
    anew = fitted.set_params(warm_start=False).fit(X[GRADE < 2], TEXT[GRADE < 2])
    assert anew.classes_.tolist() == ["low", "mid"]


def test_classes_of_pixels_and_of_tasks():
    images = RNG.normal(size=(4, 1, 8, 8))
    masks = RNG.integers(0, 3, (4, 8, 8))
    segmenter = NeuralSegmenter(max_epochs=1, warm_start=True, random_state=0).fit(images, masks)
    with pytest.raises(ValueError, match=r"no rows of the classes \[2\]"):
        segmenter.fit(images, masks.clip(max=1))
    y = pd.DataFrame({"size": X[:, 0], "kind": TEXT})
    losses = {"size": "mse", "kind": "cross_entropy"}
    tasks = NeuralMultiTask(losses, max_epochs=1, warm_start=True, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"'kind': y has no rows of the classes \['top'\]"):
        tasks.fit(X, y.assign(kind=np.where(GRADE == 2, None, TEXT)))
    assert tasks.fit(X, y.assign(kind=np.where(np.arange(60) < 9, None, TEXT))).n_iter_ == 2
