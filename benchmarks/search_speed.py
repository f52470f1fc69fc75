"""Time whole searches on two cores, and a step of a model, beside skorch, an MLP and a torch loop.

Searches are on 8,000 rows and 5 folds, all with n_jobs=2, 20 epochs per fit, no early stopping and
no refit: LossSearchCV, and GridSearchCV over plain skorch, scikit-learn's MLP and NeuralRegressor.
The networks vary the loss, the MLP, which has only one, its seed; the largest search also varies
the learning rate. Its rivals are measured on 30 of their fits and scaled, unless --full is given.
"times as long" is a rival's time over that of LossSearchCV, and the bars are for this ratio.

Cost curves are measured with one thread in one process, see ``cost_curves.py``. --write puts all
results into ``docs/speed.md`` and ``docs/speed.svg``. Run it with nothing else on the machine, and
on two cores (``taskset -c 0,1``) if it has more:

    python benchmarks/search_speed.py --write
    python benchmarks/search_speed.py --full --only searches
    python benchmarks/search_speed.py --quick
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cost_curves import QUICK, Curve, Scale, all_curves, curve_table, floor_table
from rivals import machine, threads
from searches import SETTINGS, search_table, warm_up
from speed_drawing import svg_of_curves

DOCS = Path(__file__).parents[1] / "docs"
INTRODUCTION = """\
# Speed

Written by `python benchmarks/search_speed.py --write`: run that instead of editing this page.\
"""
SEARCHES = """\
Seconds of a whole search with `n_jobs=2`, without refit. "Times as long" is relative to
LossSearchCV. Candidates of the networks differ in the loss, those of the MLP in the seed, and those
of the largest search also in the learning rate. "Scaled": only the given number of fits was run.\
"""
COSTS = """\
Microseconds per model and step of whole fits with one thread, with two hidden layers of 64 and
batches of 128 unless stated otherwise. The rivals fit one model after another, however many there
are.\
"""

# A heading and its table.
Section = tuple[str, str]


def search_sections(given: argparse.Namespace) -> Iterator[Section]:
    """Yield the table of every search."""
    warm_up(given.jobs)
    for setting in SETTINGS:
        asked = setting.of_epochs(given.epochs)
        table = search_table(asked, given.rows, given.rounds, given.jobs, given.full)
        yield f"{given.rows:,} rows, {asked}", table


def curve_sections(curves: Sequence[Curve]) -> Iterator[Section]:
    """Yield the tables of the curves."""
    yield "models trained together, beside their matrix products", floor_table(curves[0])
    for curve in curves:
        yield f"cost against {curve.title}", curve_table(curve)


def measured_curves(given: argparse.Namespace) -> list[Curve]:
    scale = QUICK if given.quick else replace(Scale(), rounds=given.rounds)
    with threads(1):
        return all_curves(scale)


def shown(sections: Iterator[Section]) -> str:
    """Print sections as they are measured, and return them as Markdown."""
    texts = []
    for title, table in sections:
        texts.append(f"### {title[0].upper()}{title[1:]}\n\n{table}")
        print(f"{texts[-1]}\n", flush=True)
    return "\n\n".join(texts)


def page(given: argparse.Namespace, searches: str, curves: str) -> str:
    measured = f"Medians of {given.rounds} interleaved rounds, measured on {machine()}."
    parts = [INTRODUCTION, measured, "## Searches", SEARCHES, searches]
    parts += ["## One step of a model", COSTS, "![Cost of a step](speed.svg)", curves]
    return "\n\n".join(parts) + "\n"


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("searches", "curves"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=8_000, help="of the searches")
    parser.add_argument("--epochs", type=int, default=20, help="of every fit of the searches")
    parser.add_argument("--jobs", type=int, default=2, help="workers of every search")
    parser.add_argument(
        "--full", action="store_true", help="measure all fits of the rivals, without scaling"
    )
    parser.add_argument("--quick", action="store_true", help="measure the least of everything")
    parser.add_argument(
        "--write", action="store_true", help="write docs/speed.md and docs/speed.svg"
    )
    given = parser.parse_args(arguments)
    if given.write and given.only:
        parser.error("--write needs searches and curves: leave out --only")
    if given.quick:
        given.rounds, given.rows, given.epochs = 1, 200, 1
    return given


def main(arguments: Sequence[str] | None = None, docs: Path = DOCS) -> None:
    given = options(arguments)
    print(f"{machine()}\nmedians of {given.rounds} interleaved rounds\n", flush=True)
    searches = shown(search_sections(given)) if given.only != "curves" else ""
    if given.only == "searches":
        return
    curves = measured_curves(given)
    tables = shown(curve_sections(curves))
    if given.write:
        (docs / "speed.md").write_text(page(given, searches, tables), encoding="utf-8")
        (docs / "speed.svg").write_text(svg_of_curves(curves), encoding="utf-8")


if __name__ == "__main__":
    main()
