"""The network for texts: embeddings of token ids, one vector per document, and a dense head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...parameters.domains import Choice, Interval, Tuple
from ..layers import Embedding
from ..network import Domains, check_network_arguments
from ..tables.mlp import MLP
from .pooling import PADDING, ConvPooling, GRUPooling, MeanPooling, Pooling

# Id of unknown tokens; the first known token has id 2.
UNKNOWN = 1
# Embeddings start uniform between minus and plus this.
EMBEDDING_BOUND = 0.2
WIDTH = Interval(1, integer=True)


class TextNet(nn.Module):
    """A network for texts: embeddings of token ids, pooled to one vector per document, and a head.

    Id 0 is padding, which does not change the result, and id 1 stands for unknown tokens. Both
    embeddings start at 0, and that of unknown tokens stays there if none occur in training. A
    document without tokens is pooled like any other and has a finite output.

    Parameters
    ----------
    input_shape : tuple of int
        ``(length,)``, the number of columns of X. The network accepts any number of them.
    n_outputs : int
        Width of the output.
    n_tokens : int
        Number of ids, including padding and unknown. Larger ids count as unknown. Estimators pass 1
        + the largest id of the training rows.
    embedding_size : int, default=64
        Width of the embeddings.
    pooling : {"mean", "conv", "gru"}, default="mean"
        How the embeddings of a document are combined to one vector: by their mean, which ignores
        their order; by convolutions and their maxima over the document; or by the last state of a
        gated recurrent unit in each direction.
    n_filters : int, default=100
        Filters of each width, for "conv".
    kernel_sizes : tuple of int, default=(3, 4, 5)
        Widths of the filters in tokens, for "conv".
    state_size : int, default=64
        Width of the state of each direction, for "gru".
    token_dropout : float, default=0.0
        Probability, in [0, 1), with which each token is replaced by padding in training.
    hidden_layer_sizes : tuple of int, default=(100,)
        Width of each hidden layer of the head; () for a linear head.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Activation of hidden layers and of convolutions.
    dropout : float, default=0.0
        Probability, in [0, 1), with which each entry of the pooled vector and of hidden layers is
        set to 0 in training.
    start_constant : bool, default=True
        Whether the last layer starts at 0, so that the whole network starts at its output bias.
    generator : torch.Generator or None, default=None
        Source of the initial weights. The embedding of an id does not depend on `n_tokens`.

    Raises
    ------
    ValueError
        If a parameter lies outside its domain.

    References
    ----------
    Y. Kim, Convolutional neural networks for sentence classification, EMNLP 2014; K. Cho et al.,
    Learning phrase representations using RNN encoder-decoder, EMNLP 2014; M. Iyyer et al., Deep
    unordered composition rivals syntactic methods for text classification, ACL 2015 (means, and
    tokens that are dropped in training).

    Examples
    --------
    >>> net = TextNet((4,), 3, n_tokens=10, generator=torch.Generator().manual_seed(0))
    >>> ids = torch.tensor([[5, 9, 2, 0], [0, 0, 0, 0]])
    >>> net(ids).shape
    torch.Size([2, 3])
    >>> torch.equal(net(ids), net(torch.nn.functional.pad(ids, (0, 7))))
    True
    """

    inputs: ClassVar[str] = "tokens"
    domains: ClassVar[Domains] = {
        "n_tokens": (Interval(2, integer=True), ""),
        "embedding_size": (WIDTH, ""),
        "pooling": (Choice("mean", "conv", "gru"), ""),
        "n_filters": (WIDTH, ""),
        "kernel_sizes": (Tuple(WIDTH), ""),
        "state_size": (WIDTH, ""),
        "token_dropout": (Interval(0, 1, closed="left"), ""),
    }

    def __init__(
        self,
        input_shape: Sequence[int],
        n_outputs: int,
        n_tokens: int,
        embedding_size: int = 64,
        pooling: str = "mean",
        n_filters: int = 100,
        kernel_sizes: Sequence[int] = (3, 4, 5),
        state_size: int = 64,
        token_dropout: float = 0.0,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        start_constant: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        kernel_sizes = tuple(kernel_sizes) if isinstance(kernel_sizes, list) else kernel_sizes
        check_network_arguments(TextNet, "The network of texts", locals())
        super().__init__()
        self.n_tokens = n_tokens
        self.token_dropout = token_dropout
        self.embedding = Embedding(n_tokens, embedding_size)
        poolings: dict[str, Callable[[], Pooling]] = {
            "mean": lambda: MeanPooling(embedding_size),
            "conv": lambda: ConvPooling(embedding_size, n_filters, kernel_sizes, activation),
            "gru": lambda: GRUPooling(embedding_size, state_size),
        }
        self.pooling = poolings[pooling]()
        self.dropout = nn.Dropout(dropout)
        dense = hidden_layer_sizes, activation, dropout, start_constant, generator
        self.head = MLP(self.pooling.width, n_outputs, *dense)
        self.pooling.initialise(generator)
        # These come last, so that an id has the same embedding however many ids there are.
        weight = self.embedding.weight
        nn.init.uniform_(weight, -EMBEDDING_BOUND, EMBEDDING_BOUND, generator=generator)
        nn.init.zeros_(weight[: UNKNOWN + 1])

    @property
    def output_bias(self) -> nn.Parameter:
        """The bias of the last layer."""
        return self.head.output_bias

    def forward(self, X: Tensor) -> Tensor:
        """Return (n_samples, n_outputs) for ids (n_samples, length), integers >= 0 of any dtype."""
        ids = X.long()
        ids = torch.where(ids < self.n_tokens, ids, UNKNOWN)
        if self.training and self.token_dropout:
            left_out = torch.rand(ids.shape, device=ids.device) < self.token_dropout
            ids = ids.masked_fill(left_out, PADDING)
        pooled = self.pooling(ids, self.embedding.weight)
        return self.head(self.dropout(pooled))
