"""Check quantiles, intervals, counts and robust losses on real data, each figure beside its bar.

Quantiles and intervals must have their nominal coverage, losses for counts and amounts must come
near boosted trees with the same deviance, robust losses must withstand outliers, and early stopping
must go by the loss that is trained. All figures are on test rows. Estimators are used as a user
would: default network and learning rate unless a line says otherwise, early stopping, and
scikit-learn's transformers. Nothing is tuned to a split. A line that begins with "also" explains
the bar beside it. If the noise itself misses the bar for outliers, squared error has lost too
little for any loss to meet it. All sections take about ten minutes on one core:

    python benchmarks/predictive_distributions.py
    python benchmarks/predictive_distributions.py counts robustness
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_gamma_deviance, mean_poisson_deviance
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, StandardScaler

from sklloss import NeuralRegressor
from sklloss.losses import Quantile

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from data import (
    ames_houses,
    as_numbers,
    check_times,
    diamonds,
    doctor_visits,
    flight_delays,
    patents,
)

LEVELS = (0.1, 0.5, 0.9)
SEEDS = range(5)
COUNT_LOSSES = ("poisson", "tweedie", "negative_binomial")
ROBUST_LOSSES = (
    *("absolute_error", "huber", "smooth_l1", "pseudo_huber", "log_cosh", "epsilon_insensitive"),
    *("cauchy", "welsch", "geman_mcclure", "tukey", "fair", "barron", "adaptive"),
)
TWO_LAYERS, WIDE = (100, 100), (256, 256)

# A name, a figure, and the lowest and highest value that is allowed.
Bar = tuple[str, float, float, float]
# Indices of training and test rows.
Rows = tuple[np.ndarray, np.ndarray]


def net(loss: object, scaler: object, **params: object) -> Pipeline:
    """Return a network after an encoder that already scales the columns."""
    model = NeuralRegressor(loss, early_stopping=True, scale_inputs=False, random_state=0, **params)
    return make_pipeline(as_numbers(scaler), model)


def clipped() -> Pipeline:
    """Return a scaler that clips features at four standard deviations."""
    clip = FunctionTransformer(np.clip, kw_args={"a_min": -4, "a_max": 4})
    return make_pipeline(StandardScaler(), clip)


def normal() -> QuantileTransformer:
    return QuantileTransformer(output_distribution="normal")


# Quantiles and intervals.


def single_quantiles(
    name: str, X: pd.DataFrame, y: pd.Series, levels: Iterable[float] = LEVELS, **params: object
) -> Iterator[Bar]:
    """Yield the coverage of one network per level."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    for level in levels:
        model = net(Quantile(level), StandardScaler(), **params).fit(X, y)
        below = (y_test <= model.predict(X_test)).mean()
        yield f"{name}: quantile {level}", below, level - 0.02, level + 0.02


