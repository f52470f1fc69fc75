"""NeuralSegmenter with networks and losses of one's own, in searches, pipelines and scikit-learn's
checks."""

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from sklloss import LossSearchCV, NeuralSegmenter
from sklloss.losses import CrossEntropy, Dice, get_loss

from .small_scenes import CHECKS, scenes, segmenter, three_classes

# ---------------------------------------------------------------------- networks of one's own


class Thresholds(nn.Module):
    """A 1 x 1 convolution, as torch's networks return it: (n, classes, height, width)."""

    def __init__(self, in_channels, num_classes, as_dict=False):
        super().__init__()
        self.layer = nn.Conv2d(in_channels, num_classes, 3, padding=1)
        self.as_dict = as_dict

    def forward(self, X):
        output = self.layer(X)
        return {"out": output} if self.as_dict else output


@pytest.mark.parametrize("as_dict", [False, True])
def test_a_network_of_ones_own_returns_an_image_per_class(as_dict):
    X, y = three_classes()
    model = segmenter(module=Thresholds, module_params={"as_dict": as_dict}, max_epochs=20)
    model.fit(X, y)
    layer = model.net_.module_.network.layer
    scaled = (X - X.mean()) / X.std()
    with torch.no_grad():
        logits = layer(torch.from_numpy(scaled[:, None]).float())
    np.testing.assert_allclose(model.predict_proba(X), logits.softmax(1), atol=1e-4)


def test_two_logits_for_two_classes_do_as_well():
    X, y, _ = scenes()
    model = segmenter(module=nn.Conv2d(1, 2, 3, padding=1), module_params=None, max_epochs=20)
    model.fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (40, 2, 12, 10)
    np.testing.assert_array_equal(model.predict(X), p.argmax(1))
    assert model.decision_function(X).shape == (40, 12, 10)


def test_a_network_that_shrinks_images_is_refused():
    X, y = three_classes()
    model = segmenter(module=nn.Conv2d(1, 3, 3), module_params=None)
    with pytest.raises(
        ValueError, match=r"module Conv2d returns 240 numbers.*3 x 12 x 10.*needs 360"
    ):
        model.fit(X, y)


# ---------------------------------------------------------------------- losses of one's own


def focal_of_pixels(logits, labels):
    log_p = logits.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return -((1 - log_p.exp()) ** 2) * log_p


def dice_of_images(logits, labels):
    p, t = logits.softmax(1), nn.functional.one_hot(labels, logits.shape[1]).mT
    overlap = (2 * (p * t).sum(2) + 1) / (p.sum(2) + t.sum(2) + 1)
    return 1 - overlap.mean(1)


@pytest.mark.parametrize(
    ("own", "named"),
    [
        (nn.CrossEntropyLoss, "cross_entropy"),
        (nn.CrossEntropyLoss(label_smoothing=0.1), CrossEntropy(label_smoothing=0.1)),
        (nn.NLLLoss(), "cross_entropy"),
        (focal_of_pixels, "focal"),
        (dice_of_images, "dice"),
    ],
)
def test_a_loss_of_ones_own_sees_logits_as_torch_has_them(own, named):
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(5, 12, 3, dtype=torch.float64, generator=generator)
    y = torch.randint(3, (5, 12), generator=generator)
    weights = torch.rand(5, dtype=torch.float64, generator=generator)
    values = []
    for given in (own, named):
        loss = get_loss(given, task="segmentation")
        state = loss.prepare(y.reshape(-1, 1), torch.ones(60).double(), 3)
        values.append(loss(raw, y, state, weights).item())
    assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_a_loss_of_ones_own_trains_as_its_twin_does():
    X, y = three_classes()
    weights = np.random.default_rng(0).random(40)
    settings = {"dtype": "float64", "max_epochs": 2}
    for own, named in [(nn.CrossEntropyLoss, "cross_entropy"), (dice_of_images, "dice")]:
        model = segmenter(own, **settings).fit(X, y, weights)
        twin = segmenter(named, **settings).fit(X, y, weights)
        np.testing.assert_allclose(
            model.decision_function(X), twin.decision_function(X), rtol=1e-4, atol=1e-6
        )


def test_torchs_binary_cross_entropy_takes_two_classes():
    X, y, _ = scenes()
    model = segmenter(nn.BCEWithLogitsLoss, dtype="float64", max_epochs=2).fit(X, y)
    twin = segmenter(dtype="float64", max_epochs=2).fit(X, y)
    np.testing.assert_allclose(
        model.decision_function(X), twin.decision_function(X), rtol=1e-4, atol=1e-6
    )


# ---------------------------------------------------------------------- searches


GRID = [
    {"loss": ["cross_entropy", "mse", "dice"]},
    {"loss": ["tversky"], "loss__beta": [0.5, 0.9]},
]


def test_searches_over_losses_by_its_own_score():
    X, y, _ = scenes(30)
    cv = KFold(3)
    model = segmenter(max_epochs=15, lr=0.02)
    grid = GridSearchCV(model, GRID, cv=cv).fit(X, y)
    ours = LossSearchCV(model, GRID, cv=cv).fit(X, y)
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"]
    )
    assert len(np.unique(grid.cv_results_["mean_test_score"])) > 2
    assert ours.best_params_ == grid.best_params_
    np.testing.assert_array_equal(ours.predict(X), grid.predict(X))
    assert ours.best_estimator_.loss_ == grid.best_estimator_.loss_


def test_works_at_the_end_of_a_pipeline():
    X, y, _ = scenes()
    pipeline = make_pipeline(FunctionTransformer(np.negative), segmenter())
    pipeline.set_params(neuralsegmenter__loss="focal", neuralsegmenter__loss__gamma=1.0)
    assert pipeline.fit(X, y).predict(X).shape == y.shape
    assert pipeline[-1].loss_.gamma == 1.0


def test_nested_parameters():
    model = segmenter("dice").set_params(loss__smooth=0.5, module__channels=(2,), lr=0.1)
    assert model.loss == Dice(smooth=0.5)
    assert model.get_params()["loss__smooth"] == 0.5
    assert model.get_params()["module__channels"] == (2,)


def test_tags_are_true():
    tags = segmenter().__sklearn_tags__()
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert tags.target_tags.required
    assert not tags.input_tags.allow_nan


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_checks_of_scikit_learn(check):
    check("NeuralSegmenter", NeuralSegmenter())
