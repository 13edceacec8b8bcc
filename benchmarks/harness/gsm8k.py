"""GSM8K: stored responses scored by us and by lm-evaluation-harness' own tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from schemas.machine import Machine

from . import peers
from .compared import Compared, compare
from .gsm8k_explained import Why, why
from .gsm8k_responses import gsm8k_responses
from .ours import Verdict, graded
from .stored import Response, digest_of, rows_of

TASKS: Final = ("gsm8k", "gsm8k-cot-zeroshot", "gsm8k-cot-llama")
OWN_FORM: Final = {
    "gsm8k/strict-match": "#### 18",
    "gsm8k-cot-zeroshot/strict-match": "The answer is 18.",
    "gsm8k-cot-llama/strict-match": "The final answer is 18",
}
"""The form of answer that a task's examples show a model, by `task/filter`."""

Fixture = dict[str, Any]
Column = dict[str, list[Any]]
STORED: Final = ("gsm8k/strict-match", "gsm8k/flexible-extract", "gsm8k-cot-zeroshot/strict-match")
STORED_PROBLEMS: Final = 400
"""Of the test set, from its start."""


def scored(venv: Path, folder: Path, machine: Machine) -> tuple[dict[str, Compared], Fixture]:
    """Comparisons by set, task and filter, and what the stored fixture holds of them."""
    rows = rows_of("gsm8k/test.jsonl")
    found: dict[str, Compared] = {}
    for how, form in OWN_FORM.items():
        own = gsm8k_responses(rows, forms=[form], samples=1)
        task = how.partition("/")[0]
        theirs = _theirs(venv, folder / f"own-{task}", [task], rows, own)[how]
        ours = graded(own, "gsm8k", machine)
        found[f"{how}, `{form}` alone"] = _compared(own, ours, theirs, how)
    responses = gsm8k_responses(rows)
    ours = graded(responses, "gsm8k", machine)
    everything = _theirs(venv, folder / "all", TASKS, rows, responses)
    for how, theirs in everything.items():
        found[how] = _compared(responses, ours, theirs, how)
    return found, fixture(responses, ours, everything)


def fixture(
    responses: Sequence[Response], ours: Sequence[Verdict], theirs: dict[str, Column]
) -> Fixture:
    """The harness' verdicts on the responses to the first problems, and why ours differ."""
    kept = [at for at, one in enumerate(responses) if one.problem < STORED_PROBLEMS]
    stored: Fixture = {"problems": STORED_PROBLEMS, "digest": digest_of(responses[i] for i in kept)}
    for how in STORED:
        column = theirs[how]
        reasons = _reasons(responses, ours, column, how)
        stored[how] = {
            "right": "".join(str(int(column["exact_match"][i])) for i in kept),
            "why": "".join(reasons[i].value for i in kept),
        }
    return stored


def _theirs(
    venv: Path,
    folder: Path,
    tasks: Sequence[str],
    rows: Sequence[dict[str, Any]],
    responses: Sequence[Response],
) -> dict[str, Column]:
    """`task/filter` -> what the harness extracted and scored."""
    documents = [{**rows[one.problem], "response": one.text} for one in responses]
    found = peers.lm_eval(venv, folder, [f"gsm8k/{task}.yaml" for task in tasks], documents)
    return {
        f"{task}/{name}": column
        for task in tasks
        for name, column in found[task]["samples"].items()
    }


def _reasons(
    responses: Sequence[Response], ours: Sequence[Verdict], theirs: Column, how: str
) -> list[Why]:
    return [
        why(one, verdict.correct, verdict.extracted, score == 1.0, text, how)
        for one, verdict, score, text in zip(
            responses, ours, theirs["exact_match"], theirs["extracted"], strict=True
        )
    ]


def _compared(
    responses: Sequence[Response], ours: Sequence[Verdict], theirs: Column, how: str
) -> Compared:
    return compare(
        responses,
        [one.correct for one in ours],
        [score == 1.0 for score in theirs["exact_match"]],
        [one.name for one in _reasons(responses, ours, theirs, how)],
        list(
            zip([f"{one.status} {one.extracted}" for one in ours], theirs["extracted"], strict=True)
        ),
    )
