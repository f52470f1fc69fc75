"""Check the verdicts of `compare_losses`: false alarms without a difference, power with one.

Scores come from two sources:

drawn  scores of splits with the correlation that Nadeau and Bengio assume, the share of test rows;
       with a gain, the first candidate's are higher by 2 standard deviations
ridge  ridge regressions cross-validated on simulated rows: each candidate sees the same features
       and some noise of its own, so that all are equally good by symmetry; with a gain, the first
       also sees a feature that matters

A false alarm calls some candidate worse than the best.  Power is the share of runs in which the
first is called better than all others.  Beside the verdicts stand the corrected t-test with Holm's
correction for the comparisons with the best only, the plain paired t-test, and Friedman's test over
splits (Wilcoxon's for two candidates), which autorank applies to such a table unless all scores
look normal; then it is an analysis of variance.

2,000 runs take about four minutes on one core.

    python benchmarks/verdicts.py
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import friedmanchisquare, wilcoxon

from sklloss import compare_losses
from sklloss.advice.verdicts.resampled_tests import corrected_t, holm, p_of_pairs

ROWS, SHARED, OWN, PENALTY, NOISE = 120, 6, 6, 1.0, 2.0
# By how many standard deviations drawn scores of the better candidate are higher, and the
# coefficient of the feature that the better regression sees.
SHIFT, COEFFICIENT = 2.0, 1.6
ALPHA, BAR = 0.05, 0.06
# Runs whose decisions are compared with those of the public function.
CHECKED = 5
METHODS = ("compare_losses", "corrected t, best only", "plain t", "Friedman")


@dataclass(frozen=True)
class Setting:
    """How many candidates are compared on which splits."""

    n_candidates: int
    n_folds: int
    n_repeats: int = 1

    @property
    def ratio(self) -> float:
        """Test rows of a split divided by its training rows."""
        return 1 / (self.n_folds - 1)

    @property
    def n_splits(self) -> int:
        """Number of scores per candidate."""
        return self.n_folds * self.n_repeats

    @property
    def label(self) -> str:
        """The splits in words."""
        folds = f"{self.n_folds} folds"
        return folds if self.n_repeats == 1 else f"{self.n_repeats} x {folds}"


# Returns scores of a setting, given a seed and whether the first candidate is better.
Draw = Callable[[Setting, int, bool], np.ndarray]
SETTINGS = (
    Setting(2, 10),
    Setting(3, 10),
    Setting(5, 5),
    Setting(5, 10),
    Setting(5, 5, 10),
    Setting(20, 10),
)


def drawn_scores(setting: Setting, seed: int, is_gain: bool) -> np.ndarray:
    """Return scores, (candidates, splits), whose splits are correlated."""
    rng, shape = np.random.default_rng(seed), (setting.n_candidates, setting.n_splits)
    rho = 1 / setting.n_folds
    common = rng.normal(0, np.sqrt(rho), (setting.n_candidates, 1))
    scores = common + rng.normal(0, np.sqrt(1 - rho), shape)
    scores[0] += SHIFT * is_gain
    return scores


def test_rows(rng: np.random.Generator, setting: Setting) -> np.ndarray:
    """Return the test rows of every split, (splits, rows of a fold)."""
    drawn = [rng.permutation(ROWS).reshape(setting.n_folds, -1) for _ in range(setting.n_repeats)]
    return np.concatenate(drawn)


def scores_on(X: np.ndarray, y: np.ndarray, tests: np.ndarray) -> np.ndarray:
    """Return the negative mean squared error of ridge regression on each split."""
    X_test, y_test = X[tests], y[tests]
    gram = X.T @ X - X_test.swapaxes(1, 2) @ X_test + PENALTY * np.eye(X.shape[1])
    moments = X.T @ y - np.einsum("snf,sn->sf", X_test, y_test)
    weights = np.linalg.solve(gram, moments[..., None])[..., 0]
    return -((np.einsum("snf,sf->sn", X_test, weights) - y_test) ** 2).mean(axis=1)


def ridge_scores(setting: Setting, seed: int, is_gain: bool) -> np.ndarray:
    """Return scores, (candidates, splits); the first candidate sees what makes the gain."""
    rng = np.random.default_rng(seed)
    X, hidden = rng.normal(size=(ROWS, SHARED)), rng.normal(size=ROWS)
    y = X @ np.ones(SHARED) + COEFFICIENT * is_gain * hidden + rng.normal(0, NOISE, ROWS)
    own = rng.normal(size=(setting.n_candidates, ROWS, OWN))
    if is_gain:
        own[0, :, 0] = hidden
    tests = test_rows(rng, setting)
    return np.array([scores_on(np.hstack([X, each]), y, tests) for each in own])


def p_against_best(scores: np.ndarray, ratio: float) -> list[np.ndarray]:
    """Return, by method, p of the comparisons of the best candidate with the others."""
    best = int(scores.mean(axis=1).argmax())
    others = np.delete(scores, best, axis=0)
    _, of_pairs = p_of_pairs(scores, ratio)
    tests = [corrected_t(others - scores[best], each)[1] for each in (ratio, 0.0)]
    two = len(scores) == 2
    ranks = wilcoxon(*scores) if two else friedmanchisquare(*scores)
    return [np.delete(of_pairs[best], best), *map(holm, tests), np.array([ranks.pvalue])]


def shares(draw: Draw, setting: Setting, n_runs: int, is_gain: bool) -> np.ndarray:
    """Return, by method, the share of runs with a false alarm, or with a gain that is found."""
    claims = []
    for seed in range(n_runs):
        scores = draw(setting, seed, is_gain)
        p = p_against_best(scores, setting.ratio)
        if seed < CHECKED:
            check(scores, setting, p[0])
        first_is_best = scores.mean(axis=1).argmax() == 0
        found = [(each <= ALPHA).all() and first_is_best for each in p]
        claims.append(found if is_gain else [(each <= ALPHA).any() for each in p])
    return np.mean(claims, axis=0)


def check(scores: np.ndarray, setting: Setting, p: np.ndarray) -> None:
    """Raise where `compare_losses` decides otherwise."""
    table = {
        "params": [{"candidate": i} for i in range(len(scores))],
        "mean_test_score": scores.mean(axis=1),
        **{f"split{i}_test_score": each for i, each in enumerate(scores.T)},
    }
    compared = compare_losses(table, alpha=ALPHA, test_size=1 / setting.n_folds)
    if len(compared.tied) != (p > ALPHA).sum():
        raise AssertionError(f"{compared.tied} are tied, but p is {p}.")


def false_alarms(draw: Draw, n_runs: int) -> list[str]:
    """Return the rows of a table."""
    rows = []
    for setting in SETTINGS:
        found = shares(draw, setting, n_runs, is_gain=False)
        verdict = "met" if found[0] <= BAR else "missed"
        rows.append(f"{row(setting, found)} <= {BAR} | {verdict} |")
    return rows


def power(draw: Draw, n_runs: int) -> list[str]:
    """Return the rows of a table."""
    return [row(setting, shares(draw, setting, n_runs, is_gain=True)) for setting in SETTINGS]


def row(setting: Setting, found: np.ndarray) -> str:
    cells = [str(setting.n_candidates), setting.label, *map("{:.3f}".format, found)]
    return f"| {' | '.join(cells)} |"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000, help="of each setting")
    n_runs = parser.parse_args(argv).runs
    head = f"| {' | '.join(['candidates', 'splits', *METHODS])} |"
    rule = "|---" * (2 + len(METHODS)) + "|"
    for name, draw in {"drawn": drawn_scores, "ridge": ridge_scores}.items():
        print(f"\n{name}: false alarms at a level of {ALPHA}, over {n_runs} runs\n")
        print("\n".join([f"{head} bar | |", f"{rule}---|---|", *false_alarms(draw, n_runs)]))
        print(f"\n{name}: power over {n_runs} runs\n")
        print("\n".join([head, rule, *power(draw, n_runs)]))


if __name__ == "__main__":
    main()
