"""Training: how K models learn together, each a skorch net."""

from .callbacks import is_callback
from .checkpoints.fit_checkpoint import FitCheckpoint
from .criterion import Criterion
from .loss_module import LossModule
from .model import print_line
from .net import LossNet
from .pause import Pause
from .programs import train
from .rows.augment import Augment, AugmentFrames, BatchChange, in_shape_of, is_of_torchvision
from .rows.batches import Batch
from .rows.columns import ENCODINGS, learn_encoding
from .rows.data import (
    Encoding,
    PartOfRows,
    Rows,
    TrainingSet,
    rows,
    with_entries_added,
)
from .rows.encoding import TableEncoding
from .rows.negatives import NegativeSampler
from .rows.ragged import RaggedRows
from .rows.scaling import InputScaler, TargetScaler
from .seeds import generator, seed_of
from .steps.optimizers import OPTIMIZERS, optimizer_options, optimizer_spec
from .stopping import StoppingRule

__all__ = [
    "ENCODINGS",
    "OPTIMIZERS",
    "Augment",
    "AugmentFrames",
    "Batch",
    "BatchChange",
    "Criterion",
    "Encoding",
    "FitCheckpoint",
    "InputScaler",
    "LossModule",
    "LossNet",
    "NegativeSampler",
    "PartOfRows",
    "Pause",
    "RaggedRows",
    "Rows",
    "StoppingRule",
    "TableEncoding",
    "TargetScaler",
    "TrainingSet",
    "generator",
    "in_shape_of",
    "is_callback",
    "is_of_torchvision",
    "learn_encoding",
    "optimizer_options",
    "optimizer_spec",
    "print_line",
    "rows",
    "seed_of",
    "train",
    "with_entries_added",
]
