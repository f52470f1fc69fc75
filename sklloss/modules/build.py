"""Build an ``nn.Module`` of the right widths from any form in which it may be given."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..parameters.names import did_you_mean
from .images.cnn import CNN
from .images.locator import Locator
from .images.per_pixel import PerPixel
from .images.unet import UNet
from .network import BUILT_FROM
from .speech.sequence import SequenceNetwork
from .stacks.randomness import evaluated, global_generator
from .tables.mlp import MLP
from .text.text import TextNet

# The built-in networks; `Network` documents what each of them offers.
MODULES: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLP,
    "cnn": CNN,
    "locator": Locator,
    "sequence": SequenceNetwork,
    "text": TextNet,
    "unet": UNet,
}

# Names under which the networks of others take the widths of their input and output.
INPUT_NAMES = (
    "n_features",
    "n_features_in",
    "n_inputs",
    "in_features",
    "input_size",
    "input_dim",
    "in_dim",
    "in_channels",
    "in_chans",
    "n_channels",
)
OUTPUT_NAMES = (
    "n_outputs",
    "out_features",
    "output_size",
    "output_dim",
    "out_dim",
    "out_channels",
    "num_classes",
    "n_classes",
)

# Numbers of channels of images: grey, colour, and colour with transparency.
CHANNELS = (1, 3, 4)


def build_module(
    module: Any,
    input_shape: Sequence[int],
    n_outputs: int,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> nn.Module:
    """Return a new module that maps a row of `input_shape` to `n_outputs` numbers.

    Parameters
    ----------
    module : str, nn.Module class, instance or factory
        The name of a built-in `Network`; an instance, which is copied; or a class or another
        callable. The latter receives the widths under those of the usual names that its signature
        has (``n_features``, ``in_features``, ``in_channels`` ..., ``n_outputs``, ``out_features``,
        ``num_classes`` ...), and the shape of a row as ``input_shape``. One that takes any
        keywords, like torchvision's factories, receives ``num_classes``.
    input_shape : sequence of int
        The shape of a row: (n_features,) for tables, (n_channels, height, width) for images.
    n_outputs : int
        How many numbers the module returns per row.
    params : mapping
        Further arguments of the class or factory.
    generator : torch.Generator
        Source of the initial weights. While other modules are built, torch's global generator is
        seeded from it.

    Raises
    ------
    ValueError
        If there is no such built-in network, or its parameters do not fit.
    TypeError
        If `module` has none of the accepted forms.
    """
    if isinstance(module, str):
        network = _built_in(module, params)
        return network(**_widths(network, input_shape, n_outputs), **params, generator=generator)
    if isinstance(module, nn.Module):
        if params:
            raise ValueError(
                f"module is an instance of {type(module).__name__}, already built, and"
                f" module_params={dict(params)!r} cannot reach it. Give the class instead of the"
                " instance."
            )
        built = copy.deepcopy(module)
    elif callable(module):
        with global_generator(generator.get_state()):
            built = _call_factory(module, input_shape, n_outputs, params)
    else:
        raise TypeError(
            f"module must be a name ({', '.join(MODULES)}), an nn.Module class or instance, or a"
            f" function that returns an nn.Module; got {module!r}."
        )
    if isinstance(built, torch.jit.ScriptModule):
        raise TypeError(
            "module is a TorchScript module, whose parameters cannot be moved into one buffer."
            " Give the plain nn.Module."
        )
    return built


def benefits_from_stacking(module: Any) -> bool:
    """Return whether K networks of a kind train faster together than one after another."""
    return isinstance(module, str) and "stack" in vars(MODULES.get(module, nn.Module))


def _built_in(name: str, params: Mapping[str, Any]) -> Callable[..., nn.Module]:
    """Return the class of a built-in network that takes these parameters."""
    if name not in MODULES:
        raise ValueError(
            f"There is no built-in module {name!r}; the names are"
            f" {', '.join(map(repr, MODULES))}.{_hint(name, MODULES)} Pass your own network as"
            " an nn.Module class, instance or factory."
        )
    known = sorted(set(inspect.signature(MODULES[name]).parameters) - set(BUILT_FROM))
    unknown = sorted(set(params) - set(known), key=str)
    if unknown:
        raise ValueError(
            f"module {name!r} has no parameter {unknown[0]!r}; its parameters are"
            f" {', '.join(known)}.{_hint(unknown[0], known)}"
        )
    return MODULES[name]


def _hint(name: str, names: Iterable[str]) -> str:
    """Return a suggestion to append to a message."""
    return f" {did_you_mean(name, names)}".rstrip()


def _widths(
    factory: Callable[..., Any], input_shape: Sequence[int], n_outputs: int
) -> dict[str, Any]:
    """Return the widths for which a factory has arguments, by the names of these."""
    offered: dict[str, Any] = {"input_shape": tuple(input_shape)}
    offered |= dict.fromkeys(INPUT_NAMES, input_shape[0]) | dict.fromkeys(OUTPUT_NAMES, n_outputs)
    accepted = inspect.signature(factory).parameters
    return {name: offered[name] for name in accepted if name in offered}


def _call_factory(
    factory: Callable[..., Any],
    input_shape: Sequence[int],
    n_outputs: int,
    params: Mapping[str, Any],
) -> nn.Module:
    """Return what a class or factory builds, or raise an error that names it."""
    arguments = {**_widths(factory, input_shape, n_outputs), **params}
    name = getattr(factory, "__name__", type(factory).__name__)
    try:
        inspect.signature(factory).bind(**arguments)
    except TypeError as error:
        raise ValueError(
            f"module {name} cannot be called with module_params={dict(params)!r}: {error}. It"
            f" takes {inspect.signature(factory)}; sklloss passes the widths under those of the"
            f" names {', '.join(INPUT_NAMES)} and {', '.join(OUTPUT_NAMES)} that it has, and the"
            " shape of a row as input_shape."
        ) from None
    built = _built(factory, arguments, n_outputs)
    if not isinstance(built, nn.Module):
        raise TypeError(
            f"module {name} must return an nn.Module; it returned {type(built).__name__}."
        )
    return built


def _built(factory: Callable[..., Any], arguments: dict[str, Any], n_outputs: int) -> Any:
    """Call a factory.

    One that takes any keywords is tried with ``num_classes`` first, which torchvision's factories
    pass on to their networks.
    """
    accepted = inspect.signature(factory).parameters
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in accepted.values())
    if takes_any and not set(OUTPUT_NAMES) & set(accepted):
        try:
            return factory(**{"num_classes": n_outputs, **arguments})
        except TypeError as error:
            if "num_classes" not in str(error):
                raise
    return factory(**arguments)


def has_channels_last(shape: Sequence[int]) -> bool:
    """Return whether images of a shape (n_samples, ...) seem to have their channels on axis 3."""
    return len(shape) == 4 and shape[1] not in CHANNELS and shape[3] in CHANNELS


def check_widths(module: nn.Module, X: Tensor, allowed: Sequence[int], why: str) -> None:
    """Run a few rows through a module in evaluation mode, and raise if its widths are wrong.

    Parameters
    ----------
    module : nn.Module
    X : Tensor of shape (n_rows, *input_shape)
        A few rows.
    allowed : sequence of int
        How many numbers it may return per row.
    why : str
        What needs them, for the message.

    Raises
    ------
    ValueError
        If the module fails on these rows, returns no tensor with a row for each, or has another
        number of outputs.
    """
    training = module.training
    try:
        output = evaluated(module, X)
    except (RuntimeError, TypeError, IndexError, KeyError, AssertionError) as error:
        raise ValueError(_input_message(module, X, error)) from error
    finally:
        module.train(training)
    name = _name(module)
    if not isinstance(output, Tensor) or output.ndim == 0 or len(output) != len(X):
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(
            f"module {name} must return a tensor with one row per row of X; for {len(X)} rows it"
            f" returned {got}."
        )
    width = output[0].numel()
    if width not in allowed:
        raise ValueError(
            f"module {name} returns {width} numbers per row, and {why} needs {allowed[0]}. Change"
            " the last layer of the module, or give a class or factory that takes n_outputs."
        )


def _name(module: nn.Module) -> str:
    """Return the name of the user's class, also if the network is wrapped."""
    return type(module.network if isinstance(module, PerPixel) else module).__name__


def _input_message(module: nn.Module, X: Tensor, error: Exception) -> str:
    """Return the message for a module that fails on X."""
    failed = f"module {_name(module)} failed on X of"
    if X.ndim == 2:
        linear = next((layer for layer in module.modules() if hasattr(layer, "in_features")), None)
        takes = "" if linear is None else f" and its first linear layer takes {linear.in_features}"
        return (
            f"{failed} {X.shape[-1]} features{takes}: {error}. Change its first layer, or give a"
            " class or factory that takes n_features."
        )
    failed += f" shape (n_samples, {', '.join(map(str, X.shape[1:]))}): {error}."
    if has_channels_last(X.shape):
        return (
            f"{failed} Axis 3, of {X.shape[3]}, looks like the channels, which torch's layers take"
            " on axis 1: give np.moveaxis(X, -1, 1)."
        )
    channel = " X[:, None] makes images of one channel." if X.ndim == 3 else ""
    return (
        f"{failed} Change its first layer, or give a class or factory that takes in_channels or"
        f" input_shape.{channel}"
    )
