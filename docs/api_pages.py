"""Write the API reference: a page per public name, and one per group of names."""

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from api_groups import Group, groups
from public_names import public_names

from sklloss.losses.catalogue import CATALOGUE

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# Plain text that reST would read as markup.
MARKUP = re.compile(r"(?<=\()\*(?=\w)|(?<=\w)_(?!\w)|(?<!\\)\|")
# Methods that are scikit-learn's in every estimator, wherever they are defined.
OF_SCIKIT_LEARN = re.compile(r"[gs]et_params|get_metadata_routing|set_\w+_request")
GENERATED = Path(__file__).parent / "api" / "generated"

# Libraries whose methods are listed by their names.
LIBRARIES: Mapping[str, str] = {"sklearn": "scikit-learn", "skorch": "skorch"}


def write_all() -> None:
    """Write the pages of the reference that changed, and remove those of names that are gone."""
    public = public_names()
    written = {}
    for group in groups():
        written[f"{group.key}.rst"] = group_page(group, public)
        for name in group.names:
            written[f"{name}.rst"] = name_page(name, public[name], set(public.values()))
    GENERATED.mkdir(parents=True, exist_ok=True)
    for path in GENERATED.glob("*.rst"):
        if path.name not in written:
            path.unlink()
    for file_name, text in written.items():
        path = GENERATED / file_name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def group_page(group: Group, public: Mapping[str, object]) -> str:
    """Return the page of a group: a table of its names with the first line of each docstring."""
    rows = []
    for name in group.names:
        first = (inspect.getdoc(public[name]) or "").partition("\n")[0]
        rows += [f"   * - :py:obj:`{short(name)} <{name}>`", f"     - {first}"]
    return "\n".join(
        [
            *heading(group.title),
            group.text,
            "",
            ".. list-table::",
            "   :class: api-table",
            "   :widths: 30 70",
            "",
            *rows,
            "",
            ".. toctree::",
            "   :hidden:",
            "",
            *(f"   {short(name)} <{name}>" for name in group.names),
            "",
        ]
    )


def name_page(name: str, value: object, public: set[object]) -> str:
    """Return the page of a class or function."""
    module = name.rpartition(".")[0]
    lines = [*heading(short(name)), f".. currentmodule:: {module}", ""]
    if not inspect.isclass(value):
        return "\n".join([*lines, f".. autofunction:: {name}", ""])
    if value in CATALOGUE:
        lines += [in_the_catalogue(value), ""]
    lines += [f".. autoclass:: {name}", ""]
    own, listed = members_of(value, public)
    if own:
        lines += ["   .. rubric:: Methods", ""]
    for member in own:
        directive = "automethod" if callable(getattr(value, member)) else "autoattribute"
        lines += [f"   .. {directive}:: {name}.{member}", ""]
    bases = [base for base in listed if base.startswith("`")]
    if bases:
        lines += [f"   The other methods are those of {' and '.join(bases)}.", ""]
    for library in (name for name in listed if name not in bases):
        methods = ", ".join(f"``{member}``" for member in listed[library])
        lines += [f"   As in {library}: {methods}.", ""]
    return "\n".join(lines)


def in_the_catalogue(loss: type) -> str:
    """Return the line that says how a loss is called, and where its picture is."""
    names = " or ".join(f'``"{name}"``' for name in (loss.name, *loss.aliases))
    anchor = f"{loss.task}_{loss.name}"
    return f"Its name is {names}. :ref:`When to choose it, with a picture <{anchor}>`."


def members_of(cls: type, public: set[object]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the documented members that a page shows in full, and the others by their base.

    Members that a base with a page of its own has, or another library, are the others.
    """
    own: list[str] = []
    listed: dict[str, list[str]] = {}
    for name in sorted(dir(cls)):
        definer = next((base for base in cls.__mro__ if name in vars(base)), None)
        if name.startswith("_") or definer is None or not is_documented(vars(definer)[name]):
            continue
        library = definer.__module__.partition(".")[0]
        shown_by = [base for base in cls.__mro__[1:] if base in public and hasattr(base, name)]
        if shown_by:
            listed.setdefault(f"`{shown_by[-1].__name__}`", []).append(name)
        elif library in LIBRARIES or OF_SCIKIT_LEARN.fullmatch(name):
            listed.setdefault(LIBRARIES.get(library, "scikit-learn"), []).append(name)
        elif library == "sklloss":
            own.append(name)
    return own, listed


def is_documented(member: object) -> bool:
    """Return whether a member is a method or a property, and has a docstring."""
    is_member = hasattr(member, "__get__") and not inspect.isclass(member)
    return is_member and bool(inspect.getdoc(member))


def heading(title: str) -> list[str]:
    """Return the lines of a heading."""
    return [title, "=" * len(title), ""]


def short(name: str) -> str:
    """Return the last part of a dotted name."""
    return name.rpartition(".")[2]


def public_name_role(targets: Mapping[str, str]) -> Callable:
    """Return the role of text in backticks: a link if it is a public name, otherwise code."""
    from docutils import nodes
    from sphinx import addnodes

    def role(kind, rawtext, text, lineno, inliner, options=None, content=()):
        name = re.sub(r"\(\)$", "", text)
        code = nodes.literal(rawtext, text, classes=["code"])
        if name not in targets:
            return [code], []
        link = addnodes.pending_xref(
            rawtext, code, refdomain="py", reftype="obj", reftarget=targets[name], refexplicit=True
        )
        return [link], []

    return role


def escape(app: "Sphinx", what: str, name: str, value: object, options, lines: list[str]) -> None:
    """Escape what docstrings write as plain text and reST would read as markup.

    These are the shapes ``(*models, n)``, names that end with an underscore and bars ``|r|``, outside
    of code. Docstrings are read in terminals, too.
    """
    in_doctest = False
    for index, line in enumerate(lines):
        in_doctest = bool(line.strip()) and (in_doctest or line.lstrip().startswith(">>>"))
        if in_doctest or line.lstrip().startswith(".. "):
            continue
        parts = re.split(r"(``.+?``|`.+?`)", line)
        parts[::2] = [MARKUP.sub(r"\\\g<0>", part) for part in parts[::2]]
        lines[index] = "".join(parts)


def setup(app: "Sphinx") -> None:
    """Write the pages before sphinx looks for them."""
    public = public_names()
    targets = {short(name): name for name in public} | {name: name for name in public}
    app.add_role("public_name", public_name_role(targets))
    app.connect("builder-inited", lambda app: write_all())
    # After numpydoc, which reads names that end with an underscore itself.
    app.connect("autodoc-process-docstring", escape, priority=900)
