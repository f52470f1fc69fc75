"""What a built-in network offers: to add one, write such a class and enter it in `MODULES`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from torch import Tensor

from ..parameters.domains import Domain, check_in_domain

# Constructor arguments that `build_module` passes, which users cannot set.
BUILT_FROM = ("input_shape", "n_features", "n_outputs", "generator")

# Domains of constructor arguments, each with a remedy; '' suggests the default.
Domains = Mapping[str, tuple[Domain, str]]


@runtime_checkable
class Network(Protocol):
    """What a built-in network offers, besides being an ``nn.Module``.

    The constructor takes keyword arguments. `build_module` passes those of the following for which
    it has a parameter:

    - ``input_shape``, the shape of a row: (n_features,) for tables, (n_channels, height, width) for
      images;
    - ``n_features``, the first number of that shape;
    - ``n_outputs``, the number of outputs of a row;
    - ``generator``, a torch.Generator from which the network draws all of its initial weights. It
      leaves torch's global generator alone, as the layers of `sklloss.modules.layers` do.

    Estimators pass their own ``hidden_layer_sizes``, ``activation`` and ``dropout`` to a network
    with parameters of these names, and also

    - ``start_constant``, whether the last layer starts at 0, so that the network starts at its
      output bias;
    - what they know of the data: ``n_tokens`` of texts, ``scale`` of boxes.

    All other parameters have defaults, and users set them as ``module__<name>``.

    Attributes
    ----------
    inputs : {"table", "images", "tokens", "sequences", "pairs"}
        The kind of X that the network takes, which decides how an estimator reads X.
    output_bias : nn.Parameter
        The bias of the output, which estimators set to the best constant. Its size is the number of
        outputs of a row, or of a single pixel, frame or pair if each of them has outputs.

    Notes
    -----
    A class may also have

    - ``stack``, a subclass of `sklloss.modules.Stack` that computes K of these networks together;
      without one, they are computed one after another;
    - ``n_frames_out(n_frames)``, the number of frames that it returns, if it shortens sequences;
    - ``domains``, from names of constructor arguments to pairs of a domain and a remedy, where ''
      stands for a remedy that names the default. The constructor checks its arguments against them
      with `check_network_arguments`.
    """

    inputs: ClassVar[str]

    @property
    def output_bias(self) -> Any:
        """The bias of the output."""
        ...

    def forward(self, X: Tensor) -> Tensor:
        """Return the output for rows, (n_samples, *input_shape) to (n_samples, n_outputs)."""
        ...


def domains_of(network: Any) -> Domains:
    """Return the domains that a network declares for its constructor arguments, by name."""
    declared: Domains = getattr(network, "domains", {})
    return declared


def check_network_arguments(
    network: Callable[..., Any], owner: str, values: Mapping[str, Any]
) -> None:
    """Raise a ValueError if an argument lies outside the domain that its network declares.

    Parameters
    ----------
    network : type
        A class with ``domains``.
    owner : str
        Who needs the argument, for the message.
    values : mapping
        Arguments by name; those without a domain are not checked.
    """
    parameters = inspect.signature(network).parameters
    for name, (domain, remedy) in domains_of(network).items():
        if name in values:
            default = parameters[name].default
            usual = f"The default is {name}={default!r}."
            if default is inspect.Parameter.empty:
                usual = f"Give another {name}."
            check_in_domain(owner, name, values[name], domain, remedy or usual)
