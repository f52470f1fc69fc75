"""From probabilities of every frame to a transcript: the likeliest path, or beam search."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from math import exp, inf, log1p

import numpy as np

from ...losses.speech.paths import BLANK

Prefix = tuple[int, ...]

# Log-probabilities of the paths of a prefix that end in a blank, and in its last symbol.
Ends = tuple[float, float]


def greedy(log_p: np.ndarray) -> Prefix:
    """Return the symbols of the likeliest path: repeats merged, blanks dropped.

    Parameters
    ----------
    log_p : ndarray of shape (n_frames, n_symbols + 1)

    Examples
    --------
    >>> greedy(np.log([[0.1, 0.9], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]]))
    (1, 1)
    """
    return tuple(int(k) for k, _ in groupby(log_p.argmax(1)) if k != BLANK)


def beam_search(log_p: np.ndarray, beam_width: int) -> list[tuple[Prefix, float]]:
    """Return transcripts and their log-probabilities, likeliest first, by prefix beam search.

    The probability of a transcript is that of all paths that spell it.  Per frame the likeliest
    `beam_width` prefixes are kept; where that is all of them, the search is exact.

    Parameters
    ----------
    log_p : ndarray of shape (n_frames, n_symbols + 1)
        Log-probabilities of blank and symbols.
    beam_width : int
        Prefixes that are kept, >= 1.

    Returns
    -------
    list of (tuple of int, float)
        At most `beam_width`.

    References
    ----------
    Graves, A., Supervised Sequence Labelling with Recurrent Neural Networks, 2012, section 7.5.
    Hannun, A. et al., First-Pass Large Vocabulary Continuous Speech Recognition, 2014, arXiv
    1408.2873.

    Examples
    --------
    The likeliest path is two blanks, of probability .36; but three paths spell the symbol,
    together .64.

    >>> p = np.array([[0.6, 0.4], [0.6, 0.4]])
    >>> greedy(np.log(p)), beam_search(np.log(p), 2)[0][0]
    ((), (1,))
    """
    beams: dict[Prefix, Ends] = {(): (0.0, -inf)}
    for frame in log_p:
        moved = _moved(beams, frame.tolist(), _candidates(beams, frame, beam_width))
        possible = [prefix for prefix, ends in moved.items() if _either(*ends) > -inf]
        best = sorted(possible, key=lambda prefix: -_either(*moved[prefix]))[:beam_width]
        beams = {prefix: moved[prefix] for prefix in best}
    return [(prefix, _either(*ends)) for prefix, ends in beams.items()]


def _candidates(beams: Mapping[Prefix, Ends], frame: np.ndarray, beam_width: int) -> list[int]:
    """Return symbols that may lead into the beam: the likeliest, and the ends of its prefixes."""
    likeliest = np.argsort(-frame[1:], kind="stable")[: beam_width + 1] + 1
    ends = {prefix[-1] for prefix in beams if prefix}
    return sorted(ends.union(likeliest.tolist()))


def _moved(
    beams: Mapping[Prefix, Ends], frame: list[float], candidates: list[int]
) -> dict[Prefix, Ends]:
    """Return the prefixes one frame later, each with its probabilities."""
    moved: dict[Prefix, Ends] = {}

    def add(prefix: Prefix, blank: float, symbol: float) -> None:
        before = moved.get(prefix, (-inf, -inf))
        moved[prefix] = _either(before[0], blank), _either(before[1], symbol)

    for prefix, (blank, symbol) in beams.items():
        either = _either(blank, symbol)
        last = prefix[-1] if prefix else BLANK
        add(prefix, either + frame[BLANK], symbol + frame[last])
        for k in candidates:
            add((*prefix, k), -inf, (blank if k == last else either) + frame[k])
    return moved


def _either(a: float, b: float) -> float:
    """Add two probabilities given as logarithms."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == -inf else high + log1p(exp(low - high))
