"""The names under which classes stand in files, whatever module they live in now."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

ESTIMATORS = (
    *("NeuralRegressor", "NeuralClassifier", "NeuralSegmenter", "NeuralBoxRegressor"),
    *("NeuralMultiTask", "NeuralRanker", "Recommender", "SequenceTranscriber", "TokenVectorizer"),
    "MetricEmbedder",
)
WEIGHTINGS = (
    *("EqualWeights", "FixedWeights", "UncertaintyWeights", "DynamicWeightAverage"),
    "RandomWeights",
)
# Where each class of this package is, by the name that it has in files.  A class may move: only
# its line here changes.  One that is renamed keeps its name in files: "Name": "module:NewName".
PLACES: Mapping[str, str] = {
    **dict.fromkeys(ESTIMATORS, "estimators"),
    "LossSearchCV": "search",
    **dict.fromkeys((*WEIGHTINGS, "JointLoss"), "losses"),
    **dict.fromkeys(("OwnRegressionLoss", "OwnClassificationLoss"), "losses.own"),
    "OwnProbabilityLoss": "losses.own",
    # What a fit learns.
    "Learned": "estimators.fit.learned",
    "LearnedInputs": "estimators.inputs.data",
    "LearnedGroups": "estimators.ranking.grouped_rows",
    "LearnedInteractions": "estimators.recommendation.interactions",
    "Numbering": "estimators.recommendation.labels",
    **dict.fromkeys(
        ("Columns", "NumberColumn", "DurationColumn", "DateColumn", "CategoryColumn"),
        "estimators.inputs.frames",
    ),
    "EmptyColumn": "estimators.inputs.frames:Column",
    "Pixels": "estimators.inputs.images",
    "LogMel": "estimators.speech.log_mel",
    **dict.fromkeys(("InputScaler", "TargetScaler"), "training.rows.scaling"),
    "TableEncoding": "training.rows.encoding",
    "LearnedTarget": "estimators.targets.base",
    "LearnedNumbers": "estimators.targets.numbers",
    "LearnedLabels": "estimators.targets.labels",
    "LearnedBoxes": "estimators.images.box_target",
    "LearnedMasks": "estimators.images.mask_target",
    "LearnedCounts": "estimators.recommendation.ratings",
    "LearnedTasks": "estimators.tasks.tasks",
    **dict.fromkeys(("NumberTask", "LabelTask"), "estimators.tasks.kinds"),
    "Vocabulary": "estimators.speech.vocabulary",
    "Calibration": "estimators.targets.calibration",
    # What was asked of y.
    "Numbers": "estimators.targets.numbers",
    "Labels": "estimators.targets.labels",
    "Boxes": "estimators.images.box_target",
    "Masks": "estimators.images.mask_target",
    **dict.fromkeys(("Ratings", "Counts"), "estimators.recommendation.ratings"),
    "Relevance": "estimators.ranking.relevance",
    "Likeness": "estimators.embedding.likeness",
    "Tasks": "estimators.tasks.tasks",
    "Transcripts": "estimators.speech.transcripts",
    # Networks, and what nets hold beside them.
    "MLP": "modules.tables.mlp",
    "CNN": "modules.images.cnn",
    "Locator": "modules.images.locator",
    "UNet": "modules.images.unet",
    "PerPixel": "modules.images.per_pixel",
    "SequenceNetwork": "modules.speech.sequence",
    "TextNet": "modules.text.text",
    **dict.fromkeys(("MeanPooling", "ConvPooling", "GRUPooling"), "modules.text.pooling"),
    **dict.fromkeys(
        ("Linear", "Embedding", "Convolution", "Conv1d", "GRU", "LSTM", "GroupNorm"),
        "modules.layers",
    ),
    "RowScores": "modules.ranking.row_scores",
    "Siamese": "modules.embedding.siamese",
    "Factors": "modules.recommendation.factors",
    "GeneralizedFactors": "modules.recommendation.generalized_factors",
    "LossModule": "training.loss_module",
    "StoppingRule": "training.stopping",
    "NegativeSampler": "training.rows.negatives",
    **dict.fromkeys(("Augment", "AugmentFrames"), "training.rows.augment"),
    **dict.fromkeys(("AugmentPlaces", "MaskPlaces", "BoxPlaces"), "estimators.images.places"),
    # Its path goes along, as `checkpoint` of a search does; a fit alone opens it.
    "FitCheckpoint": "training.checkpoints.fit_checkpoint",
}
SPLITTERS = (
    *("KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold", "RepeatedKFold"),
    *("RepeatedStratifiedKFold", "ShuffleSplit", "StratifiedShuffleSplit", "GroupShuffleSplit"),
    *("LeaveOneOut", "LeavePOut", "LeaveOneGroupOut", "LeavePGroupsOut", "PredefinedSplit"),
    "TimeSeriesSplit",
)
# Classes of scikit-learn that may hold our estimators, or hold nothing but plain values.
SCIKIT_LEARN: Mapping[str, str] = {
    **dict.fromkeys(("Pipeline", "FeatureUnion"), "pipeline"),
    **dict.fromkeys(("ColumnTransformer", "TransformedTargetRegressor"), "compose"),
    "make_column_selector": "compose",
    **dict.fromkeys(
        (*SPLITTERS, "GridSearchCV", "RandomizedSearchCV", "ParameterGrid", "ParameterSampler"),
        "model_selection",
    ),
    **dict.fromkeys(
        ("HalvingGridSearchCV", "HalvingRandomSearchCV", "TunedThresholdClassifierCV"),
        "model_selection",
    ),
    "FixedThresholdClassifier": "model_selection",
    **dict.fromkeys(
        ("VotingRegressor", "VotingClassifier", "StackingRegressor", "StackingClassifier"),
        "ensemble",
    ),
    **dict.fromkeys(
        ("BaggingRegressor", "BaggingClassifier", "AdaBoostRegressor", "AdaBoostClassifier"),
        "ensemble",
    ),
    "RANSACRegressor": "linear_model",
    "IterativeImputer": "impute",
    **dict.fromkeys(
        ("MultiOutputRegressor", "MultiOutputClassifier", "ClassifierChain", "RegressorChain"),
        "multioutput",
    ),
    **dict.fromkeys(
        (
            *("OneVsRestClassifier", "OneVsOneClassifier", "OutputCodeClassifier"),
            "_ConstantPredictor",
        ),
        "multiclass",
    ),
    "CalibratedClassifierCV": "calibration",
    "SelfTrainingClassifier": "semi_supervised",
    **dict.fromkeys(
        ("RFE", "RFECV", "SelectFromModel", "SequentialFeatureSelector"), "feature_selection"
    ),
    "FrozenEstimator": "frozen",
    **dict.fromkeys(
        ("_Scorer", "_CurveScorer", "_PassthroughScorer", "_MultimetricScorer"), "metrics._scorer"
    ),
    **dict.fromkeys(
        ("_CalibratedClassifier", "_SigmoidCalibration", "_TemperatureScaling"), "calibration"
    ),
    "_CVIterableWrapper": "model_selection._split",
}
# Callbacks that read and write no files.
SKORCH = (
    *("EarlyStopping", "LRScheduler", "EpochScoring", "PassthroughScoring", "EpochTimer"),
    *("GradientNormClipping", "PrintLog"),
)
LIBRARIES = {"sklearn": SCIKIT_LEARN, "skorch.callbacks": dict.fromkeys(SKORCH, "")}


def class_named(name: str) -> type:
    """Return the class of a name; KeyError where it has none.

    Only modules of this package, scikit-learn and skorch that are listed here are imported.
    """
    library, _, own = name.rpartition("/")
    if library:
        place = LIBRARIES[library][own]
        return getattr(import_module(f"{library}.{place}".rstrip(".")), own)
    if name not in PLACES:
        return _loss_named(name)
    module, _, renamed = PLACES[name].partition(":")
    package = __name__.partition(".")[0]
    return getattr(import_module(f"{package}.{module}"), renamed or name)


def name_of(cls: type) -> str | None:
    """Return the name of a class in files, None where it has none."""
    library = cls.__module__.partition(".")[0]
    for known, names in LIBRARIES.items():
        if known.partition(".")[0] == library and cls.__name__ in names:
            name = f"{known}/{cls.__name__}"
            return name if class_named(name) is cls else None
    if library != __name__.partition(".")[0]:
        return None
    candidates = (cls.__name__, *RENAMED.get(cls.__name__, ()))
    return next((name for name in candidates if _is_named(name, cls)), None)


# Names in files by the present name of their class, where these differ.
RENAMED: dict[str, tuple[str, ...]] = {}
for _name, _place in PLACES.items():
    if ":" in _place:
        RENAMED.setdefault(_place.partition(":")[2], ())
        RENAMED[_place.partition(":")[2]] += (_name,)


def _is_named(name: str, cls: type) -> bool:
    try:
        return class_named(name) is cls
    except KeyError:
        return False


def _loss_named(name: str) -> type:
    """Return a loss of the catalogue by the name of its class."""
    from ...losses.catalogue import CATALOGUE

    return {cls.__name__: cls for cls in CATALOGUE}[name]
