"""Losses of sequences: equal to torch's CTC, to sums over all paths, and blind to what stands
behind the end."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklloss import losses
from sklloss.losses import CTC, EntropyCTC, FocalCTC, State, certain_blank_where, get_loss
from sklloss.losses.catalogue import CATALOGUE
from sklloss.losses.speech.paths import collapsed, frames_needed, lengths_of, path_entropy
from sklloss.losses.speech.transcription import TranscriptionLoss, negative_log_likelihood

ALL = (
    *(cls() for cls in CATALOGUE if cls.task == "transcription"),
    CTC(label_smoothing=0.1),
    FocalCTC(gamma=0.0),
    FocalCTC(gamma=2.5),
    EntropyCTC(beta=0.0),
    EntropyCTC(beta=1.0),
)
each = pytest.mark.parametrize("loss", ALL, ids=repr)
Y = torch.tensor([[1, 2, 3], [1, 1, -1], [2, -1, -1], [-1, -1, -1], [3, 3, 3], [2, 1, 2]])
N_OUTPUTS = 4


def draw(loss, n_frames=9, dtype=torch.float64, seed=0):
    """Return raw (n, frames, outputs), y, weights and the state."""
    generator = torch.Generator().manual_seed(seed)
    raw = torch.randn(len(Y), n_frames, N_OUTPUTS, dtype=dtype, generator=generator)
    weights = 0.5 + torch.rand(len(Y), dtype=dtype, generator=generator)
    return raw, Y, weights, loss.prepare(Y, weights, N_OUTPUTS)


def paths_of(y, n_frames):
    """Return all paths, as tuples, that spell a transcript."""
    wanted = [k for k in y.tolist() if k > 0]
    return [
        path
        for path in itertools.product(range(N_OUTPUTS), repeat=n_frames)
        if [k for k, _ in itertools.groupby(path) if k] == wanted
    ]


def test_the_three_are_in_the_catalogue():
    assert [type(loss) for loss in ALL[:3]] == [CTC, FocalCTC, EntropyCTC]
    assert get_loss("CTCLoss", task="transcription") == CTC()
    assert get_loss("enctc", task="transcription", beta=0.5) == EntropyCTC(beta=0.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ctc_is_that_of_torch(dtype):
    raw, y, weights, state = draw(CTC(), dtype=dtype)
    lengths = torch.full((len(y),), raw.shape[1])
    log_p = raw.log_softmax(-1).transpose(0, 1)
    arguments = (log_p, y.clamp(min=0), lengths, lengths_of(y))
    assert CTC()(raw, y, state).item() == pytest.approx(
        torch.nn.CTCLoss()(*arguments).item(), abs=1e-6
    )
    of_row = torch.nn.CTCLoss(reduction="none")(*arguments) / lengths_of(y).clamp(min=1)
    torch.testing.assert_close(CTC().of_row(raw, y, state), of_row, rtol=0, atol=1e-6)
    expected = (of_row * weights).sum() / weights.sum()
    assert CTC()(raw, y, state, weights).item() == pytest.approx(expected.item(), rel=1e-6)


def test_ctc_and_entropy_are_sums_over_all_paths():
    raw, y, _, _ = draw(CTC(), n_frames=6)
    log_p = raw.log_softmax(-1)
    likelihood, entropy = path_entropy(log_p, y)
    for row, transcript in enumerate(y):
        values = torch.stack(
            [sum(log_p[row, t, k] for t, k in enumerate(path)) for path in paths_of(transcript, 6)]
        )
        total = values.logsumexp(0)
        share = (values - total).exp()
        torch.testing.assert_close(-negative_log_likelihood(raw, y)[row], total)
        torch.testing.assert_close(likelihood[row], total)
        torch.testing.assert_close(entropy[row], -(share * (values - total)).sum())


@pytest.mark.parametrize(("loss", "same"), [(FocalCTC(gamma=0.0), CTC()), (EntropyCTC(0.0), CTC())])
def test_without_their_parameter_all_are_ctc(loss, same):
    raw, y, _, state = draw(loss)
    torch.testing.assert_close(
        loss.of_row(raw, y, state), same.of_row(raw, y, same.prepare(y, torch.ones(6), N_OUTPUTS))
    )


def test_focal_ctc_is_the_formula_of_the_paper():
    raw, y, _, state = draw(FocalCTC(gamma=2.0))
    value = negative_log_likelihood(raw, y)
    n = lengths_of(y).clamp(min=1)
    expected = (1 - torch.exp(-value)) ** 2 * value / n
    state = FocalCTC(gamma=2.0).prepare(y, torch.ones(6).double(), N_OUTPUTS)
    torch.testing.assert_close(FocalCTC(gamma=2.0).of_row(raw, y, state), expected)


def test_label_smoothing_is_the_divergence_from_equal_probabilities():
    loss = CTC(label_smoothing=0.25)
    raw, y, _, state = draw(loss)
    uniform = torch.full_like(raw, 1 / N_OUTPUTS)
    divergence = torch.nn.functional.kl_div(raw.log_softmax(-1), uniform, reduction="none")
    expected = 0.75 * CTC().of_row(raw, y, CTC().prepare(y, torch.ones(6), N_OUTPUTS))
    expected = expected + 0.25 * divergence.sum(-1).mean(-1)
    torch.testing.assert_close(loss.of_row(raw, y, state), expected)


@each
def test_gradient_is_the_derivative(loss):
    raw, y, _, state = draw(loss, n_frames=6)
    raw.requires_grad_()
    assert torch.autograd.gradcheck(lambda r: loss.pointwise(r, y, state), raw)


@each
@pytest.mark.parametrize("size", [1.0, 30.0, 1e3, 1e4])
def test_value_and_gradient_are_finite_in_float32(loss, size):
    raw, y, _, state = draw(loss, n_frames=20, dtype=torch.float32)
    raw = (size * raw.sign() * raw.abs().clamp(max=1)).requires_grad_()
    value = loss.pointwise(raw, y, state)
    value.sum().backward()
    assert value.isfinite().all()
    assert raw.grad.isfinite().all()


@each
def test_certain_blanks_behind_the_end_are_as_if_they_were_not_there(loss):
    _, y, _, state = draw(loss)
    lengths = torch.tensor([9, 4, 5, 1, 7, 8])
    padded = certain_blank_where(torch.arange(15) >= lengths[:, None], draw(loss, 15)[0])
    whole = loss.of_row(padded, y, state)
    for row, length in enumerate(lengths.tolist()):
        alone = loss.of_row(padded[row : row + 1, :length], y[row : row + 1], state)
        torch.testing.assert_close(whole[row : row + 1], alone, rtol=0, atol=1e-12)
    if loss == CTC():
        log_p = padded.log_softmax(-1).transpose(0, 1)
        by_torch = torch.nn.CTCLoss()(log_p, y.clamp(min=0), lengths, lengths_of(y))
        assert loss(padded, y, state).item() == pytest.approx(by_torch.item(), rel=1e-12)


@each
def test_gradients_stop_at_the_end(loss):
    raw, y, _, state = draw(loss, 12)
    raw.requires_grad_()
    is_behind = torch.arange(12).expand(len(y), -1) >= 9
    loss(certain_blank_where(is_behind, raw), y, state).backward()
    assert (raw.grad[:, 9:] == 0).all()
    assert (raw.grad[:, :9] != 0).any(-1).all()


@each
def test_every_target_carries_the_loss_of_its_row(loss):
    raw, y, weights, state = draw(loss)
    values = loss.pointwise(raw, y, state)
    assert values.shape == y.shape
    assert torch.equal(values, loss.of_row(raw, y, state)[:, None].expand_as(values))
    expected = np.average(values[:, 0].numpy(), weights=weights.numpy())
    assert loss(raw, y, state, weights).item() == pytest.approx(expected, rel=1e-12)


@each
def test_weight_2_is_a_row_repeated_and_0_a_row_removed(loss):
    raw, y, _, state = draw(loss)
    weights = torch.tensor([2, 0, 1, 3, 0, 0])
    repeated = [t.repeat_interleave(weights, 0) for t in (raw, y)]
    torch.testing.assert_close(loss(raw, y, state, weights.double()), loss(*repeated, state))
    prepared = [loss.prepare(y, weights.double(), 4), loss.prepare(repeated[1], torch.ones(6), 4)]
    torch.testing.assert_close(prepared[0]["prior"].float(), prepared[1]["prior"])


@each
@pytest.mark.parametrize("cut", ["raw", "y", "sample_weight"])
def test_shapes_that_would_broadcast_are_refused(loss, cut):
    raw, y, weights, state = draw(loss)
    arguments = {"raw": raw, "y": y, "sample_weight": weights}
    arguments[cut] = arguments[cut][:1]
    with pytest.raises(ValueError, match="Add or drop an axis"):
        loss(arguments["raw"], arguments["y"], state, arguments["sample_weight"])


VALUES = {"label_smoothing": (0.0, 0.3), "gamma": (0.5, 2.0), "beta": (0.1, 0.9)}


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stacked_equals_alone_bit_for_bit(loss, dtype):
    (name,) = loss.params
    settings = [loss, *(loss.replace(**{name: value}) for value in VALUES[name])]
    drawn = [draw(s, dtype=dtype, seed=i) for i, s in enumerate(settings)]
    raw, y, weights = (torch.stack([d[i] for d in drawn]) for i in range(3))
    state = State.stack([d[3] for d in drawn])
    values = loss.of_row(raw, y, state)
    means = loss(raw, y, state, weights)
    for k, (raw_k, y_k, weights_k, state_k) in enumerate(drawn):
        alone = settings[k].of_row(raw_k, y_k, state_k)
        torch.testing.assert_close(values[k], alone, rtol=0, atol=0)
        torch.testing.assert_close(means[k], settings[k](raw_k, y_k, state_k, weights_k))


@each
def test_repr_clone_copy_and_pickle_are_equal(loss):
    for twin in (
        eval(repr(loss), vars(losses)),  # the repr is code that rebuilds it
        clone(loss, safe=False),
        copy.deepcopy(loss),
        pickle.loads(pickle.dumps(loss)),
    ):
        assert twin == loss
        assert hash(twin) == hash(loss)


@pytest.mark.parametrize("loss", [CTC(label_smoothing=1.0), FocalCTC(-1.0), EntropyCTC(-0.1)])
def test_parameters_outside_their_domain_are_named(loss):
    (name,) = loss.params
    with pytest.raises(ValueError, match=f"{type(loss).__name__} needs .*{name}"):
        loss.check_params()


def test_the_priors_are_the_shares_of_the_symbols():
    weights = torch.tensor([1.0, 2, 0, 1, 0, 0])
    prior = CTC().prepare(Y, weights, N_OUTPUTS)["prior"]
    torch.testing.assert_close(prior, torch.tensor([[[7 / 8, 5 / 56, 1 / 56, 1 / 56]]]))


@each
def test_the_best_constant_is_a_guess_by_shares_in_eight_frames_per_symbol(loss):
    _, y, weights, state = draw(loss)
    ctc = CTC().prepare(y, weights, N_OUTPUTS)
    baseline = loss.baseline(y, weights, state)
    assert baseline.shape == (1, N_OUTPUTS)
    raw = loss.constant_raw(baseline, y, state)
    assert raw.shape == (len(y), 24, N_OUTPUTS)
    for row, n in enumerate(lengths_of(y).tolist()):
        alone = baseline.expand(1, max(8 * n, 1), -1)
        value = loss.of_row(alone, y[row : row + 1], state)
        torch.testing.assert_close(loss.of_row(raw, y, state)[row : row + 1], value)
    for step in (
        0.3 * torch.randn(100, 1, N_OUTPUTS, generator=torch.Generator().manual_seed(0))
    ).double():
        other = loss.constant_raw(baseline + step, y, state)
        assert CTC()(other, y, ctc, weights) > 0.98 * CTC()(raw, y, ctc, weights)


def test_paths_collapse_as_ctc_says():
    paths = torch.tensor([[0, 1, 1, 0, 1, 2], [0, 0, 0, 0, 0, 0], [3, 3, 2, 2, 2, 3]])
    assert collapsed(paths)[:, :4].tolist() == [[1, 1, 2, -1], [-1] * 4, [3, 2, 3, -1]]
    assert (collapsed(paths)[:, 4:] == -1).all()


def test_predict_reads_the_likeliest_path():
    raw, _, _, state = draw(CTC())
    for row, path in enumerate(raw.argmax(-1).tolist()):
        expected = [k for k, _ in itertools.groupby(path) if k]
        found = CTC().predict(raw.expand(2, -1, -1, -1), state)[1, row]
        assert found[found > 0].tolist() == expected


@pytest.mark.parametrize("row", range(len(Y)))
def test_frames_needed_is_the_least_that_a_path_takes(row):
    needed = frames_needed(Y)[row].item()
    assert paths_of(Y[row], needed)
    assert not (needed and paths_of(Y[row], needed - 1))


def test_network_output_is_shaped_by_its_number_of_outputs():
    raw, y, _, state = draw(CTC())
    assert torch.equal(CTC().shaped(raw.flatten(1), y, state), raw)


def test_a_subclass_without_a_formula_says_so():
    with pytest.raises(NotImplementedError, match="needs a method of_row"):
        TranscriptionLoss().pointwise(*draw(CTC())[:2], draw(CTC())[3])
