"""Pages as a parser and as a browser see them."""

import json
import re
import shutil
import subprocess
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

BROWSER = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
VOID = {"meta", "br", "hr", "img", "input", "link", "source", "col", "wbr"}
RESOURCES = {"src", "srcset", "href", "xlink:href", "data", "poster", "action", "background"}


class Page(HTMLParser):
    """Reads a page; raises where a tag is closed that is not open.

    Attributes
    ----------
    tags : Counter
    ids : list of str
    resources : list of (str, str)
        Tags with what they load or link.
    attributes : list of (str, dict)
        Of every tag.
    text : str
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.ids, self.resources = Counter(), [], []
        self.attributes, self.text, self._open = [], "", []
        self.feed(html)
        self.close()
        assert not self._open, f"{self._open} are never closed"

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes.append((tag, dict(attrs)))
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in RESOURCES:
                self.resources.append((tag, value))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"{tag} is closed where it is not open"

    def handle_data(self, data):
        if self._open[-1:] not in (["style"], ["script"]):
            self.text += data


def seen_by_browser(page: Path, width: int, script: str, tmp_path: Path) -> tuple[dict, str]:
    """Return what a script sees on a page of some width, and what the browser's console has.

    `script` is an expression.  The page is in a frame, because windows have a least width.
    """
    copy, frame = tmp_path / "page.html", tmp_path / "frame.html"
    ask = f"<script>parent.postMessage(JSON.stringify({script}), '*')</script></body>"
    html = page.read_text(encoding="utf-8")
    copy.write_text(html.replace("</body>", ask), encoding="utf-8")
    answer = "onmessage = e => document.body.append('seen' + ' ' + e.data + ' ' + 'end')"
    frame.write_text(
        f"<script>{answer}</script><body><iframe src=page.html width={width} height=4000></iframe>"
    )
    command = [
        *(BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
        *("--window-size=1600,4200", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--virtual-time-budget=10000", "--dump-dom", frame.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    seen = unescape(re.search(r"seen (.*?) end", done.stdout)[1])
    return json.loads(seen), "\n".join(console)
