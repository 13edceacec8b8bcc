"""retort validate through vLLM: killed and started again; a model that never ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from factory.models import EMBEDDED
from factory.parts import read_parts
from schemas.arrow import CANDIDATE
from tests.pipeline.conftest import Place, kill_group

RECIPE: Final = """
name = "killed"
[validate]
k = 8
seed = 3
dtype = "float32"
max_model_len = 512
[validate.sampling]
temperature = 1.0
max_tokens = 320
[validate.prompt]
think_prefix = "<think>\\n"
[[validate.suites]]
name = "sums"
metric_k = [1, 8]
[[validate.suites.sources]]
name = "sums"
kind = "procedural"
family = "arithmetic"
split = "heldout"
count = 24
"""
SLOW: Final = "\n[vllm]\nmax_num_seqs = 8\n\n[teacher]\nrequests_in_flight = 2\n"
"""Few sequences at a time, so that the kill falls into the drawing."""
ASKED: Final = 24 * 8

pytestmark = pytest.mark.slow


def start(place: Place, *more: str, model: str = "embedded:base-qwen2") -> subprocess.Popen[bytes]:
    """`retort validate`; it leads a process group of its own."""
    recipe = place.folder / "killed.toml"
    machine = place.machine
    if not recipe.exists():
        recipe.write_text(RECIPE)
        with open(machine, "a") as file:
            file.write(SLOW)
    command = [sys.executable, "-m", "retort.command", "validate", model]
    command += ["--recipe", str(recipe), "--machine", str(machine), "--json", *more]
    with open(place.folder / "said.json", "w") as out, open(place.log, "a") as log:
        return subprocess.Popen(
            command, cwd=place.folder, stdout=out, stderr=log, start_new_session=True
        )


def finished(place: Place, run: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What a run printed that must succeed."""
    try:
        code = run.wait(300)
    finally:
        kill_group(run)
    assert code == 0, place.log.read_text()[-6000:]
    return json.loads((place.folder / "said.json").read_text())


def stored(place: Place) -> int:
    """Candidates that the store has."""
    file = place.folder / "artifacts" / "candidates.sqlite"
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
            return store.execute("SELECT COUNT(*) FROM candidates").fetchone()[0]
    except sqlite3.OperationalError:
        return 0  # not made yet


def kill_amid_drawing(place: Place) -> int:
    """`kill -9` the whole group of a run once some candidates are stored; how many are."""
    run = start(place)
    deadline = time.monotonic() + 200
    try:
        while not stored(place):
            assert run.poll() is None, f"ended too early:\n{place.log.read_text()[-6000:]}"
            assert time.monotonic() < deadline, place.log.read_text()[-3000:]
            time.sleep(0.02)
        helpers = psutil.Process(run.pid).children(recursive=True)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(30)
        _, alive = psutil.wait_procs(helpers, timeout=30)
        assert alive == [], "processes outlived the validation that was killed"
        return stored(place)
    finally:
        kill_group(run)


def candidates(found: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    """Every candidate of a validation, by what makes it what it is."""
    table = read_parts(Path(found["folder"]) / "candidates", "candidates", CANDIDATE)
    columns = ["candidate_id", "index", "text", "finish_reason"]
    return [tuple(row.values()) for row in table.select(columns).to_pylist()]


def test_a_killed_validation_goes_on_and_gives_what_an_undisturbed_one_gives(
    tmp_path: Path,
) -> None:
    killed, whole = Place(tmp_path / "killed"), Place(tmp_path / "whole")
    undisturbed = start(whole)
    try:
        before = kill_amid_drawing(killed)
        assert 0 < before < ASKED
        found = finished(killed, start(killed))
        other = finished(whole, undisturbed)
    finally:
        kill_group(undisturbed)
    drawn = json.loads((Path(found["folder"]) / "manifest.json").read_text())["figures"]["generate"]
    assert (drawn["drawn"], drawn["reused"]) == (ASKED - before, before)
    assert candidates(found) == candidates(other)
    assert len(candidates(found)) == ASKED
    for name in ("scores", "suites", "settings", "key"):
        assert found[name] == other[name], name

    times = killed.times()
    assert finished(killed, start(killed)) == found
    assert killed.times() == times


@pytest.mark.soak
def test_a_model_that_never_ends_and_does_not_think_is_counted_and_shown(place: Place) -> None:
    model = Path(shutil.copytree(EMBEDDED / "base-qwen2", place.folder / "blunt"))
    template = model / "chat_template.jinja"
    template.write_text(f"{template.read_text().rstrip()}The answer is")
    more = ("--max-tokens", "1", "--no-think", "--limit", "5")
    found = finished(place, start(place, *more, model=str(model)))
    figures = found["suites"]["sums"]
    asked = 5 * 8
    assert (figures["problems"], figures["candidates"]) == (5, asked)
    assert (figures["truncated"], figures["statuses"]) == (asked, {"truncated": asked})
    assert figures["without_think"] == asked
    assert figures["tokens"]["max"] == 1
    assert found["model"] == "blunt"
    assert found["settings"]["suites"]["sums"]["first_prompt"].endswith("The answer is")
    assert [one["value"] for one in found["scores"] if one["metric"] == "pass@1"] == [0.0, 0.0]
    assert any("its score is not the suite's" in note for note in found["notes"])
