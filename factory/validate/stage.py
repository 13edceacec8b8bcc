"""student -> scores: every suite's problems asked through vLLM and graded as the data was.

The model is served once for all suites. Problems, candidates and verdicts are artifacts of their
own inside the folder, each with its manifest, so that a killed validation goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.artifact import commit
from factory.digest import canonical_json, file_sha256
from factory.grade.stage import grade_candidates
from factory.ledger import entry
from factory.parts import MANIFEST, read_manifest, write_atomically
from factory.run_record import SCORES_FILE
from factory.validate.answered import Subject, answered, answerer_of
from factory.validate.asked import ask_all
from factory.validate.best_of import best_by_suite
from factory.validate.outcome import answers_by_problem, by_suite, in_order
from factory.validate.rating_stage import rate_candidates
from factory.validate.settings import SETTINGS_FILE, validation_settings
from factory.validate.suite_figures import suite_figures
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.manifest import Manifest, PartFile, StageResult
from schemas.score import Score
from schemas.validate_settings import Suite, Validate


def validate_model(
    suites: Sequence[tuple[Suite, Path]],
    validate: Validate,
    grade: Grade,
    *,
    model: Subject,
    role: str,
    name: str,
    arch: str,
    machine: Machine,
    store: Path,
    vllm_args: Mapping[str, Any] | None = None,
    out_dir: Path,
    key: str,
) -> StageResult:
    """The scores of one model, in `scores.json`, sorted by suite and metric.

    Each suite has pass@1 and the metrics of its `metric_k`; the suite `all` has pass@1 and every
    other metric that all suites have, over all problems (maj@k: over those whose answers can be
    compared), so that each problem weighs the same. Candidates that failed, were cut or gave no
    answer count as wrong. Rows in are the candidates asked for, rows out those graded.

    Args:
        suites: Each with the artifact of its collected problems.
        model: Whose answers are measured: one that is served here, one behind the endpoints of the
            machine file, or responses that are there already.
        store: The candidate store; a validation that was drawn before draws nothing.

    Raises:
        SourceError: A suite has no problem.
        TeacherError: The model could not be served.
        GraderError, SandboxUnavailable: The machinery of a grader broke.
    """

    def part_of(kind: str, work: Callable[[Path], StageResult]) -> Manifest:
        """A finished artifact inside the folder; made only where it is not there yet."""
        folder = out_dir / kind
        if not (folder / MANIFEST).exists():
            commit(
                folder,
                lambda: work(folder),
                stage=f"validate:{kind}",
                recipe=name,
                key=key,
                code_version=1,
                inputs={},
            )
        return read_manifest(folder)

    problems_dir, candidates_dir = out_dir / "problems", out_dir / "candidates"
    asked = part_of("problems", lambda folder: ask_all(suites, validate.prompt, folder, key))
    drawn = part_of(
        "candidates",
        lambda folder: answered(
            suites,
            validate,
            model,
            problems_dir=problems_dir,
            machine=machine,
            store=store,
            vllm_args=vllm_args or {},
            out_dir=folder,
            key=key,
        ),
    )
    graded = part_of(
        "verdicts",
        lambda folder: grade_candidates(
            problems_dir, candidates_dir, grade, machine=machine, out_dir=folder, key=key
        ),
    )

    made = {"problems": asked, "candidates": drawn, "verdicts": graded}
    if (best_of := validate.best_of) is not None:
        made["ratings"] = part_of(
            "ratings",
            lambda folder: rate_candidates(
                problems_dir,
                candidates_dir,
                best_of,
                machine=machine,
                store=store,
                out_dir=folder,
                key=key,
            ),
        )

    by = answerer_of(validate, model, vllm_args or {})
    drawn_of = {suite.name: validate.k_of(suite) for suite, _ in suites}
    answers = answers_by_problem(out_dir, drawn_of, grade, machine)
    found_of = by_suite(suites, answers)
    if best_of is not None:
        for suite, best in best_by_suite(out_dir, drawn_of, best_of.n).items():
            found_of[suite] |= best
    scores = [
        Score.model_validate(
            {
                "model": name,
                "role": role,
                "arch": arch,
                "suite": suite,
                "metric": metric,
                "temperature": None if by is None else validate.sampling.temperature,
                "k": drawn_of.get(suite, min(drawn_of.values())),
                "seed": validate.seed,
                "value": found.value,
                "stderr": found.stderr,
                "stderr_candidates": found.stderr_candidates,
                "low": found.low,
                "high": found.high,
                "n": found.n,
            }
        )
        for suite, metric, found in in_order(found_of)
    ]
    write_atomically(out_dir / SCORES_FILE, (canonical_json(scores) + "\n").encode())
    settings = validation_settings(
        suites,
        validate,
        grade,
        model=model,
        by=by,
        vllm_args=vllm_args or {},
        out_dir=out_dir,
    )
    text = json.dumps(settings, ensure_ascii=False, indent=2) + "\n"
    write_atomically(out_dir / SETTINGS_FILE, text.encode("utf-8", "surrogatepass"))
    parts = [
        _file_part(out_dir / SCORES_FILE, rows=len(scores)),
        _file_part(out_dir / SETTINGS_FILE, rows=0),
    ]
    for kind, manifest in made.items():
        parts += [
            part.model_copy(update={"path": f"{kind}/{part.path}"}) for part in manifest.parts
        ]
    return StageResult(
        parts=parts,
        ledger=entry(
            f"validate:{role}:{name}",
            drawn.ledger.rows_in,
            graded.ledger.rows_out,
            drawn.ledger.drops,
        ),
        figures={
            **suite_figures(out_dir, answers),
            "generate": drawn.figures,
            "grade": graded.figures,
            **({"ratings": made["ratings"].figures} if best_of is not None else {}),
        },
    )


def _file_part(path: Path, rows: int) -> PartFile:
    return PartFile(path=path.name, rows=rows, bytes=path.stat().st_size, sha256=file_sha256(path))
