"""The benchmarks of speed and memory run, and every rival has its line; how fast or large anything
is, is not looked at."""

import gzip
import importlib
import re
import sys
import warnings
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

cost_curves, fit_speed, image_speed, images, memory, rivals, search_speed, searches, table_speed = (
    importlib.import_module(name)
    for name in (
        *("cost_curves", "fit_speed", "image_speed", "images"),
        *("memory", "rivals", "search_speed", "searches", "table_speed"),
    )
)

FITS = [rivals.OURS, rivals.SKORCH, rivals.MLP, rivals.LOOP, rivals.FUSED]
WITHOUT_LOOP = [name for name in FITS if name != rivals.LOOP]
SEARCHES = [searches.LOSS_SEARCH, searches.SKORCH_GRID, searches.MLP_GRID, searches.NEURAL_GRID]
VERDICTS = {"met", "missed"}


def tables_in(text: str) -> list[list[list[str]]]:
    """Return every table as rows of cells, the header first and the rule left out."""
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    tables = [
        [[cell.strip() for cell in line[1:-1].split("|")] for line in b.splitlines()]
        for b in blocks
    ]
    return [[rows[0], *rows[2:]] for rows in tables]


def column(table: list[list[str]], name: str) -> list[str]:
    return [row[table[0].index(name)] for row in table[1:]]


def names_in(table: list[list[str]]) -> list[str]:
    return [row[0] for row in table[1:]]


def barred(table: list[list[str]]) -> list[str]:
    """Return the names of the rows that have a bar; their last cell is a verdict."""
    rows = [row for row in table[1:] if row[-1]]
    assert {row[-1] for row in rows} <= VERDICTS
    return [row[0] for row in rows]


def test_fit_speed_compares_fits_predictions_and_imports(monkeypatch, capsys):
    for code in fit_speed.IMPORTS.values():
        exec(code, {})
    monkeypatch.setattr(fit_speed, "IMPORTS", dict.fromkeys(fit_speed.IMPORTS, "pass"))
    before = torch.get_num_threads()
    least = ["--rounds=1", "--epochs=1", "--rows=100", "--many=50", "--imports=1"]
    fit_speed.main([*least, "--threads", "1", "2"])
    assert torch.get_num_threads() == before
    *tables, imports = tables_in(capsys.readouterr().out)
    both = [rivals.OURS, rivals.MLP]
    names = [FITS, WITHOUT_LOOP, WITHOUT_LOOP, both, both, both]
    assert [names_in(table) for table in tables] == 2 * names
    assert [barred(table) for table in tables[:6]] == [
        [rivals.SKORCH, rivals.MLP, rivals.FUSED],
        *5 * [[rivals.MLP]],
    ]
    assert names_in(imports) == list(fit_speed.IMPORTS)
    assert barred(imports) == names_in(imports)[-1:]
    for table in [*tables, imports]:
        assert column(table, "times as long")[0] == "1.00"


def test_image_speed_compares_fits_and_predictions(capsys):
    image_speed.main(["--rounds=1", "--epochs=1", "--rows=30", "--threads=1", "--images", "grey"])
    fits, predictions = tables_in(capsys.readouterr().out)
    assert names_in(fits) == list(image_speed.CONTENDERS)
    assert barred(fits) == [rivals.SKORCH, rivals.LOOP, rivals.FUSED]
    assert names_in(predictions) == list(image_speed.PREDICTING)
    assert barred(predictions) == [rivals.SKORCH, rivals.LOOP]


@pytest.mark.parametrize("kind", image_speed.IMAGES)
def test_image_speed_compares_one_network(kind):
    job = image_speed.Job(kind, rows=202, epochs=1)
    X, y = job.data()
    ours = image_speed.our_classifier(job).fit(X, y).net_.module_
    theirs = [image_speed.network(kind), image_speed.skorch_classifier(job).initialize().module_]
    shapes = [tuple(parameter.shape) for parameter in ours.parameters()]
    for module in theirs:
        assert [tuple(parameter.shape) for parameter in module.parameters()] == shapes
    theirs[0].load_state_dict(
        dict(zip(theirs[0].state_dict(), ours.state_dict().values(), strict=True))
    )
    batch = torch.from_numpy(X[:50])
    torch.testing.assert_close(theirs[0](batch), ours(batch), rtol=1e-4, atol=1e-5)


