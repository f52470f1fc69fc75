"""Pictures without a screen, which are closed after each test."""

import matplotlib as mpl
import pytest

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
