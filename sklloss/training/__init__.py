"""Training: how K models learn together, each a skorch net."""

from .criterion import Criterion
from .data import TrainingSet, rows
from .engine import train_together
from .net import LossNet
from .optimizers import OPTIMIZERS, optimizer_options, optimizer_spec
from .scaling import InputScaler, TargetScaler
from .seeds import generator, seed_of
from .stopping import StoppingRule

__all__ = [
    "OPTIMIZERS",
    "Criterion",
    "InputScaler",
    "LossNet",
    "StoppingRule",
    "TargetScaler",
    "TrainingSet",
    "generator",
    "optimizer_options",
    "optimizer_spec",
    "rows",
    "seed_of",
    "train_together",
]
