"""The loss of several tasks and its weightings: references, laws, wrong parameters."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from sklloss.losses import (
    Brier,
    CrossEntropy,
    DynamicWeightAverage,
    EqualWeights,
    FixedWeights,
    GaussianNLL,
    HistogramCrossEntropy,
    Huber,
    JointLoss,
    Poisson,
    Quantile,
    RandomWeights,
    SoftF1,
    SquaredError,
    State,
    UncertaintyWeights,
    get_loss,
    list_losses,
)
from sklloss.losses.tasks.weightings import Sizes, get_weighting

from ...loss_instances import CLASSIFICATION, REGRESSION
from ..random_batches import draw

OF_ROWS = [loss for loss in REGRESSION + CLASSIFICATION if not loss.whole_batch]
TASKS = (("price", Huber(delta=0.7)), ("visits", Poisson()), ("sold", CrossEntropy()))
CLASSES = (None, None, 3)
WEIGHTINGS = [
    EqualWeights(),
    FixedWeights((("price", 3.0), ("sold", 0.0))),
    UncertaintyWeights(),
    DynamicWeightAverage(temperature=0.5),
    RandomWeights(),
]


def drawn(n=40, seed=0, dtype=torch.float64, missing=0.3):
    """Return raw output, targets with some missing, and weights."""
    source = torch.Generator().manual_seed(seed)
    raw = torch.randn(n, 1, 5, generator=source, dtype=dtype)
    columns = [
        torch.randn(n, generator=source, dtype=dtype),
        torch.randint(0, 9, (n,), generator=source).to(dtype),
        torch.randint(0, 3, (n,), generator=source).to(dtype),
    ]
    y = torch.stack(columns, 1)
    y[torch.rand(n, 3, generator=source) < missing] = torch.nan
    y[:3] = torch.tensor([[0.1, 2, 0], [0.2, 0, 1], [-1, 3, 2]], dtype=dtype)
    return raw, y, torch.rand(n, generator=source, dtype=dtype) + 0.1


def stacked(state):
    return State.stack([state])


def in_training(loss, state):
    """Return the state that a step sees."""
    if not loss.n_draws:
        return state
    return State({**state, "draws": torch.linspace(-1, 1, loss.n_draws)[None]}, state.trained)


def by_hand(raw, y, weight):
    """Return the tasks' mean losses over the rows that have their label, each task alone."""
    slices = [raw[..., :1], raw[..., 1:2], raw[..., 2:]]
    found = []
    for (_, loss), own, n, column in zip(TASKS, slices, CLASSES, y.unbind(1), strict=True):
        known = ~column.isnan()
        labels = column[known][:, None]
        labels = labels.long() if n else labels
        state = loss.prepare(labels, weight[known], n)
        found.append(loss(own[known], labels, state, weight[known]))
    return torch.stack(found)


# ---------------------------------------------------------------------- value


def test_is_the_mean_over_tasks_of_each_tasks_mean_over_its_labels():
    raw, y, weight = drawn()
    loss = JointLoss(TASKS)
    state = loss.prepare(y, weight, CLASSES)
    torch.testing.assert_close(loss(raw, y, state, weight), by_hand(raw, y, weight).mean())
    of_targets = loss.pointwise(raw, y, state)
    assert (of_targets[y.isnan()] == 0).all()
    torch.testing.assert_close(
        (of_targets.mean(1) * weight).sum() / weight.sum(), by_hand(raw, y, weight).mean()
    )


