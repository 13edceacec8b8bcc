"""A whole small run, written by hand: every end that a candidate can have stands in it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from factory.collect.stage import REJECTED
from factory.digest import file_sha256
from factory.generate.rows import FAILURE
from factory.parts import as_table, part_name, parts_digest, write_manifest, write_part
from factory.select.pass_rates import PASS_RATE
from factory.shard.description import Description
from schemas.arrow import CANDIDATE, CLUSTER, DROPPED, PROBLEM, SAMPLE, VERDICT
from schemas.manifest import LedgerEntry, Manifest, PartFile
from schemas.run import DatasetRef, Run, StageRef
from schemas.verdict import Status
from tests.unit.select.graded_artifacts import Graded, candidate_row, problem, verdict_row
from tests.unit.shard.sample_artifacts import sample

Row = dict[str, Any]
SELECT_DROPPED = pa.schema([one for one in DROPPED if one.name != "stage"])
JOURNEY = "journey-0"


def _verdict(one: Graded) -> Row:
    return verdict_row(one) | {"wall_s": 0.5}


def _dropped(candidate: str, problem_id: str, reason: str, detail: str = "") -> Row:
    return {
        "candidate_id": candidate,
        "problem_id": problem_id,
        "reason": reason,
        "detail": detail,
    }


def _failure(candidate: str, problem_id: str, index: int, detail: str) -> Row:
    row = _dropped(candidate, problem_id, "failed", detail)
    return {**row, "index": index, "round": 1}


def _sample(uuid: str, problem_id: str, *made_of: str, **fields: Any) -> Row:
    names = {"uuid": uuid, "problem_id": problem_id, "made_of": list(made_of) or [uuid]}
    return sample(1, **(names | fields)).model_dump(mode="json")


def _rate(problem_id: str, graded: int, correct: int, samples: int) -> Row:
    return {
        "problem_id": problem_id,
        "source": "words",
        "domain": "math",
        "category": "",
        "num_generations": graded,
        "correct": correct,
        "pass_rate": correct / graded,
        "completion_tokens": 10 * graded,
        "rewrite_tokens": 0,
        "samples": samples,
        "state": "solved" if correct else "given_up",
    }


def _rounds() -> list[list[Graded]]:
    """Problem `a`: a sample, a wrong one, a surplus one; `b`: a near duplicate of it, the parts of
    a journey (its end comes in round 2), and a contaminated one; round 3 rewrites one of `c`."""
    wrong = Status.INCORRECT
    verdict = {"extracted": "5", "method": "symbolic", "detail": "5 is not 4"}
    first = [
        Graded("a", 0, "<think>\ntwo and two\n</think>\n\n4", tokens=12),
        Graded("a", 1, "<think>\ntwo and three\n</think>\n\n5", wrong, verdict=verdict),
        Graded("a", 2, "<think>\nanother way\n</think>\n\n4"),
        Graded("b", 0, "<think>\ntwo and  two\n</think>\n\n4"),
        Graded("b", 1, "<think>\nat first\n</think>\n\n5", wrong, verdict=verdict),
        Graded("c", 0, "<think>\nin short\n</think>\n\n4"),
    ]
    second = [
        Graded("b", 2, "<think>\nin the end\n</think>\n\n4", round=2),
        Graded("b", 3, "<think>\nas in the test\n</think>\n\n4", round=2),
    ]
    third = [Graded("c", 0, "<think>\nanew\n</think>\n\n4", round=3, rewrites="c-0")]
    return [first, second, third]


@dataclass
class Rows:
    """All rows of a run, for a test to spoil."""

    problems: list[Row] = field(
        default_factory=lambda: [
            problem(name, source=source, domain=domain).model_dump(mode="json")
            for name, source, domain in (
                ("a", "words", "math"),
                ("b", "sets", "math"),
                ("c", "riddles", "logic"),
            )
        ]
    )
    rejected: list[Row] = field(
        default_factory=lambda: [
            {
                "problem_id": "words/9",
                "source": "words",
                "reason": "gold_rejected",
                "detail": "incorrect: 7 is not 8",
            }
        ]
    )
    candidates: list[list[Row]] = field(
        default_factory=lambda: [[candidate_row(one) for one in some] for some in _rounds()]
    )
    failures: list[list[Row]] = field(
        default_factory=lambda: [[_failure("c-1", "c", 1, "400: too long")], [], []]
    )
    verdicts: list[list[Row]] = field(
        default_factory=lambda: [[_verdict(one) for one in some] for some in _rounds()]
    )
    samples: list[Row] = field(
        default_factory=lambda: [
            _sample("a-0", "a", source="words"),
            _sample("b-0", "b", source="sets"),
            _sample("b-3", "b", source="sets"),
            _sample("c-0-form", "c", source="riddles", domain="logic", form="rewritten"),
            _sample(JOURNEY, "b", "b-1", "b-2", source="sets", form="journey"),
        ]
    )
    dropped: list[Row] = field(
        default_factory=lambda: [
            _dropped("a-1", "a", "incorrect", "symbolic: 5 is not 4"),
            _dropped("a-2", "a", "surplus", "per_problem 1, random"),
            _dropped("b-1", "b", "merged", f"journey {JOURNEY}"),
            _dropped("c-0", "c", "rewritten", "as c-0-form"),
        ]
    )
    pass_rates: list[Row] = field(
        default_factory=lambda: [
            _rate("a", 3, 2, 1),
            _rate("b", 4, 3, 3),
            _rate("c", 1, 1, 1),
        ]
    )
    published: list[str] = field(default_factory=lambda: ["a-0", JOURNEY, "c-0-form"])
    shard_dropped: list[Row] = field(
        default_factory=lambda: [
            _dropped("b-0", "b", "near_duplicate"),
            _dropped("b-3", "b", "contaminated_sample", "gsm8k 7: four and four"),
        ]
    )
    clusters: list[Row] = field(
        default_factory=lambda: [
            {
                "uuid": uuid,
                "problem_id": uuid[0],
                "cluster_id": "cluster-1",
                "kept": uuid == "a-0",
                "similarity": 0.913,
            }
            for uuid in ("a-0", "b-0")
        ]
    )


def _keep(rows: Rows) -> None:
    """Spoil nothing."""


def write_run(
    root: Path,
    spoil: Callable[[Rows], object] = _keep,
    *,
    ledgers: dict[str, LedgerEntry] | None = None,
) -> Path:
    """A machine file whose latest run is this one.

    Args:
        spoil: Changes the rows; the ledgers that manifests say stay those of the whole run.
        ledgers: Stage -> what its manifest says in place of the truth.
    """
    said = _said(Rows()) | (ledgers or {})
    rows = Rows()
    spoil(rows)
    stages: list[StageRef] = []

    def artifact(
        stage: str, key: str, parts: dict[str, tuple[Sequence[Row], pa.Schema]], inputs: list[str]
    ) -> Path:
        folder = root / "artifacts" / stage / f"unit-{key}"
        written = [
            write_part(folder, part_name(kind, 0), as_table(some, schema), made_from="test")
            for kind, (some, schema) in parts.items()
        ]
        _manifest(folder, stage, key, written, said[key], dict(zip(inputs, inputs, strict=True)))
        ref = StageRef(task="Unit", stage=stage, key=key, path=str(folder), wall_s=0.0)
        stages.append(ref)
        return folder

    artifact(
        "collect",
        "collect",
        {"problems": (rows.problems, PROBLEM), "rejected": (rows.rejected, REJECTED)},
        [],
    )
    names: list[str] = []
    for number in (1, 2, 3):
        candidates, failures = rows.candidates[number - 1], rows.failures[number - 1]
        verdicts = rows.verdicts[number - 1]
        drawn = {"candidates": (candidates, CANDIDATE), "failures": (failures, FAILURE)}
        artifact("generate", f"generate{number}", drawn, ["collect"])
        graded = {"verdicts": (verdicts, VERDICT)}
        artifact("grade", f"grade{number}", graded, [f"generate{number}"])
        names += [f"generate{number}", f"grade{number}"]
    selected = {
        "samples": (rows.samples, SAMPLE),
        "dropped": (rows.dropped, SELECT_DROPPED),
        "pass_rates": (rows.pass_rates, PASS_RATE),
    }
    artifact("select", "select", selected, ["collect", *names])
    artifact("shard", "shard", {}, ["select"])
    dataset = root / "datasets" / "unit" / "1.0.0"
    summed = _summed(said)
    _write_dataset(dataset, rows, summed)
    run = Run(
        run="unit-1",
        recipe="unit",
        target="BuildDataset",
        stages=stages,
        ledger=summed,
        scores=[],
        dataset=DatasetRef(path=str(dataset), version="1.0.0", digest="d", rows=3),
        students=[],
    )
    folder = root / "runs" / run.run
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(run.model_dump_json(), encoding="utf-8")
    (root / "runs" / "latest").symlink_to(run.run)
    machine = root / "machine.toml"
    machine.write_text(f'[paths]\nruns = "{root}/runs"\n', encoding="utf-8")
    return machine


def _said(rows: Rows) -> dict[str, LedgerEntry]:
    """Key -> the ledger of its artifact."""

    def entry(stage: str, out: Sequence[object], drops: Sequence[Row]) -> LedgerEntry:
        reasons = dict(Counter(one["reason"] for one in drops))
        rows_in = len(out) + len(drops)
        return LedgerEntry(stage=stage, rows_in=rows_in, rows_out=len(out), drops=reasons)

    found = {"collect": entry("collect", rows.problems, rows.rejected)}
    for number, (candidates, failures, verdicts) in enumerate(
        zip(rows.candidates, rows.failures, rows.verdicts, strict=True), start=1
    ):
        found[f"generate{number}"] = entry("generate", candidates, failures)
        found[f"grade{number}"] = entry("grade", verdicts, [])
    found["select"] = entry("select", rows.samples, rows.dropped)
    found["shard"] = entry("shard", rows.published, rows.shard_dropped)
    return found


def _summed(said: dict[str, LedgerEntry]) -> list[LedgerEntry]:
    summed: dict[str, LedgerEntry] = {}
    for one in said.values():
        had = summed.get(one.stage, LedgerEntry(stage=one.stage, rows_in=0, rows_out=0))
        summed[one.stage] = LedgerEntry(
            stage=one.stage,
            rows_in=had.rows_in + one.rows_in,
            rows_out=had.rows_out + one.rows_out,
            drops=dict(Counter(had.drops) + Counter(one.drops)),
        )
    return list(summed.values())


def _manifest(
    folder: Path,
    stage: str,
    key: str,
    parts: list[PartFile],
    ledger: LedgerEntry,
    inputs: dict[str, str],
) -> None:
    manifest = Manifest(
        stage=stage,
        recipe="unit",
        key=key,
        code_version=1,
        inputs=inputs,
        parts=parts,
        digest=parts_digest(parts),
        ledger=ledger,
        figures={},
        created_unix_s=0.0,
        wall_s=0.0,
        versions={},
    )
    write_manifest(folder, manifest)


def _write_dataset(folder: Path, rows: Rows, ledger: list[LedgerEntry]) -> None:
    by_uuid = {one["uuid"]: one for one in rows.samples}
    cluster = {one["uuid"]: one["cluster_id"] for one in rows.clusters}
    data = [
        by_uuid[uuid] | {"dedup_cluster_id": cluster.get(uuid)}
        for uuid in rows.published
        if uuid in by_uuid
    ]
    dropped = [
        *(row | {"stage": "select"} for row in rows.dropped),
        *(row | {"stage": "shard"} for row in rows.shard_dropped),
    ]
    files = [
        _file(folder, path, some, schema)
        for path, some, schema in (
            ("data/train-00000-of-00001.parquet", data, SAMPLE),
            ("ledger/dropped-00000-of-00001.parquet", dropped, DROPPED),
            ("ledger/clusters-00000-of-00001.parquet", rows.clusters, CLUSTER),
        )
    ]
    about = Description(
        name="unit",
        version="1.0.0",
        rows=3,
        digest="d",
        files=files,
        columns=SAMPLE.names,
        recipe="unit",
        upstream={"select": "select"},
        ledger=ledger,
    )
    (folder / "dataset.json").write_text(about.model_dump_json(), encoding="utf-8")


def _file(folder: Path, path: str, rows: Sequence[Row], schema: pa.Schema) -> PartFile:
    place = folder / path
    written = write_part(place.parent, place.name, as_table(rows, schema), made_from="test")
    return PartFile(path=path, rows=written.rows, bytes=written.bytes, sha256=file_sha256(place))
