#!/usr/bin/env python3
"""Pictures of a run's report and of the explorer, for the docs: `scripts/screenshots.py [RUN]`.

They go to `docs/pictures`: `report.png`, `explorer.png` and `explorer-problem.png`, each of at
most 250 KB, in 256 colours or fewer. Needs Chromium (`scripts/browser.sh`).
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from factory.recipe_file import ROOT, load_machine, resolve_plain
from factory.report.write import write_report

PICTURES: Final = ROOT / "docs" / "pictures"
MOST_BYTES: Final = 250_000
WIDTH, HEIGHT = 1280, 820
REPORT_HEIGHT: Final = 1700
MIXED: Final = (
    "domain=code&verdict=error&pass_rate_min=0.3&pass_rate_max=0.9",
    "verdict=incorrect&pass_rate_min=0.3&pass_rate_max=0.9",
    "",
)
"""Which rows to open one of: those of the first of these that has any."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", nargs="?", default="latest", help="name or folder; default: latest")
    parser.add_argument("--machine", default="", help="machine file that says where runs are")
    asked = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        print("screenshots: no chromium: run scripts/browser.sh", file=sys.stderr)  # noqa: T201
        return 1
    runs = resolve_plain(load_machine(asked.machine).paths.runs)
    folder = Path(asked.run) if Path(asked.run).is_dir() else runs / asked.run
    PICTURES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch, sync_playwright() as playwright:
        report, _ = write_report(folder, Path(scratch) / "report.html")
        root = os.name == "posix" and os.geteuid() == 0
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if root else []
        )
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", locale="en-GB"
        )
        page.goto(report.as_uri())
        height = min(REPORT_HEIGHT, page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": WIDTH, "height": height})
        keep(page, "report.png")
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        with explorer(str(folder), asked.machine, Path(scratch) / "marks.jsonl") as address:
            explore(page, address)
        browser.close()
    return 0


def explore(page: Page, address: str) -> None:
    """The list, and a problem with candidates of which some are right."""
    page.goto(f"{address}/")
    page.wait_for_selector("#index:not(.building)", state="attached", timeout=300_000)
    page.goto(f"{address}/?verdict=error&verdict=syntax&sort=tokens&order=desc")
    settled(page)
    keep(page, "explorer.png")
    rows: list[dict[str, Any]] = []
    for query in MIXED:
        rows = page.request.get(f"{address}/api/rows?limit=200&{query}").json()["rows"]
        if rows:
            break
    row = min(rows, key=lambda row: abs((row["index"] or 0) - 1))
    page.goto(f"{address}/")
    settled(page)
    page.evaluate(
        """async ([id, candidate]) => {
            const { go, problemAddress } = await import("/assets/address.js");
            go(problemAddress({ id, candidate }));
        }""",
        [row["problem_id"], row["candidate_id"]],
    )
    page.wait_for_selector(".candidate.chosen")
    settled(page)
    page.evaluate(
        """() => {
            const chosen = document.querySelector(".candidate.chosen");
            for (const one of chosen.querySelectorAll("details")) one.open = true;
            chosen.blur();
        }"""
    )
    settled(page)
    keep(page, "explorer-problem.png")


def settled(page: Page) -> None:
    """Wait until nothing is asked for any more and what was found is drawn."""
    page.wait_for_load_state("networkidle")
    page.wait_for_selector("[aria-busy]", state="detached")
    page.evaluate("document.fonts.ready.then(() => null)")
    page.wait_for_timeout(400)


@contextmanager
def explorer(run: str, machine: str, marks: Path) -> Iterator[str]:
    """The address of `retort explore`, once its text index is made."""
    command = [sys.executable, "-m", "retort.command", "explore", run, "--marks", str(marks)]
    if machine:
        command += ["--machine", machine]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            address = next(
                found[0] for line in process.stdout if (found := re.search(r"http://\S+\d", line))
            )
            yield address
        finally:
            process.terminate()


def keep(page: Page, name: str) -> None:
    """The page's picture in as many colours as fit into the size.

    Raises:
        SystemExit: It does not fit in 16 colours either.
    """
    with Image.open(io.BytesIO(page.screenshot())) as taken:
        whole = taken.convert("RGB")
        for colours in (256, 64, 16):
            small = whole.quantize(
                colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
            )
            small.save(PICTURES / name, optimize=True)
            size = (PICTURES / name).stat().st_size
            if size <= MOST_BYTES:
                print(f"docs/pictures/{name}: {size / 1000:.0f} KB")  # noqa: T201
                return
    raise SystemExit(f"screenshots: {name} has {size:,} bytes, expected at most {MOST_BYTES:,}")


if __name__ == "__main__":
    sys.exit(main())
