"""The network of texts: its poolings equal references, and padding changes nothing."""

import copy
import io
import pickle
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from sklloss.modules import stack_modules
from sklloss.modules.text.pooling import ConvPooling, GRUPooling, MeanPooling, lengths_of
from sklloss.modules.text.text import TextNet

POOLINGS = ["mean", "conv", "gru"]
LENGTHS = [9, 5, 1, 0, 7, 2]
N_TOKENS = 30


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def some_ids(lengths=LENGTHS):
    """Return rows of so many tokens, padding behind."""
    ids = torch.randint(1, N_TOKENS, (len(lengths), max(*lengths, 1)), generator=source())
    for row, length in zip(ids, lengths, strict=True):
        row[length:] = 0
    return ids


def net(pooling="mean", n_tokens=N_TOKENS, seed=0, **params):
    params = {
        "embedding_size": 6,
        "n_filters": 4,
        "state_size": 5,
        "start_constant": False,
    } | params
    built = TextNet((9,), 3, n_tokens=n_tokens, pooling=pooling, generator=source(seed), **params)
    unknown = built.embedding.weight[1]
    nn.init.normal_(unknown, generator=source())  # as if training had brought some
    return built.double().eval()


def initialised(pooling):
    pooling.initialise(source())
    return pooling.double()


def table():
    return torch.randn(N_TOKENS, 6, dtype=torch.float64, generator=source())


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("training", [False, True])
def test_padding_changes_nothing(pooling, training):
    module, ids = net(pooling).train(training), some_ids()
    expected = module(ids)
    for more in (1, 7, 50):
        assert torch.equal(module(nn.functional.pad(ids, (0, more))), expected)
    pairs = zip(ids, LENGTHS, strict=True)
    one_by_one = torch.cat([module(row[:length][None]) for row, length in pairs if length])
    filled = torch.tensor(LENGTHS) > 0
    torch.testing.assert_close(one_by_one, expected[filled])


@pytest.mark.parametrize("pooling", POOLINGS)
def test_empty_documents_are_alike_and_finite_with_finite_gradients(pooling):
    module, ids = net(pooling), some_ids()
    among_others = module(ids)[LENGTHS.index(0)]
    for n_columns in (1, 3, 20):
        alone = module(torch.zeros(2, n_columns))
        torch.testing.assert_close(alone, among_others.expand(2, -1))
        alone.sum().backward()
    assert all(p.grad.isfinite().all() for p in module.parameters() if p.grad is not None)
    assert not torch.allclose(module(ids)[0], among_others)


def test_mean_is_that_of_the_tokens():
    embeddings, ids = table(), some_ids()
    pooled = MeanPooling(6)(ids, embeddings)
    for row, of_row in zip(ids, pooled, strict=True):
        tokens = row[row != 0]
        mean = embeddings[tokens].mean(0) if len(tokens) else torch.zeros(6).double()
        torch.testing.assert_close(of_row, mean)


def test_convolutions_see_every_window_that_begins_at_a_token():
    embeddings, ids, sizes = table(), some_ids(), (1, 3, 5)
    pooling = initialised(ConvPooling(6, 4, sizes, "tanh"))
    embeddings[0] = 0
    pooled = pooling(ids, embeddings)
    assert pooled.shape == (len(ids), pooling.width) == (6, 12)
    for row, length, of_row in zip(ids, LENGTHS, pooled, strict=True):
        vectors = torch.cat((embeddings[row[:length]], torch.zeros(4, 6).double()))
        found = []
        for layer, size in zip(pooling.convolutions, sizes, strict=True):
            windows = [
                (layer.weight * vectors[start : start + size].T).sum((1, 2)) + layer.bias
                for start in range(length)
            ]
            found.append(torch.stack(windows).amax(0) if windows else torch.zeros(4).double())
        torch.testing.assert_close(of_row, torch.cat(found).tanh())


