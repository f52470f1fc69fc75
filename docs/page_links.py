"""Turn the links of pages, which are those of GitHub, into links of the site."""

import os
import re
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
# Files of the repository that the site shows as pages, by their pages.
PAGES = {
    ROOT / "README.md": DOCS / "index.md",
    ROOT / "CONTRIBUTING.md": DOCS / "contributing.md",
    ROOT / "CHANGELOG.md": DOCS / "changelog.md",
    ROOT / "examples": DOCS / "auto_examples" / "index.rst",
}
# Words of a link have no blank line, and brackets only in pairs.
LINK = re.compile(r"(?<!!)\[((?:[^\[\]\n]|\n(?!\n)|\[[^\[\]\n]*\])*)\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
INCLUDE = re.compile(r"^```\{include\} (\S+)\n```$", re.MULTILINE)
# A place that other pages link to, in the HTML that GitHub understands.
ANCHOR = re.compile(r'^<a id="([^"]+)"></a>$', re.MULTILINE)
# Code, which stays as it is.
CODE = re.compile(r"^( *)(```+|~~~+).*?^\1\2|``.+?``|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def site_text(text: str, file: Path, page: Path) -> str:
    """Return the Markdown of a file as the page of the site needs it."""
    text = INCLUDE.sub(lambda match: _included(file.parent / match[1], page), text)
    text = ANCHOR.sub(r"(\1)=", text)

    def link(match: re.Match) -> str:
        return site_link(match[1], match[2], file, page)

    def image(match: re.Match) -> str:
        return (
            f"![{match[1]}]({_relative(_path(match[2], file), page)})"
            if _is_path(match[2])
            else match[0]
        )

    if file != page:
        text = _outside_code(IMAGE, image, text)
    return _outside_code(LINK, link, text)


def site_link(words: str, target: str, file: Path, page: Path) -> str:
    """Return one link of a file as a link of the site."""
    if not _is_path(target):
        return f"[{words}]({target})"
    name, _, anchor = target.partition("#")
    path = _path(name, file)
    if path.parent == ROOT / "examples" and path.suffix == ".py" and path.stem != "data":
        path = DOCS / "auto_examples" / f"{path.stem}.rst"
    path = PAGES.get(path, path)
    if path.suffix == ".html" and path.is_relative_to(DOCS):
        up = "../" * (len(page.relative_to(DOCS).parts) - 1)
        return f'<a href="{up}{path.name}">{words}</a>'
    return f"[{words}]({_relative(path, page)}{'#' + anchor if anchor else ''})"


def rewrite(app, docname: str, source: list[str]) -> None:
    """Rewrite the source of a page before it is parsed."""
    page = Path(app.env.doc2path(docname))
    if page.suffix == ".md":
        for match in INCLUDE.finditer(source[0]):
            app.env.note_dependency(str((page.parent / match[1]).resolve()))
        source[0] = site_text(source[0], page, page)


def setup(app) -> None:
    """Connect the rewriting."""
    app.connect("source-read", rewrite)


def _included(file: Path, page: Path) -> str:
    file = file.resolve()
    return site_text(file.read_text(encoding="utf-8"), file, page)


def _outside_code(pattern: re.Pattern, change, text: str) -> str:
    """Substitute outside of code; code inside the words of a link is a part of the link."""
    codes = [match.span() for match in CODE.finditer(text)]

    def unless_code(match: re.Match) -> str:
        inside = any(start <= match.start() < end for start, end in codes)
        return match[0] if inside else change(match)

    return pattern.sub(unless_code, text)


def _is_path(target: str) -> bool:
    return not target.startswith("#") and "://" not in target and not target.startswith("mailto:")


def _path(target: str, file: Path) -> Path:
    return Path(os.path.normpath(file.parent / target))


def _relative(path: Path, page: Path) -> str:
    return Path(os.path.relpath(path, page.parent)).as_posix()
