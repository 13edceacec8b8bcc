"""A Chromium, the explorer's server on a run written by hand, and pages that must stay clean."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from factory.recipe_file import load_machine
from retort.explore.index_folder import open_source
from retort.explore.marks import MarkFile
from retort.explore.named_source import source_of
from retort.explore.search import Search
from retort.explore.server import app
from tests.browser.hostile_rows import hostile
from tests.unit.retort.run_folders import write_run

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all; the tests skip, visibly, where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        why = "no chromium: run scripts/browser.sh"
        if os.environ.get("RETORT_NO_SKIPS"):
            pytest.fail(why)
        pytest.skip(why)
    root = getattr(os, "geteuid", lambda: 1)() == 0
    with sync_playwright() as playwright:
        args = ["--no-sandbox"] if root else []
        opened = playwright.chromium.launch(executable_path=chromium, args=args)
        yield opened
        opened.close()


@dataclass
class Served:
    """A server of the explorer, and the file of its marks."""

    address: str
    marks: Path
    search: Search


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """The explorer of a small run with hostile rows, on a free port of loopback; the index of its
    texts is begun."""
    machine = load_machine(str(write_run(folder, hostile)))
    (folder / "indexes").mkdir()
    opened = open_source(source_of("latest", machine), folder / "indexes")
    marks = folder / "marks.jsonl"
    search = Search.started(opened.folder, opened.table)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app(opened, MarkFile(marks), search), log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until = time.monotonic() + 10
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        assert server.started
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", marks, search)
    finally:
        server.should_exit = True
        thread.join()
        search.close()
        listener.close()


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for all tests, with an index of texts that is ready."""
    with serving(tmp_path_factory.mktemp("explored")) as found:
        until = time.monotonic() + 60
        while found.search.state().state == "building" and time.monotonic() < until:
            time.sleep(0.05)
        assert found.search.state().state == "ready"
        yield found


@dataclass
class Look:
    """A browser at the explorer, and what went wrong in it."""

    context: BrowserContext
    served: Served
    wrong: list[str] = field(default_factory=list)

    def page(self, path: str = "/") -> Page:
        """A new page at a path, loaded; everything that it does elsewhere is noted."""
        page = self.context.new_page()
        page.set_default_timeout(8_000)
        page.on("dialog", lambda dialog: self._dialog(dialog.message, dialog.dismiss))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("popup", lambda other: self.wrong.append(f"popup: {other.url}"))
        page.goto(self.served.address + path)
        page.wait_for_selector("body[data-view]")
        page.wait_for_selector("[aria-busy]", state="detached")
        return page

    def _dialog(self, message: str, dismiss: object) -> None:
        self.wrong.append(f"dialog: {message}")
        if callable(dismiss):
            dismiss()

    def _request(self, url: str) -> None:
        if not url.startswith((f"{self.served.address}/", "data:")):
            self.wrong.append(f"request: {url[:200]}")


@pytest.fixture
def look(browser: Browser, served: Served) -> Iterator[Look]:
    """A clean browser. At the end: no script of a row ran, nothing was asked of another host, no
    dialog, no error, and our own page kept to its policy."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.add_init_script(WATCH)
    found = Look(context, served)
    yield found
    for page in context.pages:
        assert page.evaluate("window.pwned") is None
        found.wrong += [f"policy: {one}" for one in page.evaluate("window.violations")]
    context.close()
    assert found.wrong == []
