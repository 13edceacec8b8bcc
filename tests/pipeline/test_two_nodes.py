"""Stages on a Ray cluster write what one machine writes, also when one of its nodes is killed."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

from factory.cluster.crew import Crew
from factory.executor import executor_of
from factory.files.decontaminate import decontaminate
from factory.files.dedupe import dedupe
from factory.grade import verdict_parts
from factory.grade.stage import grade_candidates
from factory.ledger import entry
from factory.models import resolve_model
from factory.overlap.benchmark_index import BenchmarkIndex
from factory.parts import read_part
from factory.recipe_file import ROOT
from factory.select import buckets
from factory.select import stage as select_stage
from factory.select.stage import select_samples
from factory.shard.stage import build_shards
from factory.train import rows as train_rows
from factory.train.render import Renderer, load_tokenizer
from factory.train.rows import tokenise_dataset
from sandboxes.owner import OWNED
from schemas.arrow import VERDICT
from schemas.collect_settings import Benchmark, Overlap
from schemas.grade_settings import Grade
from schemas.machine import Machine, Paths, Ray, Sandbox
from schemas.manifest import StageResult
from schemas.select_settings import Select
from schemas.verdict import Status
from tests.sandbox.test_grader import GOLD
from tests.unit.cluster.ray_nodes import Nodes, raylet_pid, some_nodes, wait_for
from tests.unit.grade.test_grade_stage import candidate, candidates, collected, problem
from tests.unit.select.graded_artifacts import Graded, asked, write_problems, write_round
from tests.unit.select.graded_artifacts import problem as graded_problem
from tests.unit.shard.sample_artifacts import sample, unit_recipe, write_samples
from tests.unit.train.test_held_out import write_dataset

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
]

BENCHMARK = Benchmark(
    name="arithmetic-bench",
    path="recipes/examples/generations.jsonl",
    item_id="problem_id",
    columns=["problem"],
)
PROGRAMS = {
    "```python\ndef double(x): return 2 * x\n```": Status.CORRECT,
    "```python\ndef double(x): return x * x\n```": Status.INCORRECT,
    "```python\ndef double(x) return x\n```": Status.SYNTAX,
    "```python\ndef double(x): return y\n```": Status.ERROR,
    "<think>it never ends": Status.TRUNCATED,
}


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """A head without Docker, and two nodes that have it."""
    with some_nodes() as nodes:
        nodes.join()
        nodes.join()
        yield nodes


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return Machine(workers=1, rows_per_part=2, sandbox=Sandbox(slots=1))


@pytest.fixture
def there(nodes: Nodes, tmp_path: Path) -> Machine:
    return Machine(
        executor="ray",
        ray=Ray(address=nodes.address),
        rows_per_part=2,
        sandbox=Sandbox(slots=1),
        paths=Paths(artifacts=str(tmp_path / "artifacts")),
    )


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The nodes on which workers are started, as they are."""
    found: list[str] = []
    start = Crew._start

    def noted(self: Crew, node: Any, kind: Any) -> None:
        found.append(node.id)
        start(self, node, kind)

    monkeypatch.setattr(Crew, "_start", noted)
    return found


