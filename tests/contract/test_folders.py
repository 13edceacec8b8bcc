"""Every folder says what lives there, and says it of all that does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGES = ("schemas", "factory", "pipelines", "sandboxes", "retort", "benchmarks")
LISTS = {
    "benchmarks": "*.py",
    "recipes": "*.toml",
    "scripts": "*.*",
    "tests": "*/",
}
"""Folder -> what its README has a row for."""


def test_every_package_begins_with_a_docstring(project: Path) -> None:
    silent: list[str] = []
    for package in PACKAGES:
        for folder in {one.parent for one in (project / package).rglob("*.py")}:
            begin = folder / "__init__.py"
            if folder == project / "benchmarks":
                continue  # scripts: its README says what they are
            text = begin.read_text(encoding="utf-8") if begin.is_file() else ""
            if not ast.get_docstring(ast.parse(text)):
                silent.append(str(folder.relative_to(project)))
    assert sorted(silent) == []


@pytest.mark.parametrize("folder", LISTS)
def test_a_folders_readme_has_a_row_for_each_thing_in_it(folder: str, project: Path) -> None:
    rows = (project / folder / "README.md").read_text(encoding="utf-8")
    there = {one.name for one in (project / folder).glob(LISTS[folder])}
    there -= {"README.md", "__init__.py", "conftest.py", "__pycache__"}
    named = {f"{one}/" if folder == "tests" else one for one in there}
    assert {one for one in named if f"| `{one}` |" not in rows} == set()
    told = {line.split("`")[1] for line in rows.splitlines() if line.startswith("| `")}
    assert told == named
