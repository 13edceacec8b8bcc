"""The guide docs/graders.md: its example package, installed by pip, grades a run that names it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from factory.parts import iter_parts, read_manifest
from factory.recipe_file import ROOT
from schemas.arrow import PROBLEM, VERDICT
from tests.pipeline.conftest import Place

EXAMPLE = ROOT / "docs" / "examples" / "retort-grader-example"
RECIPE = str(EXAMPLE / "recipe.toml")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the example package, as `pip install` leaves it."""
    source, site = tmp_path / "source", tmp_path / "site"
    shutil.copytree(EXAMPLE, source)
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--disable-pip-version-check", "--target", str(site), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return site


def verdicts(folder: Path) -> dict[str, str]:
    return {
        f"{row['problem_id']} {row['index']}": row["status"]
        for table in iter_parts(folder, "verdicts", VERDICT)
        for row in table.to_pylist()
    }


def test_a_run_is_graded_by_an_installed_package_and_again_by_its_next_version(
    place: Place, site: Path
) -> None:
    place.environment["PYTHONPATH"] = f"{site}:{os.environ.get('PYTHONPATH', '')}"
    place.finish("BuildDataset", RECIPE, timeout_s=120)
    (collected,) = place.artifacts("collect")
    admitted = [
        row["problem_id"]
        for table in iter_parts(collected, "problems", PROBLEM)
        for row in table.to_pylist()
    ]
    assert admitted == ["words/retort", "words/still"]
    assert read_manifest(collected).ledger.drops == {"gold_rejected": 1}
    (graded,) = place.artifacts("grade")
    assert verdicts(graded) == {
        "words/retort 0": "correct",
        "words/retort 1": "incorrect",
        "words/retort 2": "correct",
        "words/retort 3": "unparsable",
        "words/still 0": "correct",
        "words/still 1": "truncated",
        "words/still 2": "incorrect",
        "words/still 3": "incorrect",
    }

    (metadata,) = site.glob("*.dist-info/METADATA")
    metadata.write_text(metadata.read_text().replace("Version: 1.0.0", "Version: 1.0.1"))
    place.finish("GradeCandidates", RECIPE, timeout_s=120)
    assert len(place.artifacts("grade")) == 2


def test_without_the_package_the_run_is_refused_before_any_work(place: Place) -> None:
    code, output = place.run("BuildDataset", RECIPE, timeout_s=120)
    assert code != 0
    assert "expected a grader of choice" in output and "'sorted-letters'" in output
    assert "docs/graders.md" in output and "Traceback" not in output
    assert not place.artifacts("collect")
