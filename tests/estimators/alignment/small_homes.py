"""A table with a column of every kind, a model of it, and its rows as JSON writes them."""

import json
import warnings

import numpy as np
import pandas as pd

from sklloss import NeuralRegressor

N_ROWS = 60


def homes():
    rng = np.random.default_rng(0)
    days = pd.to_timedelta(rng.integers(0, 900, N_ROWS), "D")
    hours = pd.to_timedelta(rng.integers(0, 20_000, N_ROWS), "h")
    return pd.DataFrame(
        {
            "area": np.where(rng.random(N_ROWS) < 0.2, np.nan, rng.normal(80, 9, N_ROWS)),
            "rooms": rng.integers(1, 6, N_ROWS),
            "kind": rng.choice(["flat", "house", None], N_ROWS),
            "postcode": rng.choice(["8001", "9000", "3000"], N_ROWS),
            "floor": rng.choice([0, 1, 2], N_ROWS),
            "lift": rng.random(N_ROWS) < 0.5,
            "sold": pd.Timestamp("2020-01-01") + days,
            "seen": (pd.Timestamp("2020-01-01") + hours)
            .tz_localize("UTC")
            .tz_convert("Europe/Zurich"),
            "vacant": pd.to_timedelta(rng.integers(0, 10**6, N_ROWS), "s"),
            "empty": np.full(N_ROWS, None),
        }
    )


def price(table):
    return table["area"].fillna(70) + 9 * table["rooms"] + 5 * (table["kind"] == "house")


def fitted(table, **params):
    params = {"categorical_features": ["kind", "postcode", "floor"], **params}
    params = {"max_epochs": 20, "n_iter_no_change": 99, "random_state": 0, **params}
    return fit(NeuralRegressor(**params), table)


def fit(estimator, table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(table, price(table))


def records(table):
    """Return rows as JSON brings them: None, dates and durations as text, a code as a number."""
    found = json.loads(table.to_json(orient="records", date_format="iso", double_precision=15))
    for row, record in enumerate(found):
        area = table["area"].iloc[row]
        record["area"] = None if np.isnan(area) else repr(float(area))
        record["sold"] = record["sold"].removesuffix("Z")
        record["postcode"] = int(record["postcode"])
        record["floor"] = str(record["floor"])
        record["vacant"] = table["vacant"].iloc[row].isoformat()
    return found
