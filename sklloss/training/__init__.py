"""Training: how K models learn together, each a skorch net."""

from .callbacks import is_callback
from .criterion import Criterion
from .loss_module import LossModule
from .net import LossNet
from .programs import train
from .rows.augment import Augment, AugmentFrames, BatchChange
from .rows.data import Rows, TrainingSet, rows
from .rows.negatives import NegativeSampler
from .rows.ragged import RaggedRows
from .rows.scaling import InputScaler, TargetScaler
from .seeds import generator, seed_of
from .steps.optimizers import OPTIMIZERS, optimizer_options, optimizer_spec
from .stopping import StoppingRule

__all__ = [
    "OPTIMIZERS",
    "Augment",
    "AugmentFrames",
    "BatchChange",
    "Criterion",
    "InputScaler",
    "LossModule",
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
    "train",
]