def test_fixed_weights_weigh_by_their_ratios():
    raw, y, weight = drawn()
    loss = JointLoss(TASKS, FixedWeights((("price", 3.0), ("sold", 0.0))))
    value = loss(raw, y, loss.prepare(y, weight, CLASSES), weight)
    of_tasks = by_hand(raw, y, weight)
    torch.testing.assert_close(value, (3 * of_tasks[0] + of_tasks[1]) / 4)


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=lambda w: w.name)
def test_weight_2_is_a_row_repeated_and_0_a_row_removed(weighting):
    raw, y, _ = drawn()
    times = torch.arange(40) % 3
    times[:3] = 1
    loss = JointLoss(TASKS, weighting)
    ones = torch.ones(int(times.sum()), dtype=torch.float64)
    rows = (raw.repeat_interleave(times, 0), y.repeat_interleave(times, 0))
    kept = times > 0
    state = loss.prepare(y[kept], times[kept].double(), CLASSES)
    repeated = loss.prepare(rows[1], ones, CLASSES)
    for key, value in state.items():
        torch.testing.assert_close(value, repeated[key])
    for see in (lambda s: s, lambda s: in_training(loss, s)):
        one = objective(loss, raw[kept], y[kept], see(state), times[kept].double())
        torch.testing.assert_close(one, objective(loss, *rows, see(repeated), ones))


def objective(loss, raw, y, state, weight):
    terms = loss.terms(raw, y, state, weight)
    return loss.objective(terms, weight.sum(-1), state)


def test_sums_of_batches_are_those_of_all_rows():
    """A batch is divided by the share of labels of all rows, not by its own."""
    raw, y, weight = drawn()
    loss = JointLoss(TASKS)
    state = loss.prepare(y, weight, CLASSES)
    whole = loss.terms(raw, y, state, weight)
    pieces = [loss.terms(raw[i], y[i], state, weight[i]) for i in torch.arange(40).split(7)]
    torch.testing.assert_close(sum(pieces), whole)


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=lambda w: w.name)
def test_gradients_are_those_of_finite_differences_and_0_for_missing_labels(weighting):
    raw, y, weight = drawn(n=8)
    loss = JointLoss(TASKS, weighting)
    state = in_training(loss, loss.prepare(y, weight, CLASSES))
    trained = sorted(state.trained)

    def value(raw, *entries):
        told = State({**state, **dict(zip(trained, entries, strict=True))}, trained)
        return objective(loss, raw, y, told, weight)

    inputs = [raw.requires_grad_(), *(state[key].clone().requires_grad_() for key in trained)]
    assert torch.autograd.gradcheck(value, inputs)
    (slope,) = torch.autograd.grad(value(*inputs), raw)
    assert (slope[y[:, 0].isnan(), 0, 0] == 0).all()
    assert (slope[y[:, 2].isnan(), 0, 2:] == 0).all()
    assert (slope[~y[:, 0].isnan(), 0, 0] != 0).any()


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=lambda w: w.name)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_finite_with_finite_gradients_for_extreme_output(weighting, size):
    _, y, weight = drawn(dtype=torch.float32)
    loss = JointLoss(TASKS, weighting)
    state = in_training(loss, loss.prepare(y, weight, CLASSES))
    trained = [state[key].requires_grad_() for key in state.trained]
    raw = torch.full((40, 1, 5), size, requires_grad=True)
    value = objective(loss, raw, y, state, weight)
    assert value.isfinite()
    assert all(g.isfinite().all() for g in torch.autograd.grad(value, [raw, *trained]))


def test_stacked_is_alone():
    loss = JointLoss(TASKS, UncertaintyWeights())
    samples = [drawn(seed=seed) for seed in range(2)]
    states = [loss.prepare(y, weight, CLASSES) for _, y, weight in samples]
    together = loss(
        *(torch.stack(part) for part in list(zip(*samples, strict=True))[:2]),
        State.stack(states),
        torch.stack([weight for *_, weight in samples]),
    )
    for value, (raw, y, weight), state in zip(together, samples, states, strict=True):
        assert value == loss(raw[None], y[None], stacked(state), weight[None])


def test_best_constants_side_by_side_minimise():
    _, y, weight = drawn()
    loss = JointLoss(TASKS)
    state = loss.prepare(y, weight, CLASSES)
    best = loss.baseline(y, weight, state)
    at_best = loss(loss.constant_raw(best, y, state), y, state, weight)
    for k in range(5):
        for step in (-0.1, 0.1):
            moved = best.clone()
            moved[0, k] += step
            assert loss(loss.constant_raw(moved, y, state), y, state, weight) > at_best


