"""Which rejected and accepted candidates become journeys, and the samples that they become.

As in the O1 Replication Journey (arXiv 2410.18982), a student shall also see how a mistake is
noticed and mended. There a tree search and a critic made such traces; here a wrong attempt and a
right one of the same teacher are put together, so nothing is generated. A journey takes the place
of the accepted candidate that it ends with, and consumes the rejected one under `merged`: the
number of samples and of drops stays.

Pure functions on small frames without texts. Chance is a digest of the seed and an id, so the same
journeys are chosen in any order of the input; whether a problem is chosen does not depend on
others.
"""

from __future__ import annotations

import json
from typing import Any, Final

import polars as pl

from factory.digest import ID_HEX, canonical_json, chance, digest
from factory.select.journey_text import journey_text
from schemas.problem import Domain
from schemas.sample import Drop, Form, Message, Sample
from schemas.select_settings import Journeys
from schemas.verdict import Status

JOURNEY: Final = pl.Schema(
    {
        "problem_id": pl.String(),
        "uuid": pl.String(),
        "accepted": pl.String(),
        "rejected": pl.String(),
        "status": pl.String(),
        "extracted": pl.String(),
    }
)
"""`status` and `extracted` are those of the rejected one."""

_SAME: Final = ["problem_id", "teacher", "style"]
_CHANCES: Final = 1 << 64
_KEPT_CHARS: Final = 200


def choose_journeys(
    decided: pl.DataFrame, journeys: Journeys, *, seed: int, max_tokens: int | None = None
) -> pl.DataFrame:
    """The journeys, rows of `JOURNEY` sorted by (problem_id, uuid).

    A problem takes part where a sample of it and a candidate with a wrong answer have the same
    teacher and the same style; of these problems each is drawn with the chance `share`, and has at
    most `per_problem` journeys, every candidate in one at most. Rewritten forms take no part. A
    wrong answer is the verdict `incorrect`; for code also `error`, a program that raises.

    Args:
        decided: One row per candidate, any order: `candidate_id`, `problem_id`, `domain`,
            `teacher`, `status`, `reason` (null: it is a sample), `rewrites`, `tokens`,
            `extracted`, and `style`, which is what `journey_text.style_of` says, or null also where
            a rule of `select` would drop a rejected candidate had its answer been right.
        seed: Decides which problems, and who goes with whom.
        max_tokens: Pairs with more tokens together are left out; those of unknown count are not.
    """
    if journeys.share == 0.0:
        return JOURNEY.to_frame()
    able = decided.filter(pl.col("style").is_not_null() & pl.col("rewrites").is_null())
    accepted = able.filter(pl.col("reason").is_null())
    rejected = able.filter(_is_wrong())
    accepted = accepted.join(rejected.select(_SAME).unique(), on=_SAME, how="semi")
    problems = accepted["problem_id"].unique()
    drawn = problems.filter(
        pl.Series([_is_drawn(seed, one, journeys.share) for one in problems], dtype=pl.Boolean)
    )
    pairs = _in_turn(accepted, drawn, seed).join(
        _in_turn(rejected, drawn, seed), on=[*_SAME, "turn"], suffix="_rejected"
    )
    if max_tokens is not None:
        together = pl.col("tokens") + pl.col("tokens_rejected")
        pairs = pairs.filter((together <= max_tokens).fill_null(True))
    chosen = (
        pairs.sort("problem_id", "draw", "candidate_id")
        .filter(pl.int_range(pl.len()).over("problem_id") < journeys.per_problem)
        .select(
            "problem_id",
            accepted="candidate_id",
            rejected="candidate_id_rejected",
            status="status_rejected",
            extracted=pl.col("extracted_rejected").fill_null(""),
        )
    )
    ids = [journey_uuid(wrong, right) for right, wrong in _columns(chosen, "accepted", "rejected")]
    named = chosen.with_columns(uuid=pl.Series(ids, dtype=pl.String))
    return named.select(JOURNEY.names()).sort("problem_id", "uuid")


def merged(decided: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """The decided rows; those that journeys consume have the reason `merged`, and which journey
    has them as its detail.

    Args:
        decided: `candidate_id`, `reason`, `detail`, in any order, which stays.
        chosen: Rows of `JOURNEY`.
    """
    if chosen.is_empty():
        return decided
    uuids = chosen.select(candidate_id="rejected", journey="uuid")
    joined = decided.join(uuids, on="candidate_id", how="left", maintain_order="left")
    hit = pl.col("journey").is_not_null()
    return joined.with_columns(
        reason=pl.when(hit).then(pl.lit(Drop.MERGED.value, pl.Categorical())).otherwise("reason"),
        detail=pl.when(hit).then(pl.format("journey {}", "journey")).otherwise("detail"),
    ).drop("journey")


def journey_uuid(rejected: str, accepted: str) -> str:
    """Identity of a journey: 32 hexadecimal digits."""
    return digest(["journey", rejected, accepted])[:ID_HEX]


def journey_of(
    accepted: Sample, row: dict[str, Any], *, rejected_text: str, rejected_tokens: int | None
) -> Sample:
    """The sample of a journey: as that of its accepted candidate but for `uuid`, the last turn,
    `num_tokens` (the sum of its parts), `form`, `made_of` and what `verification_info` adds.

    Args:
        accepted: The sample that the accepted candidate alone would have been.
        row: Of `JOURNEY`.
        rejected_text: The whole wrong completion.
        rejected_tokens: None where it was not counted.
    """
    text = journey_text(
        accepted.messages[-1].content,
        rejected_text,
        uuid=row["uuid"],
        domain=accepted.domain,
        status=row["status"],
        extracted=row["extracted"],
    )
    wrong = {
        "rejected": row["rejected"],
        "verdict": row["status"],
        "extracted": "" if accepted.domain == Domain.CODE else row["extracted"][:_KEPT_CHARS],
    }
    known = accepted.num_tokens is not None and rejected_tokens is not None
    return accepted.model_copy(
        update={
            "uuid": row["uuid"],
            "messages": [*accepted.messages[:-1], Message(role="assistant", content=text)],
            "num_tokens": (accepted.num_tokens or 0) + (rejected_tokens or 0) if known else None,
            "verification_info": canonical_json(
                {**json.loads(accepted.verification_info), "journey": wrong}
            ),
            "form": Form.JOURNEY,
            "made_of": [row["rejected"], *accepted.made_of],
        }
    )


def _is_wrong() -> pl.Expr:
    """An answer was read and is wrong, and that is why the candidate is no sample."""
    raises = (pl.col("status") == Status.ERROR.value) & (pl.col("domain") == Domain.CODE.value)
    incorrect = pl.col("status") == Status.INCORRECT.value
    return (incorrect | raises) & (pl.col("reason") == pl.col("status"))


def _is_drawn(seed: int, problem_id: str, share: float) -> bool:
    return int(chance(seed, f"journey {problem_id}"), 16) < share * _CHANCES


def _in_turn(rows: pl.DataFrame, problems: pl.Series, seed: int) -> pl.DataFrame:
    """The rows of these problems, numbered by seed (`turn`) within problem, teacher and style."""
    some = rows.filter(pl.col("problem_id").is_in(problems.implode()))
    draws = [chance(seed, f"journey {one}") for one in some["candidate_id"]]
    return (
        some.with_columns(draw=pl.Series(draws, dtype=pl.String))
        .sort(*_SAME, "draw", "candidate_id")
        .with_columns(turn=pl.int_range(pl.len()).over(_SAME))
    )


def _columns(rows: pl.DataFrame, *names: str) -> list[tuple[str, ...]]:
    return rows.select(names).rows()
