"""The stage: problems -> the candidates of one round, as parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from factory import ledger
from factory.digest import digest
from factory.errors import RecipeError, TeacherError
from factory.generate.client import shown
from factory.generate.draw import Drawn, Missing, draw
from factory.generate.imported import import_candidates
from factory.generate.prompt import chat_template, render
from factory.generate.rounds import correct_by_problem, wanted
from factory.generate.store import CandidateStore, Completion, Identity
from factory.models import Model, resolve_model
from factory.parts import as_table, iter_parts, kept_part, part_name, write_part
from schemas.arrow import CANDIDATE, PROBLEM
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.problem import Problem
from schemas.recipe import Generate, ImportTeacher, OpenaiTeacher, VllmTeacher

FAILURE: Final = pa.schema(
    [
        pa.field("candidate_id", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("round", pa.int32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.large_string(), nullable=False),
    ]
)
"""Columns of `failures-*.parquet`: the evidence for every drop."""


def generate_candidates(
    problems_dir: Path,
    earlier: Sequence[tuple[Path, Path]],
    generate: Generate,
    *,
    round: int,
    seed: int,
    machine: Machine,
    store: Path,
    out_dir: Path,
    key: str,
    model: Model | None = None,
) -> StageResult:
    """The candidates that a round asks for, drawn where the store does not have them yet.

    Args:
        problems_dir: The finished artifact of `collect`.
        earlier: (generate folder, grade folder) of each round before.
        seed: Enters the identity: another seed draws other candidates.
        store: The candidate store, made where there is none; several runs may share it.
        model: Serve this one instead of the teacher that the recipe names.

    Returns:
        `candidates-*` ordered by (the problem's position, index) and `failures-*`; in the ledger,
        rows in are the candidates requested, dropped are `failed` and `overlong_prompt`. The store
        does not keep failures as answers: another recipe or round asks for them again.

    Raises:
        TeacherError: Servers could not start, refuse us, or are gone for good. What was drawn is
            in the store; the next run asks only for the rest.
        ImportedRowError: A file of existing generations is wrong.
        RecipeError: The teacher or a file that the recipe names does not exist.
    """
    teacher = generate.teacher
    if isinstance(teacher, ImportTeacher):
        return import_candidates(
            problems_dir, teacher, round=round, machine=machine, out_dir=out_dir, key=key
        )
    if isinstance(teacher, VllmTeacher):
        model = model or resolve_model(teacher.model, teacher.revision)
    elif model is not None:
        raise RecipeError(
            f"model {model.name}: expected engine `vllm` to serve it, found `{teacher.engine}`"
        )
    out_dir.mkdir(parents=True, exist_ok=True)
    with CandidateStore(store) as open_store:
        requested, missing = _plan(
            problems_dir, earlier, generate, model, open_store, round=round, seed=seed
        )
        drawn = Drawn()
        if missing:
            drawn = draw(
                missing,
                teacher,
                generate.sampling,
                model=model,
                machine=machine,
                store=open_store,
                out_dir=out_dir,
            )
        _must_have_answered(drawn)
        ids = [identity.candidate_id for identity in requested]
        known = open_store.known_ids(ids)
        parts = list(
            _write_candidates(
                open_store,
                [one for one in ids if one in known],
                round=round,
                rows_per_part=machine.rows_per_part,
                out_dir=out_dir,
                key=key,
            )
        )
        failed = [one for one in requested if one.candidate_id not in known]
        failures, drops = _failure_rows(open_store, failed, round=round)
    if failures:
        made_from = digest({"key": key, "rows": failures})
        table = as_table(failures, FAILURE)
        parts.append(write_part(out_dir, part_name("failures", 0), table, made_from=made_from))
    return StageResult(
        parts=parts,
        ledger=ledger.entry("generate", len(requested), len(known), drops),
        figures=_figures(len(requested), drawn),
    )


_TOLERATED_SHARE: Final = 0.05
_TOLERATED_FAILURES: Final = 16
"""So many candidates of a stage may fail, or this share of them, before the server is to blame."""


def _must_have_answered(drawn: Drawn) -> None:
    """A server that fails often is a broken machine, and no data.

    Raises:
        TeacherError: More requests failed than single bad ones explain; nothing is committed.
    """
    asked = drawn.candidates + drawn.failed
    tolerated = max(_TOLERATED_FAILURES, round(_TOLERATED_SHARE * asked))
    if drawn.failed and (not drawn.candidates or drawn.failed > tolerated):
        raise TeacherError(
            f"model servers {', '.join(map(shown, drawn.servers))}: expected at most {tolerated} "
            f"candidates to fail, found {drawn.failed} of {asked} after every retry; see the "
            f"servers' logs and run again, what was drawn is kept"
        )


def sampling_digest(generate: Generate, seed: int) -> str:
    """Digest of all that decides how tokens are drawn and that the prompt and model do not say."""
    teacher = generate.teacher
    engine: dict[str, Any] = {}
    if isinstance(teacher, VllmTeacher):
        engine = {"dtype": teacher.dtype, "vllm_args": teacher.vllm_args}
    return digest({"sampling": generate.sampling, "seed": seed, "engine": engine})


def _plan(
    problems_dir: Path,
    earlier: Sequence[tuple[Path, Path]],
    generate: Generate,
    model: Model | None,
    store: CandidateStore,
    *,
    round: int,
    seed: int,
) -> tuple[list[Identity], list[Missing]]:
    """Every identity that the round asks for, in order, and what of it has to be drawn."""
    correct = correct_by_problem(earlier)
    teacher = generate.teacher
    assert isinstance(teacher, VllmTeacher | OpenaiTeacher)
    name = model.identity if model else f"{teacher.model}@{teacher.revision}"
    sampling = sampling_digest(generate, seed)
    template = None
    requested: list[Identity] = []
    missing: list[Missing] = []
    for table in iter_parts(problems_dir, "problems", PROBLEM):
        asked = dict(wanted(table["problem_id"].to_pylist(), correct, generate, round=round))
        if asked and model is not None and template is None:
            template = chat_template(model)
        here: list[Missing] = []
        for row in table.to_pylist():
            if (indices := asked.get(row["problem_id"])) is None:
                continue
            rendered = render(Problem.model_validate(row), generate.prompt, template)
            here.append(
                Missing(
                    rendered,
                    [
                        Identity(row["problem_id"], index, name, sampling, rendered.digest)
                        for index in indices
                    ],
                )
            )
        known = store.known_ids(one.candidate_id for each in here for one in each.identities)
        for each in here:
            requested += each.identities
            rest = [one for one in each.identities if one.candidate_id not in known]
            if rest:
                missing.append(Missing(each.rendered, rest))
    return requested, missing


def _write_candidates(
    store: CandidateStore,
    ids: Sequence[str],
    *,
    round: int,
    rows_per_part: int,
    out_dir: Path,
    key: str,
) -> Iterator[PartFile]:
    for number, start in enumerate(range(0, len(ids), rows_per_part)):
        chunk = ids[start : start + rows_per_part]
        name = part_name("candidates", number)
        made_from = digest({"key": key, "ids": chunk})
        part = kept_part(out_dir, name, made_from=made_from)
        if part is None:
            rows = [_row(*stored, round=round) for stored in store.read(chunk)]
            part = write_part(out_dir, name, as_table(rows, CANDIDATE), made_from=made_from)
        yield part


def _row(identity: Identity, completion: Completion, *, round: int) -> dict[str, Any]:
    return {
        "candidate_id": identity.candidate_id,
        "problem_id": identity.problem_id,
        "index": identity.index,
        "round": round,
        "teacher": identity.teacher,
        "sampling_digest": identity.sampling_digest,
        "prompt_digest": identity.prompt_digest,
        "text": completion.text,
        "finish_reason": completion.finish_reason.value,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "seed": completion.seed,
        "label": None,
        "server": completion.server,
        "engine": completion.engine,
        "created_unix_s": completion.created_unix_s,
        "wall_s": completion.wall_s,
    }


def _failure_rows(
    store: CandidateStore, failed: Sequence[Identity], *, round: int
) -> tuple[list[dict[str, Any]], Counter[str]]:
    found = store.failures(identity.candidate_id for identity in failed)
    rows: list[dict[str, Any]] = []
    for identity in failed:
        if (failure := found.get(identity.candidate_id)) is None:
            continue
        rows.append(
            {
                "candidate_id": identity.candidate_id,
                "problem_id": identity.problem_id,
                "index": identity.index,
                "round": round,
                "reason": failure.reason.value,
                "detail": failure.detail,
            }
        )
    return rows, Counter(row["reason"] for row in rows)


def _figures(requested: int, drawn: Drawn) -> dict[str, Any]:
    return {
        "requested": requested,
        "drawn": drawn.candidates,
        "reused": requested - drawn.candidates - drawn.failed,
        "completion_tokens": drawn.tokens,
        "seconds": round_s(drawn.seconds),
        "startup_s": round_s(drawn.startup_s),
        "tokens_per_s": round_s(drawn.tokens / drawn.seconds) if drawn.seconds else 0.0,
        "engine": drawn.engine,
        "servers": len(drawn.servers),
    }


def round_s(value: float) -> float:
    """A measurement with three decimals, which is more than it is good for."""
    return float(f"{value:.3f}")
