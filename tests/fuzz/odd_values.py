"""Values of parameters that no literal writes, most of which no estimator takes."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import KFold, LeaveOneOut, ShuffleSplit, StratifiedKFold


def unchanged(X: torch.Tensor) -> torch.Tensor:
    """Return rows as they are."""
    return X


def noisy(X: torch.Tensor) -> torch.Tensor:
    """Return rows with noise."""
    return X + 0.1 * torch.randn_like(X)


def fewer(X: torch.Tensor) -> torch.Tensor:
    """Return too few rows."""
    return X[:1]


def nothing(*args: Any) -> None:
    """Return nothing."""


def array_of(X: torch.Tensor) -> np.ndarray:
    """Return rows as an array."""
    return X.numpy()


def missing(*args: Any) -> float:
    """Return NaN."""
    return float("nan")


def squared(prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the squared error of each row."""
    return (prediction - y) ** 2


def mean_squared(prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error."""
    return ((prediction - y) ** 2).mean()


def three(*args: Any) -> float:
    """Return a number."""
    return 3.0


def no_tokens(document: str) -> list[str]:
    """Return no tokens."""
    return []


def lists(document: str) -> list[list[int]]:
    """Return tokens that do not hash."""
    return [[1], [2]]


# Of no parameter in particular.
ODD: dict[str, Any] = {
    "None": None,
    "True": True,
    "text": "nonsense",
    "no text": "",
    "bytes": b"adam",
    "Fraction": Fraction(1, 100),
    "Decimal": Decimal("0.5"),
    "NaN": float("nan"),
    "inf": float("inf"),
    "-inf": -float("inf"),
    "-1": -1,
    "0": 0,
    "half": 0.5,
    "complex": 1 + 2j,
    "2**31": 2**31,
    "2**63": 2**63,
    "10**12": 10**12,
    "10**30": 10**30,
    "10**400": 10**400,
    "-10**400": -(10**400),
    "1e-320": 1e-320,
    "1.7e308": 1.7e308,
    "float16": np.float16(0.5),
    "int8": np.int8(3),
    "bool_": np.True_,
    "array of 0 axes": np.array(3),
    "array": np.array([1, 2]),
    "tensor": torch.tensor(0.5),
    "tensor of two": torch.tensor([2, 3]),
    "no items": (),
    "list": [3, 4],
    "tuple of text": ("a", "b"),
    "tuple of floats": (2.0, 3.0),
    "tuple of huge": (10**12,),
    "tuple of larger": (10**30,),
    "set": {1, 2},
    "dict": {"a": 1},
    "pd.NA": pd.NA,
    "frame": pd.DataFrame({"a": [1]}),
    "date": datetime.date(2020, 1, 1),
    "class": object,
    "function": len,
    "slice": slice(3),
}

# Of single parameters, right and wrong ones.
ODD_OF: Mapping[str, dict[str, Any]] = {
    "device": {
        "meta": "meta",
        "mps": "mps",
        "cuda:99": "cuda:99",
        "cpu as torch has it": torch.device("cpu"),
    },
    "optimizer": {
        "Adam": torch.optim.Adam,
        "SparseAdam": torch.optim.SparseAdam,
        "LBFGS": torch.optim.LBFGS,
        "ASGD": torch.optim.ASGD,
        "Rprop": torch.optim.Rprop,
        "Adafactor": torch.optim.Adafactor,
        "Adadelta": torch.optim.Adadelta,
        "Adamax": torch.optim.Adamax,
        "Optimizer": torch.optim.Optimizer,
        "instance": torch.optim.SGD([torch.zeros(1)], lr=0.1),
    },
    "optimizer_params": {
        "betas=1": {"betas": 1},
        "betas of text": {"betas": ("a", "b")},
        "betas of three": {"betas": (0.9, 0.9, 0.9)},
        "eps of text": {"eps": "a"},
        "eps=nan": {"eps": float("nan")},
        "eps=0": {"eps": 0.0},
        "momentum": {"momentum": 0.5},
        "momentum=-1": {"momentum": -1},
        "unknown": {"nonsense": 1},
        "lr": {"lr": 0.1},
        "amsgrad": {"amsgrad": True},
        "fused": {"fused": True},
        "foreach of text": {"foreach": "a"},
        "maximize": {"maximize": True},
        "capturable": {"capturable": True},
        "differentiable": {"differentiable": True},
        "max_iter=0": {"max_iter": 0},
        "line search": {"line_search_fn": "strong_wolfe"},
        "unknown line search": {"line_search_fn": "nonsense"},
        "no text as name": {3: 1},
    },
    "module_params": {
        "linear_path": {"linear_path": True},
        "init": {"init": "fan_in"},
        "unknown": {"nonsense": 1},
        "channels": {"channels": (3,)},
        "huge channels": {"channels": (10**12,)},
        "channels of text": {"channels": "ab"},
        "n_outputs": {"n_outputs": 5},
        "no text as name": {3: 1},
        "dropout": {"dropout": 0.5},
        "huge widths": {"widths": (10**12,)},
        "stride": {"stride": 3},
        "huge stride": {"stride": 10**12},
        "huge kernel": {"kernel_size": 10**12 + 1},
        "gru": {"cell": "gru", "n_units": 2},
        "huge n_units": {"cell": "lstm", "n_units": 10**12},
    },
    "module": {
        "Linear": torch.nn.Linear,
        "instance": torch.nn.Linear(3, 1),
        "Identity": torch.nn.Identity,
        "cnn": "cnn",
        "text": "text",
        "sequence": "sequence",
        "no module": three,
        "tensor": torch.zeros(3),
    },
    "class_weight": {
        "balanced": "balanced",
        "1.7e308": {0: 1.7e308, 1: 1.0},
        "1e-320": {0: 1e-320, 1: 1.0},
        "1e-60": {0: 1e-60, 1: 1.0},
        "1e25": {0: 1e25, 1: 1.0},
        "huge integer": {0: 10**400, 1: 1.0},
        "negative": {0: -1.0},
        "text": {0: "a", 1: "b"},
        "None": {0: None, 1: 1.0},
        "Fraction": {0: Fraction(1, 3), 1: 1},
        "unknown label": {"nonsense": 2.0},
        "zero": {0: 0.0},
        "list": [1.0, 2.0],
        "list of pairs": [(0, 1.0)],
    },
    "validation_fraction": {
        "KFold": KFold(3),
        "ShuffleSplit": ShuffleSplit(1, random_state=0),
        "StratifiedKFold": StratifiedKFold(2),
        "LeaveOneOut": LeaveOneOut(),
        "class": KFold,
        "indices": (np.arange(6), np.arange(6, 9)),
        "same indices": (np.arange(6), np.arange(6)),
        "indices outside": (np.arange(6), np.array([10**6])),
        "indices of floats": (np.arange(6.0), np.arange(6.0, 9.0)),
        "masks": (np.arange(12) < 8, np.arange(12) >= 8),
        "text": ("a", "b"),
        "huge indices": ([0, 1, 2], [10**30]),
    },
    "random_state": {
        "RandomState": np.random.RandomState(0),
        "Generator": np.random.default_rng(0),
        "2**32": 2**32,
    },
    "categorical_features": {
        "index": [0],
        "mask": [True, False, False],
        "name": ["a"],
        "from_dtype": "from_dtype",
        "outside": [99],
        "negative": [-1],
        "floats": [0.5],
        "huge": [10**30],
        "set of names": {"a"},
        "None in a list": [None],
    },
    "augment": {
        "identity": unchanged,
        "noise": noisy,
        "fewer rows": fewer,
        "None": nothing,
        "array": array_of,
        "NaN": missing,
    },
    "weighting": {
        "dict": {0: 2.0},
        "zero": {0: 0.0, 1: 0.0},
        "negative": {0: -1.0},
        "unknown task": {"nonsense": 1.0},
        "NaN": {0: float("nan")},
        "text": {0: "a"},
        "huge": {0: 1.7e308, 1: 1.0},
        "tiny": {0: 1e-320, 1: 1.0},
    },
    "loss": {
        "L1Loss": torch.nn.L1Loss,
        "module": torch.nn.HuberLoss(delta=0.5),
        "CrossEntropyLoss": torch.nn.CrossEntropyLoss(),
        "function": squared,
        "mean": mean_squared,
        "constant": three,
        "dict of nothing": {},
        "list of names": ["mse", "mae"],
    },
    "analyzer": {
        "split": str.split,
        "list": list,
        "no tokens": no_tokens,
        "number": three,
        "lists": lists,
    },
    "token_pattern": {"words": r"\w+", "broken": "(", "groups": r"(a)(b)", "catastrophe": "(a+)+$"},
    "scoring": {
        "r2": "r2",
        "several": ["r2", "neg_mean_absolute_error"],
        "function": three,
        "NaN": missing,
        "no number": nothing,
    },
    "cv": {
        "2": 2,
        "KFold": KFold(2),
        "too many": 99,
        "iterator": iter([(np.arange(6), np.arange(6, 12))]),
        "pairs": [(np.arange(6), np.arange(6, 12))],
        "empty": [],
        "outside": [(np.arange(6), np.array([10**6]))],
    },
    "param_grid": {
        "rates": {"lr": [0.01, 0.1]},
        "losses": {"loss": ["mse", "huber"]},
        "of a loss": [{"loss": ["mse"]}, {"loss": ["huber"], "loss__delta": [0.5, 1.0]}],
        "widths": {"hidden_layer_sizes": [(2,), (3,)]},
        "wrong values": {"lr": [0.01, -1.0]},
        "unknown loss": {"loss": ["mse", "nonsense"]},
        "unknown name": {"nonsense": [1]},
        "no list": {"lr": 0.1},
        "empty list": {"lr": []},
        "text": {"lr": "ab"},
        "huge integer": {"max_epochs": [1], "batch_size": [10**400]},
        "seeds": {"random_state": [0, 1]},
        "diverging": {"lr": [0.01, 1e200]},
    },
}


def odd_value(parameter: str, name: str) -> Any:
    """Return the value of a parameter that a recipe names."""
    of_parameter = ODD_OF.get("loss" if parameter == "losses" else parameter, {})
    return of_parameter[name] if name in of_parameter else ODD[name]


def odd_names(parameter: str) -> list[str]:
    """Return the names of the values of a parameter, those of its own as often as all others."""
    own, others = list(ODD_OF.get(parameter, {})), list(ODD)
    return own * (1 + len(others) // len(own)) + others if own else others