def test_predict_puts_the_tasks_side_by_side():
    raw, y, weight = drawn()
    loss = JointLoss(TASKS)
    said = loss.predict(raw, loss.prepare(y, weight, CLASSES))
    expected = torch.cat([raw[..., 0], raw[..., 1].exp(), raw[..., 2:].argmax(-1)], -1)
    torch.testing.assert_close(said, expected)


def test_shapes_that_would_broadcast_are_refused():
    raw, y, weight = drawn()
    loss = JointLoss(TASKS)
    state = loss.prepare(y, weight, CLASSES)
    with pytest.raises(ValueError, match=r"raw of shape \(40, 1, 5\) for y of shape \(40, 3\)"):
        loss(raw[..., :4], y, state, weight)
    with pytest.raises(ValueError, match="sample_weight of shape"):
        loss(raw, y, state, weight[:, None])


# ---------------------------------------------------------------------- weightings


def test_uncertainty_is_kendalls_formula():
    raw, y, weight = drawn()
    loss = JointLoss(TASKS, UncertaintyWeights())
    state = loss.prepare(y, weight, CLASSES)
    state["raw_log_variance"] = torch.tensor([[0.1, -0.2, 0.3]], dtype=torch.float64)
    s = 5 * np.array([0.1, -0.2, 0.3]) + state["start_log_variance"][0].numpy()
    known = ~y[:, 1].isnan()
    counts, of_rows = y[known, 1].numpy(), weight[known].numpy()
    perfect = np.where(counts > 0, counts - counts * np.log(np.maximum(counts, 1)), 0.0)
    losses = by_hand(raw, y, weight).numpy() - [0, np.average(perfect, weights=of_rows), 0]
    expected = losses * [0.5, 0.5, 1] * np.exp(-s) + s / 2
    value = objective(loss, raw, y, state, weight) / weight.sum()
    assert value.item() == pytest.approx(expected.mean())
    learnt = loss.learnt(state)
    np.testing.assert_allclose(learnt["log_variance"], s[None])
    factors = np.array([0.5, 0.5, 1]) * np.exp(-s)
    np.testing.assert_allclose(learnt["task_weights"][0], factors / factors.mean())


def test_uncertainty_starts_at_the_variances_that_are_best_for_the_best_constants():
    _, y, weight = drawn()
    loss = JointLoss(TASKS, UncertaintyWeights())
    state = loss.prepare(y, weight, CLASSES)
    constant = loss.constant_raw(loss.baseline(y, weight, state), y, state)
    for t in range(3):

        def value(s, t=t):
            state["raw_log_variance"] = torch.zeros(1, 3).double()
            state["raw_log_variance"][0, t] = s
            return objective(loss, constant, y, state, weight).item()

        assert minimize_scalar(value, bounds=(-1, 1)).x == pytest.approx(0, abs=1e-5)


def test_uncertainty_stays_finite_where_a_task_is_learnt_perfectly():
    sizes = Sizes(torch.tensor([0.0, 1e30]), torch.zeros(2))
    weighting = UncertaintyWeights()
    state = weighting.prepare(sizes)
    at_start = weighting.factors(state)
    for raw in (-1e4, 1e4):
        state["raw_log_variance"] = torch.full((1, 2), raw)
        moved = (weighting.factors(state) / at_start).log()
        torch.testing.assert_close(moved.abs(), torch.full((1, 2), 5.0))


def test_dwa_is_lius_formula():
    weighting = DynamicWeightAverage(temperature=2.0)
    state = weighting.prepare(Sizes(torch.ones(3).double(), torch.zeros(3)))
    history = np.array([[1.0, 2.0, 3.0], [0.9, 0.5, 3.0], [0.3, 0.4, 3.1]])
    for epoch, losses in enumerate(history):
        weighting.note_epoch(torch.from_numpy(losses)[None], state)
        rates = history[epoch] / history[epoch - 1] if epoch else np.ones(3)
        expected = 3 * np.exp(rates / 2) / np.exp(rates / 2).sum()
        np.testing.assert_allclose(weighting.factors(state)[0], expected)


