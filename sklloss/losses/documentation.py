"""Parameters and Returns sections of the methods of losses, whose arguments mean the same in all.

A method of the contract has the same arguments and the same result in every loss. Both are written
here once, and `document_methods` adds them to the docstrings that lack them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import FunctionType

# Shapes of raw output and of y by task. "..." is empty, or the axis of models trained together.
SHAPES: Mapping[str | None, tuple[str, str]] = {
    "ranking": ("(..., n_groups, size, 1)", "(..., n_groups, max_size)"),
    "transcription": (
        "(..., n_samples, n_frames, n_symbols + 1)",
        "(..., n_samples, max_length)",
    ),
    "embedding": ("(..., n_samples, 1 or 2, n_components)", "(..., n_samples, 1 or 2)"),
    "recommendation": ("(..., n_samples, 1, 1 + n_negatives)", "(..., n_samples, 1)"),
    "multitask": ("(..., n_samples, 1, width)", "(..., n_samples, n_tasks)"),
}
OTHER_SHAPES = ("(..., n_samples, n_targets, n_outputs)", "(..., n_samples, n_targets)")

RAW = "Tensor of shape {raw}"
PER_ROW = "Tensor of shape {rows}"
PER_TARGET = "Tensor of shape {y}"
PER_VALUE = "Tensor of shape (..., n_samples, n_targets, n_values)"
PER_GROUP = "Tensor of shape (..., n_groups)"
PER_TASK = "Tensor of shape (..., n_tasks)"
PER_MODEL = "Tensor of shape () or (n_models,)"
THRESHOLDS = "Tensor of shape (..., 1, n_targets, n_classes - 1)"

# The type and the meaning of each argument.
ARGUMENTS: Mapping[str, tuple[str, str]] = {
    "above": ("Tensor of shape (n_targets,)", "Share of the targets above 0."),
    "baseline": (
        "Tensor of shape (..., n_targets or 1, n_outputs)",
        "Raw output of a constant.",
    ),
    "both": ("Tensor", "Sum of the products of predicted and true masks, per image and class."),
    "cosine": ("Tensor of shape (n_samples, n_samples or 1)", "Cosine similarity of each pair."),
    "lead": ("Tensor", "Score of the more relevant row of each pair minus that of the other."),
    "levels": ("Tensor of shape (n_levels,)", "Levels of the quantiles, in (0, 1)."),
    "mean": ("Tensor of shape (n_targets,)", "Mean of the counts, or of those above 0."),
    "means": (PER_TASK, "Mean loss of each task in the epoch."),
    "multi_label": ("bool, default=False", "Whether a row may have several labels."),
    "n_classes": ("int or None, default=None", "Number of classes of each target."),
    "n_outputs": ("int", "Outputs of the network per target."),
    "name": ("str", "Name of the task, or of the entry of the state."),
    "parameter": ("Tensor", "The hyperparameter of the loss, per model."),
    "predicted": ("Tensor", "Sum of the predicted masks, per image and class."),
    "raw": (RAW, "Output of the network."),
    "residual": (PER_TARGET, "Prediction minus y."),
    "sample_weight": (PER_ROW, "Weights of the rows, > 0."),
    "scores": ("Tensor of shape (..., n_groups, size)", "Scores of the rows of each group."),
    "state": ("State", "What `prepare` returned."),
    "terms": (PER_TASK, "Loss of each task."),
    "true": ("Tensor", "Sum of the true masks, per image and class."),
    "values": ("Tensor", "Values of the standardised distribution."),
    "vectors": ("Tensor of shape (n_samples, n_components)", "Embeddings of the rows of a batch."),
    "weight": (PER_MODEL, "Total weight of the batch."),
    "y": (PER_TARGET, "Targets on the scale that the network is trained on, or class indices."),
}

OF_ONE_MODEL = {
    "y": ("Tensor of shape (n_samples, n_targets)", ARGUMENTS["y"][1]),
    "sample_weight": ("Tensor of shape (n_samples,)", ARGUMENTS["sample_weight"][1]),
}
VALUES_OF_Y = {"y": (PER_VALUE, "Values at which the distribution is evaluated.")}
# Arguments that mean something else in the methods of these names.
EXCEPTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "prepare": OF_ONE_MODEL,
    "baseline": OF_ONE_MODEL,
    "of_vectors": OF_ONE_MODEL | {"y": ("Tensor of shape (n_samples, 1 or 2)", "Classes.")},
    "cdf": VALUES_OF_Y,
    "log_density": VALUES_OF_Y,
    "normal_log_density": VALUES_OF_Y,
    "link": {"y": ("ndarray", "Targets.")},
    "check_y": {"y": ("ndarray of shape (n_samples, n_targets)", "Targets.")},
}

# The type and the meaning of what each method returns.
RESULTS: Mapping[str, tuple[str, str]] = {
    "above": ("Tensor of shape (..., n_samples, n_targets, n_classes - 1)", "Logits."),
    "adjusted": (RAW, "Adjusted logits."),
    "alike": ("Tensor of shape (n_samples, n_samples or 1)", "Cost of each similar pair."),
    "arguments": ("tuple of Tensor", "Prediction and target, as torch's losses receive them."),
    "baseline": ("Tensor of shape (n_targets, n_outputs)", "Raw output of the best constant."),
    "best_start": ("tuple of Tensor", "The mean and the share of zeros, of each target."),
    "biases": (THRESHOLDS, "Decreasing biases."),
    "cdf": (PER_VALUE, "Probability of at most each value."),
    "class_weights": ("tuple of float", "One weight per class."),
    "combined": (PER_MODEL, "Total loss of each model."),
    "constant_raw": (RAW, "The constant, once per row."),
    "cutpoints": (THRESHOLDS, "Cutpoints."),
    "decision_function": (
        "Tensor of shape (..., n_samples, n_targets, n_classes or 1)",
        "Scores. `predict` takes the argmax, or the sign if there is one score.",
    ),
    "gradient": ("Tensor in the shape of raw, or None", "The derivative."),
    "heads": ("list of Tensor", "Raw output of each task."),
    "ignores_weights": ("bool", "True if weights have no effect."),
    "inverse_link": (PER_TARGET, "Raw output on the scale of y, or probabilities per class."),
    "learnt": ("dict of str to Tensor", "The trained entries on their natural scale."),
    "least": (PER_TARGET, "A lower bound of the loss of each target."),
    "link": ("ndarray in the shape of y", "Raw output."),
    "location_and_scale": ("tuple of Tensor", "Location and scale, each per row and target."),
    "log_density": (PER_VALUE, "Log density, or log probability, of each value."),
    "log_factor": (PER_TARGET, "Logarithm of the factor."),
    "log_ranks": (
        "Tensor of shape (..., n_samples, n_targets, n_classes)",
        "Log probability of each rank.",
    ),
    "matrix": ("tuple of tuple of float", "Rows are true classes, columns are observed labels."),
    "mean_by_mean_above_0": ("Tensor of shape (n_targets,)", "Mean of all counts."),
    "n_classes_of": ("int", "Number of classes."),
    "n_outputs": ("int", "Outputs of the network per target."),
    "nll_of_0": (PER_TARGET, "Negative log-likelihood of 0."),
    "normal_log_density": (PER_VALUE, "Log density of each value."),
    "objective": (PER_MODEL, "What a step minimises."),
    "of_batch": ("Tensor of shape (..., n_targets)", "Loss of each target."),
    "of_group": (PER_GROUP, "Loss of each group."),
    "of_order": (PER_GROUP, "Loss of each group."),
    "of_pair": ("Tensor in the shape of lead", "Loss of each pair."),
    "of_row": (PER_ROW, "Loss of each row."),
    "of_task": ("State", "The entries of one task."),
    "of_tasks": (
        "Tensor of shape (..., n_samples, n_tasks)",
        "Loss of each task, per row.",
    ),
    "of_vectors": ("Tensor of shape ()", "Loss of the batch."),
    "overlap": ("Tensor", "Overlap per image and class, between 0 and 1."),
    "pointwise": (PER_TARGET, "Loss of each target, neither reduced nor weighted."),
    "predict": (PER_TARGET, "Point predictions or class indices."),
    "predict_mean": (PER_TARGET, "Means of the predictive distributions."),
    "predict_proba": (
        "Tensor of shape (..., n_samples, n_targets, n_classes)",
        "Probability of each class.",
    ),
    "predict_quantiles": (
        "Tensor of shape (..., n_samples, n_targets, n_levels)",
        "One quantile per level.",
    ),
    "predict_std": (PER_TARGET, "Standard deviations of the predictive distributions."),
    "prepare": ("State", "Hyperparameters, and what was learned from y."),
    "psi": (PER_TARGET, "Derivative of the loss of each residual."),
    "readable": ("State", "The detached state."),
    "rho": (PER_TARGET, "Loss of each residual."),
    "scores": (PER_TARGET, "Scores of the second class."),
    "shape_and_scale": ("tuple of Tensor", "Shape and scale of each target."),
    "shaped": (RAW, "Raw output as `pointwise` takes it."),
    "share_above_0": ("Tensor of shape (n_targets,)", "Probability of a count above 0."),
    "soft_labels": ("Tensor of shape (..., n_samples, n_targets, n_bins + 6)", "Masses."),
    "stacked_params": ("dict", "Numbers, or tuples with one number per class, by name."),
    "standard_cdf": ("Tensor", "Probability below each value."),
    "standard_quantile": ("Tensor", "One quantile per level, on the last axis."),
    "std_per_scale": ("Tensor or float", "Standard deviation."),
    "terms": (PER_TASK, "Weighted sum of each task's losses."),
    "total": (PER_MODEL, "Weighted sum of the losses of each model."),
    "unlike": ("Tensor of shape (n_samples, n_samples or 1)", "Cost of each dissimilar pair."),
    "widths": ("list of int", "Outputs of each task."),
    "with_thresholds": ("State", "The state with the thresholds."),
}


def document_methods(cls: type) -> None:
    """Add the sections that the docstrings of the public methods of a loss lack."""
    of_raw, of_y = SHAPES.get(getattr(cls, "task", None), OTHER_SHAPES)
    shapes = {"raw": of_raw, "y": of_y, "rows": f"{of_y.rpartition(', ')[0]})"}
    for name, method in _documented(cls):
        known, sections = {**ARGUMENTS, **EXCEPTIONS.get(name, {})}, {}
        code = method.__code__
        names = [each for each in code.co_varnames[1 : code.co_argcount] if each in known]
        entries = [_entry(f"{each} : {known[each][0]}", known[each][1], shapes) for each in names]
        if entries:
            sections["Parameters"] = "\n".join(["Parameters", "----------", *entries])
        if name in RESULTS:
            sections["Returns"] = f"Returns\n-------\n{_entry(*RESULTS[name], shapes)}"
        method.__doc__ = _completed(method, sections)


def inherit_sections(cls: type) -> None:
    """Add the sections of the overridden methods to the docstrings of those of a class."""
    for name, method in _documented(cls):
        overridden = getattr(super(cls, cls), name, None)
        if overridden is not None:
            method.__doc__ = _completed(method, _divided(overridden)[1])


def _documented(cls: type) -> Iterator[tuple[str, FunctionType]]:
    """Yield the public methods that a class of this package defines, if they have docstrings."""
    if cls.__module__.startswith(f"{__package__}."):
        for name, method in vars(cls).items():
            if isinstance(method, FunctionType) and not name.startswith("_") and method.__doc__:
                yield name, method


def _completed(method: FunctionType, sections: Mapping[str, str]) -> str:
    """Return a docstring with its own sections and others, in the order of numpydoc."""
    body, own = _divided(method)
    found = {**sections, **own}
    ordered = dict.fromkeys(("Parameters", "Returns", "Raises", *found))
    return "\n\n".join([*body, *(found[each] for each in ordered if each in found)]) + "\n"


def _divided(method: FunctionType) -> tuple[list[str], dict[str, str]]:
    """Return the paragraphs of a docstring before its sections, and the sections by title."""
    body: list[str] = []
    sections: dict[str, str] = {}
    for block in inspect.cleandoc(method.__doc__ or "").split("\n\n"):
        if _title(block):
            sections[_title(block)] = block
        elif sections:
            title, text = sections.popitem()
            sections[title] = f"{text}\n\n{block}"
        else:
            body.append(block)
    return body, sections


def _title(block: str) -> str:
    """Return the title of a section of a docstring, or '' for any other paragraph."""
    title, _, below = block.partition("\n")
    return title if set(below.partition("\n")[0]) == {"-"} else ""


def _entry(head: str, meaning: str, shapes: Mapping[str, str]) -> str:
    return f"{head.format(**shapes)}\n    {meaning}"
