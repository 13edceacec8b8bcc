"""The stage `grade`: one verdict per candidate, part by part, and resuming."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from factory.errors import GraderError, ManifestMismatch
from factory.grade.stage import grade_candidates
from factory.ledger import entry
from factory.parts import as_table, part_name, parts_digest, read_part, write_manifest, write_part
from factory.shown.status import State, listen
from schemas.arrow import CANDIDATE, PROBLEM, VERDICT
from schemas.grade_settings import Grade, GradeJudge
from schemas.machine import Machine
from schemas.manifest import Manifest, PartFile, StageResult


def finish(folder: Path, stage: str, parts: list[PartFile]) -> Path:
    rows = sum(part.rows for part in parts)
    manifest = Manifest(
        stage=stage,
        recipe="test",
        key="0" * 12,
        code_version=1,
        inputs={},
        parts=parts,
        digest=parts_digest(parts),
        ledger=entry(stage, rows, rows, {}),
        figures={},
        created_unix_s=0.0,
        wall_s=0.0,
        versions={},
    )
    write_manifest(folder, manifest)
    return folder


def problem(problem_id: str, gold: str, grader: str = "math") -> dict[str, Any]:
    empty = dict.fromkeys(("category", "level", "solution"), "")
    return {
        **empty,
        "problem_id": problem_id,
        "statement": f"Problem {problem_id}?",
        "gold": gold,
        "grader": grader,
        "domain": "math",
        "source": "test",
        "license": "MIT",
        "reasoning": True,
        "history": [],
        "author": "",
    }


def candidate(
    problem_id: str, index: int, text: str, reason: str = "stop", rewrites: str | None = None
) -> dict[str, Any]:
    return {
        "candidate_id": f"{problem_id}-{index}",
        "problem_id": problem_id,
        "index": index,
        "round": 1,
        "teacher": "t@1",
        "sampling_digest": "s",
        "prompt_digest": "p",
        "text": text,
        "finish_reason": reason,
        "prompt_tokens": None,
        "completion_tokens": 3,
        "seed": 0,
        "rewrites": rewrites,
        "label": None,
        "server": "http://127.0.0.1",
        "engine": "test",
        "created_unix_s": 0.0,
        "wall_s": None,
    }


def collected(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    part = write_part(folder, part_name("problems", 0), as_table(rows, PROBLEM), made_from="x")
    return finish(folder, "collect", [part])


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    rows = [
        problem("s/0", r"\sqrt{12}"),
        problem("s/1", "B", "choice"),
        problem("s/2", "yes", "text"),
    ]
    return collected(tmp_path / "collect", rows)


def candidates(folder: Path, parts: Sequence[Sequence[dict[str, Any]]]) -> Path:
    written = [
        write_part(folder, part_name("candidates", at), as_table(rows, CANDIDATE), made_from="x")
        for at, rows in enumerate(parts)
    ]
    return finish(folder, "generate", written)


def run(
    problems: Path, drawn: Path, out: Path, key: str = "k", before: Sequence[Path] = ()
) -> StageResult:
    return grade_candidates(
        problems, drawn, Grade(), machine=Machine(workers=1), out_dir=out, key=key, before=before
    )


def verdicts(out: Path, result: StageResult) -> dict[str, dict[str, Any]]:
    """The verdicts by candidate."""
    return {
        row["candidate_id"]: row
        for part in result.parts
        if part.path.startswith("verdicts-")
        for row in read_part(out, part, VERDICT).to_pylist()
    }


PARTS = [
    [candidate("s/0", 0, r"\boxed{2\sqrt{3}}"), candidate("s/1", 0, "The answer is B."),
     candidate("s/0", 1, r"\boxed{3\sqrt{2}}"), candidate("s/2", 0, "Yes.")],
    [candidate("s/1", 1, "<think>B", "length"), candidate("s/0", 2, "I have no idea")],
]  # fmt: skip


def test_each_candidate_has_one_verdict_at_its_place(problems: Path, tmp_path: Path) -> None:
    drawn = candidates(tmp_path / "generate", PARTS)
    result = run(problems, drawn, tmp_path / "grade")
    assert [part.path for part in result.parts] == [
        "verdicts-00000.parquet",
        "verdicts-00001.parquet",
    ]
    found = [read_part(tmp_path / "grade", part, VERDICT).to_pylist() for part in result.parts]
    assert [[row["candidate_id"] for row in rows] for rows in found] == [
        [row["candidate_id"] for row in rows] for rows in PARTS
    ]
    assert [[row["status"] for row in rows] for rows in found] == [
        ["correct", "correct", "incorrect", "correct"],
        ["truncated", "unparsable"],
    ]
    assert result.ledger == entry("grade", 6, 6, {})
    assert result.figures["statuses"]["correct"] == 3
    assert result.figures["graded_by_domain"] == {"math": 6}
    assert result.figures["accepted_by_domain"] == {"math": 3}


def test_a_finished_part_is_kept_and_a_damaged_one_is_made_again(
    problems: Path, tmp_path: Path
) -> None:
    drawn = candidates(tmp_path / "generate", PARTS)
    first = run(problems, drawn, tmp_path / "grade")
    kept, damaged = (tmp_path / "grade" / part.path for part in first.parts)
    before = kept.stat().st_mtime_ns
    damaged.write_bytes(b"PAR1")
    second = run(problems, drawn, tmp_path / "grade")
    assert kept.stat().st_mtime_ns == before
    assert [part.rows for part in second.parts] == [4, 2]
    assert run(problems, drawn, tmp_path / "grade").parts == second.parts


def test_another_key_grades_again(problems: Path, tmp_path: Path) -> None:
    drawn = candidates(tmp_path / "generate", PARTS)
    run(problems, drawn, tmp_path / "grade")
    before = (tmp_path / "grade" / "verdicts-00000.parquet").stat().st_mtime_ns
    run(problems, drawn, tmp_path / "grade", key="other")
    assert (tmp_path / "grade" / "verdicts-00000.parquet").stat().st_mtime_ns != before


def test_a_candidate_of_an_unknown_problem_is_an_error(problems: Path, tmp_path: Path) -> None:
    drawn = candidates(tmp_path / "generate", [[candidate("s/9", 0, "5")]])
    with pytest.raises(ManifestMismatch, match=r"candidate s/9-0 answers problem 's/9'"):
        run(problems, drawn, tmp_path / "grade")


def test_a_problem_whose_grader_is_not_installed_is_an_error_with_its_remedy(
    tmp_path: Path,
) -> None:
    problems = collected(tmp_path / "collect", [problem("s/0", "x", "of-a-package")])
    drawn = candidates(tmp_path / "generate", [[candidate("s/0", 0, "x")]])
    with pytest.raises(GraderError, match=r"found 'of-a-package'; .*install the package"):
        run(problems, drawn, tmp_path / "grade")


MORE = {
    "number": ("3.14 ± 0.01", "The answer is 3.145", "The answer is 3.2"),
    "exact": ("a_b", "a_b", "a b"),
    "format": ("", "<think>a</think>\\boxed{1}", "<think>a</think>1"),
    "language": ("ko", "답은 다섯입니다", "The answer is five"),
    "choice": ("\\text{(B)}", "The answer is B", "The answer is A or B"),
}


def test_every_grader_that_needs_no_sandbox_grades_in_the_stage(tmp_path: Path) -> None:
    rows = [problem(f"s/{name}", gold, name) for name, (gold, _, _) in MORE.items()]
    problems = collected(tmp_path / "collect", rows)
    answers = [
        candidate(f"s/{name}", index, text)
        for name, (_, right, wrong) in MORE.items()
        for index, text in enumerate((right, wrong))
    ]
    result = run(problems, candidates(tmp_path / "generate", [answers]), tmp_path / "grade")
    found = read_part(tmp_path / "grade", result.parts[0], VERDICT).to_pylist()
    assert [row["status"] == "correct" for row in found] == [True, False] * len(MORE)


def test_no_candidates_are_no_parts(problems: Path, tmp_path: Path) -> None:
    drawn = candidates(tmp_path / "generate", [])
    result = run(problems, drawn, tmp_path / "grade")
    assert result.parts == [] and result.ledger.rows_in == 0


def test_a_meter_hears_of_every_verdict_also_of_those_that_were_kept(
    problems: Path, tmp_path: Path
) -> None:
    drawn = candidates(tmp_path / "generate", PARTS)
    for _ in range(2):
        states: list[State] = []
        with listen(states.append):
            run(problems, drawn, tmp_path / "grade")
        last = states[-1]
        assert (last.label, last.done, last.total) == ("grade", last.total, last.total)
        assert "accept" in last.line


def test_where_a_judge_graded_its_settings_are_among_the_figures(tmp_path: Path) -> None:
    problems = collected(tmp_path / "collect", [problem("s/0", "4", "judge"), problem("s/1", "4")])
    unasked = [candidate("s/0", 0, "<think>so", "length"), candidate("s/1", 0, "4")]
    grade = Grade(judge=GradeJudge(model="arbiter"))
    for name, rows, found in (("1", unasked, "arbiter"), ("2", unasked[1:], None)):
        result = grade_candidates(
            problems,
            candidates(tmp_path / f"generate-{name}", [rows]),
            grade,
            machine=Machine(workers=1),
            out_dir=tmp_path / f"grade-{name}",
            key="k",
        )
        assert result.figures.get("judge", {}).get("model") == found


# ------------------------------------------------------------------------- problems without a gold


def ballots(problem_id: str, *answers: str) -> list[dict[str, Any]]:
    return [
        candidate(problem_id, index, f"\\boxed{{{answer}}}") for index, answer in enumerate(answers)
    ]


VOTING = [problem("v/0", "", "majority"), problem("v/1", "", "majority"), problem("s/0", "5")]
BALLOTS = [
    *ballots("v/0", "1/2", "0.5", "2", r"\frac{1}{2}", ".5"),
    *ballots("s/0", "5", "6"),
    *ballots("v/1", "1", "2", "3", "4"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_vote_sees_all_candidates_of_its_problem_whatever_part_they_are_in(
    size: int, tmp_path: Path
) -> None:
    problems = collected(tmp_path / "collect", VOTING)
    parts = [BALLOTS[first : first + size] for first in range(0, len(BALLOTS), size)]
    result = run(problems, candidates(tmp_path / "generate", parts), tmp_path / "grade")
    found = verdicts(tmp_path / "grade", result)
    assert list(found) == [row["candidate_id"] for row in BALLOTS]
    assert [one["status"] for one in found.values()] == [
        *("correct", "correct", "incorrect", "correct", "correct"),
        *("correct", "incorrect"),
        *["no_majority"] * 4,
    ]
    assert found["v/0-0"]["extracted"] == ".5"
    assert (found["v/0-2"]["extracted"], found["v/0-2"]["detail"]) == ("2", "4 of 5 votes")
    assert result.ledger == entry("grade", 11, 11, {})


def test_a_stage_that_was_killed_goes_on_by_the_same_votes(tmp_path: Path) -> None:
    problems = collected(tmp_path / "collect", VOTING)
    drawn = candidates(tmp_path / "generate", [BALLOTS[:2], BALLOTS[2:]])
    first = run(problems, drawn, tmp_path / "grade")
    kept = (tmp_path / "grade" / "verdicts-00000.parquet").stat().st_mtime_ns
    for name in ("votes-00000", "verdicts-00001"):
        (tmp_path / "grade" / f"{name}.parquet").unlink()
    second = run(problems, drawn, tmp_path / "grade")
    assert (tmp_path / "grade" / "verdicts-00000.parquet").stat().st_mtime_ns == kept
    before, after = (verdicts(tmp_path / "grade", one) for one in (first, second))
    for one in (*before.values(), *after.values()):
        del one["wall_s"]
    assert before == after


def test_other_votes_in_a_later_part_grade_an_earlier_one_again(tmp_path: Path) -> None:
    problems = collected(tmp_path / "collect", VOTING)
    drawn = candidates(tmp_path / "generate", [BALLOTS[:2], BALLOTS[2:]])
    run(problems, drawn, tmp_path / "grade")
    turned = [candidate("v/0", index, "\\boxed{7}") for index in range(2, 9)]
    drawn = candidates(tmp_path / "generate", [BALLOTS[:2], turned])
    found = verdicts(tmp_path / "grade", run(problems, drawn, tmp_path / "grade"))
    assert found["v/0-0"]["status"] == "incorrect"
    assert found["v/0-8"]["detail"] == "7 of 9 votes"


def test_rewritten_forms_are_graded_by_the_vote_on_what_was_rewritten(tmp_path: Path) -> None:
    problems = collected(tmp_path / "collect", VOTING)
    drawn = candidates(tmp_path / "generate", [BALLOTS])
    graded = run(problems, drawn, tmp_path / "grade")
    finish(tmp_path / "grade", "grade", graded.parts)
    forms = [
        candidate("v/0", 20, r"It is \boxed{\dfrac{2}{4}}.", rewrites="v/0-0"),
        candidate("v/0", 21, r"It is \boxed{2}.", rewrites="v/0-1"),
    ]
    rewritten = candidates(tmp_path / "rewrite", [forms])
    result = run(problems, rewritten, tmp_path / "again", before=[tmp_path / "grade"])
    found = verdicts(tmp_path / "again", result)
    assert [(one["status"], one["extracted"]) for one in found.values()] == [
        ("correct", ".5"),
        ("incorrect", "2"),
    ]
    assert {(one["passed"], one["total"]) for one in found.values()} == {(4, 5)}
    with pytest.raises(ManifestMismatch, match=r"v/0-20 is a rewritten form, expected a vote"):
        run(problems, rewritten, tmp_path / "alone")
