"""Write ``docs/losses.md`` and its pictures from the classes of the catalogue.

After any change of a loss, run

    python docs/make_losses.py

What a step costs is in ``docs/loss_costs.csv``, which ``docs/loss_costs.py`` measures.

``tests/test_docs.py`` fails if the page is not what this script writes.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from loss_drawing import svg_of
from loss_pictures import picture_of
from loss_prose import (
    ALL_LOSSES,
    CLASSIFICATION_QUESTIONS,
    INTRODUCTION,
    NOTATION,
    OTHER_QUESTIONS,
    OWN_LOSSES,
    REGRESSION_QUESTIONS,
    REMARKS,
    SEVERAL_TASKS,
)
from loss_words import IN_SHORT, when_and_not
from sklearn.metrics import get_scorer_names

from sklloss.losses import ClassificationLoss, Loss, RegressionLoss
from sklloss.losses.catalogue import CATALOGUE
from sklloss.losses.listing import TASKS, losses_of
from sklloss.losses.tasks.weightings import WEIGHTINGS
from sklloss.parameters.declared import declared_by

PAGE = Path(__file__).parent / "losses.md"
COSTS = PAGE.with_name("loss_costs.csv")
# Heading of the losses of each file of the catalogue.
FAMILIES = {
    "plain": "Means and medians",
    "robust": "Robust to outliers",
    "quantiles": "Quantiles",
    "redescending": "Robust: outliers ignored",
    "barron": "Barron's family",
    "positive": "Counts and positive targets",
    "zero_inflation": "Counts and positive targets",
    "distributions": "Predictive distributions: location and scale",
    "histogram": "Predictive distributions: a histogram",
    "probabilities": "Probabilities",
    "imbalance": "Imbalanced classes",
    "noisy": "Wrong labels",
    "tempered": "Wrong labels",
    "polynomial": "Series of cross-entropy",
    "margin": "Margins",
    "whole_batch": "Scores of a whole batch",
    "ordinal": "Ordered classes",
    "overlap": "Regions",
    "boxes": "Boxes",
    "transcription": "Sequences",
    "embedding": "Distances",
    "recommendation": "Order of items",
    "ranking": "Scores and pairs",
    "listwise": "Whole lists",
}
SCALINGS = {
    "standard": "centred at the mean, divided by the standard deviation",
    "robust": "centred at the median, divided by 1.4826 median absolute deviations",
    "scale": "divided by its scale, never shifted",
    "none": "left as it is",
}
SECTION = re.compile(r"^(\w+)\n-+\n", flags=re.MULTILINE)


def markdown(text: str) -> str:
    """Return reStructuredText as one line of Markdown, with links for arXiv numbers."""
    one_line = re.sub(r"\s+", " ", text.strip()).replace("``", "`")
    return re.sub(r"arXiv (\d{4}\.\d{4,5})", r"[arXiv \1](https://arxiv.org/abs/\1)", one_line)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; bars inside cells are escaped, also inside code, as GitHub requires."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def code(words: Iterable[str]) -> str:
    """Return words as code, separated by commas."""
    return ", ".join(f"`{word}`" for word in words)


def anchor(cls: type[Loss]) -> str:
    """Return the anchor of a loss on the page, which is also the name of its picture."""
    return f"{cls.task}_{cls.name}"


def link(cls: type[Loss]) -> str:
    """Return a link to a loss."""
    return f"[`{cls.name}`](#{anchor(cls)})"


def sections_of(cls: type[Loss]) -> dict[str, str]:
    """Return the sections of a docstring by title, with the text before the first under ''."""
    first, *rest = SECTION.split(inspect.getdoc(cls) or "")
    return {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}


def meanings_of(cls: type[Loss]) -> dict[str, str]:
    """Return the description of each parameter."""
    entries = re.split(r"^(\w+) : .*\n", sections_of(cls).get("Parameters", ""), flags=re.MULTILINE)
    return dict(zip(entries[1::2], entries[2::2], strict=True))


def parameters(cls: type[Loss]) -> str:
    """Return the table of parameters."""
    meanings, declared = meanings_of(cls), declared_by(cls)
    rows = []
    for field in dataclasses.fields(cls):
        name, domain = field.name, declared[field.name].domain
        allowed = domain.describe(name).replace(f"{name} to be ", "") if domain else ""
        rows.append((f"`{name}`", f"`{field.default!r}`", allowed, markdown(meanings[name])))
    return table(("parameter", "default", "allowed", "meaning"), rows) if rows else ""


def metric(cls: type[Loss]) -> str:
    """Return the metric of scikit-learn that measures what the loss estimates."""
    if cls.metric is None:
        return "none in scikit-learn"
    is_scorer = cls.metric in get_scorer_names()
    return f'`scoring="{cls.metric}"`' if is_scorer else f"`sklearn.metrics.{cls.metric}`"


def trained_values(loss: Loss) -> str:
    """Return what is trained along with the network, by its names in ``loss_state_``."""
    n_classes = None if isinstance(loss, RegressionLoss) else 2
    y = torch.tensor([[0], [1]]) if loss.y_is_index else torch.tensor([[1.0], [2.0]])
    state = loss.prepare(y, torch.ones(2), n_classes)
    return code(sorted(set(loss.readable(state)) - set(state)))


def needs(loss: RegressionLoss) -> str:
    """Return which y a loss takes: the docstring of its own domain, or else the condition."""
    own = type(loss).y_domain
    if isinstance(own, property) and own is not Loss.y_domain:
        return (own.__doc__ or "").rstrip(".")
    return loss.y_domain.describe("y")


def facts_of_regression(loss: RegressionLoss) -> list[tuple[str, str]]:
    """Return what a loss for regression takes and provides."""
    offers = [m for m in ("predict_quantiles", "predict_std") if hasattr(loss, m)]
    if "predict_quantiles" in offers:
        offers.insert(1, "predict_interval")
        # All that the loss knows, as one object.
        offers.append("predict_distribution")
    return [
        ("needs", needs(loss)),
        ("`scale_target=True`", "y is " + SCALINGS[loss.scaling]),
        ("also provides", code(offers)),
    ]


def facts_of_classification(loss: ClassificationLoss) -> list[tuple[str, str]]:
    """Return what a loss for classification takes and provides."""
    follows = "" if loss.decides_by_posterior else "; `predict` need not be its likeliest class"
    has_posterior = hasattr(loss, "predict_proba")
    classes = "two or more classes" if loss.multi_class else "two classes"
    return [
        ("needs", classes + (", or multi-label" if loss.multi_label else "")),
        ("`predict_proba`", f"yes{follows}" if has_posterior else "no: a decision only"),
    ]


def facts_of_regions(loss: ClassificationLoss) -> list[tuple[str, str]]:
    """Return what a loss for segmentation takes and provides."""
    return [
        ("needs", "two or more classes of pixels"),
        ("`predict_proba`", "yes" if hasattr(loss, "predict_proba") else "no: a decision only"),
    ]


def facts_of_boxes(loss: RegressionLoss) -> list[tuple[str, str]]:
    """Return what a loss for boxes takes."""
    return [("needs", "boxes x1 < x2, y1 < y2, one per image")]


def facts_of_sequences(loss: Loss) -> list[tuple[str, str]]:
    """Return what a loss for transcription takes."""
    return [("needs", "at least as many frames as symbols, and one between equal neighbours")]


def facts_of_recommendation(loss: Loss) -> list[tuple[str, str]]:
    """Return what a loss for recommendation takes."""
    return [("needs", "pairs (user, item), or counts >= 0 of them")]


def facts_of_ranking(loss: Loss) -> list[tuple[str, str]]:
    """Return what a loss for ranking takes."""
    return [("needs", f"{loss.y_domain.describe('y')}, rows of different relevance in a group")]


def facts_of_embeddings(loss: Any) -> list[tuple[str, str]]:
    """Return what a loss for embeddings takes."""
    of_pairs = "similar and dissimilar" if loss.needs_unlike_pairs else "all may be similar"
    return [("needs", f"rows with labels; or pairs, {of_pairs}")]


TAKES_AND_PROVIDES: dict[str, Callable[[Any], list[tuple[str, str]]]] = {
    "regression": facts_of_regression,
    "classification": facts_of_classification,
    "segmentation": facts_of_regions,
    "boxes": facts_of_boxes,
    "transcription": facts_of_sequences,
    "embedding": facts_of_embeddings,
    "recommendation": facts_of_recommendation,
    "ranking": facts_of_ranking,
}


def facts(cls: type[Loss]) -> str:
    """Return the table of facts besides the formula, without empty lines."""
    loss = cls()
    rows = [
        ("also called", code(cls.aliases)),
        ("estimates", cls.functional),
        ("measured by", metric(cls)),
        *TAKES_AND_PROVIDES[cls.task](loss),
        ("trained with the network", trained_values(loss)),
        ("cost", cost(cls)),
        ("in batches", "a value per batch, none per row" if cls.whole_batch else ""),
        ("reference", markdown(sections_of(cls)["References"])),
    ]
    header = ("class", f"`sklloss.losses.{cls.__name__}`")
    return table(header, [row for row in rows if row[1]])


def description(cls: type[Loss]) -> str:
    """Return the docstring before its first section, paragraph by paragraph."""
    paragraphs = sections_of(cls)[""].strip().split("\n\n")
    return "\n\n".join(map(markdown, paragraphs))


def linked(cls: type[Loss], text: str) -> str:
    """Return a text on a loss with links to the other losses that it mentions."""
    others = {other.name: other for other in losses_of(cls.task) if other is not cls}
    return re.sub(
        r"\w+", lambda word: link(others[word[0]]) if word[0] in others else word[0], text
    )


@functools.cache
def costs() -> dict[tuple[str, str], dict[str, str]]:
    """Return the measured costs by task and name."""
    with COSTS.open(encoding="utf-8", newline="") as file:
        return {(row["task"], row["name"]): row for row in csv.DictReader(file)}


def times(ratio: str) -> str:
    """Return a ratio with the digits that its measurement deserves."""
    value = float(ratio)
    return f"{value:.0f}" if value >= 3 else f"{value:.1f}"


def cost(cls: type[Loss]) -> str:
    """Return what a training step costs beside the usual loss of the task."""
    row = costs()[cls.task, cls.name]
    usual = f"`{row['relative_to']}`"
    if cls.name == row["relative_to"]:
        return "1, by definition: the other losses of the task are compared with this one"
    text = f"a step takes about {times(row['time'])} times as long as with {usual}"
    if times(row["memory"]) != "1.0":
        text += f", and training {times(row['memory'])} times its memory"
    outputs = cls().n_outputs(None) if cls.task == "regression" else 1
    return text + (f"; the network has {outputs} outputs per target" if outputs > 1 else "")


def entry(cls: type[Loss]) -> str:
    """Return the entry of one loss."""
    when, when_not = (linked(cls, text) for text in when_and_not(anchor(cls), cls.when))
    paragraphs = [
        f'<a id="{anchor(cls)}"></a>',
        f"#### {cls.name}",
        description(cls),
        f"**When:** {when}",
        f"**When not:** {when_not}",
        f"![Shape of {cls.name}](losses/{anchor(cls)}.svg)",
        parameters(cls),
        facts(cls),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def families_of(task: str) -> dict[str, list[type[Loss]]]:
    """Return the losses of a task by the heading of their family."""
    found: dict[str, list[type[Loss]]] = {}
    for cls in CATALOGUE:
        if cls.task == task:
            heading = FAMILIES[cls.__module__.rpartition(".")[2]]
            found.setdefault(heading, []).append(cls)
    return found


def overview(tasks: Iterable[str]) -> str:
    """Return the table of all losses, which ``_static/filter.js`` filters."""
    rows = [
        (
            link(cls),
            task,
            cls.functional,
            IN_SHORT[anchor(cls)],
            times(costs()[task, cls.name]["time"]),
        )
        for task in tasks
        for classes in families_of(task).values()
        for cls in classes
    ]
    return table(("Loss", "Task", "Elicits", "When, in short", "Cost"), rows)


def questions(task: str, rows: Iterable[tuple[str, Sequence[str], str]]) -> str:
    """Return the table from what you may want to the losses that provide it."""
    named = {cls.name: cls for cls in losses_of(task)}
    cells = [
        (question, ", ".join(link(named[name]) for name in names), remark)
        for question, names, remark in rows
    ]
    return table((f"In {task} you want", "losses", "note"), cells)


def losses_of_task(task: str) -> str:
    """Return all entries of a task, family by family."""
    sections = [f"## Losses for {task}", *REMARKS.get(task, ())]
    for heading, classes in families_of(task).items():
        sections += [f"### {heading}", *map(entry, classes)]
    return "\n\n".join(sections)


def weightings() -> str:
    """Return the section on the losses of several tasks."""
    rows = [
        (
            f'`"{name}"`',
            f"`sklloss.losses.{cls.__name__}`",
            " ".join(description(cls).split("\n\n")),
            cls.when,
            markdown(sections_of(cls).get("References", "")),
        )
        for name, cls in WEIGHTINGS.items()
    ]
    header = ("`weighting`", "class", "in training", "when", "reference")
    return "\n\n".join((SEVERAL_TASKS, table(header, rows)))


def page() -> str:
    """Return the text of ``docs/losses.md``."""
    tasks = [task for task in TASKS if families_of(task)]
    sections = [
        INTRODUCTION,
        "## All losses",
        ALL_LOSSES,
        overview(tasks),
        "## How to choose",
        questions("regression", REGRESSION_QUESTIONS),
        questions("classification", CLASSIFICATION_QUESTIONS),
        *(questions(task, rows) for task, rows in OTHER_QUESTIONS.items()),
        NOTATION,
        *map(losses_of_task, tasks),
        weightings(),
        OWN_LOSSES,
    ]
    return "\n\n".join(sections) + "\n"


def picture_path(cls: type[Loss]) -> Path:
    """Return the path of the picture of a loss."""
    return PAGE.parent / "losses" / f"{anchor(cls)}.svg"


def main() -> None:
    """Write the page and its pictures."""
    PAGE.write_text(page(), encoding="utf-8")
    picture_path(CATALOGUE[0]).parent.mkdir(exist_ok=True)
    for cls in CATALOGUE:
        picture_path(cls).write_text(svg_of(picture_of(cls)), encoding="utf-8")


if __name__ == "__main__":
    main()
