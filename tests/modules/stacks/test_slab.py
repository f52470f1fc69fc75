"""Products of K matrices have the bits of one, whichever library torch leaves them to."""

import pytest
import torch

from sklloss.modules.stacks.slab import LEAST_OF_ONEDNN, multiply


@pytest.fixture(params=["highest", "high", "medium"])
def setting(request):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision(before)


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(shape[-1]))


@pytest.mark.parametrize("n_models", [2, 8])
@pytest.mark.parametrize("n_rows", [2, 16, 64, 256])
@pytest.mark.parametrize("shape", [(3, 16), (7, 2), (7, 128), (16, 2), (64, 64), (128, 2)])
def test_a_product_has_the_bits_that_it_has_alone(n_models, n_rows, shape, setting):
    n_in, n_out = shape
    X, weight = drawn(n_models, n_rows, n_in), drawn(n_models, n_in, n_out)
    plus = drawn(n_models, 1, n_out)
    for term in (None, plus):
        together = torch.empty(n_models, n_rows, n_out)
        multiply(X, weight, together, plus=term)
        for k in range(n_models):
            one, alone = slice(k, k + 1), torch.empty(1, n_rows, n_out)
            multiply(X[one], weight[one], alone, plus=None if term is None else term[one])
            assert torch.equal(alone[0], together[k])
        added = 0 if term is None else term
        expected = X.double() @ weight.double() + added
        if setting == "medium":
            # Processors that multiply bfloat16 may round both factors to it, and no more than these.
            rounded = X.bfloat16().double() @ weight.bfloat16().double() + added
            is_nearer = (together - rounded).abs() < (together - expected).abs()
            expected = torch.where(is_nearer, rounded, expected)
        torch.testing.assert_close(together, expected.float())


@pytest.mark.parametrize(
    ("setting", "n_rows", "n_calls"), [("medium", 16, 3), ("medium", 17, 1), ("highest", 16, 1)]
)
def test_models_are_multiplied_at_once_where_one_library_does_it(
    setting, n_rows, n_calls, monkeypatch
):
    X, weight = drawn(3, n_rows, 16), drawn(3, 16, LEAST_OF_ONEDNN // 16**2)
    out, calls, product = torch.empty(3, n_rows, weight.shape[2]), [], torch.bmm
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: setting)
    monkeypatch.setattr(torch, "bmm", lambda *a, **k: calls.append(1) or product(*a, **k))
    multiply(X, weight, out)
    assert len(calls) == n_calls
