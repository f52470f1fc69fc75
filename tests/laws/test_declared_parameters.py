"""Parameters of estimators are declared once: signature, documentation, identity, subclasses, types."""

import inspect
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import sklloss
from sklloss import NeuralRegressor
from sklloss.parameters.declared import declared_by

ESTIMATORS = [
    sklloss.MetricEmbedder,
    sklloss.NeuralBoxRegressor,
    sklloss.NeuralClassifier,
    sklloss.NeuralMultiTask,
    sklloss.NeuralRanker,
    sklloss.NeuralRegressor,
    sklloss.NeuralSegmenter,
    sklloss.Recommender,
    sklloss.SequenceTranscriber,
]


def parameters_of(cls):
    return list(inspect.signature(cls).parameters.values())


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_exactly_the_loss_is_positional_and_it_is_first(cls):
    first, *others = parameters_of(cls)
    assert first.name in ("loss", "losses")
    assert first.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert {each.kind for each in others} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_no_parameter_looks_private_or_fitted(cls):
    assert not [p.name for p in parameters_of(cls) if p.name.startswith("_") or p.name[-1] == "_"]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_is_declared_and_documented_in_numpydoc_form(cls):
    parameters = parameters_of(cls)
    assert set(declared_by(cls)) == {p.name for p in parameters}
    section = cls.__doc__.split("Parameters\n----------\n")[1].split("\n\n")[0]
    heads = [line for line in section.splitlines() if not line.startswith(" ")]
    assert len(heads) == len(parameters)
    for p in parameters:
        (head,) = [line for line in heads if line.startswith(f"{p.name} : ")]
        assert head.endswith(f", default={p.default!r}")
        assert not head.startswith(f"{p.name} : ,")
        text = section.split(head + "\n")[1].splitlines()[0]
        assert text.startswith("    ")
        assert len(text) > 12


def documented_members(cls):
    for name, member in inspect.getmembers(cls):
        if not name.startswith("_") and inspect.isroutine(member):
            yield name, member


@pytest.mark.parametrize("cls", [*ESTIMATORS, sklloss.TokenVectorizer, sklloss.LossSearchCV])
def test_no_placeholder_is_left_in_any_docstring(cls):
    for text in [cls.__doc__, *(member.__doc__ for _, member in documented_members(cls))]:
        assert "%(" not in (text or "")


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_equality_and_hash_are_identity(cls):
    assert cls() != cls()
    assert len({cls(), cls()}) == 2


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_representation_is_scikit_learns(cls):
    assert repr(cls(max_epochs=7)) == f"{cls.__name__}(max_epochs=7)"


class Narrow(NeuralRegressor):
    """A user's subclass with fewer parameters than its base."""

    def __init__(self, loss="mae", *, max_epochs=3, width=5):
        self.loss = loss
        self.max_epochs = max_epochs
        self.width = width


class Wide(NeuralRegressor):
    """A user's subclass that passes parameters on."""

    def __init__(self, loss="huber", *, extra=1, **others):
        super().__init__(loss, **others)
        self.extra = extra


def test_a_subclass_with_its_own_constructor_works():
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = Narrow(width=7)
    assert model.get_params() == {"loss": "mae", "max_epochs": 3, "width": 7}
    assert model.set_params(loss="huber", loss__delta=2.0).loss.delta == 2.0
    fitted = clone(model).fit(X, X[:, 0])
    assert fitted.get_params()["loss__delta"] == 2.0
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.predict(X) == fitted.predict(X)).all()
    assert repr(Narrow()) == "Narrow()"


def test_a_subclass_may_pass_parameters_on():
    model = Wide("mae", extra=2, max_epochs=4)
    assert (model.loss, model.extra, model.max_epochs) == ("mae", 2, 4)


CALLS = """
from sklloss import LossSearchCV, NeuralClassifier, NeuralMultiTask, NeuralRegressor, Recommender

NeuralRegressor()
NeuralRegressor("huber", lr=0.1, hidden_layer_sizes=(3, 4), max_epochs=3, n_members=2)
NeuralClassifier(loss="focal", class_weight="balanced")
NeuralMultiTask({"price": "mae"}, weighting="dwa")
Recommender(weight_decay="auto", n_factors=3)
LossSearchCV(NeuralRegressor(), {"loss": ["mse"]}, n_seeds=2, checkpoint="search.db")
NeuralRegressor("mae", 3)  # E: more than one positional argument
NeuralRegressor(no_such_parameter=1)  # E: no such parameter
NeuralRegressor(l1="many")  # E: wrong type
LossSearchCV(NeuralRegressor(), {"loss": ["mse"]}, seeds=2)  # E: no such parameter
"""


def test_type_checkers_see_the_signatures(tmp_path):
    file = tmp_path / "calls.py"
    file.write_text(textwrap.dedent(CALLS))
    shown = subprocess.run(
        [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent", file],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(sklloss.__file__).parents[1],
    )
    wrong = {int(line.split(":")[1]) for line in shown.stdout.splitlines() if ": error:" in line}
    expected = {k for k, line in enumerate(CALLS.splitlines(), 1) if "# E:" in line}
    assert wrong == expected, shown.stdout
