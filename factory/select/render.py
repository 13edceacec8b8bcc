"""The rows of a bucket as they are published: samples, journeys and preference pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factory.digest import canonical_json
from factory.generate.prompt import messages_for
from factory.parts import as_table
from factory.problem_file import ProblemFile
from factory.select.cases import Prompts
from factory.select.journeys import journey_of
from factory.select.preference import pair_row
from schemas.arrow import MESSAGES, PREFERENCE, SAMPLE
from schemas.problem import GraderName, Problem
from schemas.sample import Form, Sample

_EVIDENCE_CHARS: Final = 300
_OF_PROBLEM: Final = {
    "problem_id": "problem_id",
    "source": "source",
    "domain": "domain",
    "category": "category",
    "problem": "statement",
    "license": "license",
}
_OF_CANDIDATE: Final = {
    "generation_model": "teacher",
    "finish_reason": "finish_reason",
    "num_tokens": "completion_tokens",
}


def sample_table(
    rows: pl.DataFrame, texts: pa.Table, problems: ProblemFile, prompts: Prompts, *, verified: bool
) -> pa.Table:
    """`schemas.arrow.SAMPLE`, one row for each accepted candidate.

    Messages are those that the problem's teacher saw, also where another model wrote the candidate
    anew.

    Args:
        rows: `candidate_id`, `problem_id`, `pass_rate`, `num_generations`.
        texts: The candidates in the same order, as `spill` writes them.
        verified: Whether the verdicts accepted them; else nothing is said of a verdict.
    """
    known, at = problems.distinct(rows["problem_id"].to_arrow().cast(pa.string()))
    mine = known.take(pa.array(at))
    answer = mine["gold"]
    if verified:
        voted = pc.call_function("equal", [mine["grader"], GraderName.MAJORITY.value])
        answer = pc.call_function("if_else", [voted, texts["extracted"], answer])
    ids = rows["candidate_id"].to_arrow().cast(pa.string())
    rewritten = texts["rewrites"].is_valid()
    forms = [rewritten, Form.REWRITTEN.value, Form.COMPLETION.value]
    columns: dict[str, Any] = {
        "uuid": ids,
        **{name: mine[column] for name, column in _OF_PROBLEM.items()},
        "answer": answer,
        "messages": _messages(known, at, texts["text"], prompts),
        **{name: texts[column] for name, column in _OF_CANDIDATE.items()},
        "pass_rate": rows["pass_rate"].to_arrow(),
        "num_generations": rows["num_generations"].to_arrow(),
        "verification_info": _verifications(mine["grader"], texts, verified=verified),
        "form": pc.call_function("if_else", forms),
        "made_of": _each_alone(ids),
        "dedup_cluster_id": pa.nulls(len(ids), pa.string()),
        "contamination": pa.nulls(len(ids), pa.string()),
    }
    return pa.table([columns[name] for name in SAMPLE.names], schema=SAMPLE)


def with_journeys(
    samples: pa.Table, journeys: Sequence[dict[str, Any] | None], rejected: pa.Table
) -> pa.Table:
    """The samples, with journeys in the place of those that end one.

    Args:
        journeys: A row of `journeys.JOURNEY` for each sample that ends one, else None.
        rejected: The wrong candidates of the journeys, in the order of the samples.
    """
    places = [place for place, row in enumerate(journeys) if row is not None]
    if not places:
        return samples
    made: list[dict[str, Any]] = []
    ends = samples.take(pa.array(places)).to_pylist()
    starts = rejected.select(["text", "completion_tokens"]).to_pylist()
    for place, end, start in zip(places, ends, starts, strict=True):
        row = journeys[place]
        assert row is not None
        sample = journey_of(
            Sample.model_validate(end),
            row,
            rejected_text=start["text"],
            rejected_tokens=start["completion_tokens"],
        )
        made.append(sample.model_dump(mode="json"))
    order = np.arange(samples.num_rows)
    order[places] = samples.num_rows + np.arange(len(places))
    return pa.concat_tables([samples, as_table(made, SAMPLE)]).take(pa.array(order))


def preference_table(
    chosen: pa.Table, pairs: Sequence[dict[str, Any]], rejected: pa.Table
) -> pa.Table:
    """`schemas.arrow.PREFERENCE`, one row for each pair.

    Args:
        chosen: The samples of the pairs, in their order.
        pairs: Rows of `preference.PAIR`.
        rejected: The wrong candidates of the pairs, in their order.
    """
    samples = chosen.to_pylist()
    texts = rejected["text"].to_pylist()
    rows = [pair_row(*each) for each in zip(samples, pairs, texts, strict=True)]
    return as_table(rows, PREFERENCE)


def _each_alone(ids: pa.Array) -> pa.ListArray:
    ends = pa.array(np.arange(len(ids) + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(ends, ids, type=SAMPLE.field("made_of").type)


def _messages(
    known: pa.Table, at: NDArray[np.int64], texts: pa.ChunkedArray, prompts: Prompts
) -> pa.ListArray:
    """What each row's teacher saw, then one assistant turn."""
    asked = [
        messages_for(problem, prompts[0 if problem.reasoning else 1])
        for problem in map(Problem.model_validate, known.to_pylist())
    ]
    counts = np.array([len(one) for one in asked], np.int64)
    starts = np.concatenate(([0], np.cumsum(counts)))
    turns = [turn for one in asked for turn in one]
    roles = pa.array([*(turn.role for turn in turns), "assistant"], pa.string())
    contents = pa.array([turn.content for turn in turns], pa.large_string())
    lengths = counts[at] + 1
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    taken = np.repeat(starts[at], lengths) + within
    last = offsets[1:] - 1
    of_text = taken.copy()
    taken[last] = len(turns)
    of_text[last] = len(turns) + np.arange(len(at))
    values = pa.StructArray.from_arrays(
        [
            roles.take(pa.array(taken)),
            pa.concat_arrays([contents, *texts.chunks]).take(pa.array(of_text)),
        ],
        fields=list(MESSAGES.value_type),
    )
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values, type=MESSAGES)


def _verifications(graders: pa.ChunkedArray, texts: pa.Table, *, verified: bool) -> pa.Array:
    """`verification_info` of each row: who accepted the answer, and by what."""
    if not verified:
        nothing = canonical_json({"grader": "", "method": "", "extracted": ""})
        return pa.array([nothing] * len(graders), pa.large_string())
    names = ["method", "extracted", "detail", "passed", "total"]
    columns = [graders.to_pylist(), *(texts[name].to_pylist() for name in names)]
    return pa.array([_verification(*row) for row in zip(*columns, strict=True)], pa.large_string())


def _verification(
    grader: str, method: str, extracted: str, detail: str, passed: int | None, total: int | None
) -> str:
    found: dict[str, Any] = {"grader": grader, "method": method, "extracted": extracted}
    if grader == GraderName.MAJORITY:
        assert passed is not None and total is not None
        found |= {"gold": "majority", "agreement": round(passed / total, 4)}
    elif grader == GraderName.JUDGE:
        found["judge"] = detail[:_EVIDENCE_CHARS]
    return canonical_json(found)
