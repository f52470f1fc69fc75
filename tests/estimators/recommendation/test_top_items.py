"""All items are ranked for some users at a time, whatever the network returns per score."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklloss import Recommender
from sklloss.estimators.recommendation import top_items
from sklloss.modules.recommendation.factors import Factors
from sklloss.modules.recommendation.generalized_factors import GeneralizedFactors

N_USERS, N_ITEMS = 50, 8
PAIRS = [(user, item) for user in range(N_USERS) for item in range(N_ITEMS) if (user + item) % 3]
RATINGS = np.random.default_rng(0).normal(size=len(PAIRS))


@pytest.mark.parametrize(
    ("loss", "network"),
    [("bpr", Factors), ("mse", Factors), ("cross_entropy", GeneralizedFactors)],
)
def test_neither_scores_nor_what_was_taken_is_made_of_all_users_at_once(loss, network, monkeypatch):
    ratings = None if loss == "bpr" else RATINGS
    model = Recommender(loss, n_factors=3, max_epochs=1, random_state=0).fit(PAIRS, ratings)
    whole, score = model.recommend(n=2), model.score(PAIRS, ratings)
    of_all_items, left_out = network.of_all_items, top_items.TopItems._left_out
    made, users = [], []

    def watched(self, some):
        out = of_all_items(self, some)
        made.append(out.numel())
        users.append(len(some))
        return out

    def watched_left_out(self, some, wanted):
        out = left_out(self, some, wanted)
        made.append(out.size)
        return out

    n_outputs = of_all_items(model.net_.module_, torch.tensor([0])).shape[-1]
    most = 7 * N_ITEMS * n_outputs
    monkeypatch.setattr(network, "of_all_items", watched)
    monkeypatch.setattr(top_items.TopItems, "_left_out", watched_left_out)
    monkeypatch.setattr(top_items, "NUMBERS_AT_ONCE", most)
    pd.testing.assert_frame_equal(model.recommend(n=2), whole, check_exact=False)
    assert users == [7] * 7 + [1]
    assert model.score(PAIRS, ratings) == pytest.approx(score)
    assert max(made) <= most