def bytes_below(folder: Path) -> dict[str, str]:
    """SHA-256 of each file, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_select_writes_the_same_bytes(
    here: Machine,
    there: Machine,
    started: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(select_stage, "_CANDIDATES_PER_WORKER", 1)
    monkeypatch.setattr(buckets, "_ROWS_PER_WORKER", 1)
    problems = write_problems(tmp_path / "collect", [graded_problem("a"), graded_problem("b")])
    graded = [
        Graded(name, number, f"<think>\nstep {number}\n</think>\n\n\\boxed{{4}}", status)
        for name in "ab"
        for number, status in enumerate([Status.CORRECT, Status.INCORRECT, Status.CORRECT])
    ]
    rounds = [write_round(tmp_path, 1, graded, rows_per_part=2)]

    def selected(machine: Machine, name: str) -> StageResult:
        out = tmp_path / name
        settings = {"generate": asked(), "seed": 3, "machine": machine, "key": "k"}
        return select_samples(problems, rounds, Select(), out_dir=out, **settings)

    assert selected(here, "here") == selected(there, "there")
    assert started
    assert bytes_below(tmp_path / "here") == bytes_below(tmp_path / "there")


def test_shards_after_near_dedupe_and_decontamination_are_the_same_bytes(
    here: Machine, there: Machine, started: list[str], tmp_path: Path
) -> None:
    chosen = random.Random(5)
    texts = [" ".join(f"w{chosen.randrange(500)}" for _ in range(80)) for _ in range(29)]
    texts.append(json.loads((ROOT / BENCHMARK.path).read_text().splitlines()[0])["problem"])
    samples = [
        sample(number, f"{texts[number % 30]} {'again' * (number // 30)}") for number in range(45)
    ]
    recipe = unit_recipe(benchmarks=[BENCHMARK], shard_bytes=2000)

    def sharded(machine: Machine, root: Path) -> StageResult:
        folder = write_samples(root / "select", samples, rows_per_part=7)
        return build_shards(
            folder, recipe, upstream={}, machine=machine, out_dir=root / "shard", key="k"
        )

    one, other = sharded(here, tmp_path / "here"), sharded(there, tmp_path / "there")
    assert started
    assert one == other
    assert one.figures["shards"] > 3
    assert set(one.ledger.drops) == {"contaminated_sample", "near_duplicate"}
    datasets = [tmp_path / name / "shard" / "dataset" for name in ("here", "there")]
    digests = [json.loads((folder / "dataset.json").read_text())["digest"] for folder in datasets]
    assert digests[0] == digests[1]
    found = bytes_below(datasets[0])
    assert len([path for path in found if path.startswith("data/")]) > 3
    assert found == bytes_below(datasets[1])


def test_files_are_deduped_and_decontaminated_to_the_same_bytes(
    there: Machine, started: list[str], tmp_path: Path
) -> None:
    files = [tmp_path / f"rows-{number}.jsonl" for number in range(3)]
    for number, file in enumerate(files):
        rows = [{"id": 20 * number + at, "text": f"row {at % 7} " * 30} for at in range(20)]
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    executor = executor_of(there)
    dedupe(files, tmp_path / "here")
    dedupe(files, tmp_path / "there", executor=executor)
    assert started
    assert bytes_below(tmp_path / "here") == bytes_below(tmp_path / "there")
    started.clear()
    index = BenchmarkIndex(Overlap())
    index.add("bench", [("item-3", "row 3 " * 30)])
    here = decontaminate(files, tmp_path / "clean-here", index)
    there_too = decontaminate(files, tmp_path / "clean-there", index, executor=executor)
    assert here == there_too
    assert started
    assert bytes_below(tmp_path / "clean-here") == bytes_below(tmp_path / "clean-there")


def test_training_rows_are_the_same_bytes(
    here: Machine,
    there: Machine,
    started: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renderer = Renderer(load_tokenizer(resolve_model("embedded:base-qwen2").location))
    dataset = write_dataset(tmp_path / "dataset", 20, files=4)

    def tokenised(machine: Machine, name: str) -> Any:
        settings = {"max_length_tokens": 200, "held_out": 0.2, "seed": 1, "made_from": "x"}
        return tokenise_dataset(dataset, renderer, tmp_path / name, machine=machine, **settings)

    one = tokenised(here, "here")
    monkeypatch.setattr(train_rows, "_WORTH_PROCESSES_BYTES", 0)
    other = tokenised(there, "there")
    assert started
    assert one.counts == other.counts
    assert bytes_below(tmp_path / "here") == bytes_below(tmp_path / "there")


def test_grading_outlives_a_node_that_is_killed_while_it_runs_programs(
    nodes: Nodes,
    here: Machine,
    there: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verdict_parts, "_ROWS", 4)
    monkeypatch.setattr(verdict_parts, "_ROWS_IN_SANDBOX", 5)
    problems = collected(
        tmp_path / "collect",
        [problem("code/0", GOLD, "code"), problem("s/0", r"\sqrt{12}"), problem("s/1", "(x+1)^2")],
    )
    rows: list[dict[str, Any]] = []
    programs = list(PROGRAMS)
    for index in range(150):
        rows += [
            candidate("code/0", index, programs[index % len(programs)]),
            candidate("s/0", index, rf"\boxed{{2\sqrt{{{index}}}}}"),
            candidate("s/1", index, rf"\boxed{{x^2+2x+{index}}}"),
        ]
    drawn = candidates(tmp_path / "generate", [rows[:200], rows[200:]])

    def graded(machine: Machine, name: str) -> list[dict[str, Any]]:
        out = tmp_path / name
        result = grade_candidates(problems, drawn, Grade(), machine=machine, out_dir=out, key="k")
        assert result.ledger == entry("grade", len(rows), len(rows), {})
        assert not (out / ".scratch").exists()
        found = [row for part in result.parts for row in read_part(out, part, VERDICT).to_pylist()]
        for row in found:
            del row["wall_s"]
        return found

    expected = graded(here, "here")
    victim = nodes.joined.pop()
    workers = psutil.Process(raylet_pid(victim))
    killed: set[int] = set()

    def kill_when_it_runs_programs() -> None:
        owned: set[int] = set()
        while not owned:
            owned = owners(running=True) & {one.pid for one in workers.children(recursive=True)}
        nodes.kill(victim)
        killed.update(owned)

    killer = threading.Thread(target=kill_when_it_runs_programs)
    killer.start()
    found = graded(there, "there")
    killer.join(60)
    assert len(killed) == 1
    assert found == expected
    assert [row["status"] for row in found if row["problem_id"] == "code/0"] == 30 * [
        *PROGRAMS.values()
    ]
    left = {psutil.Process(raylet_pid(node)) for node in nodes.joined}
    pids = {child.pid for node in left for child in node.children(recursive=True)}
    wait_for(lambda: not owners() & (killed | pids))


def owners(*, running: bool = False) -> set[int]:
    """The processes that own containers of sandboxes on this machine: all, or those that run."""
    client = docker.from_env()
    try:
        found = client.containers.list(
            all=not running, filters={"label": OWNED}, ignore_removed=True
        )
        return {int(one.labels[OWNED].split()[0]) for one in found}
    finally:
        client.close()
