"""Write the golden files of the present format, and what their estimators answer.

Files of a format are written once and stay: they show that later versions read them.  A new format
gets a folder of its own; files of one that is there are written anew only with --anew, which is for
a format that no release has written yet.

    python -m tests.persistence.golden.make [--anew]
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sklloss.persistence import save
from sklloss.persistence.container import FORMAT_VERSION

from .cases import CASES

HERE = Path(__file__).parent


def folder_of(version: int) -> Path:
    return HERE / f"format_{version}"


def plain(answer: Any) -> Any:
    """Return an answer as lists of numbers and texts."""
    if hasattr(answer, "columns"):
        return {str(name): plain(answer[name].to_numpy()) for name in answer.columns}
    if isinstance(answer, dict):
        return {str(name): plain(each) for name, each in answer.items()}
    if isinstance(answer, list | tuple):
        return [plain(each) for each in answer]
    if hasattr(answer, "toarray"):
        return plain(answer.toarray())
    return answer.tolist() if isinstance(answer, np.ndarray | np.generic) else answer


def answers_of(model: Any, name: str) -> dict[str, Any]:
    """Return what a model of a case says."""
    case = CASES[name]
    return {each: plain(getattr(model, each)(case.questions)) for each in case.methods}


def main(arguments: list[str]) -> None:
    folder = folder_of(FORMAT_VERSION)
    if any(folder.glob("*.sklloss")) and "--anew" not in arguments:
        raise SystemExit(f"{folder} has files, which stay as they are.")
    torch.set_num_threads(1)
    answers = {}
    for name, case in CASES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = case.model.fit(case.X, case.y)
        save(model, folder / f"{name}.sklloss")
        answers[name] = answers_of(model, name)
    (folder / "answers.json").write_text(json.dumps(answers, indent=0) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
