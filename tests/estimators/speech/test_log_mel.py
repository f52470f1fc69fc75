"""Waveforms: log-mel features equal librosa's, and tones are told apart by them."""

import sys

import numpy as np
import pytest

from sklloss import SequenceTranscriber
from sklloss.estimators.speech.log_mel import LogMel

RATE = 8000
NOTES = {"a": 440.0, "b": 880.0, "c": 1760.0}


def tunes(n, seed=0):
    """Return n waveforms of notes with pauses between, and their names."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        said = rng.choice(list(NOTES), size=rng.integers(1, 4))
        parts = [np.zeros(rng.integers(200, 600))]
        for note in said:
            time = np.arange(rng.integers(600, 1200)) / RATE
            parts += [np.sin(2 * np.pi * NOTES[note] * time), np.zeros(rng.integers(300, 600))]
        wave = np.concatenate(parts)
        X.append(wave + 0.01 * rng.normal(size=len(wave)))
        y.append("".join(said))
    return X, y


def model(**params):
    return SequenceTranscriber(
        features="log_mel",
        sampling_rate=RATE,
        n_mels=20,
        module_params={"widths": (16, 16), "stride": 1},
        dropout=0.0,
        lr=0.01,
        max_epochs=15,
        batch_size=8,
        random_state=0,
        **params,
    )


@pytest.mark.parametrize(("rate", "n_mels", "length"), [(16_000, 40, 7000), (8000, 20, 300)])
def test_features_are_those_of_librosa(rate, n_mels, length):
    librosa = pytest.importorskip("librosa")
    wave = np.random.default_rng(0).normal(size=length)
    features = LogMel(rate, n_mels, 0.025, 0.01)
    (found,) = features.transform(np.array([wave]))
    power = librosa.feature.melspectrogram(
        y=wave.astype(np.float32),
        sr=rate,
        n_fft=features.n_fft,
        hop_length=rate // 100,
        win_length=rate // 40,
        n_mels=n_mels,
    )
    assert found.shape == (1 + length // (rate // 100), n_mels)
    np.testing.assert_allclose(found, np.log(np.maximum(power, 1e-10)).T, atol=1e-4)


def test_tunes_are_read_from_their_waveforms():
    pytest.importorskip("librosa")
    X, y = tunes(60)
    fitted = model().fit(X, y)
    assert fitted.n_features_in_ == 20
    assert fitted.score(*tunes(30, seed=1)) > 0.95


def test_whole_numbers_of_sound_files_are_as_floats():
    pytest.importorskip("librosa")
    X, y = tunes(8)
    fitted = model().set_params(max_epochs=3).fit(X, y)
    as_int16 = [(2**14 * x).astype(np.int16) for x in X]
    as_int32 = [(2**30 * x).astype(np.int32) for x in X]
    halves = fitted.predict_proba([x / 2 for x in X])
    for whole in (as_int16, as_int32):
        for p, q in zip(fitted.predict_proba(whole), halves, strict=True):
            np.testing.assert_allclose(p, q, atol=1e-2)


def test_waveforms_are_one_dimensional():
    X, y = tunes(4)
    with pytest.raises(ValueError, match=r"takes waveforms.*row 0 has the shape \(.*, 1\)"):
        model().fit([x[:, None] for x in X], y)


def test_waveforms_too_large_for_float32_are_named():
    X, y = tunes(2)
    with pytest.raises(ValueError, match="too large for float32: row 1 goes up to"):
        model().fit([X[0], X[1] * 1e300], y)


def test_without_librosa_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'sklloss\[speech\]'"):
        model().fit(*tunes(4))


@pytest.mark.parametrize(
    ("rate", "window", "n_fft"), [(16_000, 0.025, 512), (8000, 0.032, 256), (10, 0.01, 1)]
)
def test_the_spectrum_takes_the_next_power_of_two(rate, window, n_fft):
    assert LogMel(rate, 20, window, 0.01).n_fft == n_fft
