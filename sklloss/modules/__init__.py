"""Modules: what a network computes, alone or as a stack of K models along a leading axis."""

from .build import MODULES, benefits_from_stacking, build_module, check_widths, has_channels_last
from .images.cnn import CNN
from .speech.sequence import SequenceNetwork
from .stacks.stack import ModuleLoop, Snapshot, Stack, stack_modules
from .tables.mlp import MLP, MLPStack

__all__ = [
    "CNN",
    "MLP",
    "MODULES",
    "MLPStack",
    "ModuleLoop",
    "SequenceNetwork",
    "Snapshot",
    "Stack",
    "benefits_from_stacking",
    "build_module",
    "check_widths",
    "has_channels_last",
    "stack_modules",
]
