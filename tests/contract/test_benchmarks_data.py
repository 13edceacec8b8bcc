"""Benchmarks of the data stage: what they plant is there, what they count is right."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from factory.errors import ManifestMismatch
from factory.parts import read_manifest, read_part
from factory.recipe_file import ROOT, data_root
from schemas.arrow import CANDIDATE

pytestmark = pytest.mark.skipif(
    not (data_root() / "gsm8k" / "train.jsonl").exists(),
    reason=f"no data at {data_root()}; set RETORT_DATA",
)


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the benchmarks as it is when they are run."""
    for folder in ("benchmarks/dedupe_ways", "benchmarks"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    return importlib.import_module


def test_documents_are_the_same_twice_and_duplicates_resemble(modules: Any, tmp_path: Path) -> None:
    documents, texts = modules("made_texts.documents"), modules("made_texts.texts")
    made = documents.write_documents(tmp_path / "a", 400)
    again = documents.write_documents(tmp_path / "b", 400)
    assert made.parquet.read_bytes() == again.parquet.read_bytes()
    rows = pq.read_table(made.parquet)["text"].to_pylist()
    similar = [texts.jaccard(rows[a].split(), rows[b].split(), 5) for a, b in made.pairs]
    assert len(made.pairs) == 28
    assert min(similar) < 0.85 < max(similar)
    assert sum(one == 1.0 for one in similar) >= 4, "exact but for white space"
    chance = [texts.jaccard(rows[a].split(), rows[a + 1].split(), 5) for a in range(0, 300, 7)]
    assert sorted(chance)[len(chance) // 2] < 0.05
    words, change = modules("made_texts.pieces").words, modules("made_texts.spans").Change
    for row, overlap in made.overlaps.items():
        if overlap.change is not change.WITHIN:
            span = set(texts.runs(words(overlap.item.text), documents.SPAN_WORDS))
            assert span & set(texts.runs(words(rows[row]), documents.SPAN_WORDS))


def test_scores_count_pairs_rows_and_clusters(modules: Any) -> None:
    score = modules("dedupe_ways.score")
    ten = "a b c d e f g h i j"
    rows = [ten, ten.upper(), "k l m n o p q r s t", f"{ten} x", "something else entirely here now"]
    truth = score.Truth(rows, [(0, 1)], words=score.between_spaces, length=5, threshold=0.8)
    found = [0, 0, 0, 0, -1]
    known = truth.known([found])
    assert known == {(0, 1): 1.0, (0, 3): 6 / 7, (1, 3): 6 / 7}
    whole = truth.score(found, known)
    assert (whole.recall, whole.pairs, whole.clusters) == (1.0, 3, 1)
    assert whole.precision == 3 / 4, "the third row resembles nobody"
    part = truth.score([0, 0, -1, -1, -1], known)
    assert (part.recall, part.precision) == (1 / 3, 1.0)


def test_rows_are_joined_under_the_smallest(modules: Any) -> None:
    union = modules("work").Union(6)
    for one, other in ((4, 2), (5, 4), (1, 0)):
        union.join(one, other)
    assert union.labels() == [0, 0, 2, -1, 2, 2]


def test_made_artifacts_are_whole_and_each_text_can_be_made_alone(
    modules: Any, tmp_path: Path
) -> None:
    graded = modules("made_texts.graded")
    made = graded.write_graded(tmp_path, 1200, workers=1)
    manifest = read_manifest(made.candidates)
    rows = read_part(made.candidates, manifest.parts[0], CANDIDATE)
    assert (made.samples, rows.num_rows) == (1200, made.rows)
    planted = pq.read_table(tmp_path / "planted-00000.parquet").to_pylist()
    texts = dict(zip(rows["candidate_id"].to_pylist(), rows["text"].to_pylist(), strict=True))
    kinds = {one["kind"] for one in planted}
    assert {"near_within", "exact"} <= kinds
    for one in planted:
        if one["kind"] == "exact":
            assert texts[one["candidate_id"]].split() == texts[one["of"]].split()
        if one["kind"].startswith("near"):
            assert texts[one["candidate_id"]] != texts[one["of"]]
    problem = rows["problem_id"].to_pylist().index("made-words/0000007")
    alone = graded.trace(7, 0, 0).text
    assert rows["text"][problem].as_py() == alone, "made alone, the same"


@pytest.mark.slow
def test_dedupe_beside_python_finds_what_was_planted(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    command = ("benchmarks/dedupe.py", "--documents", "600", "--repeats", "1")
    run(*command, "--json", str(result), "--folder", str(tmp_path))
    found = json.loads(result.read_text(encoding="utf-8"))
    near = found["figures"]["near"]["ours"]["white space"]
    assert near["recall"] == near["precision"] == 1.0
    overlaps = found["figures"]["overlaps"]
    assert overlaps["ours"]["punctuated"] == overlaps["Python"]["punctuated"] == 1.0
    assert overlaps["ours"]["within words"] == 1.0
    assert found["decontaminate_vs_python"] > 0


@pytest.mark.slow
def test_the_data_stage_finds_what_was_planted_and_adds_up(modules: Any, tmp_path: Path) -> None:
    run_one = modules("data_stages.run_one")
    made = modules("made_texts.graded").write_graded(tmp_path, 1200, workers=1)
    select, shard = (run_one.run_stage(stage, tmp_path, 1) for stage in ("select", "shard"))
    assert select.ledger.rows_in == made.rows
    assert shard.ledger.rows_in == select.ledger.rows_out
    found = modules("data_stages.planted").found_of_planted(tmp_path)
    assert found["clusters"] == found["clusters_with_one_survivor"] > 0
    recalls = {kind: one["recall"] for kind, one in found["planted"].items() if one["planted"]}
    assert recalls == dict.fromkeys(recalls, 1.0)
    assert {"contaminated", "near_within", "exact"} <= recalls.keys()
    run_one.run_ledger(tmp_path)
    (tmp_path / "select" / "pass_rates-00000.parquet").unlink()
    with pytest.raises(ManifestMismatch):
        run_one.run_ledger(tmp_path)


def test_what_a_command_takes_is_that_of_all_its_processes(modules: Any) -> None:
    watched = modules("data_stages.watch").watched
    busy = (
        "import time; held = bytearray(60_000_000); e = time.time() + 1\nwhile time.time() < e: 0"
    )
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}], check=True)"
    took = watched([sys.executable, "-c", child])
    assert took.cpu_s > 0.1
    assert took.peak_anonymous_bytes > 60_000_000
    with pytest.raises(SystemExit, match="exit status 3"):
        watched([sys.executable, "-c", "raise SystemExit(3)"])


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
