"""House words that readers should not meet, and what to write instead.

They are looked for in prose (README, CHANGELOG, CONTRIBUTING, the pages in docs, examples) and in
the docstrings and messages of the package and the benchmarks.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What to write instead of each phrase. Phrases are regular expressions; a space is any white space.
INSTEAD = {
    "(a law|laws?) (of|for)|tells? a law": "a predictive distribution",
    "anew": "again, or from scratch",
    "culprit": "raises, with the name of the column",
    "gains? by company|in company": "benefits from stacking; stacked",
    "held once": "cached",
    "in place of": "instead of",
    "is best made by": "create it with",
    "(is|are) told of": "reports",
    "puts? out": "returns",
    "sets? aside": "holds out; validation rows",
    "so that there is none": "so there is none",
    "something else than": "something other than",
    "truth values?": "booleans",
}
PHRASES = {
    re.compile(rf"\b({phrase})\b".replace(" ", r"\s+"), re.IGNORECASE): words
    for phrase, words in INSTEAD.items()
}


def _prose() -> Iterator[Path]:
    yield from (ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md"))
    written = {ROOT / "docs" / name for name in ("_build", "auto_examples")}
    yield from (p for p in (ROOT / "docs").rglob("*.md") if not written & set(p.parents))
    yield from (ROOT / "examples").glob("*.py")


def _code() -> list[Path]:
    return [path for name in ("sklloss", "benchmarks") for path in (ROOT / name).rglob("*.py")]


def house_words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line within a text and the remedy of every house word."""
    for phrase, words in PHRASES.items():
        for match in phrase.finditer(text):
            line = text.count("\n", 0, match.start())
            yield line, f"{' '.join(match[0].split())!r}: write {words!r}"


def strings_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every string literal, f-strings with their values left out."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) for part in getattr(node, "values", ())}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            texts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            yield node.lineno, "".join(map(str, texts))
        elif isinstance(getattr(node, "value", None), str) and id(node) not in parts:
            yield node.lineno, node.value


def test_prose_has_no_house_words():
    found = [
        f"{path.relative_to(ROOT)}:{1 + line}: {remedy}"
        for path in _prose()
        for line, remedy in house_words(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_docstrings_and_messages_have_no_house_words():
    found = [
        f"{path.relative_to(ROOT)}:{start + line}: {remedy}"
        for path in _code()
        for start, text in strings_of(path.read_text(encoding="utf-8"))
        for line, remedy in house_words(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ('raise ValueError("It puts" " out")', [(1, "'puts out': write 'returns'")]),
        ('"""One.\n\nIn place\nof two.\n"""', [(3, "'In place of': write 'instead of'")]),
        ('f"{x} starts anew {y}"', [(1, "'anew': write 'again, or from scratch'")]),
        ('"an output"  # puts out', []),
    ],
)
def test_house_words_are_found_across_lines_and_literals(source, where):
    strings = strings_of(source)
    found = [
        (start + line, remedy) for start, text in strings for line, remedy in house_words(text)
    ]
    assert found == where
