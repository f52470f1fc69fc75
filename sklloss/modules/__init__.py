"""Modules: what a network computes, alone and as a stack of K models with a leading axis."""

from .build import MODULES, build_module, check_widths, gains_by_company, has_channels_last
from .cnn import CNN
from .mlp import MLP, MLPStack
from .sequence import SequenceNetwork
from .stack import ModuleLoop, Snapshot, Stack, stack_modules

__all__ = [
    "CNN",
    "MLP",
    "MODULES",
    "MLPStack",
    "ModuleLoop",
    "SequenceNetwork",
    "Snapshot",
    "Stack",
    "build_module",
    "check_widths",
    "gains_by_company",
    "has_channels_last",
    "stack_modules",
]
