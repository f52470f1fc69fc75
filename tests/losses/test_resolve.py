"""Every accepted form of a loss, and what is refused."""

import numpy as np
import pytest
from torch import nn

import sklloss
from sklloss.losses import (
    AbsoluteError,
    Brier,
    CrossEntropy,
    Focal,
    HistogramCrossEntropy,
    Huber,
    ProbabilityHuber,
    Quantile,
    SquaredError,
    get_loss,
    list_losses,
)
from sklloss.losses.catalogue import CATALOGUE


@pytest.mark.parametrize("cls", CATALOGUE)
def test_names_aliases_classes_and_instances_resolve(cls):
    for name in (cls.name, *cls.aliases, cls.name.upper(), cls.name.replace("_", "-")):
        assert get_loss(name, task=cls.task) == cls()
    assert get_loss(cls, task=cls.task) == get_loss(cls(), task=cls.task) == cls()


def test_the_four_common_names_resolve_in_both_tasks():
    regression = [get_loss(n, task="regression") for n in ("mse", "mae", "huber", "cross_entropy")]
    assert regression == [SquaredError(), AbsoluteError(), Huber(), HistogramCrossEntropy()]
    assert get_loss("mse", task="classification") == Brier()
    assert get_loss("cross_entropy", task="classification") == CrossEntropy()


@pytest.mark.parametrize(
    ("name", "task", "ours"),
    [
        ("mean_squared_error", "regression", "mse"),
        ("mean_absolute_error", "regression", "mae"),
        ("mean_absolute_percentage_error", "regression", "mape"),
        ("mean_squared_logarithmic_error", "regression", "msle"),
        ("mean_squared_error", "classification", "mse"),
        ("bce", "classification", "cross_entropy"),
        ("binary_crossentropy", "classification", "cross_entropy"),
        ("categorical_crossentropy", "classification", "cross_entropy"),
        ("sparse_categorical_crossentropy", "segmentation", "cross_entropy"),
    ],
)
def test_names_of_keras_that_mean_the_same_resolve(name, task, ours):
    assert get_loss(name, task=task) == get_loss(ours, task=task)


def test_parameters_are_set_and_arrays_become_tuples():
    assert get_loss("huber", task="regression", delta=2.0) == Huber(delta=2.0)
    assert get_loss(Huber(delta=3.0), task="regression", delta=2.0) == Huber(delta=2.0)
    focal = get_loss("focal", task="classification", alpha=np.array([0.5, 2.0]))
    assert focal == Focal(alpha=(0.5, 2.0))
    assert hash(focal) == hash(Focal(alpha=(0.5, 2.0)))


@pytest.mark.parametrize(
    ("loss", "task", "message"),
    [
        ("hubber", "regression", "Did you mean 'huber'"),
        ("cros_entropy", "classification", "Did you mean 'cross_entropy'"),
        (
            "reg:absoluteerror",
            "regression",
            r"\(XGBoost\). In sklloss this is loss='absolute_error'",
        ),
        ("regression_l1", "regression", r"\(LightGBM\). In sklloss this is loss='absolute_error'"),
        ("RMSE", "boxes", "There is no boxes loss 'RMSE' .* this is loss='squared_error'"),
        ("Quantile:alpha=0.9", "regression", r"'quantile', with set_params.loss__quantile=0.9"),
        ("multi:softprob", "segmentation", "In sklloss this is loss='cross_entropy'"),
        ("BCELoss", "classification", r"\(torch\). In sklloss this is loss='cross_entropy'"),
        ("binary:logistic", "regression", "this is the classification loss 'cross_entropy'; this"),
        ("rank:ndcg", "ranking", "In sklloss this is loss='lambdarank'"),
        ("zzz", "regression", "The names are squared_error, absolute_error"),
        ("poisson", "classification", "is a regression loss"),
        ("hinge", "regression", "is a classification loss"),
        ("dice", "regression", "^Dice .'dice'. is a segmentation loss"),  # no alias of another's
        (Huber(), "classification", "Its counterpart there is ProbabilityHuber, by name 'huber'"),
        (ProbabilityHuber, "regression", "Its counterpart there is Huber"),
        (Quantile(), "classification", "Choose one of cross_entropy"),
        (nn.CrossEntropyLoss, "regression", "nn.CrossEntropyLoss does not take what a regression"),
        (nn.CTCLoss, "transcription", "Give its name: loss='CTCLoss'"),
        (nn.CTCLoss(zero_infinity=True), "transcription", "Give its name: loss='CTCLoss'"),
        (nn.KLDivLoss(), "classification", "torch's losses for classification are nn.L1Loss"),
    ],
)
def test_what_is_refused_names_the_remedy(loss, task, message):
    with pytest.raises(ValueError, match=message):
        get_loss(loss, task=task)


def test_what_is_no_loss_is_a_type_error():
    with pytest.raises(TypeError, match="loss must be a name, a Loss"):
        get_loss(3, task="regression")
    with pytest.raises(ValueError, match="task to be one of 'regression', 'classification'"):
        get_loss("mse", task="clustering")


def test_unknown_parameter_names_the_loss_and_shows_the_list_of_grids():
    with pytest.raises(
        ValueError, match=r"'squared_error' has no parameter 'delta'; it has none.*list of grids"
    ):
        get_loss("mse", task="regression", delta=1)
    with pytest.raises(ValueError, match="its parameters are delta"):
        get_loss("huber", task="regression", deltas=1)


def test_list_losses_shows_the_catalogue():
    table = list_losses()
    assert len(table) == len(CATALOGUE)
    columns = [
        "name",
        "task",
        "aliases",
        "parameters",
        "functional",
        "y_domain",
        "predict_proba",
        "reference",
    ]
    assert set(columns) <= set(table.columns)
    row = table[table["class"] == "Poisson"].iloc[0]
    assert (row["y_domain"], row["functional"]) == ("y >= 0", "mean")
    assert not table.set_index("class").loc["Hinge", "predict_proba"]
    assert set(list_losses("classification").task) == {"classification"}
    with pytest.raises(ValueError, match="list_losses needs task"):
        list_losses("clustering")
    assert table.reference.str.len().min() > 5


def test_every_loss_is_importable_by_its_class_name():
    for cls in CATALOGUE:
        assert getattr(sklloss.losses, cls.__name__) is cls


def test_a_loss_says_formula_parameters_reference_and_example():
    for cls in CATALOGUE:
        document = cls.__doc__
        assert "``" in document
        assert "References\n" in document
        assert ">>>" in document
        for name in cls().params:
            assert f"{name} : " in document


@pytest.mark.parametrize("loss", [int, [1], 3.0, None, dict])
def test_what_is_no_loss_is_refused(loss):
    with pytest.raises(TypeError, match="loss must be a name, a Loss, a torch.nn loss"):
        get_loss(loss, task="classification")