def test_dwa_measures_losses_from_the_least_that_they_can_be():
    raw, y, weight = drawn()
    loss = JointLoss(TASKS, DynamicWeightAverage())
    state = stacked(loss.prepare(y, weight, CLASSES))
    means = loss.terms(raw[None], y[None], state, weight[None]) / weight.sum()
    assert (means - state["floor"][:, 0] > 0).all()
    assert state["floor"][0, 0, 1] < 0
    loss.note_epoch(means, state)
    torch.testing.assert_close(state["last_losses"][:, 0], means - state["floor"][:, 0])


def test_random_weights_are_a_softmax_of_the_draws_and_1_outside_training():
    draws = np.array([[0.5, -1.0, 2.0]])
    state = State({"draws": torch.from_numpy(draws), "fixed": torch.ones(1, 3)})
    factors = RandomWeights().factors(state)
    np.testing.assert_allclose(factors, 3 * np.exp(draws) / np.exp(draws).sum())
    del state["draws"]
    assert (RandomWeights().factors(state) == 1).all()


@pytest.mark.parametrize("weighting", WEIGHTINGS[2:], ids=lambda w: w.name)
def test_models_are_judged_by_equal_weights_whatever_trains(weighting):
    raw, y, weight = drawn()
    loss, equal = JointLoss(TASKS, weighting), JointLoss(TASKS)
    state = loss.prepare(y, weight, CLASSES)
    value = loss(raw, y, in_training(loss, state), weight)
    assert value == equal(raw, y, equal.prepare(y, weight, CLASSES), weight)


# ---------------------------------------------------------------------- least values


@pytest.mark.parametrize("loss", OF_ROWS, ids=repr)
def test_no_loss_is_below_its_least_value(loss):
    raw, y, _, state = draw(loss)
    least = loss.least(y, state)
    values = [loss.pointwise(scale * raw, y, state) - least for scale in (0.01, 0.3, 3, 30)]
    assert loss.is_density or torch.cat(values).min() > -1e-9


def test_least_values_of_means_are_reached():
    y = torch.tensor([[0.5], [2.0], [7.0]]).double()
    for loss in (get_loss(name, task="regression") for name in ("poisson", "gamma", "tweedie")):
        state = loss.prepare(y, torch.ones(3).double())
        at_y = loss.pointwise(y.log().unsqueeze(-1), y, state)
        torch.testing.assert_close(at_y, loss.least(y, state))


def test_densities_may_be_negative():
    names = {loss.name for loss in REGRESSION if loss.is_density}
    assert names == {"gaussian_nll", "laplace_nll", "student_t_nll", "lognormal_nll", "adaptive"}
    y = torch.tensor([[1.0]])
    raw = torch.tensor([[[1.0, -9.0]]])
    assert GaussianNLL()(raw, y, GaussianNLL().prepare(y, torch.ones(1))) < 0


# ---------------------------------------------------------------------- values and wrong ones


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=lambda w: w.name)
def test_round_trips(weighting):
    loss = JointLoss(TASKS, weighting)
    for other in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss)):
        assert other == loss
        assert hash(other) == hash(loss)
    names = {cls.__name__: cls for cls in (JointLoss, Huber, Poisson, CrossEntropy)}
    names |= {type(w).__name__: type(w) for w in WEIGHTINGS}
    assert eval(repr(loss), names) == loss
    assert loss.structure != JointLoss(TASKS[:2], weighting).structure
    assert len({JointLoss(TASKS, w) for w in WEIGHTINGS}) == len(WEIGHTINGS)