def test_images_prints_figures_beside_bars(monkeypatch, capsys):
    digits = load_digits()
    monkeypatch.setattr(images, "mnist_5000", lambda: (digits.images[:400], digits.target[:400]))
    for name, epochs in {"CLEAN_EPOCHS": 1, "NOISE_EPOCHS": 2, "MOST_EPOCHS": 1}.items():
        monkeypatch.setattr(images, name, epochs)
    images.main(["--splits=2"])
    text = capsys.readouterr().out
    assert re.search(r"1 epochs: accuracy 0\.\d{4} \(0\.\d{3} 0\.\d{3}\)  bar 0.97 MISSED", text)
    assert re.search(r"seconds of a fit: at most \d+  bar 120 met", text)
    lines = re.findall(r"^(\w+) +0\.\d{4} \(.*?\) +0\.\d{4} \(.*?\)$", text, re.MULTILINE)
    assert tuple(lines) == images.LOSSES
    assert re.search(r"gce over cross_entropy at 2 epochs: [+-]0\.\d{3}  bar > 0", text)


def test_garments_are_read_from_a_folder(tmp_path, monkeypatch):
    pixels = np.arange(3 * 784, dtype=np.uint8)
    files = {
        "train-images-idx3-ubyte.gz": (16, pixels),
        "train-labels-idx1-ubyte.gz": (8, [9, 0, 3]),
    }
    for name, (header, values) in files.items():
        content = bytes(header) + np.asarray(values, np.uint8).tobytes()
        (tmp_path / name).write_bytes(gzip.compress(content))
    X, y = images.fashion_mnist(str(tmp_path))
    np.testing.assert_array_equal(X, pixels.reshape(3, 28, 28))
    assert y.tolist() == ["ankle boot", "T-shirt", "dress"]
    monkeypatch.setenv("FASHION_MNIST", str(tmp_path))
    some, names = images.fashion_mnist(n_rows=2)
    assert some.shape == (2, 28, 28)
    assert set(names) < set(y)
    with pytest.raises(FileNotFoundError, match="apt-get download dataset-fashion-mnist"):
        images.fashion_mnist(str(tmp_path / "nowhere"))


def test_relabelled_replaces_a_share_by_other_classes():
    y = np.array(["a", "b", "c"])[np.random.default_rng(0).integers(0, 3, 6000)]
    noisy = images.relabelled(y, seed=1)
    assert (noisy != y).mean() == pytest.approx(images.NOISE_RATE, abs=0.02)
    wrong = noisy[(y == "a") & (noisy != y)]
    assert (wrong == "b").mean() == pytest.approx(0.5, abs=0.06)


def test_search_speed_writes_searches_and_curves(tmp_path, capsys):
    search_speed.main(["--quick", "--jobs", "1", "--write"], tmp_path)
    page = (tmp_path / "speed.md").read_text()
    tables = tables_in(page)
    assert tables == tables_in(capsys.readouterr().out)
    for table in tables[:3]:
        assert names_in(table) == SEARCHES
        assert barred(table) == [searches.SKORCH_GRID, searches.MLP_GRID]
        assert column(table, "times as long")[0] == "1.00"
    assert column(tables[2], "fits run") == ["200", *3 * ["30, scaled"]]
    products, *curves = tables[3:]
    assert len(column(products, "times the products")) == len(cost_curves.QUICK.models)
    assert [set(curve[0][1:]) >= set(cost_curves.ALONE) for curve in curves] == [True] * 4
    assert "](speed.svg)" in page


