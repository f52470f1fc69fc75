"""Every class that can be part of an estimator has a name in files, which leads back to it."""

import pytest
from torch import nn

import sklloss
from sklloss.estimators.fit.estimator import NeuralEstimator
from sklloss.estimators.inputs.data import LearnedInputs
from sklloss.estimators.inputs.frames import Column
from sklloss.estimators.targets.base import LearnedTarget, Target
from sklloss.losses.catalogue import CATALOGUE
from sklloss.losses.tasks.weightings import Weighting
from sklloss.modules import MODULES
from sklloss.persistence.objects.names import LIBRARIES, PLACES, class_named, name_of
from sklloss.training.rows.augment import BatchChange
from sklloss.training.rows.data import Encoding

# What the package offers is imported only where it is used, and so are its subclasses.
PUBLIC = {name: getattr(sklloss, name) for name in sklloss.__all__}
# Bases whose subclasses are never values of a fit.
ABSTRACT = {"Scaled", "Classes"}


def below(cls):
    """Return all subclasses of a class in this package."""
    found = [sub for child in cls.__subclasses__() for sub in (child, *below(child))]
    return [sub for sub in found if sub.__module__.startswith("sklloss.")]


BASES = (
    *(LearnedInputs, LearnedTarget, Target, Column, Encoding, BatchChange, Weighting),
    NeuralEstimator,
)


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.__name__)
def test_what_fits_learn_has_a_name(base):
    concrete = [
        cls
        for cls in below(base)
        if cls.__name__ not in ABSTRACT
        and not cls.__name__.startswith("_")
        and not getattr(cls, "__abstractmethods__", None)
        and (base is not NeuralEstimator or cls.__name__ in PUBLIC)
    ]
    assert concrete
    assert [cls.__name__ for cls in concrete if name_of(cls) is None] == []


@pytest.mark.parametrize("name", PLACES)
def test_a_name_leads_to_a_class_and_back(name):
    assert name_of(class_named(name)) == name


@pytest.mark.parametrize("cls", CATALOGUE, ids=lambda cls: cls.__name__)
def test_losses_have_the_names_of_their_classes(cls):
    assert name_of(cls) == cls.__name__


@pytest.mark.parametrize("library", LIBRARIES)
def test_classes_of_other_libraries_are_where_they_should_be(library):
    if library == "sklearn":
        import sklearn.experimental.enable_halving_search_cv
        import sklearn.experimental.enable_iterative_imputer  # noqa: F401
    for name in LIBRARIES[library]:
        found = class_named(f"{library}/{name}")
        assert name_of(found) == f"{library}/{name}"


def test_networks_have_names():
    for network in MODULES.values():
        assert name_of(network) is not None


def test_others_have_none():
    assert name_of(nn.Linear) is None
    assert name_of(dict) is None
    assert name_of(type("NeuralRegressor", (), {"__module__": "sklloss.x"})) is None
    with pytest.raises(KeyError):
        class_named("Nothing")
