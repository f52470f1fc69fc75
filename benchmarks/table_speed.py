"""Time predictions for raw tables beside a Pipeline of scikit-learn with an MLP of the same widths.

The table is that of 53,940 diamonds: six numbers, three columns of text; many rows are repeats.
The Pipeline standardises numbers and makes a column of each level.  A default fit has eight members
and piecewise-linear codes; a plain network is one with standardised numbers.  Run it with nothing
else on the machine:

    python benchmarks/table_speed.py
    python benchmarks/table_speed.py --rounds 1 --many 1000 --rows 500
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from fit_speed import CALLS, many_times
from rivals import at_most_cells, machine, markdown_table, medians, number
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklloss import NeuralRegressor

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from data import diamonds

PIPELINE, DEFAULT, PLAIN = "Pipeline with an MLP", "sklloss", "sklloss, one plain network"
# Times that of the Pipeline.
ONE_ROW_BARS = {DEFAULT: 3.0, PLAIN: 3.0}
MANY_ROWS_BARS = {DEFAULT: 4.0, PLAIN: 1.0}


def contenders() -> dict[str, Any]:
    """Return estimators that train for one epoch."""
    columns = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    one = {"n_members": 1, "early_stopping": False, "numeric_encoding": "standard"}
    return {
        PIPELINE: make_pipeline(columns, MLPRegressor(hidden_layer_sizes=(128, 128), max_iter=1)),
        DEFAULT: NeuralRegressor(max_epochs=1, random_state=0),
        PLAIN: NeuralRegressor(max_epochs=1, random_state=0, **one),
    }


def table(
    calls: Mapping[str, Callable[[], object]], rounds: int, scale: float, bars: Mapping[str, float]
) -> str:
    """Return the table of some calls; times are multiplied by `scale`."""
    # Warm up.
    medians(calls, 1)
    seconds = medians(calls, rounds)
    rows = [
        (name, number(scale * value), *at_most_cells(value / seconds[PIPELINE], bars.get(name)))
        for name, value in seconds.items()
    ]
    return markdown_table(("", "ms", "times the Pipeline's", "bar", ""), rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=50_000, help="of the fits")
    parser.add_argument("--many", type=int, default=1_000_000, help="rows of a prediction")
    given = parser.parse_args(arguments)
    X, y = diamonds()
    fitted = {
        name: estimator.fit(X[: given.rows], y[: given.rows])
        for name, estimator in contenders().items()
    }
    many = pd.concat([X] * -(-given.many // len(X)), ignore_index=True)[: given.many]
    one_row = {name: partial(many_times, model.predict, X[:1]) for name, model in fitted.items()}
    all_rows = {name: partial(model.predict, many) for name, model in fitted.items()}
    print(f"{machine()}\nmedians of {given.rounds} interleaved rounds\n\npredict, 1 row\n")
    print(table(one_row, given.rounds, 1e3 / CALLS, ONE_ROW_BARS), flush=True)
    print(f"\npredict, {given.many:,} rows\n")
    print(table(all_rows, given.rounds, 1e3, MANY_ROWS_BARS))


if __name__ == "__main__":
    main()
