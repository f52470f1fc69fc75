"""The shape of every loss of the catalogue, for the pictures of ``docs/losses.md``."""

from __future__ import annotations

from collections.abc import Callable
from math import atanh, log
from typing import Any

import numpy as np
import torch
from embedding_pictures import angle, nearer
from loss_curves import POINTS, Draw, class_values, each, line, state_of, values
from loss_drawing import Curve, Picture
from order_pictures import best_row, lead_of_item
from torch import Tensor

import sklloss.losses as catalogue
from sklloss.losses import Loss, State
from sklloss.losses.base import PACE
from sklloss.losses.regression.counts import LOG_DISPERSION_LIMIT
from sklloss.losses.regression.distributions import raw_of_scale


def residual(
    name: str | None = None, *settings: Any, reach: float = 4.0, compare: bool = False
) -> Draw:
    """Draw the loss against prediction - y, for some values of a parameter."""

    def draw(cls: type[Loss]) -> Picture:
        r = line(-reach, reach)
        found = each(cls, name, settings)
        curves = tuple(Curve(s, r.numpy(), values(loss, r[:, None], 0.0)) for s, loss in found)
        square = Curve("squared_error", r.numpy(), r.numpy() ** 2 / 2)
        return Picture("prediction − y", "loss", curves, square if compare else None)

    return draw


def against_prediction(low: float, high: float, raw_of: Callable[[Tensor], Tensor]) -> Draw:
    """Draw the loss against the prediction, for y of 1 and of 3."""

    def draw(cls: type[Loss]) -> Picture:
        x, loss = line(low, high), cls()
        curves = [
            Curve(f"y = {y:g}", x.numpy(), values(loss, raw_of(x)[:, None], y)) for y in (1, 3)
        ]
        return Picture("prediction", "loss", tuple(curves))

    return draw


def tweedie(cls: type[Loss]) -> Picture:
    """Draw the cost of a prediction beyond the best one for y of 2, by power."""
    x = line(0.3, 6)
    curves: list[Curve] = []
    for label, loss in each(cls, "power", (1.0, 1.5, 2.0, 3.0)):
        at = values(loss, x.log()[:, None], 2.0)
        best = values(loss, torch.tensor([[log(2)]], dtype=torch.float64), 2.0)
        curves.append(Curve(label, x.numpy(), at - best))
    return Picture("prediction, y = 2", "loss above its minimum", tuple(curves))


def negative_binomial(cls: type[Loss]) -> Picture:
    """Draw the loss against the prediction for y of 3, by dispersion."""
    x, loss = line(0.2, 15), cls()
    curves: list[Curve] = []
    for k in (0.5, 2.0, 20.0):
        trained = LOG_DISPERSION_LIMIT / PACE * atanh(log(k) / LOG_DISPERSION_LIMIT)
        state = State({"raw_dispersion": torch.tensor([[trained]], dtype=torch.float64)})
        label = f"trained dispersion k = {k:g}" if not curves else f"{k:g}"
        curves.append(Curve(label, x.numpy(), values(loss, x.log()[:, None], 3.0, state)))
    return Picture("prediction, y = 3", "loss", tuple(curves))


def zero_altered(cls: type[Loss]) -> Picture:
    """Draw the loss against the prediction for y of 0 and of 3, a quarter of the targets being 0.

    A trained dispersion is 1.
    """
    z, loss = line(log(0.05), log(20)), cls()
    state = State({"raw_dispersion": torch.zeros(1, 1, dtype=torch.float64)})
    raw = torch.stack((z, torch.full_like(z, log(1 / 3))), -1)
    prediction = loss.predict(raw.unsqueeze(1), state).squeeze(-1).numpy()
    curves = [Curve(f"y = {y:g}", prediction, values(loss, raw, y, state)) for y in (0, 3)]
    return Picture("prediction, π = 0.25", "loss", tuple(curves))


