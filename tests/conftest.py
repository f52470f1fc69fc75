"""Shared data and settings: one thread each, because the suite itself runs in parallel."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

torch.set_num_threads(1)
torch.manual_seed(0)  # modules that tests build as they are collected


def with_names(bunch) -> tuple[pd.DataFrame, pd.Series]:
    """Return features as a DataFrame and labels as strings."""
    return bunch.data, bunch.target.map(lambda i: str(bunch.target_names[i]))


@pytest.fixture(scope="session")
def diabetes() -> tuple[np.ndarray, np.ndarray]:
    return load_diabetes(return_X_y=True)


@pytest.fixture(scope="session")
def breast_cancer() -> tuple[pd.DataFrame, pd.Series]:
    return with_names(load_breast_cancer(as_frame=True))


@pytest.fixture(scope="session")
def digits() -> tuple[pd.DataFrame, pd.Series]:
    return with_names(load_digits(as_frame=True))


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Draw the modules that a test builds itself from the same numbers in every run."""
    torch.manual_seed(0)