def test_gru_is_torch_s_on_packed_sequences():
    embeddings, ids = table(), some_ids([9, 5, 1, 7])
    embeddings[0] = 0
    pooling = initialised(GRUPooling(6, 5))
    reference = nn.GRU(6, 5, batch_first=True, bidirectional=True).double()
    numbers = [*pooling.forwards.parameters(), *pooling.backwards.parameters()]
    for theirs, mine in zip(reference.parameters(), numbers, strict=True):
        theirs.data.copy_(mine)
    packed = nn.utils.rnn.pack_padded_sequence(
        embeddings[ids], lengths_of(ids), batch_first=True, enforce_sorted=False
    )
    _, last = reference(packed)
    torch.testing.assert_close(pooling(ids, embeddings), torch.cat((last[0], last[1]), 1))


@pytest.mark.parametrize(
    "pooling", [MeanPooling(6), ConvPooling(6, 2, (2, 3), "tanh"), GRUPooling(6, 3)]
)
def test_gradients_are_those_of_differences_and_padding_has_none(pooling):
    pooling, embeddings, ids = initialised(pooling), table().requires_grad_(), some_ids()
    with torch.no_grad():
        embeddings[0] = 0
    pooling(ids, embeddings).square().sum().backward()
    assert (embeddings.grad[0] == 0).all()
    rows = ids.unique()[1:]

    def pooled(of_tokens):
        return pooling(ids, torch.index_put(embeddings.detach(), (rows,), of_tokens))

    assert torch.autograd.gradcheck(pooled, embeddings.detach()[rows].requires_grad_())


