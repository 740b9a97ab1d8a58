"""Pages looked at in a real browser: what overflows, what the console says, what axe-core finds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
)
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true);"
WIDTHS = (
    "Promise.resolve([document.scrollingElement.scrollWidth, innerWidth, "
    # An element may stand out of what scrolls by itself, but nothing else may.
    "[...document.querySelectorAll('main *')].filter(each => !each.closest('.scroll, svg')"
    " && each.getBoundingClientRect().right > innerWidth + 1)"
    ".slice(0, 3).map(each => each.outerHTML.slice(0, 200))])"
)
AXE = (
    "axe.run().then(found => found.violations.map("
    "v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)]))"
)


def said_by_page(html: str, folder: Path, width_px: int, asked: str, library: str = "") -> str:
    """What ``asked``, JavaScript for a promise, gives on the page in a window of that width, all
    that folds unfolded.

    The page is put into a frame, because Chromium's own windows are never narrower than 500 px.
    Raises AssertionError where the page's console says anything.
    """
    script = (
        f"<script>{library.replace('</script', chr(60) + chr(92) + '/script')}</script>"
        f"<script>addEventListener('load', () => {{ {OPEN_ALL} {asked}.then("
        "said => parent.document.title = 'said ' + JSON.stringify(said)) })</script></body>"
    )
    inside = escape(html.replace("</body>", script))
    frame = f'<iframe width="{width_px}" height="900" style="border:0" srcdoc="{inside}"></iframe>'
    page = folder / f"page-{width_px}.html"
    page.write_text(
        f"<!DOCTYPE html><title></title><body style='margin:0'>{frame}</body>", encoding="utf-8"
    )
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'user'}", "--window-size=1300,900",
         "--virtual-time-budget=20000", "--dump-dom", str(page)],
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    title = re.search(r"<title>said (.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None, "the page's script did not come to an end"
    assert "CONSOLE" not in done.stderr, done.stderr
    return unescape(title[1])


def overflow(html: str, folder: Path, width_px: int) -> tuple[int, list[str]]:
    """By how many px the page is wider than its window, and what stands out of it."""
    wide, window, out = json.loads(said_by_page(html, folder, width_px, WIDTHS))
    assert window == width_px
    return max(0, wide - window), out


def broken_rules(html: str, folder: Path, width_px: int) -> list[tuple[str, str, int, str]]:
    """What axe-core finds on a page: (impact, rule, how often, the first place)."""
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    found = json.loads(said_by_page(html, folder, width_px, AXE, axe))
    return [(impact, rule, int(n), place) for impact, rule, n, place in found]
