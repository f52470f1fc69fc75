"""SequenceTranscriber in scikit-learn's tools, with own networks and losses, and as a module."""

import pickle
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.utils import estimator_checks
from torch import nn

from sklloss import LossSearchCV, NeuralClassifier, SequenceTranscriber
from sklloss.losses import CTC, TranscriptionLoss, certain_blank_where

from .small_transcribers import quick, small

# ---------------------------------------------------------------------- scikit-learn's tools


def test_grid_search_over_losses_with_its_own_score(data):
    grid = [
        {"loss": ["ctc"], "loss__label_smoothing": [0.0, 0.1]},
        {"loss": ["focal_ctc"], "loss__gamma": [1.0]},
        {"loss": ["entropy_ctc"], "lr": [0.01, 0.02]},
    ]
    search = GridSearchCV(small(max_epochs=5), grid, cv=KFold(2), error_score="raise").fit(*data)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 5
    assert np.isfinite(scores).all()
    assert scores.max() > 0.8
    assert search.score(*data) == search.best_estimator_.score(*data)


def test_loss_search_gives_the_scores_of_grid_search(data):
    grid = {"loss": ["ctc", "focal_ctc"]}
    both = [
        search(quick(), grid, cv=KFold(2)).fit(*data) for search in (GridSearchCV, LossSearchCV)
    ]
    first, second = (each.cv_results_["mean_test_score"] for each in both)
    np.testing.assert_array_equal(first, second)


def test_cross_validation_splits_lists(data):
    assert cross_val_score(small(), *data, cv=2).min() > 0.8


CHECKS = (
    "check_parameters_default_constructible",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_get_params_invariance",
    "check_set_params",
    "check_valid_tag_types",
    "check_estimator_tags_renamed",
    "check_mixin_order",
)


