"""Error rates: equal to a search over all edits, and to published pairs."""

from functools import cache

import numpy as np
import pytest

from sklloss import character_error_rate, token_error_rate, word_error_rate
from sklloss.estimators.speech.edit_distance import edit_distance


def by_recursion(said, heard):
    @cache
    def rest(i, j):
        if i == len(said) or j == len(heard):
            return len(said) - i + len(heard) - j
        if said[i] == heard[j]:
            return rest(i + 1, j + 1)
        return 1 + min(rest(i + 1, j), rest(i, j + 1), rest(i + 1, j + 1))

    return rest(0, 0)


@pytest.mark.parametrize("seed", range(30))
def test_distance_is_the_least_number_of_edits(seed):
    rng = np.random.default_rng(seed)
    said, heard = (tuple(rng.integers(3, size=rng.integers(0, 9)).tolist()) for _ in range(2))
    assert edit_distance(said, heard) == by_recursion(said, heard) == edit_distance(heard, said)


@pytest.mark.parametrize(
    ("said", "heard", "distance"),
    [
        *(("kitten", "sitting", 3), ("saturday", "sunday", 3), ("intention", "execution", 5)),
        *(("", "abc", 3), ("abc", "", 3), ("", "", 0), ("abc", "abc", 0)),
    ],
)
def test_distances_that_textbooks_give(said, heard, distance):
    assert edit_distance(said, heard) == distance


def test_rates_are_edits_per_token_over_all_rows():
    said, heard = ["one two three", "four"], ["one too three", "for four"]
    assert word_error_rate(said, heard) == 2 / 4
    assert character_error_rate(said, heard) == (1 + 4) / (13 + 4)
    assert token_error_rate(said, heard) == character_error_rate(said, heard)
    split = [[text.split() for text in texts] for texts in (said, heard)]
    assert token_error_rate(*split) == word_error_rate(said, heard)
    assert token_error_rate([np.array([1, 2])], [[1, 2, 3, 4, 5]]) == 1.5


def test_weights_are_rows_repeated_or_removed():
    said, heard = ["abc", "de", "f"], ["abd", "e", "ggg"]
    weights = [2, 1, 0]
    expected = token_error_rate(["abc", "abc", "de"], ["abd", "abd", "e"])
    assert token_error_rate(said, heard, sample_weight=weights) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [token_error_rate, character_error_rate, word_error_rate])
def test_what_has_no_rate_is_said(rate):
    with pytest.raises(TypeError, match=r"Put it in \[ \]"):
        rate("abc", ["abc"])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        rate(["abc"], ["abc", "d"])
    with pytest.raises(ValueError, match="all 2 transcripts of y_true are empty"):
        rate(["", ""], ["a", ""])


@pytest.mark.parametrize("rate", [character_error_rate, word_error_rate])
def test_words_and_characters_are_those_of_strings(rate):
    with pytest.raises(TypeError, match=r"takes strings; got \[1, 2\]. Use token_error_rate"):
        rate([[1, 2]], [[1, 2]])
