"""From any form in which a module may be given to an ``nn.Module`` of the right widths."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .images.cnn import CNN
from .images.locator import Locator
from .images.per_pixel import PerPixel
from .images.unet import UNet
from .speech.sequence import SequenceNetwork
from .stacks.randomness import global_generator
from .tables.mlp import MLP
from .text.text import TextNet

MODULES: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLP,
    "cnn": CNN,
    "locator": Locator,
    "sequence": SequenceNetwork,
    "text": TextNet,
    "unet": UNet,
}

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


CHANNELS = (1, 3, 4)  # of images: grey, colour, colour with transparency


def build_module(
    module: Any,
    input_shape: Sequence[int],
    n_outputs: int,
    params: Mapping[str, Any],
    generator: torch.Generator,
) -> nn.Module:
    """Return a fresh module that maps a row of `input_shape` to `n_outputs` numbers.

    Parameters
    ----------
    module : str, nn.Module class, instance or factory
        A built-in's name; an instance, which is copied; a class or another callable, which receives the widths under those
        of the usual names that its signature has (``n_features``, ``in_features``, ``in_channels`` ..., ``n_outputs``,
        ``out_features``, ``num_classes`` ...), and as ``input_shape`` the shape of a row.  One that takes any keywords, as
        torchvision's factories do, receives ``num_classes``.
    input_shape : sequence of int
        The shape of a row: (n_features,) for tables, (n_channels, height, width) for images.
    n_outputs : int
        Numbers per row that it is to put out.
    params : mapping
        Further arguments of the class or factory.
    generator : torch.Generator
        Where initial weights come from; unknown modules find torch's generator seeded from it.

    Raises
    ------
    ValueError
        If there is no such built-in, the parameters do not fit, or the module has other widths.
    TypeError
        If `module` is none of the accepted forms.
    """
    if isinstance(module, str):
        factory = _built_in(module)
        _check_params(module, factory, params)
        return factory(**_widths(factory, input_shape, n_outputs), **params, generator=generator)
    if isinstance(module, nn.Module):
        _refuse_params(module, params)
        return _trainable(copy.deepcopy(module))
    if not callable(module):
        raise TypeError(
            f"module must be a name ({', '.join(MODULES)}), an nn.Module class or instance, or a function that returns an"
            f" nn.Module; got {module!r}."
        )
    with global_generator(generator.get_state()):
        return _call_factory(module, input_shape, n_outputs, params)


def benefits_from_stacking(module: Any) -> bool:
    """Tell whether K networks of a kind train together in less time than one after another."""
    return isinstance(module, str) and "stack" in vars(MODULES.get(module, nn.Module))


def _widths(
    factory: Callable[..., Any], input_shape: Sequence[int], n_outputs: int
) -> dict[str, Any]:
    """Return what a factory asks for by the names of its parameters."""
    told: dict[str, Any] = {"input_shape": tuple(input_shape)}
    told |= dict.fromkeys(INPUT_NAMES, input_shape[0]) | dict.fromkeys(OUTPUT_NAMES, n_outputs)
    return {name: told[name] for name in inspect.signature(factory).parameters if name in told}


def _passed_on(factory: Callable[..., Any], n_outputs: int) -> dict[str, Any]:
    """Return what a factory that takes any keywords is told without asking: torchvision's pass the number of classes on."""
    accepted = inspect.signature(factory).parameters
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in accepted.values())
    return {"num_classes": n_outputs} if takes_any and not set(OUTPUT_NAMES) & set(accepted) else {}


def _check_params(name: str, factory: Callable[..., Any], params: Mapping[str, Any]) -> None:
    told = {"n_features", "input_shape", "n_outputs", "generator"}
    known = set(inspect.signature(factory).parameters) - told
    unknown = sorted(set(params) - known)
    if unknown:
        raise ValueError(
            f"module {name!r} has no parameter {unknown[0]!r}; its parameters are {', '.join(sorted(known))}."
        )


def _trainable(module: nn.Module) -> nn.Module:
    if isinstance(module, torch.jit.ScriptModule):
        raise TypeError(
            "module is a TorchScript module, whose parameters cannot be moved into one buffer. Give the plain nn.Module."
        )
    return module


def _built_in(name: str) -> Callable[..., nn.Module]:
    if name not in MODULES:
        raise ValueError(
            f"There is no built-in module {name!r}; the names are {', '.join(map(repr, MODULES))}. Your own goes in as an"
            f" nn.Module class, instance or factory."
        )
    return MODULES[name]


