"""Names of other libraries stand for parameters and losses that we have."""

import inspect

import lightgbm
import pytest
from sklearn.neural_network import MLPRegressor

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.losses import get_loss
from sklloss.losses.listing import losses_of, names_of
from sklloss.parameters.synonyms import LOSSES, PARAMETERS, bare, loss_synonym, said_of_loss

OURS = {*NeuralClassifier().get_params(deep=False), *NeuralRegressor().get_params(deep=False)}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_synonym_stands_for_a_parameter_or_says_why_there_is_none(name):
    synonym = PARAMETERS[name]
    assert name not in OURS
    assert synonym.ours in OURS or (not synonym.ours and len(synonym.remark) > 15)
    assert not synonym.remark or synonym.remark.endswith(".")
    assert synonym.ours in synonym.code_of(3)


@pytest.mark.parametrize("name", PARAMETERS)
def test_how_it_is_written_is_code_that_runs(name):
    code = PARAMETERS[name].code_of(0.5)
    if not code or "..." in code or "GradientNorm" in code:
        return
    names = {"train": [0], "valid": [1], "alpha": 1.0, "batch_size": 2}
    model = eval(f"NeuralClassifier({code})", {**globals(), **names})
    assert isinstance(model, NeuralClassifier)


def test_every_parameter_of_the_mlp_of_scikit_learn_has_an_answer():
    theirs = set(inspect.signature(MLPRegressor).parameters)
    assert theirs - OURS - set(PARAMETERS) == {"max_fun"}  # evaluations of lbfgs


def test_every_parameter_of_lightgbm_has_an_answer():
    theirs = set(inspect.signature(lightgbm.LGBMClassifier).parameters) - {"kwargs"}
    without = {"subsample_for_bin", "subsample_freq", "min_split_gain", "importance_type"}
    assert theirs - OURS - set(PARAMETERS) == without


@pytest.mark.parametrize("name", LOSSES)
def test_a_synonym_stands_for_a_loss_with_these_parameters(name):
    synonym = LOSSES[name]
    loss = get_loss(synonym.ours, task=synonym.task)
    assert loss.name == synonym.ours
    assert set(synonym.params.values()) <= set(loss.params)


def test_no_synonym_hides_a_name_of_ours():
    """Except CatBoost's, whose parameters stand behind the name."""
    for cls in losses_of():
        for name in names_of(cls):
            found = LOSSES.get(bare(name))
            same_task = found is not None and found.task == cls.task
            assert not same_task or found.ours == cls.name, name


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("reg:absoluteerror", "In sklloss this is loss='absolute_error'."),
        ("Quantile:alpha=0.9", "loss='quantile', with set_params(loss__quantile=0.9)."),
        ("MultiQuantile:alpha=0.1,0.9", "with set_params(loss__quantiles=(0.1,0.9))."),
        ("Focal:focal_alpha=0.5;focal_gamma=1", "set_params(loss__alpha=0.5, loss__gamma=1)."),
        ("reg:quantileerror", "loss='quantile'; quantile_alpha is loss__quantile."),
        ("yetirank", "The nearest in sklloss is loss='lambdarank'."),
        ("nothing of the kind", ""),
    ],
)
def test_what_is_said_of_a_loss(name, answer):
    said = said_of_loss(name)
    assert said.endswith(answer)
    assert bool(said) == bool(answer)


def test_a_parameter_in_a_name_is_read_where_there_is_one():
    assert loss_synonym("Huber:delta=2")[1] == {"delta": "2"}
    assert loss_synonym("Huber:unknown=2")[1] == {}
    assert loss_synonym("reg:squarederror")[1] == {}
