"""Run many cases and print how they end: ``python -m tests.fuzz --cases 20000 --seed 1``."""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator

import hypothesis
import torch
from hypothesis import HealthCheck, Phase, given, settings

from .families import FAMILIES
from .recipe import Recipe
from .strategies import recipes
from .verdict import Verdict, judged

# Cases that are drawn by one run of hypothesis; it remembers each of them.
AT_ONCE = 250
OPTIONS = {
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}


def cases(family: str, n: int, seed: int) -> Iterator[tuple[Recipe, Verdict]]:
    """Yield random recipes of an estimator and how they end."""
    for start in range(0, n, AT_ONCE):
        yield from _some(family, min(AT_ONCE, n - start), seed + start)


def _some(family: str, n: int, seed: int) -> list[tuple[Recipe, Verdict]]:
    seen: list[tuple[Recipe, Verdict]] = []

    @hypothesis.seed(seed)
    @settings(max_examples=n, phases=[Phase.generate], **OPTIONS)
    @given(recipes(family))
    def run(recipe: Recipe) -> None:
        seen.append((recipe, judged(recipe)))

    run()
    return seen


def simplest(recipe: Recipe, key: str) -> Recipe:
    """Return a recipe like this one, with all that its finding does not need left out."""
    plain = Recipe(recipe.family)
    for name in recipe.__dataclass_fields__:
        now = getattr(recipe, name)
        tries = [getattr(plain, name)]
        if isinstance(now, dict):
            tries += [{k: v for k, v in now.items() if k != out} for out in now]
        for value in tries:
            changed = {**vars(recipe), name: value}
            simpler = Recipe(**changed)
            if simpler != recipe and judged(simpler).key == key:
                recipe = simpler
                break
    return recipe


def main() -> int:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="how many cases to run")
    parser.add_argument("--seed", type=int, default=0, help="where the cases come from")
    parser.add_argument("--family", choices=FAMILIES, action="append", help="only this estimator")
    parser.add_argument("--recipe", help="run one case, as a finding prints it")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.recipe:
        print(judged(Recipe.read(args.recipe)).detail or "right, or refused as it should be")
        return 0
    return _report(args.family or list(FAMILIES), args.cases, args.seed)


def _report(families: list[str], n_cases: int, seed: int) -> int:
    ends: Counter[str] = Counter()
    findings: dict[str, tuple[Recipe, Verdict]] = {}
    start = time.perf_counter()
    for family in families:
        before = ends.copy()
        for recipe, verdict in cases(family, -(-n_cases // len(families)), seed):
            ends[verdict.kind] += 1
            if verdict.kind == "finding" and verdict.key not in findings:
                findings[verdict.key] = recipe, verdict
                print(f"{family}: {verdict.key}\n    {recipe}", flush=True)
        print(f"{family}: {dict(ends - before)}", flush=True)
    print(f"\n{ends.total()} cases in {time.perf_counter() - start:.0f} s: {dict(ends)}")
    for key, (recipe, verdict) in findings.items():
        print(f"\n--- {key}\n{verdict.detail}")
        print(f'python -m tests.fuzz --recipe "{simplest(recipe, key)}"', flush=True)
    return min(len(findings), 1)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
