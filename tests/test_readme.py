"""The README's code runs as it stands, and its commands are those that CI runs."""

import re
from pathlib import Path

import pytest

from .readme_table import rows

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_every_block_of_code_runs_in_order():
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) >= 6
    names = {"__name__": "readme"}
    for block in blocks[1:]:  # the first is the idea, the second what a user copies
        exec(compile(block, "README.md", "exec"), names)
    assert names["search"].best_params_
    assert abs(names["net"].predict_proba(names["features"]).sum(1) - 1).max() < 1e-5


def test_skorch_probabilities_equal_ours():
    """The `predict_nonlinearity` that the README shows gives what the loss says."""
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {"__name__": "readme"}
    exec("from sklearn.datasets import load_breast_cancer, load_diabetes", names)
    exec("from torch import nn; from sklloss import NeuralRegressor", names)
    exec("data = load_breast_cancer(as_frame=True)", names)
    exec("X, y = load_diabetes(return_X_y=True)", names)
    for block in blocks:
        if "def network" in block or "skorch.NeuralNetClassifier" in block:
            exec(compile(block, "README.md", "exec"), names)
    net = names["net"]
    criterion = net.criterion_
    raw = net.forward(names["features"])[None, :, None]
    ours = criterion.loss.predict_proba(raw, criterion.state)[0, :, 0]
    assert abs(net.predict_proba(names["features"]) - ours.numpy()).max() < 1e-6
    net.set_params(predict_nonlinearity=None)
    assert abs(net.predict_proba(names["features"]).sum(1) - 1).max() > 1e-3


@pytest.mark.parametrize("extra", ["-e . ", '-e ".[test]" '])
def test_commands_need_a_clone_and_python_only(extra):
    pattern = (
        rf"^python3 -m venv \.venv && \.venv/bin/pip install -c constraints\.txt {re.escape(extra)}"
    )
    assert re.search(pattern, README, flags=re.MULTILINE)


def test_every_install_goes_through_the_constraints():
    documents = [README, (ROOT / "CONTRIBUTING.md").read_text(), (ROOT / ".ci" / "run").read_text()]
    for line in "\n".join(documents).splitlines():
        if "pip install" in line:
            assert "-c constraints.txt" in line
    assert re.search(r"^torch==2\.13\.0$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


def test_tables_of_losses_are_those_of_the_catalogue():
    """Print them anew with ``python -m tests.readme_table``."""
    for task in ("regression", "classification"):
        assert rows(task) in README
