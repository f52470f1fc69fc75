"""Training: how K models learn together, each a skorch net."""

from .augment import Augment, AugmentFrames, BatchChange
from .callbacks import is_callback
from .criterion import Criterion
from .data import Rows, TrainingSet, rows
from .negatives import NegativeSampler
from .net import LossNet
from .optimizers import OPTIMIZERS, optimizer_options, optimizer_spec
from .programs import train_all
from .ragged import RaggedRows
from .scaling import InputScaler, TargetScaler
from .seeds import generator, seed_of
from .stopping import StoppingRule

__all__ = [
    "OPTIMIZERS",
    "Augment",
    "AugmentFrames",
    "BatchChange",
    "Criterion",
    "InputScaler",
    "LossNet",
    "NegativeSampler",
    "RaggedRows",
    "Rows",
    "StoppingRule",
    "TargetScaler",
    "TrainingSet",
    "generator",
    "is_callback",
    "optimizer_options",
    "optimizer_spec",
    "rows",
    "seed_of",
    "train_all",
]
