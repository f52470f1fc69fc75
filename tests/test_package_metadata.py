"""What the package says of itself agrees wherever it stands."""

import re
import tomllib
from pathlib import Path

import sklloss

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def cited(name: str) -> str:
    """Return a field of the citation."""
    return re.search(rf'^{name}: "?(.*?)"?$', CITATION, re.MULTILINE)[1]


def test_versions_and_dates_agree():
    version, date = re.search(r"^## (\d\S*) - (\S+)$", CHANGELOG, re.MULTILINE).groups()
    assert (cited("version"), cited("date-released")) == (version, date)
    assert sklloss.__version__ == version


def test_the_citation_has_the_license_and_the_description():
    assert cited("license") == PROJECT["license"]
    assert cited("title").lower() == f"sklloss: {PROJECT['description'].lower().rstrip('.')}"


def test_python_versions_that_are_named_start_at_the_oldest():
    named = [
        each.split(" :: ")[-1] for each in PROJECT["classifiers"] if re.search(r":: 3\.", each)
    ]
    assert PROJECT["requires-python"] == f">={named[0]}"
