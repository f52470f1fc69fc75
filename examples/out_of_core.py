"""Train on a file that is read chunk by chunk, once its scaling is learned from a sample.

The file holds sales of four years by day, so its chunks differ: shops open one after another, and
prices rise. `partial_fit` alone learns scaling and categories from the first chunk it sees, the
first months, and keeps them: later shops are unknown to it, and later prices beyond all it scales.
`fit_encoder` learns both before, from each tenth row of the file.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sklloss import NeuralRegressor

N_ROWS, CHUNK, PASSES, EACH = 24_000, 2_000, 6, 10
FEATURES, TARGET = ["day", "shop", "price", "promoted"], "sales"


def made_sales(n_rows: int = N_ROWS) -> pd.DataFrame:
    """Return sales by day."""
    rng = np.random.default_rng(0)
    day = np.sort(rng.uniform(0, 4 * 365, n_rows))
    open_shops = 3 + (day / 60).astype(int)
    shop = (rng.random(n_rows) * open_shops).astype(int)
    price = np.exp(0.0015 * day + rng.normal(0, 0.2, n_rows))
    promoted = rng.random(n_rows) < 0.2
    size = np.random.default_rng(1).uniform(10, 90, 40)[shop]
    sales = size * (1 + 0.5 * promoted) + 15 * np.sin(day / 58) - 3 * price
    return pd.DataFrame(
        {
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(day.astype(int), "D"),
            "shop": np.char.add("shop ", shop.astype(str)),
            "price": price,
            "promoted": promoted,
            "sales": sales + rng.normal(0, 5, n_rows),
        }
    )


def chunks(path: Path) -> Iterator[pd.DataFrame]:
    """Yield the file in parts that fit into memory."""
    for batch in pq.ParquetFile(path).iter_batches(batch_size=CHUNK):
        yield batch.to_pandas()


def sample(path: Path) -> pd.DataFrame:
    """Return each tenth row, of all parts of the file."""
    return pd.concat([chunk[::EACH] for chunk in chunks(path)], ignore_index=True)


def trained(model: NeuralRegressor, path: Path) -> NeuralRegressor:
    """Train in several passes over the file."""
    for _ in range(PASSES):
        for chunk in chunks(path):
            model.partial_fit(chunk[FEATURES], chunk[TARGET])
    return model


def main() -> dict[str, float]:
    """Print how well three models predict rows that were not in the file; return it."""
    sales = made_sales()
    is_test = np.arange(len(sales)) % 5 == 0
    test = sales[is_test]
    settings = {"random_state": 0, "batch_size": 64}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sales.parquet"
        train = pa.Table.from_pandas(sales[~is_test], preserve_index=False)
        pq.write_table(train, path, row_group_size=CHUNK)

        of_sample = sample(path)
        encoded = NeuralRegressor(**settings)
        encoded.fit_encoder(of_sample[FEATURES], of_sample[TARGET])
        models = {
            "chunks, fit_encoder first": trained(encoded, path),
            "chunks alone": trained(NeuralRegressor(**settings), path),
        }
    whole = models["all rows in memory"] = NeuralRegressor(**settings)
    for _ in range(PASSES):
        whole.partial_fit(sales[~is_test][FEATURES], sales[~is_test][TARGET])

    scores = {name: model.score(test[FEATURES], test[TARGET]) for name, model in models.items()}
    for name, score in scores.items():
        print(f"{name:26} R² {score:.3f}")
    return scores


if __name__ == "__main__":
    main()
