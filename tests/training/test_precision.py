"""Products in another way than torch's: the same bits for a stack, and the setting put back."""

import threading

import numpy as np
import pytest
import torch

from sklloss import NeuralRegressor
from sklloss.training import precision
from sklloss.training.precision import EXACT, OTHER, fastest_products, other_is_better

from ..laws.small_models import BAGGED, POSITIVE, X, regressors
from ..stacked_and_alone import assert_stacked_is_alone


@pytest.fixture
def _is_better(monkeypatch):
    monkeypatch.setattr(precision, "other_is_better", lambda: True)


@pytest.fixture
def _fresh_probe():
    other_is_better.cache_clear()
    yield
    other_is_better.cache_clear()


def setting():
    return torch.get_float32_matmul_precision()


@pytest.mark.usefixtures("_is_better")
@pytest.mark.parametrize("params", [{"dtype": "float32"}, BAGGED])
def test_a_stack_has_the_bits_of_single_fits_in_the_other_way(params):
    assert_stacked_is_alone(regressors(**params), X, POSITIVE)


@pytest.mark.usefixtures("_is_better")
def test_the_setting_is_put_back(monkeypatch):
    seen = []
    monkeypatch.setattr(torch, "bmm", lambda *_, **__: seen.append(setting()))

    def fail():
        with fastest_products():
            with fastest_products():
                torch.bmm()
            torch.bmm()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen == [OTHER, OTHER]
    assert setting() == EXACT


@pytest.mark.usefixtures("_is_better")
@pytest.mark.parametrize("chosen", ["high", "medium"])
def test_what_the_user_has_chosen_stays(chosen):
    torch.set_float32_matmul_precision(chosen)
    try:
        with fastest_products():
            assert setting() == chosen
        assert setting() == chosen
    finally:
        torch.set_float32_matmul_precision(EXACT)


@pytest.mark.usefixtures("_is_better")
@pytest.mark.parametrize("ends_first", ["this", "other"])
def test_the_last_of_several_threads_puts_the_setting_back(ends_first):
    begun, may_end = threading.Event(), threading.Event()

    def train():
        with fastest_products():
            begun.set()
            may_end.wait()

    def end_other():
        may_end.set()
        other.join()

    other = threading.Thread(target=train)
    other.start()
    begun.wait()
    with fastest_products():
        if ends_first == "other":
            end_other()
        assert setting() == OTHER
    if ends_first == "this":
        assert setting() == OTHER
        end_other()
    assert setting() == EXACT


@pytest.mark.usefixtures("_fresh_probe")
def test_a_way_that_rounds_more_is_not_taken(monkeypatch):
    product = torch.bmm

    def rounded(a, b):
        is_other = setting() == OTHER
        return product(a.bfloat16(), b.bfloat16()).float() if is_other else product(a, b)

    monkeypatch.setattr(torch, "bmm", rounded)
    monkeypatch.setattr(precision, "least_seconds", lambda _: 1.0 if setting() == EXACT else 0.1)
    assert not other_is_better()
    assert setting() == EXACT


@pytest.mark.usefixtures("_fresh_probe")
@pytest.mark.parametrize(("seconds", "is_better"), [(0.5, True), (0.9, False)])
def test_a_way_is_taken_where_it_is_clearly_faster(seconds, is_better, monkeypatch):
    product = torch.bmm

    def exact(a, b):
        now = setting()
        torch.set_float32_matmul_precision(EXACT)
        try:
            return product(a, b)
        finally:
            torch.set_float32_matmul_precision(now)

    monkeypatch.setattr(torch, "bmm", exact)
    monkeypatch.setattr(
        precision, "least_seconds", lambda _: 1.0 if setting() == EXACT else seconds
    )
    assert other_is_better() is is_better
    assert setting() == EXACT


@pytest.mark.usefixtures("_fresh_probe")
def test_a_way_that_gives_a_stack_other_bits_is_not_taken(monkeypatch):
    product = torch.bmm

    def unequal(a, b):
        return product(a, b) * (1 + 1e-7 * (len(a) > 1))

    monkeypatch.setattr(torch, "bmm", unequal)
    monkeypatch.setattr(precision, "least_seconds", lambda _: 1.0 if setting() == EXACT else 0.1)
    assert not other_is_better()


def test_fits_in_threads_give_the_bits_of_fits_in_turn():
    models = [NeuralRegressor(max_epochs=3, random_state=k) for k in range(2)]
    threads = [threading.Thread(target=model.fit, args=(X, POSITIVE)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, model in enumerate(models):
        alone = NeuralRegressor(max_epochs=3, random_state=k).fit(X, POSITIVE)
        np.testing.assert_array_equal(model.predict(X), alone.predict(X))
    assert setting() == EXACT
