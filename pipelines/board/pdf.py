"""The PDF of a page: printed by the Chromium that is found, with tagged headings, an outline and everything unfolded.

The PDF is the page itself, printed to A4, so that both always say the same; a second way of laying out would be a second
thing to check. It needs a Chromium, Chrome or Edge on the machine that publishes. Where there is none, or it does not
print, there is no PDF, and the reason is given: a release does not hang on it, because the page prints from any browser.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
SECONDS = 180  # after which a browser that does not print is given up
SWITCHES = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--no-pdf-header-footer", "--export-tagged-pdf", "--generate-pdf-document-outline",
)  # fmt: skip


def browser() -> str | None:
    """Path of a browser that prints to PDF; None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def write_pdf(page: Path, out: Path) -> str:
    """Prints a page to the PDF `out`, with what is folded away on the screen. Gives why there is none, or ''."""
    program = browser()
    if program is None:
        return "No PDF was made: there is no Chromium, Chrome or Edge on this machine."
    with tempfile.TemporaryDirectory() as folder:
        unfolded, printed = Path(folder) / "page.html", Path(folder) / "page.pdf"
        html = page.read_text(encoding="utf-8").replace("<details>", "<details open>")
        unfolded.write_text(html, encoding="utf-8")
        try:
            done = subprocess.run(
                [program, *SWITCHES, *_as_root(), f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}",
                 unfolded.as_uri()],
                capture_output=True, text=True, timeout=SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"No PDF was made: {program} did not print ({type(error).__name__})."
        if not printed.is_file():
            return f"No PDF was made: {program} ended with {done.returncode} and printed nothing."
        shutil.copy(printed, out)
    return ""


def _as_root() -> list[str]:
    """A browser refuses its sandbox to root, as whom containers run. The page is our own and has no script."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
