"""Check the sdist and the wheel in a folder: their files are those under version control, their metadata valid."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from packaging.metadata import Metadata


def tracked() -> set[str]:
    """Return the files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True)
    return set(listed.stdout.split("\0")) - {""}


def compare(archive: Path, found: set[str], expected: set[str]) -> None:
    """Exit with the names of files that are missing or too many."""
    for reason, names in (("lacks", expected - found), ("should not have", found - expected)):
        if names:
            sys.exit(f"{archive.name} {reason} {', '.join(sorted(names))}")
    print(f"{archive.name}: {len(found)} files, {archive.stat().st_size / 1e6:.1f} MB")


def check_sdist(archive: Path) -> None:
    """Compare an sdist with all files under version control."""
    with tarfile.open(archive) as opened:
        found = {name.partition("/")[2] for name in opened.getnames()}
    compare(archive, found - {"PKG-INFO"}, tracked())


def check_wheel(archive: Path) -> None:
    """Compare a wheel with the files of the package; read its metadata strictly."""
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        read = Metadata.from_email(opened.read(metadata), validate=True)
    found = {name for name in names if ".dist-info/" not in name}
    compare(archive, found, {name for name in tracked() if name.startswith("sklloss/")})
    assert read.description
    assert read.description_content_type == "text/markdown"


def main(folder: Path) -> None:
    """Check the one sdist and the one wheel of a folder."""
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    check_sdist(sdist)
    check_wheel(wheel)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
