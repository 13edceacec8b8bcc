"""Generation under SIGKILL: of the run and of its vLLM servers, at random moments.

Three kills with the tests, fifty by `make soak`. The seed of the moments is printed; set
`RETORT_KILL_SEED` to repeat them.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import psutil
import pytest

from factory.parts import read_manifest, read_parts
from schemas.arrow import CANDIDATE
from tests.pipeline.conftest import Place, kill_group

RECIPE: Final = """
name = "killed"
seed = 5

[collect]
[[collect.sources]]
name = "arithmetic"
kind = "procedural"
family = "arithmetic"
split = "train"
count = {problems}

[generate]
candidates = 6
max_rounds = 2
give_up_after = 8

[generate.teacher]
engine = "vllm"
model = "embedded:teacher"
max_model_len = 512
dtype = "float32"

[generate.sampling]
max_tokens = 320

[shard]
name = "killed"
version = "1.0.0"
"""
SLOW: Final = "\n[vllm]\nmax_num_seqs = 8\n\n[teacher]\nrequests_in_flight = 2\n"
"""Few sequences at a time, so that kills fall into the drawing and not between stages."""
SERVER: Final = "vllm.entrypoints.openai.api_server"


def stored(place: Place) -> dict[bytes, float]:
    """Ids of the candidates in the store, and when each was written."""
    file = place.folder / "artifacts" / "candidates.sqlite"
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
            return dict(store.execute("SELECT id, created_unix_s FROM candidates"))
    except sqlite3.OperationalError:
        return {}  # not made yet


def servers(run: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Every process of a vLLM server below a run."""
    try:
        below = psutil.Process(run.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    found: list[psutil.Process] = []
    for one in below:
        try:
            line = " ".join(one.cmdline())
        except psutil.Error:
            continue
        if SERVER in line and "keeper.py" not in line:
            found += [one, *one.children(recursive=True)]
    return found


def survive(place: Place, *, problems: int, kills: int, seed: int) -> None:
    """Run to the end through so many kills; then nothing is lost, doubled or drawn twice."""
    print(f"RETORT_KILL_SEED={seed}, {kills} kills")
    rng = random.Random(seed)
    recipe = place.folder / "killed.toml"
    recipe.write_text(RECIPE.format(problems=problems))
    with open(place.machine, "a") as machine:
        machine.write(SLOW)
    first_round = 6 * problems
    kept: dict[bytes, float] = {}
    run = place.start("BuildDataset", str(recipe))
    try:
        for number in range(kills):
            share = (number + rng.random()) / kills
            wait_for(place, run, moment=int(first_round * share))
            time.sleep(rng.uniform(0, 0.5))
            if rng.random() < 0.4 and (there := servers(run)):
                victim = rng.choice(there)
                print(f"kill {number + 1}: process {victim.name()} of a server")
                victim.send_signal(signal.SIGKILL)
                continue
            print(f"kill {number + 1}: the run, {len(stored(place))} candidates stored")
            helpers = psutil.Process(run.pid).children(recursive=True)
            run.send_signal(signal.SIGKILL)
            run.wait(30)
            _, alive = psutil.wait_procs(helpers, timeout=30)
            assert alive == [], "processes outlived the run that was killed"
            now = stored(place)
            assert kept.items() <= now.items(), "a stored candidate was lost or drawn again"
            kept = now
            run = place.start("BuildDataset", str(recipe))
        run.wait(900)
        output = place.log.read_text()
        assert run.returncode == 0, output[-6000:]
    finally:
        kill_group(run)
    assert kept.items() <= stored(place).items(), "a stored candidate was lost or drawn again"
    assert_whole(place, first_round)


def wait_for(place: Place, run: subprocess.Popen[bytes], moment: int) -> None:
    """Return when so many candidates are stored."""
    deadline = time.monotonic() + 300
    while len(stored(place)) < moment or not servers(run):
        assert run.poll() is None, f"ended too early:\n{place.log.read_text()[-6000:]}"
        assert time.monotonic() < deadline, place.log.read_text()[-3000:]
        time.sleep(0.1)


def assert_whole(place: Place, first_round: int) -> None:
    ids: list[str] = []
    requested = 0
    for folder in place.artifacts("generate"):
        manifest = read_manifest(folder)
        rows = read_parts(folder, "candidates", CANDIDATE)
        ids += rows["candidate_id"].to_pylist()
        requested += manifest.ledger.rows_in
        assert manifest.ledger.drops == {}, "a kill of a server cost a candidate"
    assert len(ids) == len(set(ids)) == requested > first_round
    assert {one.hex() for one in stored(place)} == set(ids)
    ledger = {one["stage"]: one for one in place.summary()["ledger"]}
    assert ledger["generate"]["rows_out"] == ledger["grade"]["rows_out"] == requested


def kill_seed() -> int:
    return int(os.environ.get("RETORT_KILL_SEED") or time.time_ns() % 10**6)


@pytest.mark.slow
def test_a_kill_of_run_and_servers_loses_nothing(place: Place) -> None:
    survive(place, problems=80, kills=1, seed=kill_seed())


@pytest.mark.soak
def test_fifty_kills_of_run_and_servers_lose_nothing(tmp_path: Path) -> None:
    survive(Place(tmp_path), problems=600, kills=50, seed=kill_seed())
