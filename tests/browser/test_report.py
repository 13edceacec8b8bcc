"""The report of a run is one file that needs nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from factory.recipe_file import load_machine
from factory.report.write import write_report
from tests.browser.hostile_rows import hostile
from tests.unit.retort.run_folders import write_run


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small run with hostile rows."""
    folder = tmp_path_factory.mktemp("reported")
    machine = load_machine(str(write_run(folder, hostile)))
    path, _ = write_report(Path(machine.paths.runs) / "unit-1")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_opens_offline_without_scripts(
    browser: Browser, report: Path, scheme: str
) -> None:
    context = browser.new_context(
        offline=True,
        java_script_enabled=False,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": 1200, "height": 900},
    )
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    expect(page.locator("h1")).to_contain_text("unit")
    expect(page.locator("svg:visible").first).to_be_visible()
    others = [one for one in asked if one != report.as_uri() and not one.startswith("data:")]
    assert others == []
    assert page.locator("script, iframe, link[rel=stylesheet]").count() == 0
    pixels = page.screenshot(clip={"x": 0, "y": 0, "width": 8, "height": 8})
    assert (_brightness(pixels) > 0.5) == (scheme == "light")
    context.close()


def test_the_report_fits_a_telephone_and_paper(browser: Browser, report: Path) -> None:
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(report.as_uri())
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    page.emulate_media(media="print", color_scheme="dark")
    assert _brightness(page.screenshot(clip={"x": 0, "y": 0, "width": 8, "height": 8})) > 0.5
    assert page.pdf().startswith(b"%PDF")
    context.close()


def _brightness(picture: bytes) -> float:
    """Mean of a PNG's channels, in [0, 1]."""
    with Image.open(io.BytesIO(picture)) as image:
        grey = image.convert("L")
        return sum(grey.tobytes()) / (255 * grey.width * grey.height)