def adaptive(cls: type[Loss]) -> Picture:
    """Draw the loss against prediction - y, by shape."""
    r, loss = line(-6, 6), cls()
    curves: list[Curve] = []
    for alpha in (0.1, 1.0, 1.9):
        state = state_of(loss, torch.zeros(1, 1, dtype=torch.float64))
        state["raw_shape"] += log((alpha - 0.001) / (1.999 - alpha)) / PACE
        label = f"trained shape α = {alpha:g}" if not curves else f"{alpha:g}"
        curves.append(Curve(label, r.numpy(), values(loss, r[:, None], 0.0, state)))
    return Picture("prediction − y, scale 1", "loss", tuple(curves))


def location_scale(cls: type[Loss]) -> Picture:
    """Draw the loss of a location and a scale against the residual, for three scales."""
    r = line(-3, 3)
    curves = at_scales(cls(), r, r, 0.0)
    return Picture("location − y", "loss", curves)


def lognormal(cls: type[Loss]) -> Picture:
    """Draw the loss against the median of the distribution, for three scales."""
    median = line(0.15, 4)
    curves = at_scales(cls(), median, median.log(), 1.0)
    return Picture("median of the distribution, y = 1", "loss", curves)


def at_scales(loss: Loss, x: Tensor, location: Tensor, y: float) -> tuple[Curve, ...]:
    """Return a curve for each of three scales."""
    curves: list[Curve] = []
    for scale in (0.5, 1.0, 2.0):
        raw_scale = raw_of_scale(torch.full_like(location, scale))
        label = f"scale = {scale:g}" if not curves else f"{scale:g}"
        raw = torch.stack((location, raw_scale), -1)
        curves.append(Curve(label, x.numpy(), values(loss, raw, y)))
    return tuple(curves)


def levels(cls: type[Loss]) -> Picture:
    """Draw the pinball loss of every level."""
    r = line(-3, 3)
    found = each(catalogue.Quantile, "quantile", cls().quantiles)
    curves = tuple(Curve(s, r.numpy(), values(loss, r[:, None], 0.0)) for s, loss in found)
    return Picture("prediction of the level − y", "its term of the loss", curves)


def histogram(cls: type[Loss]) -> Picture:
    """Draw the soft label of y = 0.33 on ten bins."""
    ends = torch.tensor([[0.0], [0.25], [0.5], [0.75], [1.0]], dtype=torch.float64)
    curves: list[Curve] = []
    for label, loss in each(cls, "sigma_ratio", (0.3, 0.75, 2.0)):
        state = state_of(loss.replace(n_bins=10), ends)
        mass = loss.soft_labels(torch.tensor([[0.33]], dtype=torch.float64), state)[0, 0]
        edges = state["edges"].flatten()
        # Each height is drawn at the left and at the right end of its bin.
        x, heights = edges.repeat_interleave(2)[1:-1], mass.repeat_interleave(2)
        curves.append(Curve(label, x.numpy(), heights.numpy()))
    return Picture("bins of y; the row has y = 0.33", "mass of the label", tuple(curves))


def two_classes(n_rare: int = 1, n_frequent: int = 1) -> Tensor:
    """Return labels: 0 is frequent, 1 is rare."""
    return torch.tensor([0] * n_frequent + [1] * n_rare).unsqueeze(1)


def lead(name: str | None = None, *settings: Any, reach: float = 5.0, compare: bool = True) -> Draw:
    """Draw the loss of two classes against the lead of the logit of the true class."""

    def draw(cls: type[Loss]) -> Picture:
        x = line(-reach, reach)
        found = each(cls, name, settings)
        curves = tuple(Curve(s, x.numpy(), of_lead(loss, x)) for s, loss in found)
        entropy = Curve("cross_entropy", x.numpy(), of_lead(catalogue.CrossEntropy(), x))
        label = "lead of the true class's logit"
        return Picture(label, "loss", curves, entropy if compare else None)

    return draw


def of_lead(loss: Loss, x: Tensor) -> np.ndarray:
    """Return the loss of the second of two classes, with 0 as the output of the first."""
    state = state_of(loss, two_classes(), 2)
    raw = x[:, None] if loss.n_outputs(2) == 1 else torch.stack((torch.zeros_like(x), x), -1)
    return class_values(loss, raw, 1, state)


