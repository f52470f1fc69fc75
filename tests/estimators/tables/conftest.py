"""Raw tables of houses."""

import numpy as np
import pandas as pd
import pytest

from .raw_tables import N


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    size = rng.choice(["small", "medium", "large"], N)
    return pd.DataFrame(
        {
            "area": np.where(rng.random(N) < 0.1, np.nan, rng.lognormal(4, 0.5, N)),
            "rooms": rng.integers(1, 6, N),
            "size": np.where(rng.random(N) < 0.05, None, size),
            "kind": pd.Categorical(rng.choice(["flat", "house"], N)),
            "garden": rng.random(N) < 0.5,
            "built": pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 9000, N), "D"),
        }
    )


@pytest.fixture
def y(table):
    bonus = table["size"].map({"small": 0.0, "medium": 1.0, "large": 2.0}).fillna(0.5)
    return (bonus + table["rooms"] + table["area"].fillna(50) / 50).to_numpy()
