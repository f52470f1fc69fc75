"""What a notebook shows of an estimator: scikit-learn's diagram, its loss, and where its guide is."""

from __future__ import annotations

import html
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, ClassVar

from sklearn.utils import estimator_html_repr
from sklearn.utils._repr_html.estimator import _VisualBlock

CHECKED_WITH = "1.9.1"  # The version of scikit-learn whose private names these are.
# Pages of the guide whose names are not those of the folders of their estimators.
PAGES = {"tasks": "several_tasks", "search": "search"}
# Longest text of a loss in a diagram.
LONGEST = 70


@cache
def documentation() -> str:
    """Return the address of the documentation that the installed package names, '' for none."""
    try:
        urls = metadata("sklloss").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    named = dict(url.split(", ", 1) for url in urls)
    return named.get("Documentation", "").rstrip("/")


class LinkedToGuide:
    """Mixin of what scikit-learn's diagrams link to a page of the guide.

    They do so once ``[project.urls]`` of the package names a "Documentation".
    """

    _doc_link_module: ClassVar[str] = "sklloss"

    @property
    def _doc_link_template(self) -> str:
        return f"{documentation()}/guide/{{page}}.md" if documentation() else ""

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        folder = type(self).__module__.removeprefix("sklloss.estimators.").split(".")
        name = folder[1] if folder[0] == "sklloss" else folder[0]
        return {"page": PAGES.get(name, name)}


class ShowsLoss(LinkedToGuide):
    """Mixin of estimators with a loss, which their diagrams show, also inside a Pipeline."""

    def _sk_visual_block_(self) -> Any:
        caption = f"loss: {_shortened(_loss_text(self))}"
        name = type(self).__name__
        return _VisualBlock(
            "single", self, names=name, name_details=str(self), name_caption=caption
        )

    def _html_repr(self) -> str:
        return estimator_html_repr(self) + loss_html(self)


def loss_html(estimator: Any) -> str:
    """Return a paragraph on the loss of a fitted estimator, '' for one that is not fitted."""
    loss = getattr(estimator, "loss_", None)
    if loss is None:
        return ""
    n_members, n_epochs = len(estimator.members_), estimator.n_iter_
    networks = f"{n_members} network{'s' * (n_members > 1)}"
    what = f", which estimates: {loss.functional}" if loss.functional else ""
    text = html.escape(f"{what}. It trained {networks} for at most {n_epochs} epochs.")
    return f"<p>Trained on <code>{html.escape(repr(loss))}</code>{text}</p>"


def _loss_text(estimator: Any) -> str:
    """Return the loss as code; as it was given where it is none."""
    try:
        return repr(estimator._loss.resolved(estimator))
    except (TypeError, ValueError):
        return repr(getattr(estimator, estimator._loss.name))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
