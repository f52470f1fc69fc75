"""Which names the API reference shows together; every public name is in one group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from public_names import public_names

from sklloss.losses.catalogue import CATALOGUE

# The task of a loss, and the heading of its group.
TASKS: Mapping[str, str] = {
    "regression": "Losses for regression",
    "classification": "Losses for classification",
    "segmentation": "Losses for segmentation",
    "boxes": "Losses for boxes",
    "transcription": "Losses for transcription",
    "ranking": "Losses for ranking",
    "recommendation": "Losses for recommendation",
    "embedding": "Losses for embeddings",
}


@dataclass(frozen=True)
class Group:
    """Names that the reference shows together."""

    key: str
    title: str
    text: str
    names: Sequence[str]


# Groups by hand; the losses of the catalogue are in the groups of their tasks.
BY_HAND = (
    Group(
        "estimators",
        "Estimators",
        "Each has the parameter `loss`, and trains on the same engine.",
        (
            "sklloss.NeuralClassifier",
            "sklloss.NeuralRegressor",
            "sklloss.NeuralSegmenter",
            "sklloss.NeuralBoxRegressor",
            "sklloss.TokenVectorizer",
            "sklloss.SequenceTranscriber",
            "sklloss.NeuralRanker",
            "sklloss.Recommender",
            "sklloss.MetricEmbedder",
            "sklloss.NeuralMultiTask",
        ),
    ),
    Group(
        "search",
        "Search and compare losses",
        "Suggest losses, search over them, and say how sure the winner is.",
        (
            "sklloss.LossSearchCV",
            "sklloss.suggest_losses",
            "sklloss.compare_losses",
            "sklloss.one_standard_error",
            "sklloss.nested_score",
            "sklloss.report",
            "sklloss.inspection.LossComparisonDisplay",
            "sklloss.inspection.LossShapeDisplay",
            "sklloss.inspection.TrainingCurveDisplay",
            "sklloss.inspection.ReliabilityDisplay",
            "sklloss.inspection.PredictionIntervalDisplay",
        ),
    ),
    Group(
        "metrics",
        "Distributions and metrics",
        "Predictive distributions, and the scores of predictions.",
        (
            "sklloss.predict_distribution",
            "sklloss.metrics.get_scorer",
            "sklloss.metrics.crps",
            "sklloss.metrics.log_likelihood",
            "sklloss.metrics.interval_coverage",
            "sklloss.metrics.interval_score",
            "sklloss.metrics.interval_width",
            "sklloss.mean_ndcg",
            "sklloss.ndcg_at",
            "sklloss.recall_at",
            "sklloss.token_error_rate",
            "sklloss.word_error_rate",
            "sklloss.character_error_rate",
        ),
    ),
    Group(
        "persistence",
        "Save, serve and continue",
        "Files of models and searches, ONNX, PyTorch modules, MLflow, checkpoints.",
        (
            "sklloss.save",
            "sklloss.load",
            "sklloss.to_onnx",
            "sklloss.persistence.onnx.OnnxFile",
            "sklloss.persistence.onnx.register",
            "sklloss.persistence.torch_module.to_module",
            "sklloss.persistence.mlflow.autolog",
            "sklloss.align_columns",
            "sklloss.FitCheckpoint",
        ),
    ),
)
FIND_LOSSES = Group(
    "losses",
    "Find and name losses",
    "Which losses there are, and one by its name; a loss in a skorch net of your own.",
    ("sklloss.list_losses", "sklloss.get_loss", "sklloss.Criterion"),
)
TASK_WEIGHTS = Group(
    "task_weights",
    "Several tasks",
    "How the losses of the tasks of `NeuralMultiTask` are weighted.",
    (
        "sklloss.losses.JointLoss",
        "sklloss.losses.EqualWeights",
        "sklloss.losses.FixedWeights",
        "sklloss.losses.UncertaintyWeights",
        "sklloss.losses.DynamicWeightAverage",
        "sklloss.losses.RandomWeights",
    ),
)
OWN_LOSSES = Group(
    "own_losses",
    "Write a loss",
    "The base classes of losses, and what a loss of your own is made of.",
    (
        "sklloss.losses.register_loss",
        "sklloss.losses.parameter",
        "sklloss.losses.Interval",
        "sklloss.losses.Choice",
        "sklloss.losses.State",
        "sklloss.losses.Loss",
        "sklloss.losses.RegressionLoss",
        "sklloss.losses.ClassificationLoss",
        "sklloss.losses.OrderLoss",
        "sklloss.losses.RankingLoss",
        "sklloss.losses.RecommendationLoss",
        "sklloss.losses.EmbeddingLoss",
        "sklloss.losses.TranscriptionLoss",
        "sklloss.losses.certain_blank_where",
        "sklloss.losses.OwnRegressionLoss",
        "sklloss.losses.OwnClassificationLoss",
    ),
)


def groups() -> list[Group]:
    """Return all groups of the reference, in its order; raise if a public name has none."""
    by_task = []
    public = public_names()
    dotted = {value: name for name, value in public.items()}
    for task, title in TASKS.items():
        names = [dotted[cls] for cls in CATALOGUE if cls.task == task]
        text = ":doc:`The catalogue </losses>` shows when to choose each, with its picture."
        by_task.append(Group(f"losses_{task}", title, text, names))
    found = [*BY_HAND[:2], FIND_LOSSES, *by_task, TASK_WEIGHTS, OWN_LOSSES, *BY_HAND[2:]]
    check_complete(found, list(public))
    return found


def check_complete(found: Sequence[Group], public: Sequence[str]) -> None:
    """Raise unless every public name is in one group, and nothing else is."""
    shown = [name for group in found for name in group.names]
    problems = {
        "no page in the API reference": sorted(set(public) - set(shown)),
        "a page, but are not public": sorted(set(shown) - set(public)),
        "more than one group": sorted({name for name in shown if shown.count(name) > 1}),
    }
    texts = [f"{', '.join(names)} have {problem}" for problem, names in problems.items() if names]
    if texts:
        raise ValueError(f"{'; '.join(texts)}. Correct the groups in docs/api_groups.py.")
