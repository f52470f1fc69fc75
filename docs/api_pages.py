"""Write the API reference: a page per public name, and one per group of names.

Names without a group, and groups with a name that is not public, fail the build.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from public_names import public_names
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from sklloss.losses.catalogue import CATALOGUE

GENERATED = Path(__file__).parent / "api" / "generated"

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
        "Files of models and searches, ONNX, PyTorch modules, checkpoints.",
        (
            "sklloss.save",
            "sklloss.load",
            "sklloss.to_onnx",
            "sklloss.persistence.onnx.OnnxFile",
            "sklloss.persistence.onnx.register",
            "sklloss.persistence.torch_module.to_module",
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
        text = "The catalogue has a picture and the formula of each."
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
        raise ExtensionError(f"{'; '.join(texts)}. Correct the groups in docs/api_pages.py.")


def write_all() -> None:
    """Write the pages of the reference that changed, and remove those of names that are gone."""
    public = public_names()
    written = {}
    for group in groups():
        written[f"{group.key}.rst"] = group_page(group, public)
        for name in group.names:
            written[f"{name}.rst"] = name_page(name, public[name], set(public.values()))
    GENERATED.mkdir(parents=True, exist_ok=True)
    for path in GENERATED.glob("*.rst"):
        if path.name not in written:
            path.unlink()
    for file_name, text in written.items():
        path = GENERATED / file_name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def group_page(group: Group, public: Mapping[str, object]) -> str:
    """Return the page of a group: a table of its names with the first line of each docstring."""
    rows = []
    for name in group.names:
        first = (inspect.getdoc(public[name]) or "").partition("\n")[0]
        rows += [f"   * - :py:obj:`{short(name)} <{name}>`", f"     - {first}"]
    return "\n".join(
        [
            *heading(group.title),
            group.text,
            "",
            ".. list-table::",
            "   :class: api-table",
            "   :widths: 30 70",
            "",
            *rows,
            "",
            ".. toctree::",
            "   :hidden:",
            "",
            *(f"   {short(name)} <{name}>" for name in group.names),
            "",
        ]
    )


def name_page(name: str, value: object, public: set[object]) -> str:
    """Return the page of a class or function."""
    module = name.rpartition(".")[0]
    lines = [*heading(short(name)), f".. currentmodule:: {module}", ""]
    if not inspect.isclass(value):
        return "\n".join([*lines, f".. autofunction:: {name}", ""])
    lines += [f".. autoclass:: {name}", ""]
    own, inherited = members_of(value, public)
    for member in own:
        is_method = callable(getattr(value, member))
        directive = "automethod" if is_method else "autoattribute"
        lines += [f"   .. {directive}:: {name}.{member}", ""]
    for base, members in inherited.items():
        methods = ", ".join(f"``{member}``" for member in members)
        lines += [f"   Inherited from {base}: {methods}.", ""]
    return "\n".join(lines)


def members_of(cls: type, public: set[object]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the documented members that a page shows in full, and the others by their base.

    Members of a base that has a page of its own, or of another library, are only listed.
    """
    own: list[str] = []
    inherited: dict[str, list[str]] = {}
    for name in sorted(dir(cls)):
        if name.startswith("_"):
            continue
        definer = next((base for base in cls.__mro__ if name in vars(base)), None)
        if definer is None or not is_documented(vars(definer)[name]):
            continue
        library = definer.__module__.partition(".")[0]
        if library not in ("sklloss", "sklearn", "skorch", "torch"):
            continue
        if library != "sklloss":
            inherited.setdefault(library, []).append(name)
        elif definer is not cls and definer in public:
            inherited.setdefault(f"`{definer.__name__}`", []).append(name)
        else:
            own.append(name)
    return own, inherited


def is_documented(member: object) -> bool:
    """Return whether a member is a method or property with a docstring."""
    is_member = isinstance(member, (property, classmethod, staticmethod)) or callable(member)
    return is_member and not inspect.isclass(member) and bool(inspect.getdoc(member))


def heading(title: str) -> list[str]:
    """Return the lines of a heading."""
    return [title, "=" * len(title), ""]


def short(name: str) -> str:
    """Return the last part of a dotted name."""
    return name.rpartition(".")[2]


def public_name_role(targets: Mapping[str, str]) -> Callable:
    """Return the role of text in backticks: a link if it is a public name, otherwise code."""

    def role(kind, rawtext, text, lineno, inliner, options=None, content=()):  # noqa: PLR0913
        name = re.sub(r"\(\)$", "", text)
        code = nodes.literal(rawtext, text, classes=["code"])
        if name not in targets:
            return [code], []
        link = addnodes.pending_xref(
            rawtext, code, refdomain="py", reftype="obj", reftarget=targets[name], refexplicit=True
        )
        return [link], []

    return role


def setup(app: Sphinx) -> None:
    """Write the pages before sphinx looks for them."""
    public = public_names()
    targets = {short(name): name for name in public} | {name: name for name in public}
    app.add_role("public_name", public_name_role(targets))
    app.connect("builder-inited", lambda app: write_all())
