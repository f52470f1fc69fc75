"""Parameters declared once, as fields of dataclasses."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from sklloss.parameters.declared import (
    check_declared,
    checkable,
    declared_by,
    numpydoc_of,
    parameter,
    redeclared,
)
from sklloss.parameters.domains import Interval


@dataclass(kw_only=True)
class Base:
    rate: float = parameter(0.1, Interval(0), "How fast,\n    in steps.", kind="float", fixed=True)
    label: str = parameter("a", None, "What it is called.", kind="str")


@dataclass(kw_only=True)
class Derived(Base):
    rate: float = redeclared(Base, "rate", default=0.5, doc="Faster.")


def test_a_parameter_has_its_default_and_what_is_declared_of_it():
    assert (Base().rate, Base().label) == (0.1, "a")
    assert declared_by(Base)["rate"].domain == Interval(0)
    assert declared_by(Base())["rate"].fixed


def test_another_default_keeps_the_domain_and_the_rest():
    assert Derived().rate == 0.5
    assert declared_by(Derived)["rate"].domain == Interval(0)
    assert declared_by(Derived)["rate"].fixed
    assert declared_by(Base)["rate"].doc == "How fast,\n    in steps."


def test_the_parameters_section_is_numpydoc():
    assert numpydoc_of(Base) == (
        "Parameters\n----------\n"
        "rate : float, default=0.1\n    How fast,\n    in steps.\n"
        "label : str, default='a'\n    What it is called."
    )


def test_a_value_outside_its_domain_raises_with_owner_condition_value_and_default():
    message = r"Base needs rate >= 0; got -1. The default is Base\(rate=0.1\)."
    with pytest.raises(ValueError, match=message):
        check_declared("Base", Base(), {"rate": -1, "label": 3})


def test_arrays_are_checked_as_tuples_but_those_without_axes_are_no_numbers():
    assert checkable(np.array([1, 2])) == (1, 2)
    assert checkable(np.float64(2.0)) == 2.0
    assert type(checkable(np.int64(2))) is int
    assert isinstance(checkable(np.array(2.0)), np.ndarray)
    assert isinstance(checkable(torch.tensor(2.0)), torch.Tensor)