def rare_and_frequent(reach: float = 5.0) -> Draw:
    """Draw the loss of a rare and of a frequent class, one and nine rows in ten."""

    def draw(cls: type[Loss]) -> Picture:
        loss, x = cls(), line(-reach, reach)
        state = state_of(loss, two_classes(100, 900), 2)
        rare = class_values(loss, x[:, None], 1, state)
        frequent = class_values(loss, -x[:, None], 0, state)
        curves = (
            Curve("rare class (1 in 10)", x.numpy(), rare),
            Curve("frequent class", x.numpy(), frequent),
        )
        return Picture("lead of the true class's logit", "loss", curves)

    return draw


def label_present_or_not(cls: type[Loss]) -> Picture:
    """Draw the loss of a label against its logit."""
    x, loss = line(-5, 5), cls()
    state = state_of(loss, two_classes(), 2)
    curves = tuple(
        Curve(words, x.numpy(), class_values(loss, x[:, None], label, state))
        for words, label in (("label present", 1), ("label absent", 0))
    )
    return Picture("logit of the label", "loss", curves)


def ranks(cls: type[Loss]) -> Picture:
    """Draw the loss of each of four ranks against the score."""
    x, loss = line(-6, 6), cls()
    state = state_of(loss, torch.arange(4).unsqueeze(1), 4)
    raw = x[:, None].expand(-1, loss.n_outputs(4))
    labels = ("rank 1", "2", "3", "4")
    curves = tuple(
        Curve(label, x.numpy(), class_values(loss, raw, k, state)) for k, label in enumerate(labels)
    )
    label = "score" if loss.n_outputs(4) == 1 else "value of all outputs"
    return Picture(label, "loss", curves)


def soft_f1(cls: type[Loss]) -> Picture:
    """Draw the loss of a batch of 20 rows against a shift of all logits."""
    x, loss = line(-6, 6), cls()
    curves: list[Curve] = []
    for label, n_positive in (("half of the rows positive", 10), ("one in ten", 2)):
        y = two_classes(n_positive, 20 - n_positive)
        raw = 2.0 * (2 * y - 1)
        state = state_of(loss, y, 2)
        found = [loss((raw + shift).double().unsqueeze(-1), y, state).item() for shift in x]
        curves.append(Curve(label, x.numpy(), np.array(found)))
    return Picture("shift of all logits of a batch", "loss of the batch", tuple(curves))


def auc_margin(cls: type[Loss]) -> Picture:
    """Draw the loss of a batch against the lead of the positives."""
    x, y = line(-1, 3), two_classes(3, 3)
    spread = torch.tensor([[-0.3], [0.0], [0.3]] * 2, dtype=torch.float64)
    curves: list[Curve] = []
    for label, loss in each(cls, "margin", (0.5, 1.0, 2.0)):
        state = state_of(loss, y, 2)
        found = [loss((spread + y * gap).unsqueeze(-1), y, state).item() for gap in x]
        curves.append(Curve(label, x.numpy(), np.array(found)))
    return Picture("mean lead of the positives", "loss of the batch", tuple(curves))


# Pixels of an image, and pixels of the object in it.
PIXELS, OBJECT = 400, 40


def region(name: str | None = None, *settings: Any, **fixed: Any) -> Draw:
    """Draw the loss of an image against the size of the predicted region.

    The region grows inside the object and then beyond it.
    """

    def draw(cls: type[Loss]) -> Picture:
        y = (torch.arange(PIXELS) < OBJECT).long().unsqueeze(0)
        size = torch.arange(0, 4 * OBJECT + 1, 2)
        raw = torch.where(torch.arange(PIXELS) < size.unsqueeze(1), 30.0, -30.0).double()
        curves: list[Curve] = []
        for label, loss in each(cls, name, settings):
            loss = loss.replace(**fixed)
            state = state_of(loss, y.reshape(-1, 1), 2)
            found = loss.of_row(raw.unsqueeze(-1), y.expand(len(size), -1), state)
            curves.append(Curve(label, (size / OBJECT).numpy(), found.numpy()))
        return Picture("size of the region found / of the object", "loss", tuple(curves))

    return draw


