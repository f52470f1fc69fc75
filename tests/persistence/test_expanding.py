"""Files whose few values would become many: references, ranges, rows that are repeated."""

import json
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest

from sklloss import NeuralRegressor
from sklloss.persistence import load, save
from sklloss.persistence.container import Content, parsed, seal, to_bytes

X = np.random.default_rng(0).normal(size=(30, 3))
MANY = 10**9
MOST_SECONDS, MOST_BYTES = 1.0, 200 * 2**20


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "file"
    save(NeuralRegressor(hidden_layer_sizes=(2,), max_epochs=1).fit(X, X[:, 0]), path)
    return parsed(path.read_bytes())


def with_value(content, node, arrays=()):
    """Return a file whose first parameter is a node, with the right checksum."""
    manifest = json.loads(json.dumps(content.manifest))
    manifest["object"]["state"][0][1] = node
    return to_bytes(Content(manifest, {**content.arrays, **dict(arrays)}), {})


def chained(n_values, kind, n_times, last):
    """Return a node of values, each of which holds the one before, so many times."""
    first = 1000
    nodes = [{"tuple": [], "id": first}]
    for k in range(first, first + n_values):
        nodes.append({kind: [{"ref": k}] * n_times, "id": k + 1})
    return {"list": [*nodes, last({"ref": first + n_values})]}


def rows(n):
    return {"range index": [["range", {"range": [0, n, 1]}], ["name", None]]}


RANGE = {"range": [0, MANY, 1]}
OF_RANGES = {
    "series": {"series": {"type": "numpy", "values": 1.5, "parts": [["index", rows(MANY)]]}},
    "series of a range": {
        "series": {"type": "numpy", "values": RANGE, "parts": [["index", rows(MANY)]]}
    },
    "frame": {
        "frame": {
            "columns": [{"type": "numpy", "values": {"array": {"type": "<f8", "shape": [0]}}}],
            "parts": [["index", rows(MANY)], ["columns", {"list": ["a"]}]],
        }
    },
    "moments": {"column": {"type": {"moments": ["ns", "UTC"]}, "values": RANGE}},
    "mask": {
        "column": {
            "type": {"masked": "Int64"},
            "values": {"array": {"type": "<i8", "shape": [0]}},
            "known": RANGE,
        }
    },
    "masked": {"masked": [["data", RANGE], ["mask", False], ["fill", 0]]},
    "history": {"history": {"columns": [["loss", RANGE]]}},
    "epochs": {"history": {"epochs": RANGE}},
    "partial": {
        "partial": [["func", {"type": "bytes"}], ["args", RANGE], ["keywords", {"dict": []}]]
    },
    "sparse": {
        "sparse": ["csr_array", [1, 1], [["data", RANGE], ["indices", RANGE], ["indptr", RANGE]]]
    },
    "fraction": {"fraction": ["1e1000000000"]},
    "distribution": {
        "distribution": ["norm", [["args", {"tuple": [RANGE]}], ["keywords", {"dict": []}]]]
    },
}
CHAINS = {
    "set": lambda ref: {"set": [ref]},
    "dict": lambda ref: {"dict": [[ref, 1]]},
    "partial": lambda ref: {"frozenset": [{"slice": [ref, None, None]}]},
}


@pytest.mark.parametrize("name", OF_RANGES)
def test_little_text_stays_little_memory(name, content, tmp_path):
    refused(with_value(content, OF_RANGES[name]), tmp_path)


def test_parameters_of_a_distribution_do_not_multiply(content, tmp_path):
    arrays = {"column": np.ones((50_000, 1)), "row": np.ones((1, 50_000))}
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    nodes = [{"array": {"type": "<f8", "shape": shapes[n], "in": n}} for n in arrays]
    parts = [["args", {"tuple": [*nodes, 1]}], ["keywords", {"dict": []}]]
    refused(with_value(content, {"distribution": ["hypergeom", parts]}, arrays), tmp_path)


@pytest.mark.parametrize("name", CHAINS)
def test_values_that_hold_another_twice_are_not_hashed(name, content, tmp_path):
    refused(with_value(content, chained(50, "tuple", 2, CHAINS[name])), tmp_path)


LOADING = """
import sys
from sklloss import load
try:
    load(sys.argv[1])
except ValueError as error:
    print(error)
"""


def test_a_long_chain_of_references_does_not_kill_the_process(content, tmp_path):
    path = tmp_path / "deep"
    path.write_bytes(with_value(content, chained(300_000, "tuple", 1, CHAINS["set"])))
    command = [sys.executable, "-c", LOADING, str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "nested too deeply" in found.stdout


def test_a_value_may_be_shared_often(tmp_path):
    """What a search with many candidates holds is far below the limit."""
    shared = [("a", k) for k in range(1000)]
    model = NeuralRegressor(hidden_layer_sizes=[[shared, k] for k in range(900)])
    save(model, tmp_path / "file")
    parts = load(tmp_path / "file").get_params()["hidden_layer_sizes"]
    assert parts == model.get_params()["hidden_layer_sizes"]
    assert parts[0][0] is parts[-1][0]


def test_numbers_out_of_range_are_refused(content, tmp_path):
    data = with_value(content, {"tuple": [9.25e300]})
    changed = bytearray(data.replace(b"9.25e+300", b"9.25e+999"))
    seal(changed)
    refused(bytes(changed), tmp_path)


def refused(data, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(data)
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(ValueError, match="cannot be loaded") as error:
            load(path)
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < MOST_SECONDS, str(error.value)
    assert memory < MOST_BYTES, str(error.value)
