"""The quality benchmark runs on two tiny tables, goes on where it stopped, and reports."""

import importlib
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

quality, drawing, report, rivals, sets = (
    importlib.import_module(name)
    for name in (
        *("quality", "quality_drawing", "quality_report"),
        *("quality_rivals", "quality_sets"),
    )
)

rivals.N_THREADS = 1
QUICK = [rivals.OURS, rivals.HGB, rivals.BALANCED, rivals.LGBM, rivals.MLP]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    small = rivals.ours(n_members=2, max_epochs=5)
    path = tmp_path_factory.mktemp("quality") / "quality.csv"
    wanted = ["--tasks", "penguins", "Titanic", "--contenders", *QUICK, "--splits", "2"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(rivals.CONTENDERS, rivals.OURS, small)
        quality.main([*wanted, "--results", str(path)])
        yield path, wanted


def test_every_contender_has_a_line_per_split(results, capsys):
    path, wanted = results
    table = pd.read_csv(path)
    assert len(table) == 4 * 2 + 5 * 2
    assert (table.groupby(["task", "contender"]).size() == 2).all()
    assert set(table[table.contender == rivals.BALANCED].task) == {"Titanic"}
    assert table.error.between(0, 1).all()
    before = path.read_text()
    quality.main([*wanted, "--results", str(path)])
    assert path.read_text() == before


def test_the_report_has_ranks_wins_and_times(results):
    text = report.page(pd.read_csv(results[0]))
    for heading in ("## All rows", "## Rare classes", "## Time"):
        assert heading in text
    assert "Ahead of both HistGradientBoosting and LightGBM on" in text
    for name in QUICK:
        assert f"| {name}" in text


def test_the_picture_names_every_contender_and_its_rank(results):
    table = pd.read_csv(results[0])
    again = report.ranked(pd.concat([table, table.assign(task=table["task"] + " again")]))
    assert list(again) == [report.WHOLE]
    svg = drawing.svg_of_ranks(again)
    ranks = again[report.WHOLE].rank(axis=1).mean()
    assert set(ranks.index) == set(QUICK) - {rivals.BALANCED}
    for name, rank in ranks.items():
        assert re.search(rf"{re.escape(name)}  {rank:.2f}|{rank:.2f}  {re.escape(name)}", svg)
    assert svg == drawing.svg_of_ranks(again)


def test_slow_rivals_are_compared_on_few_rows_and_tuned_ones_are_not_ranked(results):
    table = pd.read_csv(results[0])
    tuned = rivals.TUNED[rivals.LGBM]
    copies = [
        table[table.contender == rivals.LGBM].assign(contender=name)
        for name in (rivals.REALMLP, tuned)
    ]
    text = report.page(pd.concat([table, *copies]))
    whole, few = text.split(f"## {report.FEW}")
    assert rivals.REALMLP not in whole.split("## Time")[1]
    assert re.search(rf"\| {rivals.REALMLP} +\| +\d\.\d\d \| +\d of 2", few)
    assert re.search(rf"\| {tuned} +\| +\| +\d of 2", few)


def test_late_splits_are_reported_apart(results):
    table = pd.read_csv(results[0])
    assert "and later alone" not in report.page(table)
    late = report.page(pd.concat([table, table.assign(split=table["split"] + 3)]))
    late = late.replace("\n", " ")
    assert re.search(
        r"and later alone, sklloss is ahead of both [\w ]*\son [0-2] of 2 tasks\.", late
    )


def test_splits_keep_classes_and_cut_rows():
    task = sets.TASKS["Titanic"]
    (X, y), (X_test, y_test) = task.split(0, 500)
    assert len(X) == 500
    assert len(X_test) == 262
    assert (
        y.value_counts(normalize=True).round(1).equals(y_test.value_counts(normalize=True).round(1))
    )
    again = task.split(0, 500)[0][0]
    pd.testing.assert_frame_equal(X, again)


def test_front_page_has_the_table_of_the_results():
    """Write it anew with ``python benchmarks/quality.py --write``."""
    results = quality.known(quality.RESULTS)
    page = quality.FRONT.read_text(encoding="utf-8")
    assert report.front_table(results) in page
    assert report.with_front_table(page, results) == page
    worse = results["error"] * (1 + 9 * (results["contender"] == "sklloss"))
    other = report.with_front_table(page, results.assign(error=worse))
    assert "0 of 26" in other
    assert other.partition("\n## ")[0] == page.partition("\n## ")[0]
