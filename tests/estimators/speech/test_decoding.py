"""Decoding: exact where the beam is wide enough, by enumeration of all paths."""

import itertools

import numpy as np
import pytest

from sklloss.estimators.speech.decoding import beam_search, greedy


def frames(n_frames, n_outputs, seed, sharpness=1.0):
    raw = sharpness * np.random.default_rng(seed).normal(size=(n_frames, n_outputs))
    return raw - np.log(np.exp(raw).sum(1, keepdims=True))


def by_enumeration(log_p):
    """Return the log-probability of every transcript, from that of every path."""
    found = {}
    for path in itertools.product(range(log_p.shape[1]), repeat=len(log_p)):
        said = tuple(k for k, _ in itertools.groupby(path) if k)
        total = sum(row[k] for row, k in zip(log_p, path, strict=True))
        found[said] = np.logaddexp(found.get(said, -np.inf), total)
    return found


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("n_frames", "n_outputs"), [(1, 3), (4, 2), (5, 4), (7, 3)])
def test_a_wide_beam_finds_every_transcript_with_its_probability(n_frames, n_outputs, seed):
    log_p = frames(n_frames, n_outputs, seed)
    expected = by_enumeration(log_p)
    found = dict(beam_search(log_p, 10_000))
    assert found.keys() == expected.keys()
    for said, value in found.items():
        assert value == pytest.approx(expected[said], abs=1e-10)
    assert np.exp(list(found.values())).sum() == pytest.approx(1)


@pytest.mark.parametrize("seed", range(20))
def test_a_narrow_beam_finds_the_likeliest_transcript_of_easy_frames(seed):
    log_p = frames(6, 4, seed, sharpness=3.0)
    expected = by_enumeration(log_p)
    best = max(expected, key=expected.get)
    found = beam_search(log_p, 24)
    assert expected[greedy(log_p)] <= expected[found[0][0]] + 1e-10
    assert len(found) == 24
    assert expected[found[0][0]] >= expected[best] - 1e-3  # next to ties, the beam decides
    values = [value for _, value in found]
    assert values == sorted(values, reverse=True)
    assert all(value <= expected[said] + 1e-10 for said, value in found)


def test_symbols_beyond_the_beam_are_left_out_without_loss():
    """Only the likeliest symbols of a frame are looked at: the beam is that of all of them."""
    log_p = frames(6, 40, 0)
    whole = beam_search(log_p, 3)

    def plain(log_p, width):
        beams = {(): (0.0, -np.inf)}
        for row in log_p:
            moved = {}
            for said, (blank, symbol) in beams.items():
                either = np.logaddexp(blank, symbol)
                for k, p in enumerate(row):
                    to = said if k == 0 else (*said, k)
                    b, s = moved.get(to, (-np.inf, -np.inf))
                    if k == 0:
                        moved[to] = np.logaddexp(b, either + p), s
                    else:
                        start = blank if said and said[-1] == k else either
                        moved[to] = b, np.logaddexp(s, start + p)
                if said:
                    b, s = moved.get(said, (-np.inf, -np.inf))
                    moved[said] = b, np.logaddexp(s, symbol + row[said[-1]])
            kept = sorted(moved, key=lambda said: -np.logaddexp(*moved[said]))[:width]
            beams = {said: moved[said] for said in kept}
        return [(said, np.logaddexp(*ends)) for said, ends in beams.items()]

    expected = plain(log_p, 3)
    assert [said for said, _ in whole] == [said for said, _ in expected]
    np.testing.assert_allclose([v for _, v in whole], [v for _, v in expected])


@pytest.mark.parametrize("seed", range(10))
def test_greedy_reads_the_likeliest_path(seed):
    log_p = frames(12, 3, seed)
    expected = [k for k, _ in itertools.groupby(log_p.argmax(1).tolist()) if k]
    assert greedy(log_p) == tuple(expected)


def test_impossible_symbols_are_not_said():
    with np.errstate(divide="ignore"):
        log_p = np.log(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    assert beam_search(log_p, 5)[0] == ((1, 1), 0.0)
    assert greedy(log_p) == (1, 1)
