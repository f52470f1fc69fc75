"""Measure microseconds per step of a model with one thread, by stack size, rows, width and batch.

A whole fit is timed, data and scaling included, and divided by its models and steps. Several models
that train together are given to the engine as one stack, on five tables in turn, as in a search
with five folds. "matrix products alone" are the forward and backward products of a stack's layers
and nothing else, which a stack cannot be faster than.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from rivals import (
    FUSED,
    MLP,
    OURS,
    SKORCH,
    Job,
    at_most_cells,
    fits_of,
    make_data,
    markdown_table,
    medians,
    number,
    our_regressor,
)
from torch import Tensor

from sklloss.estimators.fit.together import fit_data, fit_together

ROWS, TOGETHER, FOLDS = 8_000, 16, 5
FLOOR, STACKED = "matrix products alone", f"sklloss, {TOGETHER} together"
FLOOR_STEPS = 200
# Bars by the number of models.
FLOOR_BARS = {100: 3.0}
ALONE = (OURS, SKORCH, MLP, FUSED)
# Forward multiplications of a measured fit; larger networks have fewer epochs.
MOST_PRODUCTS = 1.2e10

# A call, and the number of steps that it makes, over all models.
Timed = tuple[Callable[[], object], float]


@dataclass(frozen=True)
class Curve:
    """One panel: the values on its axis and, per contender, microseconds per model and step."""

    title: str
    values: list[int]
    costs: dict[str, list[float]]


# What is timed.


def fit_stack(job: Job, tables: Sequence[np.ndarray], y: np.ndarray) -> None:
    """Fit a model on every table; tables may be the same."""
    models = [our_regressor(job, seed) for seed in range(len(tables))]
    data = [fit_data(model, X, y, {}) for model, X in zip(models, tables, strict=True)]
    for error in fit_together(models, data):
        if error is not None:
            raise error


class Products:
    """The forward and backward matrix products of K models, into memory that is reused."""

    def __init__(self, job: Job, n_models: int, steps: int) -> None:
        draw = functools.partial(torch.randn, n_models)
        self.steps = steps
        self.inputs = [draw(job.batch, n_in) for n_in, _ in job.shapes]
        self.weights = [draw(n_out, n_in) for n_in, n_out in job.shapes]
        self.biases = [draw(1, n_out) for _, n_out in job.shapes]
        self.slopes = [draw(job.batch, n_out) for _, n_out in job.shapes]
        self.outputs = [torch.empty_like(slope) for slope in self.slopes]
        self.input_slopes = [torch.empty_like(of_input) for of_input in self.inputs]
        self.weight_slopes = [torch.empty_like(weight) for weight in self.weights]

    def __call__(self) -> None:
        """Compute the products of all steps."""
        for _ in range(self.steps):
            for layer in range(len(self.weights)):
                self._forward(layer)
            for layer in reversed(range(len(self.weights))):
                self._backward(layer)

    def _forward(self, i: int) -> Tensor:
        weight, out = self.weights[i].mT, self.outputs[i]
        return torch.baddbmm(self.biases[i], self.inputs[i], weight, out=out)

    def _backward(self, i: int) -> None:
        torch.bmm(self.slopes[i].mT, self.inputs[i], out=self.weight_slopes[i])
        if i:
            torch.bmm(self.slopes[i], self.weights[i], out=self.input_slopes[i])


# Points of the curves.


def stacked(job: Job, rows: int, n_models: int) -> Timed:
    X, y = make_data(rows)
    folds = [X, *(X.copy() for _ in range(min(n_models, FOLDS) - 1))]
    tables = [folds[i % FOLDS] for i in range(n_models)]
    return functools.partial(fit_stack, job, tables, y), n_models * job.steps(rows)


def floor(job: Job, n_models: int) -> Timed:
    return Products(job, n_models, FLOOR_STEPS), n_models * FLOOR_STEPS


def alone(job: Job, rows: int) -> dict[str, Timed]:
    """Return one fit of sklloss and of each rival."""
    fits = fits_of(job, *make_data(rows))
    return {name: (fits[name], job.steps(rows)) for name in ALONE}


def measured(timed: dict[str, Timed], rounds: int) -> dict[str, float]:
    """Return microseconds per model and step."""
    seconds = medians({name: call for name, (call, _) in timed.items()}, rounds)
    return {name: 1e6 * seconds[name] / steps for name, (_, steps) in timed.items()}


def job_of(epochs: int, rows: int, **changes: object) -> Job:
    """Return a job of at most this many epochs, fewer if an epoch takes long."""
    job = Job(**changes)
    products = rows * sum(n_in * n_out for n_in, n_out in job.shapes)
    return replace(job, epochs=max(1, min(epochs, int(MOST_PRODUCTS / products))))


# Curves.


@dataclass(frozen=True)
class Scale:
    """How much is measured: values of every curve, and epochs, rows and rounds per point."""

    models: Sequence[int] = (1, 2, 4, 8, 16, 32, 64, 100, 200)
    rows: Sequence[int] = (1_000, 10_000, 100_000, 1_000_000)
    widths: Sequence[int] = (32, 64, 128, 256, 512)
    batches: Sequence[int] = (32, 64, 128, 256, 512, 1024)
    epochs: int = 20
    fit_rows: int = ROWS
    rounds: int = 5


QUICK = Scale((1, 2), (200, 400), (8, 16), (32, 64), epochs=1, fit_rows=200, rounds=1)


def against_models(scale: Scale) -> Curve:
    """Measure stacks of many sizes; the rivals fit one model after another, so one is measured."""
    job = job_of(scale.epochs, scale.fit_rows)
    points = []
    for n_models in scale.models:
        timed = {OURS: stacked(job, scale.fit_rows, n_models), FLOOR: floor(job, n_models)}
        if n_models == scale.models[0]:
            timed = alone(job, scale.fit_rows) | timed
        points.append(measured(timed, scale.rounds))
    return gathered("models trained together", scale.models, points)


def against(
    title: str, values: Sequence[int], job_and_rows: Callable[[int], tuple[Job, int]], rounds: int
) -> Curve:
    """Measure one fit of every contender, and a stack, at every value."""
    points = []
    for value in values:
        job, rows = job_and_rows(value)
        fits = alone(job, rows)
        timed = {OURS: fits.pop(OURS), STACKED: stacked(job, rows, TOGETHER), **fits}
        points.append(measured(timed, rounds))
    return gathered(title, values, points)


def gathered(title: str, values: Sequence[int], points: list[dict[str, float]]) -> Curve:
    """Return a curve per contender; one that was measured only once has a single number."""
    costs = {name: [p[name] for p in points if name in p] for name in points[0]}
    return Curve(title, list(values), costs)


def all_curves(scale: Scale) -> list[Curve]:
    """Measure everything."""
    rows, epochs, rounds = scale.fit_rows, scale.epochs, scale.rounds

    def of_rows(n: int) -> tuple[Job, int]:
        return job_of(epochs, n), n

    def of_width(width: int) -> tuple[Job, int]:
        return job_of(epochs, rows, hidden=(width, width)), rows

    def of_batch(batch: int) -> tuple[Job, int]:
        return job_of(epochs, rows, batch=batch), rows

    measured(alone(Job(epochs=1), rows), 1)  # Warm up.
    return [
        against_models(scale),
        against("rows", scale.rows, of_rows, rounds),
        against("width of two hidden layers", scale.widths, of_width, rounds),
        against("rows per batch", scale.batches, of_batch, rounds),
    ]


# Tables.


def curve_table(curve: Curve) -> str:
    """Return the numbers of a curve, one line per value."""
    columns = {name: costs for name, costs in curve.costs.items() if name != FLOOR}
    lines = [
        (f"{value:,}", *(number(costs[min(i, len(costs) - 1)]) for costs in columns.values()))
        for i, value in enumerate(curve.values)
    ]
    return markdown_table((curve.title, *columns), lines)


def floor_table(curve: Curve) -> str:
    """Return how much longer stacks take than their matrix products alone."""
    lines = [
        (
            f"{n_models:,}",
            number(cost),
            number(least),
            *at_most_cells(cost / least, FLOOR_BARS.get(n_models)),
        )
        for n_models, cost, least in zip(
            curve.values, curve.costs[OURS], curve.costs[FLOOR], strict=True
        )
    ]
    return markdown_table((curve.title, OURS, FLOOR, "times the products", "bar", ""), lines)