def test_names_with_dots_keep_their_entries_apart():
    tasks = (("a_b", Huber(delta=2.0)), ("a.b", Huber(delta=3.0)))
    loss = JointLoss(tasks)
    y = torch.randn(6, 2)
    state = loss.prepare(y, torch.ones(6), (None, None))
    assert [loss.of_task(state, name)["delta"].item() for name in loss.names] == [2, 3]


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (JointLoss((("a", Huber(delta=-1)),)), "Task 'a': Huber needs delta > 0; got -1"),
        (JointLoss((("a", Huber()), ("a", Huber()))), "got 'a' and 'a'. Rename one"),
        (JointLoss((("a", Huber()), ("a.x", Huber()))), "got 'a' and 'a.x'"),
        (JointLoss((("f", SoftF1()),)), "Task 'f': loss 'soft_f1' has no value per row"),
        (JointLoss((("f", JointLoss(TASKS)),)), "Task 'f': loss 'joint' has no value per row"),
        (JointLoss(TASKS, FixedWeights((("x", 1.0),))), "task 'x', which y does not have"),
        (
            JointLoss(TASKS[:1], FixedWeights((("price", 0),))),
            r"is 0 for every task of \['price'\]",
        ),
        (JointLoss(TASKS, DynamicWeightAverage(0.0)), "needs temperature > 0; got 0.0"),
    ],
)
def test_wrong_parameters_are_named(loss, message):
    with pytest.raises(ValueError, match=message):
        loss.check_params()


@pytest.mark.parametrize("weighting", [UncertaintyWeights(), DynamicWeightAverage()])
def test_sizes_of_densities_are_not_compared(weighting):
    loss = JointLoss((("price", GaussianNLL()),), weighting)
    with pytest.raises(ValueError, match=r"'gaussian_nll' of the task 'price' has no least value"):
        loss.prepare(torch.randn(5, 1), torch.ones(5), (None,))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("uncertanty", ValueError, "got 'uncertanty'. Did you mean 'uncertainty'"),
        ({"a": -1.0}, ValueError, "finite weights >= 0; got -1.0 for the task 'a'"),
        ({"a": math.nan}, ValueError, "got nan for the task 'a'"),
        ({"a": math.inf}, ValueError, "got inf"),
        ({"a": "much"}, ValueError, "got 'much'"),
        (3, TypeError, "a dict of task to weight, or a Weighting; got 3"),
        (None, TypeError, "got None"),
        (DynamicWeightAverage(temperature=-1.0), ValueError, "temperature > 0"),
    ],
)
def test_wrong_weightings_are_named(given, error, message):
    with pytest.raises(error, match=message):
        get_weighting(given)


def test_weightings_by_any_form():
    assert get_weighting("equal") == get_weighting(EqualWeights) == EqualWeights()
    assert get_weighting({"a": 2}) == FixedWeights((("a", 2),))
    assert get_weighting(DynamicWeightAverage(1.0)).temperature == 1


@pytest.mark.parametrize("largest", [1e300, 1e-300])
def test_weights_of_any_size_count_by_their_ratios(largest):
    weighting = FixedWeights((("a", largest), ("b", 3 * largest)))
    assert weighting.fixed(("a", "b")) == pytest.approx((0.5, 1.5))


def test_names_of_two_tasks_mean_the_class_that_is_called_so():
    for name, expected in {
        "mse": SquaredError(),
        "squared_error": SquaredError(),
        "HuberLoss": Huber(),
        "cross_entropy": CrossEntropy(),
        "CrossEntropyLoss": CrossEntropy(),
        "brier": Brier(),
        "poisson": Poisson(),
    }.items():
        assert get_loss(name, task="multitask") == expected
    assert get_loss(torch.nn.CrossEntropyLoss, task="multitask").task == "classification"
    assert get_loss(torch.nn.L1Loss(), task="multitask").task == "regression"
    assert get_loss(lambda p, y: p - y, task="multitask").task == "regression"
    for loss in (HistogramCrossEntropy(), Quantile(quantile=0.2)):
        assert get_loss(loss, task="multitask") is loss
    with pytest.raises(
        ValueError, match="is a segmentation loss, and this needs one for multitask"
    ):
        get_loss("tversky", task="multitask")
    listed = set(list_losses("multitask")["class"])
    assert {"Huber", "ProbabilityHuber", "CrossEntropy", "HistogramCrossEntropy"} <= listed
    assert not {"SoftF1", "Tversky", "CTC"} & listed
