"""How do I train on a file that memory cannot hold?
=================================================

A Parquet file is read chunk by chunk, and ``partial_fit`` trains one epoch on each. The file holds
sales of four years by day, so its chunks differ: shops open one after another, and prices rise.
Look at what the first chunk alone teaches about scales and categories, and at what ``fit_encoder``
adds. The sales are made up.

Run it with ``python examples/out_of_core.py``; it needs pyarrow and the ``plot`` extra.
"""

# %%
# The file
# --------
# Rows are written in the order of their days. A fifth of the rows is kept for testing.
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sklloss import NeuralRegressor

N_ROWS, CHUNK, PASSES = 24_000, 2_000, 6
FEATURES, TARGET = ["day", "shop", "price", "promoted"], "sales"

rng = np.random.default_rng(0)
day = np.sort(rng.uniform(0, 4 * 365, N_ROWS))
shop = (rng.random(N_ROWS) * (3 + (day / 60).astype(int))).astype(int)
price = np.exp(0.0015 * day + rng.normal(0, 0.2, N_ROWS))
promoted = rng.random(N_ROWS) < 0.2
size = np.random.default_rng(1).uniform(10, 90, 40)[shop]
sold = size * (1 + 0.5 * promoted) + 15 * np.sin(day / 58) - 3 * price
sales = pd.DataFrame(
    {
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(day.astype(int), "D"),
        "shop": np.char.add("shop ", shop.astype(str)),
        "price": price,
        "promoted": promoted,
        "sales": sold + rng.normal(0, 5, N_ROWS),
    }
)
is_test = np.arange(N_ROWS) % 5 == 0
test = sales[is_test]

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "sales.parquet"
written = pa.Table.from_pandas(sales[~is_test], preserve_index=False)
pq.write_table(written, path, row_group_size=CHUNK)


def chunks():
    """Yield the file in parts that fit into memory."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=CHUNK):
            yield batch.to_pandas()


seen = pd.DataFrame(
    [(chunk["shop"].nunique(), chunk["price"].max()) for chunk in chunks()],
    columns=["shops", "highest price"],
)
print(seen.rename_axis("chunk").T.to_string(float_format="{:.1f}".format))

# %%
# Chunks alone
# ------------
# The first chunk settles how columns are scaled and which shops there are. Shops that open later
# are unknown, and prices beyond those of the first months are cut off.
settings = {"batch_size": 64, "random_state": 0}
alone = NeuralRegressor(**settings)
with warnings.catch_warnings():
    # A column with one value in the first chunk is ignored: here the year, of which partial_fit warns.
    warnings.filterwarnings("ignore", "X has 1 column whose values the network ignores")
    for _ in range(PASSES):
        for chunk in chunks():
            alone.partial_fit(chunk[FEATURES], chunk[TARGET])

# %%
# ``fit_encoder`` first
# ---------------------
# It learns scales and categories from a sample of all chunks, here each tenth row, and trains
# nothing.
sample = pd.concat([chunk[::10] for chunk in chunks()])
informed = NeuralRegressor(**settings).fit_encoder(sample[FEATURES], sample[TARGET])
for _ in range(PASSES):
    for chunk in chunks():
        informed.partial_fit(chunk[FEATURES], chunk[TARGET])
folder.cleanup()

# %%
# All rows in memory
# ------------------
# For comparison: as many epochs on all rows at once.
whole = NeuralRegressor(**settings)
for _ in range(PASSES):
    whole.partial_fit(sales[~is_test][FEATURES], sales[~is_test][TARGET])

# %%
# Errors by year
# --------------
models = {
    "all rows in memory": whole,
    "chunks, fit_encoder first": informed,
    "chunks alone": alone,
}
scores = {name: model.score(test[FEATURES], test[TARGET]) for name, model in models.items()}
print(pd.Series(scores, name="R² on test rows").to_frame().to_string(float_format="{:.3f}".format))

figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
month = test["day"].dt.to_period("M").dt.to_timestamp()
for name, model in models.items():
    error = (model.predict(test[FEATURES]) - test[TARGET]).abs()
    axis.plot(error.groupby(month).mean(), label=name)
axis.axvspan(
    sales["day"].min(),
    sales["day"][~is_test].iloc[CHUNK],
    color="gray",
    alpha=0.3,
    label="first chunk",
)
axis.set(ylabel="mean absolute error on test rows", ylim=(0, None))
axis.legend()

# %%
# What was learnt
# ---------------
print(
    "With fit_encoder on each tenth row, chunks reach R²"
    f" {scores['chunks, fit_encoder first']:.3f},",
    f"nearly the {scores['all rows in memory']:.3f} of all rows in memory; without it",
    f"{scores['chunks alone']:.3f}, because all that the first {CHUNK:,} rows lack stays unknown.",
    sep="\n",
)