def _refuse_params(module: nn.Module, params: Mapping[str, Any]) -> None:
    if params:
        raise ValueError(
            f"module is an instance of {type(module).__name__}, already built, and module_params={dict(params)!r} cannot reach"
            f" it. Give the class in place of the instance."
        )


def _call_factory(
    factory: Callable[..., Any],
    input_shape: Sequence[int],
    n_outputs: int,
    params: Mapping[str, Any],
) -> nn.Module:
    widths = _widths(factory, input_shape, n_outputs)
    name = getattr(factory, "__name__", type(factory).__name__)
    try:
        inspect.signature(factory).bind(**{**widths, **params})
    except TypeError as error:
        raise ValueError(
            f"module {name} cannot be called with module_params={dict(params)!r}: {error}. It takes"
            f" {inspect.signature(factory)}; sklloss gives the widths under the first of the names {', '.join(INPUT_NAMES)} and"
            f" {', '.join(OUTPUT_NAMES)} that it has, and the shape of a row as input_shape."
        ) from None
    built = _built(factory, {**widths, **params}, _passed_on(factory, n_outputs))
    if not isinstance(built, nn.Module):
        raise TypeError(
            f"module {name} must return an nn.Module; it returned {type(built).__name__}."
        )
    return _trainable(built)


def _built(
    factory: Callable[..., Any], arguments: dict[str, Any], passed_on: dict[str, Any]
) -> Any:
    """Call a factory, without what it passes on where nobody takes that."""
    try:
        return factory(**{**passed_on, **arguments})
    except TypeError as error:
        if not any(name in str(error) for name in passed_on):
            raise
        return factory(**arguments)


def has_channels_last(shape: Sequence[int]) -> bool:
    """Tell whether images (n_samples, ...) of a shape look as if their last axis held the channels, not their second."""
    return len(shape) == 4 and shape[1] not in CHANNELS and shape[3] in CHANNELS


def check_widths(module: nn.Module, X: Tensor, allowed: Sequence[int], why: str) -> None:
    """Run two rows through a module, in evaluation mode, and raise where its widths are wrong.

    Parameters
    ----------
    module : nn.Module
    X : Tensor of shape (n_rows, *input_shape)
        A few rows.
    allowed : sequence of int
        How many numbers it may put out per row.
    why : str
        What needs them, for the message.
    """
    training = module.training
    try:
        with torch.no_grad(), global_generator(torch.Generator().manual_seed(0).get_state()):
            output = module.eval()(X.clone())
    except (RuntimeError, TypeError, IndexError, KeyError) as error:
        raise ValueError(_input_message(module, X, error)) from error
    finally:
        module.train(training)
    name = _name(module)
    if not isinstance(output, Tensor) or output.ndim == 0 or len(output) != len(X):
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(
            f"module {name} must return a tensor with one row per row of X; for {len(X)} rows it returned {got}."
        )
    width = output[0].numel()
    if width not in allowed:
        raise ValueError(
            f"module {name} puts out {width} numbers per row, and {why} needs {allowed[0]}. Change the module's last layer, or"
            f" give a class or factory that takes n_outputs."
        )


def _name(module: nn.Module) -> str:
    """Return the name of the user's class, also where the network is wrapped."""
    return type(module.network if isinstance(module, PerPixel) else module).__name__


def _input_message(module: nn.Module, X: Tensor, error: Exception) -> str:
    failed = f"module {_name(module)} failed on X of {_described(X)}"
    if X.ndim > 2:
        return f"{failed}: {error}. {_remedy_of_axes(X)}"
    first = next((layer for layer in module.modules() if hasattr(layer, "in_features")), None)
    takes = "" if first is None else f" and its first linear layer takes {first.in_features}"
    return (
        f"{failed}{takes}: {error}. Change its first layer, or give a class or factory that takes"
        f" n_features."
    )


def _remedy_of_axes(X: Tensor) -> str:
    if has_channels_last(X.shape):
        return f"Axis 3, of {X.shape[3]}, looks like the channels, which torch's layers take on axis 1: give np.moveaxis(X, -1, 1)."
    channel = " X[:, None] makes images of one channel." if X.ndim == 3 else ""
    return f"Change its first layer, or give a class or factory that takes in_channels or input_shape.{channel}"


def _described(X: Tensor) -> str:
    if X.ndim == 2:
        return f"{X.shape[-1]} features"
    return f"shape (n_samples, {', '.join(map(str, X.shape[1:]))})"