def moved_box(cls: type[Loss]) -> Picture:
    """Draw the loss of a box that is shifted sideways, of the true size and of twice its sides."""
    x, loss = line(-3, 3), cls()
    y = torch.tensor([[0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
    curves = tuple(
        Curve(words, x.numpy(), box_values(loss, y + (side - 1) / 2 * OUTWARD, x, y))
        for words, side in (("of the true size", 1), ("of twice its sides", 2))
    )
    overlap = Curve(
        "1 − IoU",
        x.numpy(),
        1 - (1 - x.abs()).clamp(min=0).numpy() / (1 + x.abs()).clamp(max=2).numpy(),
    )
    return Picture("shift of the box / side of the true one", "loss", curves, overlap)


OUTWARD = torch.tensor([[-1.0, -1.0, 1.0, 1.0]])
SIDEWAYS = torch.tensor([[1.0, 0.0, 1.0, 0.0]])


def box_values(loss: Loss, box: Tensor, shifts: Tensor, y: Tensor) -> np.ndarray:
    """Return the loss of a box at some shifts."""
    raw = (box + shifts[:, None] * SIDEWAYS).unsqueeze(-1)
    return loss.of_row(raw, y.expand(len(shifts), -1), state_of(loss, y)).numpy()


def read_symbol(name: str, *settings: Any) -> Draw:
    """Draw the loss of one symbol in four frames against its probability in each frame."""

    def draw(cls: type[Loss]) -> Picture:
        p = torch.linspace(0.02, 0.98, POINTS, dtype=torch.float64)
        raw = torch.stack((1 - p, p), -1).log().unsqueeze(1).expand(-1, 4, -1)
        y = torch.ones(len(p), 1, dtype=torch.long)
        curves = tuple(
            Curve(label, p.numpy(), loss.of_row(raw, y, state_of(loss, y, 2)).numpy())
            for label, loss in each(cls, name, settings)
        )
        return Picture("p of the symbol in each of four frames", "loss", curves)

    return draw


PICTURES: dict[str, Draw] = {
    "SquaredError": residual(reach=3),
    "AbsoluteError": residual(reach=3, compare=True),
    "Huber": residual("delta", 0.5, 1.0, 2.0, compare=True),
    "SmoothL1": residual("beta", 0.5, 1.0, 2.0, compare=True),
    "PseudoHuber": residual("delta", 0.5, 1.0, 2.0, compare=True),
    "LogCosh": residual(compare=True),
    "Quantile": residual("quantile", 0.1, 0.5, 0.9, reach=3),
    "MultiQuantile": levels,
    "Expectile": residual("expectile", 0.1, 0.5, 0.9, reach=3),
    "EpsilonInsensitive": residual("epsilon", 0.1, 0.5, 1.0, reach=3),
    "SquaredEpsilonInsensitive": residual("epsilon", 0.1, 0.5, 1.0, reach=3),
    "Cauchy": residual("scale", 1.0, 2.385, 5.0, reach=8, compare=True),
    "Welsch": residual("scale", 1.0, 2.985, 5.0, reach=8, compare=True),
    "GemanMcClure": residual("scale", 1.0, 3.787, 6.0, reach=8, compare=True),
    "Tukey": residual("scale", 2.0, 4.685, 6.0, reach=8, compare=True),
    "Fair": residual("scale", 0.5, 1.4, 4.0, reach=6, compare=True),
    "Barron": residual("alpha", 2.0, 1.0, 0.0, -2.0, reach=5),
    "Adaptive": adaptive,
    "Poisson": against_prediction(0.1, 8, torch.log),
    "Gamma": against_prediction(0.3, 8, torch.log),
    "Tweedie": tweedie,
    "NegativeBinomial": negative_binomial,
    "ZeroInflatedPoisson": zero_altered,
    "ZeroInflatedNegativeBinomial": zero_altered,
    "HurdlePoisson": zero_altered,
    "HurdleNegativeBinomial": zero_altered,
    "AbsolutePercentageError": against_prediction(-1, 6, Tensor.clone),
    "SquaredLogError": against_prediction(-0.7, 8, torch.log1p),
    "GaussianNLL": location_scale,
    "LaplaceNLL": location_scale,
    "StudentTNLL": location_scale,
    "LognormalNLL": lognormal,
    "CRPS": location_scale,
    "HistogramCrossEntropy": histogram,
    "CrossEntropy": lead("label_smoothing", 0.0, 0.1, 0.3, compare=False),
    "Brier": lead(),
    "ProbabilityAbsoluteError": lead(),
    "ProbabilityHuber": lead("delta", 0.2, 0.5, 1.0),
    "Focal": lead("gamma", 0.5, 2.0, 5.0),
    "ClassBalanced": rare_and_frequent(),
    "LogitAdjusted": rare_and_frequent(),
    "LDAM": rare_and_frequent(reach=1.0),
    "Asymmetric": label_present_or_not,
    "GeneralizedCrossEntropy": lead("q", 0.3, 0.7, 0.9),
    "SymmetricCrossEntropy": lead("alpha", 0.1, 0.5, 1.0),
    "NormalizedCrossEntropy": lead(),
    "ActivePassive": lead("beta", 0.0, 1.0, 3.0),
    "Bootstrap": lead("beta", 0.8, 0.95),
    "ForwardCorrection": lead("noise_rate", 0.1, 0.2, 0.4),
    "BiTempered": lead("t1", 0.2, 0.5, 0.8),
    "Poly1": lead("epsilon", -1.0, 1.0, 4.0),
    "TaylorCrossEntropy": lead("order", 1, 2, 6),
    "Hinge": lead("margin", 0.5, 1.0, 2.0, reach=4),
    "MultiMargin": lead("power", 1, 2, reach=4),
    "SquaredHinge": lead("margin", 0.5, 1.0, 2.0, reach=3),
    "ModifiedHuber": lead(reach=3),
    "Exponential": lead(reach=3),
    "SquaredLogits": lead("scale", 1.0, 2.0, reach=4),
    "SoftF1": soft_f1,
    "AUCMargin": auc_margin,
    "CumulativeLink": ranks,
    "Coral": ranks,
    "Corn": ranks,
    "Dice": region("smooth", 0.0, 1.0, 20.0),
    "Tversky": region("alpha", 0.3, 0.5, 0.9, include_background=False),
    "GIoU": moved_box,
    "CIoU": moved_box,
    "CTC": read_symbol("label_smoothing", 0.0, 0.1, 0.3),
    "FocalCTC": read_symbol("gamma", 0.0, 1.0, 3.0),
    "EntropyCTC": read_symbol("beta", 0.0, 0.2, 1.0),
    "BPR": lead_of_item("n_negatives", 4),
    "SampledHinge": lead_of_item("margin", 0.5, 1.0, 2.0),
    "WARP": lead_of_item("margin", 0.5, 1.0, 2.0),
    "SampledSoftmax": lead_of_item("temperature", 0.5, 1.0, 2.0),
    "RelevanceSquaredError": best_row((0.0,)),
    "PairwiseHinge": best_row((0.0,), "margin", 0.5, 1.0, 2.0),
    "RankNet": best_row((0.0,), "sigma", 0.5, 1.0, 2.0),
    "LambdaRank": best_row((2.0, 1.0, 0.0), "sigma", 0.5, 1.0, 2.0),
    "ListNet": best_row((2.0, 1.0, 0.0)),
    "ListMLE": best_row((2.0, 1.0, 0.0)),
    "ApproxNDCG": best_row((2.0, 1.0, 0.0), "temperature", 0.1, 0.5, 2.0),
    "CosineEmbedding": angle("margin", 0.0, 0.5),
    "HingeEmbedding": angle("margin", 0.5, 1.0),
    "Contrastive": angle("margin", 0.5, 1.0),
    "Triplet": nearer("margin", 0.2, 0.5, 1.0),
    "EmbeddingInfoNCE": nearer("temperature", 0.07, 0.2, 1.0),
}


def picture_of(cls: type[Loss]) -> Picture:
    """Return what the picture of a loss shows."""
    return PICTURES[cls.__name__](cls)