def test_only_the_mean_does_not_see_the_order():
    ids = some_ids([9, 8, 7])
    turned = ids.flip(1)
    assert torch.allclose(net("mean")(ids), net("mean")(turned))
    for pooling in ("conv", "gru"):
        assert not torch.allclose(net(pooling)(ids), net(pooling)(turned), atol=1e-4)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_ids_may_be_floats_and_new_ones_are_unknown(pooling):
    module, ids = net(pooling), some_ids()
    expected = module(ids)
    for dtype in (torch.int32, torch.float32, torch.float64):
        assert torch.equal(module(ids.to(dtype)), expected)
    ids[0, :4] = 1
    known = module(ids)
    ids[0, :4] = torch.tensor([N_TOKENS, N_TOKENS + 1, 10_000, 2**23])
    assert torch.equal(module(ids), known)
    ids[0, 0] = 2
    assert not torch.equal(module(ids), known)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_initial_numbers_come_from_the_generator_alone(pooling):
    state = torch.get_rng_state()
    first, second, other = (net(pooling, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    pairs = zip(first.parameters(), second.parameters(), other.parameters(), strict=True)
    for mine, again, theirs in pairs:
        assert torch.equal(mine, again)
        assert not torch.equal(mine, theirs)
    for parameter in first.parameters():
        assert 0 < parameter.abs().max() <= 3


def test_embeddings_do_not_depend_on_how_many_there_are():
    few, many = (TextNet((4,), 1, n_tokens=n, generator=source()) for n in (10, 5_000))
    assert torch.equal(few.embedding.weight, many.embedding.weight[:10])
    assert torch.equal(few.head[0].weight, many.head[0].weight)
    assert (many.embedding.weight[:2] == 0).all()
    assert many.embedding.weight[2:].abs().max() <= 0.2
    assert many.embedding.weight[2:].std().item() == pytest.approx(0.2 / 3**0.5, rel=0.01)


def test_it_starts_at_the_output_bias():
    module = TextNet((9,), 3, n_tokens=N_TOKENS, generator=source())
    module.output_bias.data.copy_(torch.tensor([1.0, 2.0, 3.0]))
    assert torch.equal(module(some_ids()), torch.tensor([[1.0, 2.0, 3.0]]).expand(6, 3))
    assert [p.shape[0] for p in module.parameters()][-1] == 3
    linear = TextNet((9,), 3, n_tokens=9, hidden_layer_sizes=(), start_constant=False)
    assert [type(layer).__name__ for layer in linear.head] == ["Linear"]


def seen_by_pooling(module, ids):
    seen = []
    hook = module.pooling.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    module(ids)
    hook.remove()
    return seen[0]


def test_tokens_are_left_out_in_training_only():
    module = net(token_dropout=0.3)
    ids = torch.randint(2, N_TOKENS, (200, 100), generator=source())
    assert torch.equal(seen_by_pooling(module.eval(), ids), ids)
    torch.manual_seed(3)
    seen = seen_by_pooling(module.train(), ids)
    assert (seen == 0).double().mean().item() == pytest.approx(0.3, abs=0.02)
    assert torch.equal(seen[seen != 0], ids[seen != 0])
    torch.manual_seed(3)
    assert torch.equal(seen_by_pooling(module, ids), seen)


def test_dropout_reaches_the_pooled_vector_in_training():
    module = net(dropout=0.5, hidden_layer_sizes=()).train()
    torch.manual_seed(0)
    assert not torch.equal(module(some_ids()), module(some_ids()))
    assert torch.equal(module.eval()(some_ids()), module(some_ids()))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_copy_and_a_pickle_compute_the_same(pooling):
    module, ids = net(pooling), some_ids()
    saved = io.BytesIO()
    torch.save(module.state_dict(), saved)
    saved.seek(0)
    loaded = net(pooling, seed=5)
    loaded.load_state_dict(torch.load(saved))
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), loaded):
        assert torch.equal(twin(ids), module(ids))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_stack_trains_it_from_one_flat_buffer(pooling):
    plain = net(pooling, token_dropout=0.2)
    expected = copy.deepcopy(plain).train()
    stack = stack_modules([plain])
    assert stack.holds_parameters()
    ids = some_ids()
    stack.start_epoch([4])
    raw = stack.forward(ids.double()[None])
    stack.backward([torch.ones_like(raw)])
    torch.manual_seed(4)
    output = expected(ids)
    output.sum().backward()
    torch.testing.assert_close(raw[0], output)
    for mine, theirs in zip(plain.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_it_exports_for_any_number_of_rows(pooling):
    module, ids = net(pooling), some_ids()
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The tensor attributes .*_flat_weights"
        )  # torch's
        exported = torch.export.export(module, (ids,), dynamic_shapes=({0: torch.export.Dim("n")},))
    for rows in (ids, ids[:2], ids.repeat(3, 1)):
        torch.testing.assert_close(exported.module()(rows), module(rows))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_tokens": 1}, r"n_tokens >= 2 \(a whole number\); got 1. Give another n_tokens."),
        ({"pooling": "max"}, "pooling to be one of 'mean', 'conv', 'gru'; got 'max'. Did you mean"),
        ({"embedding_size": 0}, "embedding_size >= 1"),
        ({"n_filters": 2.5}, "n_filters >= 1"),
        ({"kernel_sizes": ()}, "kernel_sizes to be a tuple of"),
        ({"kernel_sizes": 3}, r"got 3. The default is kernel_sizes=\(3, 4, 5\)"),
        ({"state_size": -1}, "state_size >= 1"),
        ({"token_dropout": 1.0}, "0 <= token_dropout < 1"),
    ],
)
def test_parameters_outside_their_domains_are_refused(params, message):
    with pytest.raises(ValueError, match=f"The network of texts needs .*{message}"):
        TextNet((4,), 1, **({"n_tokens": 5} | params))


def test_kernel_sizes_may_be_a_list_and_longer_than_the_document():
    module = net("conv", kernel_sizes=[2, 40])
    assert module(some_ids()).isfinite().all()
    np.testing.assert_allclose(
        module(some_ids())[3].detach(), module(torch.zeros(1, 1))[0].detach()
    )


@pytest.mark.parametrize("numbers", [1, 20, 2**18])
def test_gradients_of_means_are_those_of_autograd_in_any_number_of_pieces(numbers, monkeypatch):
    monkeypatch.setattr("sklloss.modules.text.pooling.CHUNK_NUMBERS", numbers)
    embeddings, ids = table().requires_grad_(), some_ids([9, 9, 5, 0, 7])
    slope = torch.randn(5, 6, dtype=torch.float64, generator=source(1))
    (found,) = torch.autograd.grad(MeanPooling(6)(ids, embeddings), embeddings, slope)
    is_token = (ids != 0).unsqueeze(-1)
    means = (embeddings[ids] * is_token).sum(1) / is_token.sum(1).clamp(min=1)
    (expected,) = torch.autograd.grad(means, embeddings, slope)
    torch.testing.assert_close(found, expected)
