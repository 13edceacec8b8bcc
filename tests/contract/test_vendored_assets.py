"""What the explorer's page takes from others is whole, licensed, and from nowhere else."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

VENDOR = "retort/explore/assets/vendor"
LOADS = re.compile(r"""(?:src|href|import|url|fetch)\s*[=(]?\s*["'(]\s*(?:https?:)?//""", re.I)


def test_every_vendored_file_has_the_digest_that_is_written_down(project: Path) -> None:
    folder = project / VENDOR
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    said = {
        name.removeprefix("./"): digest for digest, _, name in (x.partition("  ") for x in lines)
    }
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("SHA256SUMS", "README.md")
    }
    assert found == said
    assert {"katex/LICENSE", "highlight/LICENSE"} <= {*found}


def test_the_versions_in_the_table_are_those_that_the_script_fetches(project: Path) -> None:
    table = (project / VENDOR / "README.md").read_text(encoding="utf-8")
    script = (project / "scripts" / "vendor_assets.sh").read_text(encoding="utf-8")
    for name in ("katex", "highlight"):
        version = re.search(rf"^{name}=(\S+)$", script, re.M)
        assert version is not None
        assert f"| {version[1]} |" in table


@pytest.mark.parametrize("pattern", ["*.html", "*.css", "*.js", "*.svg"])
def test_the_page_names_no_other_host_to_load_from(project: Path, pattern: str) -> None:
    assets = project / "retort" / "explore" / "assets"
    for path in assets.rglob(pattern):
        assert LOADS.search(path.read_text(encoding="utf-8")) is None, path


def test_the_page_sets_no_markup_from_strings(project: Path) -> None:
    ours = (project / "retort" / "explore" / "assets").glob("*.js")
    sinks = re.compile(
        r"\.(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    for path in ours:
        assert sinks.search(path.read_text(encoding="utf-8")) is None, path
