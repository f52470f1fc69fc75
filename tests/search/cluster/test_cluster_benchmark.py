"""The benchmark of clusters writes its tables into the guide; how fast anything is, is not looked at."""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
cluster, searches = (importlib.import_module(name) for name in ("cluster", "searches"))


def test_tables_replace_those_of_before_and_nothing_else():
    page = cluster.PAGE.read_text(encoding="utf-8")
    once = cluster.written_into(page, "| a |")
    assert cluster.written_into(cluster.written_into(page, "| b |"), "| a |") == once
    before, after = page.split(cluster.BEGIN)[0], page.split(cluster.END)[1]
    assert once.startswith(before)
    assert once.endswith(after)
    assert once.count("| a |") == 1


def test_every_place_has_its_line_and_its_bar(monkeypatch):
    seconds = {"loky": 2.0, "dask": 2.2, "ray": 2.4}
    monkeypatch.setattr(cluster, "seconds", lambda backend, *_: seconds[backend])
    table = cluster.search_table(searches.SETTINGS[-1], 100, 1, cluster.BACKENDS)
    lines = [line.split("|")[1:-1] for line in table.splitlines()[2:]]
    assert [line[0].strip() for line in lines] == [
        "joblib's own processes, n_jobs=1", "dask, 1 worker", "ray, 1 worker",
        "joblib's own processes, n_jobs=2", "dask, 2 workers", "ray, 2 workers",
    ]  # fmt: skip
    assert [line[-1].strip() for line in lines] == ["", "met", "missed"] * 2


def test_the_search_that_is_timed_has_200_models():
    assert searches.SETTINGS[-1].fits == 200
