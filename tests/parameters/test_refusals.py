"""Refusals of data: who needs what, how many rows fail, one of them, and the remedy."""

import numpy as np
import pytest

from sklloss.parameters.refusals import count, refuse_rows, some_of


def test_numbers_of_things_in_words():
    assert [count(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([True, False], "1 of 2 rows is negative"),
        ([True, True], "2 of 2 rows are negative"),
        ([True], "1 of 1 row is negative"),
    ],
)
def test_the_verb_follows_the_number(wrong, words):
    assert some_of(wrong, "row", "are negative") == words


def test_any_verb_follows_the_number():
    assert some_of([True, False], "row", "hold NaN") == "1 of 2 rows holds NaN"
    assert some_of([True, True], "row", "hold NaN") == "2 of 2 rows hold NaN"


def test_nothing_is_raised_where_no_row_is_wrong():
    refuse_rows(np.zeros(3, dtype=bool), "x must be positive", "are negative", "Clip x.")


def test_the_first_wrong_row_is_shown_with_its_value():
    values = np.array([1.0, -2.0, -3.0])
    with pytest.raises(ValueError, match="x must be") as error:
        refuse_rows(
            values < 0, "x must be >= 0", "are negative", "Clip x.", example=values.__getitem__
        )
    message = "x must be >= 0; 2 of 3 rows are negative, for example row 1: -2. Clip x."
    assert str(error.value) == message


def test_long_values_are_cut_and_the_type_of_error_and_noun_can_be_chosen():
    with pytest.raises(TypeError, match=r"1 of 1 pair is odd, for example pair 0: 'a{190,}"):
        refuse_rows(
            [True],
            "pairs need two sides",
            "are odd",
            "Drop it.",
            noun="pair",
            example=lambda row: "a" * 1000,
            error=TypeError,
        )


def test_without_a_verb_the_number_follows_what_is_needed():
    with pytest.raises(ValueError, match="x must be") as error:
        refuse_rows([False, True], "x must be finite; there is NaN in", "", "Leave them out.")
    message = "x must be finite; there is NaN in 1 of 2 rows, for example row 1. Leave them out."
    assert str(error.value) == message
