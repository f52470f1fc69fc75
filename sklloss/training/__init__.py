"""Training: how K models learn together, as one skorch net."""

from .criterion import Criterion
from .data import TrainingSet, rows
from .net import StackNet
from .optimizers import OPTIMIZERS, optimizer_options, optimizer_spec
from .scaling import InputScaler, TargetScaler
from .seeds import generator, seed_of
from .stopping import StoppingRule

__all__ = [
    "OPTIMIZERS",
    "Criterion",
    "InputScaler",
    "StackNet",
    "StoppingRule",
    "TargetScaler",
    "TrainingSet",
    "generator",
    "optimizer_options",
    "optimizer_spec",
    "rows",
    "seed_of",
]