def several_quantiles(name: str, X: pd.DataFrame, y: pd.Series, **params: object) -> Iterator[Bar]:
    """Yield the coverage of one network for all levels, and how often they cross."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    encoder, model = net("multi_quantile", StandardScaler(), **params).fit(X, y)
    predicted = model.predict_quantiles(encoder.transform(X_test), LEVELS)
    below = (y_test.to_numpy()[:, None] <= predicted).mean(axis=0)
    for level, share in zip(LEVELS, below, strict=True):
        yield f"{name}: multi_quantile {level}", share, level - 0.02, level + 0.02
    yield f"{name}: multi_quantile, crossings in 100,000", crossings(model), 0, 0


def crossings(model: NeuralRegressor) -> float:
    """Return how many of 100,000 predictions cross, with features ten times as wide."""
    X = 10 * np.random.default_rng(0).standard_normal((100_000, model.n_features_in_))
    return float((np.diff(model.predict_quantiles(X, LEVELS)) < 0).any(axis=1).sum())


def quantiles() -> Iterator[Bar]:
    data = {"diamonds": diamonds(), "flights": flight_delays()}
    for name, (X, y) in data.items():
        yield from single_quantiles(name, X, y)
        yield from several_quantiles(name, X, y)
    two_layers = {"hidden_layer_sizes": TWO_LAYERS}
    yield from single_quantiles("also two layers, diamonds", *data["diamonds"], **two_layers)
    yield from several_quantiles("also two layers, diamonds", *data["diamonds"], **two_layers)


def intervals() -> Iterator[Bar]:
    split = train_test_split(*diamonds(), test_size=0.2, random_state=0)
    for name, scaler in (("diamonds", StandardScaler()), ("also clipped, diamonds", clipped())):
        for loss in ("gaussian_nll", "student_t_nll", "crps"):
            yield interval_bar(f"{name}: {loss}", net(loss, scaler), split)
    to_the_end = net("gaussian_nll", StandardScaler())
    to_the_end.set_params(neuralregressor__early_stopping=False)
    yield interval_bar("also not stopped early, diamonds: gaussian_nll", to_the_end, split)


def interval_bar(name: str, pipeline: Pipeline, split: list) -> Bar:
    """Return the coverage of 80 % intervals."""
    X, X_test, y, y_test = split
    encoder, model = pipeline.fit(X, y)
    low, high = model.predict_interval(encoder.transform(X_test), coverage=0.8).T
    return name, ((low <= y_test) & (y_test <= high)).mean(), 0.74, 0.86


def stopping() -> Iterator[Bar]:
    for name, (X, y, *_) in {"diamonds": diamonds(), "doctor visits": doctor_visits()}.items():
        yield from single_quantiles(f"stopped early, {name}", X, y, levels=[0.9])


# Counts and amounts.


def with_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Return X with text columns as categories, which boosted trees can split."""
    texts = X.select_dtypes(exclude="number").columns
    return X.astype(dict.fromkeys(texts, "category"))


def random_rows(y: pd.Series) -> list[Rows]:
    numbers = np.arange(len(y))
    return [tuple(train_test_split(numbers, test_size=0.2, random_state=seed)) for seed in SEEDS]


def rows_by(groups: pd.Series) -> list[Rows]:
    """Return splits that keep groups together."""
    splits = GroupShuffleSplit(5, test_size=0.2, random_state=0)
    return list(splits.split(groups, groups=groups))


def trees_deviance(
    X: pd.DataFrame, y: pd.Series, rows: Rows, loss: str, deviance: Callable[..., float]
) -> float:
    train, test = rows
    X = with_categories(X)
    trees = HistGradientBoostingRegressor(loss=loss, random_state=0)
    return deviance(y.iloc[test], trees.fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test]))


def mean_ratio(
    model: Pipeline,
    X: pd.DataFrame,
    y: pd.Series,
    splits: dict[int, tuple[Rows, float]],
    deviance: Callable[..., float],
) -> float:
    """Return the deviance over that of boosted trees, averaged over splits."""
    ratios = []
    for (train, test), of_trees in splits.values():
        prediction = model.fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test])
        ratios.append(deviance(y.iloc[test], prediction) / of_trees)
    return float(np.mean(ratios))


def ratio_bars(
    name: str,
    X: pd.DataFrame,
    y: pd.Series,
    rows: list[Rows],
    models: dict[str, Pipeline],
    high: float,
    deviance: Callable[..., float] = mean_poisson_deviance,
    of_trees: str = "poisson",
) -> Iterator[Bar]:
    splits = {
        i: (pair, trees_deviance(X, y, pair, of_trees, deviance)) for i, pair in enumerate(rows)
    }
    for loss, model in models.items():
        yield f"{name}: {loss} / trees", mean_ratio(model, X, y, splits, deviance), 0, high


