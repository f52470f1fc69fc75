"""SequenceTranscriber: reads strings of noisy symbols."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sklloss import token_error_rate
from sklloss.losses import CTC, EntropyCTC, FocalCTC

from .small_transcribers import LETTERS, SMALL, quick, small

# ---------------------------------------------------------------------- learning


@pytest.mark.parametrize(
    "loss",
    [
        "ctc",
        CTC,
        CTC(label_smoothing=0.05),
        "focal_ctc",
        FocalCTC(2.0),
        "entropy_ctc",
        EntropyCTC(),
    ],
)
def test_every_loss_learns_to_read_unseen_strings(loss, data, unseen):
    model = small(loss).fit(*data)
    assert model.score(*unseen) > 0.95
    assert model.history_[-1, "train_loss"] < model.history_[0, "train_loss"]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_recurrent_networks_learn_too(cell, data, unseen):
    model = small(module_params={**SMALL, "cell": cell, "n_units": 16}, max_epochs=15)
    assert model.fit(*data).score(*unseen) > 0.9


def test_what_comes_out_has_the_form_of_y(data, unseen):
    X, y = data
    X_new, y_new = unseen
    words = small(tokens="word").fit(X, [" ".join(text) for text in y])
    assert words.symbols_ == ["a", "b", "c"]
    assert words.predict(X_new[:1]) == [" ".join(y_new[0])]
    labels = small().fit(X, [[LETTERS.index(k) + 7 for k in text] for text in y])
    assert labels.symbols_ == [7, 8, 9]
    assert labels.predict(X_new[:2]) == [[LETTERS.index(k) + 7 for k in text] for text in y_new[:2]]
    arrays = small().fit(X, [np.array([LETTERS.index(k) + 7 for k in text]) for text in y])
    assert arrays.predict(X_new) == labels.predict(X_new)


def test_probabilities_are_laws_of_every_frame(fitted, unseen):
    X, _ = unseen
    probabilities = fitted.predict_proba(X)
    for utterance, p in zip(X, probabilities, strict=True):
        assert p.shape == (-(-len(utterance) // 2), 4)
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    logs = fitted.predict_log_proba(X)
    np.testing.assert_allclose(np.exp(logs[3]), probabilities[3], atol=1e-6)


def test_an_utterance_is_read_alone_as_among_others(fitted, unseen):
    X, _ = unseen
    together = fitted.predict_proba(X)
    for k in (0, 7, 23):
        np.testing.assert_allclose(fitted.predict_proba([X[k]])[0], together[k], atol=1e-6)
    backwards = fitted.predict_proba(X[::-1])[::-1]
    for p, q in zip(together, backwards, strict=True):
        np.testing.assert_array_equal(p, q)


def test_score_is_one_minus_the_token_error(fitted, unseen):
    X, y = unseen
    noisy = [x + 0.7 * np.random.default_rng(0).normal(size=x.shape) for x in X]
    heard = fitted.predict(noisy)
    assert heard != y
    assert fitted.score(noisy, y) == 1 - token_error_rate(y, heard)
    weights = np.arange(len(y))
    weighted = fitted.score(noisy, y, sample_weight=weights)
    assert weighted == 1 - token_error_rate(y, heard, weights)
    assert fitted.score(X[:1], [y[0] + "z"]) == 1 - 1 / (len(y[0]) + 1)  # never heard of: an error


def test_beam_search_reads_what_is_likeliest_over_all_paths(fitted, unseen):
    X, y = unseen
    noisy = [x + 0.7 * np.random.default_rng(0).normal(size=x.shape) for x in X]
    beam = clone(fitted).set_params(decoding="beam")
    beam.__dict__.update({k: v for k, v in vars(fitted).items() if k.endswith("_") or k[0] == "_"})
    read, searched = fitted.predict(noisy), beam.predict(noisy)
    assert read != searched
    lengths = torch.tensor([len(text) for text in searched])
    loss = nn.CTCLoss(reduction="none")

    def log_likelihood(k, text):
        log_p = torch.from_numpy(fitted.predict_log_proba([noisy[k]])[0])
        target = torch.tensor([[LETTERS.index(c) + 1 for c in text]], dtype=torch.long)
        return -loss(log_p[:, None], target, (len(log_p),), (len(text),)).item()

    for k, (a, b) in enumerate(zip(read, searched, strict=True)):
        if a != b:
            assert log_likelihood(k, b) > log_likelihood(k, a)
    assert lengths.max() > 1
    assert beam.score(X, y) >= fitted.score(X, y) - 0.02


def test_empty_transcripts_among_others_are_learnt(data):
    X, y = data
    silence = [np.eye(4)[[3] * n] + 0.1 for n in (2, 5, 9) * 10]
    model = small().fit(X + silence, y + [""] * 30)
    assert model.predict(silence[:3]) == ["", "", ""]
    assert model.score(X, y) > 0.95


def test_members_average_the_probabilities_of_frames(data, unseen):
    X, _ = unseen
    model = quick(n_members=2).fit(*data)
    alone = [quick(random_state=seed).fit(*data) for seed in (0, 1)]
    mean = [np.mean(pair, 0) for pair in zip(*(m.predict_proba(X) for m in alone), strict=True)]
    for p, q in zip(model.predict_proba(X), mean, strict=True):
        np.testing.assert_allclose(p, q, atol=1e-6)


def test_early_stopping_keeps_the_best_epoch(data):
    model = small(early_stopping=True, max_epochs=40, n_iter_no_change=3).fit(*data)
    losses = model.history_[:, "valid_loss"]
    assert model.n_iter_ < 40
    assert min(losses) < losses[-1] or len(losses) == 40


# ---------------------------------------------------------------------- weights and seeds


def test_weight_2_is_an_utterance_repeated_and_0_one_removed(data):
    X, y = data
    X, y = X[:30], y[:30]
    weights = np.arange(30) % 3
    whole = {"batch_size": 100, "dtype": "float64", "max_epochs": 5}
    weighted = small(**whole).fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(30), weights)
    repeated = small(**whole).fit([X[i] for i in rows], [y[i] for i in rows])
    for p, q in zip(weighted.predict_proba(X), repeated.predict_proba(X), strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-6, atol=1e-9)
    even = small(**whole).fit(X, y)
    assert np.abs(even.predict_proba(X)[0] - weighted.predict_proba(X)[0]).max() > 1e-3


def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_generators_alone(data, unseen):
    X, _ = unseen
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    models = [quick(dropout=0.3, random_state=seed).fit(*data) for seed in (5, 5, 6)]
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)
    first, again, other = (np.concatenate(m.predict_proba(X)) for m in models)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_clones_and_pickles_are_equal(data, unseen, fitted):
    X, _ = unseen
    loaded = pickle.loads(pickle.dumps(fitted))
    assert loaded.predict(X) == fitted.predict(X)
    refitted = clone(fitted).fit(*data)
    for p, q in zip(refitted.predict_proba(X), fitted.predict_proba(X), strict=True):
        np.testing.assert_array_equal(p, q)


def test_features_on_any_scale_are_alike(data, unseen):
    X, y = data
    moved = [1e4 * x + 1e6 for x in X]
    assert small().fit(moved, y).score([1e4 * x + 1e6 for x in unseen[0]], unseen[1]) > 0.95


def test_columns_that_do_not_change_do_no_harm(data):
    X, y = data
    wider = [np.column_stack((x, np.full(len(x), 7.0))) for x in X]
    assert small().fit(wider, y).score(wider, y) > 0.95


# ---------------------------------------------------------------------- going on


def test_warm_start_goes_on(data):
    X, y = data
    model = quick(warm_start=True).fit(X, y)
    first = model.history_[-1, "train_loss"]
    model.fit(X[:50], y[:50])
    assert model.n_iter_ == 4
    assert model.history_[-1, "train_loss"] < first


def test_partial_fit_is_an_epoch_and_knows_its_symbols(data):
    X, y = data
    model = small()
    only_a = [k for k, text in enumerate(y) if set(text) <= {"a", "b"}]
    model.partial_fit([X[k] for k in only_a], [y[k] for k in only_a], symbols="abc")
    assert model.symbols_ == ["a", "b", "c"]
    for _ in range(11):
        model.partial_fit(X, y)
    assert model.n_iter_ == 12
    assert model.score(X, y) > 0.9
    for symbols, tokens in ((["ab"], "char"), (["a b"], "word"), ([1], "char"), ([""], "char")):
        with pytest.raises(
            ValueError, match="symbols has .* not a token of transcripts that are str"
        ):
            small(tokens=tokens).partial_fit(X, y, symbols=symbols)
    with pytest.raises(TypeError, match="symbols must be a sequence of tokens; got 3"):
        small().partial_fit(X, y, symbols=3)
    other = small().partial_fit([X[k] for k in only_a], [y[k] for k in only_a])
    row = next(k for k, text in enumerate(y) if "c" in text)
    with pytest.raises(ValueError, match=rf"row {row} has 'c'; known are \['a', 'b'\]"):
        other.partial_fit(X, y)
    with pytest.raises(TypeError, match="sequences of labels, but this estimator was trained with"):
        other.partial_fit(X[:1], [[1]])
    other.set_params(module__stride=1)
    with pytest.raises(ValueError, match="module_params was .* cannot become"):
        other.partial_fit(X[:1], ["a"])