def test_picture_names_every_line():
    names = [rivals.OURS, cost_curves.STACKED, *cost_curves.ALONE[1:]]
    stacks = cost_curves.Curve(
        "models",
        [1, 100],
        {rivals.OURS: [9.0, 5.0], rivals.MLP: [20.0], cost_curves.FLOOR: [3.0, 2.0]},
    )
    other = cost_curves.Curve("rows", [10, 1000], {name: [5.0, 5.0] for name in names})
    svg = search_speed.svg_of_curves([stacks, other, other, other])
    texts = [element.text for element in ElementTree.fromstring(svg).iter() if element.text]
    assert texts.count("sklloss, one model") == 3
    assert texts.count(cost_curves.STACKED) == 3
    assert texts.count(rivals.MLP) == 4
    assert texts.count(cost_curves.FLOOR) == texts.count("sklloss") == 1


def test_names_in_the_picture_do_not_overlap():
    drawing = importlib.import_module("speed_drawing")
    heights = drawing.spread({"a": 0.5, "b": 0.5, "c": 0.51, "d": 0.9})
    assert sorted(heights, key=heights.get) == ["a", "b", "c", "d"]
    ordered = sorted(heights.values())
    assert min(b - a for a, b in pairwise(ordered)) > 0.99 * drawing.APART
    assert heights["d"] == 0.9


def test_rivals_of_the_largest_search_are_scaled_unless_full():
    largest = searches.SETTINGS[-1]
    scaled = searches.timed_searches(largest, full=False)
    full = searches.timed_searches(largest, full=True)
    assert [each.scale for each in scaled.values()] == [1, *3 * [200 / 30]]
    assert {each.scale for each in full.values()} == {1}
    assert [setting.fits for setting in searches.SETTINGS] == [30, 30, 200]


def test_files_compares_sizes_and_times(capsys):
    files = importlib.import_module("files")
    files.main(["--rows=60", "--rounds=1", "--epochs=1"])
    sizes, times = tables_in(capsys.readouterr().out)
    assert names_in(sizes) == names_in(times) == list(files.FORMATS)
    assert barred(sizes) == barred(times) == [files.OURS]
    assert column(times, "times as long")[0] == "1.00"


def test_ratio_cells_name_the_side_of_the_bar():
    assert rivals.ratio_cells(6.0, 1.0, 6.0) == ("6.00", ">= 6", "met")
    assert rivals.ratio_cells(5.9, 1.0, 6.0) == ("5.90", ">= 6", "missed")
    assert rivals.at_most_cells(3.0, 3.0) == ("3.00", "<= 3", "met")
    assert rivals.at_most_cells(3.1, 3.0) == ("3.10", "<= 3", "missed")
    assert rivals.ratio_cells(6.0, 2.0, None) == ("3.00", "", "")


def test_table_speed_compares_one_row_and_many(monkeypatch, capsys):
    known = table_speed.contenders()
    known[table_speed.DEFAULT].set_params(n_members=2, hidden_layer_sizes=(4,))
    monkeypatch.setattr(table_speed, "contenders", lambda: known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # after an epoch
        table_speed.main(["--rounds", "1", "--rows", "300", "--many", "400"])
    for table in tables_in(capsys.readouterr().out):
        assert names_in(table) == list(known)
        assert barred(table) == [table_speed.DEFAULT, table_speed.PLAIN]
        assert column(table, "times the Pipeline's")[0] == "1.00"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_measures_every_contender(monkeypatch, capsys):
    """In this process, because importing torch a dozen times takes longer than the suite may."""
    monkeypatch.setattr(memory, "growth_in_fresh_process", growth_in_this_process)
    memory.main(["--rows", "200", "--candidates", "2"])
    fits, searched = tables_in(capsys.readouterr().out)
    assert names_in(fits) == memory.FITS == [*WITHOUT_LOOP, memory.DEFAULT]
    assert names_in(searched) == [memory.SEARCH, memory.TWO_WORKERS]
    assert barred(fits) == [rivals.OURS, memory.DEFAULT]
    assert barred(searched) == [memory.SEARCH]


def growth_in_this_process(name: str, rows: int, candidates: int) -> int:
    return memory.growth(name.replace(memory.TWO_WORKERS, memory.SEARCH), rows, candidates)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_measured_in_a_fresh_process():
    assert memory.growth_in_fresh_process(rivals.MLP, 2000, 1) < 100 * memory.MIB
    assert memory.peak_of("self") > 50 * memory.MIB