@pytest.mark.parametrize("check", CHECKS)
def test_checks_of_scikit_learn_that_apply(check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(estimator_checks, check)("SequenceTranscriber", SequenceTranscriber())


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_before_a_fit_it_says_so(method, data):
    with pytest.raises(NotFittedError, match="SequenceTranscriber instance is not fitted"):
        getattr(SequenceTranscriber(), method)(data[0])


def test_nested_parameters(data):
    model = small().set_params(loss__label_smoothing=0.2, module__stride=1)
    assert model.get_params()["loss__label_smoothing"] == 0.2
    assert model.get_params()["module__stride"] == 1
    model.fit(*data)
    assert model.loss_ == CTC(label_smoothing=0.2)
    assert len(model.predict_proba(data[0][:1])[0]) == len(data[0][0])


# ---------------------------------------------------------------------- own networks


class Plain(nn.Module):
    """A convolution; its certain blanks can be left out."""

    def __init__(self, n_features, n_outputs, masked=True, wide=0):
        super().__init__()
        self.layer = nn.Conv1d(n_features, n_outputs + wide, 3, padding=1)
        self.masked = masked

    def forward(self, X):
        raw = self.layer((X[..., :-1] * X[..., -1:]).mT).mT
        return certain_blank_where(X[..., -1] == 0, raw) if self.masked else raw


# ---------------------------------------------------------------------- augment


def test_augment_sees_frames_as_they_were_and_padding_stays_padding(data):
    X, y = [(np.round(utterance * 64) + 0.5) / 64 for utterance in data[0]], data[1]
    seen = []

    def loud_behind_the_end(frames):
        seen.append(frames.clone())
        return torch.where(frames == 0, 1e6, frames)

    model = quick(augment=loud_behind_the_end).fit(X, y)
    frames = {row.tobytes() for utterance in X for row in utterance.astype(np.float32)}
    frames.add(np.zeros(4, np.float32).tobytes())
    assert {f.numpy().tobytes() for batch in seen for row in batch for f in row} == frames
    for mine, theirs in zip(
        model.predict_proba(X), quick().fit(X, y).predict_proba(X), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-3)


def test_augment_is_seeded_and_changes_training_alone(data):
    X, y = data

    def masked(frames):
        return frames * (torch.rand(len(frames), frames.shape[1], 1) > 0.2)

    one, same, other = (quick(augment=masked, random_state=seed).fit(X, y) for seed in (0, 0, 1))
    for mine, twin in zip(one.predict_proba(X), same.predict_proba(X), strict=True):
        np.testing.assert_array_equal(mine, twin)
    assert not np.array_equal(one.predict_proba(X)[0], other.predict_proba(X)[0])
    assert not np.array_equal(one.predict_proba(X)[0], quick().fit(X, y).predict_proba(X)[0])
    with pytest.raises(ValueError, match="augment must return a tensor of the shape"):
        quick(augment=lambda frames: frames[:, 1:]).fit(X, y)
    with pytest.raises(ValueError, match="augment to be None or a function .*; got 'mask'"):
        quick(augment="mask").fit(X, y)


# --------------------------------------------------------------------- the module of a fitted model


@pytest.mark.parametrize("params", [{}, {"n_members": 2}, {"scale_inputs": False}])
@pytest.mark.parametrize("output", ["predict_proba", "predict_log_proba"])
def test_module_of_the_fitted_model_is_the_model(output, params, data, unseen):
    X, _ = unseen
    model = quick(**params).fit(*data)
    module = model.to_module(output)
    lengths = torch.tensor([len(utterance) for utterance in X])
    padded = torch.full((len(X), int(lengths.max()), 4), 99.0, dtype=torch.float64)
    for row, utterance in enumerate(X):
        padded[row, : len(utterance)] = torch.from_numpy(utterance)
    said = module(padded, lengths).numpy()
    for row, expected in enumerate(getattr(model, output)(X)):
        n_frames = module.n_frames_out(len(X[row]))
        assert len(expected) == n_frames
        np.testing.assert_allclose(said[row, :n_frames], expected, rtol=1e-4, atol=1e-6)
        behind = said[row, n_frames:] if output == "predict_proba" else np.exp(said[row, n_frames:])
        np.testing.assert_array_equal(behind, np.tile([1.0, 0, 0, 0], (len(behind), 1)))
    alone = module(torch.from_numpy(X[0])[None])[0].numpy()
    np.testing.assert_allclose(alone, getattr(model, output)(X[:1])[0], rtol=1e-4, atol=1e-6)


def test_module_exports_with_dynamic_rows_and_frames(fitted):
    module = fitted.to_module("raw")
    X = torch.randn(3, 10, 4, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([10, 4, 7])
    rows, frames = torch.export.Dim("rows"), torch.export.Dim("frames", min=6)
    shapes = ({0: rows, 1: frames}, {0: rows})
    exported = torch.export.export(module, (X, lengths), dynamic_shapes=shapes).module()
    more = torch.randn(5, 17, 4, generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([17, 1, 9, 16, 3])
    torch.testing.assert_close(exported(more, lengths), module(more, lengths))
    assert module(more, lengths).shape == (5, 9, 4)


def test_what_a_module_does_not_take_is_named(fitted):
    with pytest.raises(ValueError, match=r"no output='predict' .* 'predict_proba', 'raw'"):
        fitted.to_module("predict")
    with pytest.raises(ValueError, match=r"\(n_samples, n_frames, n_features\); got \(10, 4\)"):
        fitted.to_module()(torch.zeros(10, 4))
    with pytest.raises(NotFittedError):
        small().to_module()


def test_a_network_of_ones_own(data, unseen):
    model = small(module=Plain, module_params=None, max_epochs=20).fit(*data)
    assert model.score(*unseen) > 0.9
    assert len(model.predict_proba(unseen[0][:1])[0]) == len(unseen[0][0])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"masked": False}, "returns symbols after the end of an utterance.*certain_blank_where"),
        ({"wide": 2}, "returns .* numbers per row, and ctc for .* frames of 4 outputs each needs"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(params, message, data):
    with pytest.raises(ValueError, match=f"module Plain {message}"):
        small(module=Plain, module_params=params).fit(*data)


def test_the_network_for_sequences_belongs_to_the_transcriber():
    with pytest.raises(ValueError, match="is for SequenceTranscriber"):
        NeuralClassifier(module="sequence").fit(np.ones((4, 2)), [0, 1, 0, 1])


@dataclass(frozen=True)
class Rooted(TranscriptionLoss):
    """The square root of CTC's."""

    def of_row(self, raw, y, state):
        return (CTC().of_row(raw, y, {"label_smoothing": torch.zeros(1, 1)}) + 1e-3).sqrt()


@pytest.mark.parametrize("loss", [Rooted, Rooted()])
def test_a_loss_of_ones_own_is_a_subclass(loss, data, unseen):
    model = small(loss).fit(*data)
    assert model.loss_ == Rooted()
    assert model.score(*unseen) > 0.9
    assert pickle.loads(pickle.dumps(model)).predict(unseen[0]) == model.predict(unseen[0])