def counts() -> Iterator[Bar]:
    X, y, person = doctor_visits()
    default = {loss: net(loss, StandardScaler()) for loss in COUNT_LOSSES}
    wide = {loss: net(loss, StandardScaler(), hidden_layer_sizes=WIDE) for loss in COUNT_LOSSES}
    yield from ratio_bars("visits", X, y, random_rows(y), default, 1.12)
    yield from ratio_bars("also 256, 256, visits", X, y, random_rows(y), wide, 1.12)
    yield from ratio_bars("also by person, visits", X, y, rows_by(person), default, 1.12)
    X, y, company = patents()
    models = {loss: net(loss, normal()) for loss in COUNT_LOSSES}
    yield from ratio_bars("patents", X, y, random_rows(y), models, 1.30)
    yield from ratio_bars("also by company, patents", X, y, rows_by(company), models, 1.30)


def sizes() -> Iterator[Bar]:
    for name, (X, y) in {"house prices": ames_houses(), "check times": check_times()}.items():
        models = {"gamma": net("gamma", normal())}
        bars = ratio_bars(name, X, y, random_rows(y), models, 1.10, mean_gamma_deviance, "gamma")
        yield from bars


# Outliers.


def contaminated(seed: int, sign: Callable[..., object]) -> tuple[np.ndarray, ...]:
    """Return training rows, 30 % of them shifted by 50 standard deviations, and clean test rows.

    The last entry is the noise of the test rows: on average no estimator has a lower error.
    """
    rng = np.random.default_rng(seed)
    X, slopes, noise = (
        rng.standard_normal((2000, 5)),
        rng.standard_normal(5),
        rng.standard_normal(2000),
    )
    y = X @ slopes + noise
    train, test = slice(1000), slice(1000, None)
    seen = y[train].copy()
    seen[rng.permutation(1000)[:300]] += 50 * sign(rng)
    return X[train], seen, X[test], y[test], noise[test]


SIDES = {
    "one-sided": lambda rng: 1.0,
    "symmetric": lambda rng: rng.choice([-1.0, 1.0], 300),
}


def clean_error(model: NeuralRegressor, data: list[tuple[np.ndarray, ...]]) -> float:
    """Return the mean absolute error on clean rows, averaged over seeds."""
    errors = [np.abs(model.fit(X, y).predict(X_test) - y_test) for X, y, X_test, y_test, _ in data]
    return float(np.mean(errors))


def robust_bars(name: str, data: list[tuple[np.ndarray, ...]], **params: object) -> Iterator[Bar]:
    squared = clean_error(NeuralRegressor(random_state=0, **params), data)
    noise = float(np.mean([np.abs(entry[-1]) for entry in data]))
    yield f"{name}: noise / squared_error", noise / squared, 0, 0.4
    for loss in ROBUST_LOSSES:
        error = clean_error(NeuralRegressor(loss, random_state=0, **params), data)
        yield f"{name}: {loss} / squared_error", error / squared, 0, 0.4


def robustness() -> Iterator[Bar]:
    for side, sign in SIDES.items():
        data = [contaminated(seed, sign) for seed in SEEDS]
        yield from robust_bars(f"default, {side}", data)
        yield from robust_bars(f"also linear, {side}", data, hidden_layer_sizes=())
        yield from robust_bars(f"also stopped early, {side}", data, early_stopping=True)


SECTIONS = {f.__name__: f for f in (quantiles, intervals, stopping, counts, sizes, robustness)}


def print_section(name: str) -> None:
    print(name, flush=True)
    start = time.perf_counter()
    for what, figure, low, high in SECTIONS[name]():
        verdict = "met" if low <= figure <= high else "MISSED"
        print(f"  {what:<62} {figure:6.3f}  bar {low:.2f} to {high:.2f}  {verdict}", flush=True)
    print(f"  {time.perf_counter() - start:.0f} s\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", help=f"any of {', '.join(SECTIONS)}; all by default")
    asked = parser.parse_args().sections
    unknown = set(asked) - set(SECTIONS)
    if unknown:
        parser.error(f"unknown {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    for name in asked or SECTIONS:
        print_section(name)


if __name__ == "__main__":
    main()
