"""Rows of different lengths: padded with a mask, and batched with those of about their length."""

import numpy as np
import pytest
import torch

from sklloss.modules import ModuleLoop, SequenceNetwork
from sklloss.training import RaggedRows, TrainingSet, generator, rows
from sklloss.training.rows.batches import Batches
from sklloss.training.rows.data import DenseRows

LENGTHS = (3, 1, 5, 2)


def ragged(lengths=LENGTHS, dtype=torch.float32):
    """Return rows whose numbers say which row and frame they are of, and the arrays themselves."""
    arrays = [
        torch.stack((torch.full((n,), float(k)), torch.arange(float(n))), 1).to(dtype)
        for k, n in enumerate(lengths)
    ]
    return RaggedRows(DenseRows(torch.cat(arrays)), torch.tensor(lengths)), arrays


@pytest.mark.parametrize("index", [[0], [2, 0, 0], [1, 3], [3, 2, 1, 0]])
def test_taken_rows_are_padded_to_the_longest_and_masked(index):
    held, arrays = ragged()
    taken = held.take(torch.tensor(index))
    longest = max(LENGTHS[k] for k in index)
    assert taken.shape == (len(index), longest, 3)
    for row, k in zip(taken, index, strict=True):
        torch.testing.assert_close(row[: LENGTHS[k], :2], arrays[k])
        assert (row[: LENGTHS[k], 2] == 1).all()
        assert (row[LENGTHS[k] :] == 0).all()


def test_slices_are_rows_taken_in_order():
    held, _ = ragged()
    torch.testing.assert_close(held.slice(1, 3), held.take(torch.tensor([1, 2])))
    assert held.slice(2, 100).shape == (2, 5, 3)
    assert held.slice(4, 8).shape == (0, 0, 3)


def test_it_says_how_much_a_row_takes_at_most():
    held, _ = ragged(dtype=torch.float64)
    assert len(held) == 4
    assert held.row_shape == (5, 3)
    assert held.take(torch.tensor([1])).dtype == torch.float64


def test_rows_that_are_rows_stay():
    held, _ = ragged()
    assert rows(held, torch.float32, torch.device("cpu")) is held


@pytest.mark.parametrize("n", [7, 64, 100, 333])
def test_arranged_rows_are_the_same_rows_in_batches_of_like_lengths(n):
    rng = np.random.default_rng(0)
    lengths = torch.from_numpy(rng.integers(1, 200, size=n))
    held = RaggedRows(DenseRows(torch.zeros(int(lengths.sum()), 1)), lengths)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    arranged = held.arranged(order, 8, generator(0, "shuffle", 1))
    assert sorted(arranged.tolist()) == list(range(n))
    assert torch.equal(arranged, held.arranged(order, 8, generator(0, "shuffle", 1)))
    n_full = n // 8 * 8
    assert torch.equal(arranged[n_full:], order[n_full:])  # the last batch is as random as ever
    if n >= 64:
        spread = lengths[arranged[:n_full]].view(-1, 8).float().std(1).mean()
        assert spread < 0.4 * lengths[order[:n_full]].view(-1, 8).float().std(1).mean()
        other = held.arranged(order, 8, generator(0, "shuffle", 2))
        assert not torch.equal(arranged, other)  # batches come in an order of their own


def batches_of(n, batch_size, seed=0):
    lengths = torch.arange(1, n + 1) % 11 + 1
    held, arrays = ragged(lengths.tolist())
    data = TrainingSet(held, torch.arange(n)[:, None], torch.ones(n), torch.arange(n))
    stack = ModuleLoop([SequenceNetwork((2,), 3, widths=(4,))], [])
    return Batches([data], "train", batch_size, stack, [seed]), arrays


@pytest.mark.parametrize(("n", "batch_size"), [(50, 8), (49, 8), (5, 8), (16, 8), (40, 1)])
def test_batches_hold_each_row_once_with_its_target(n, batch_size):
    batches, arrays = batches_of(n, batch_size)
    seen = []
    for batch in batches.shuffled(3):
        assert batch.X.shape[:2] == (1, batch.n_rows)
        for row, y in zip(batch.X[0], batch.y[0, : batch.n_rows, 0].tolist(), strict=True):
            torch.testing.assert_close(row[row[:, -1] == 1][:, :-1], arrays[y])
            seen.append(y)
    assert sorted(seen) == list(range(n))


def test_an_epoch_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        batches, _ = batches_of(50, 8, seed)
        return [batch.y[0, : batch.n_rows, 0].tolist() for batch in batches.shuffled(epoch)]

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


def test_tables_keep_the_order_that_is_drawn():
    held = rows(np.zeros((10, 2)), torch.float32, torch.device("cpu"))
    order = torch.randperm(10)
    assert held.arranged(order, 2, generator(0, "shuffle", 1)) is order
