"""What a validation's manifest says of each suite beside its scores: what came and how it ended,
how long it was, and pass@1 per level and category.

A model that never ends, says nothing or does not think is counted here, not only marked wrong.
Texts are read part by part and not held; of each candidate a number of tokens is.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from factory.parts import iter_columns
from factory.validate.asked import suite_of
from factory.validate.lengths import histogram, summary
from factory.validate.metrics import Answers, estimate
from schemas.candidate import FinishReason
from schemas.verdict import Status

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


@dataclass
class _Counts:
    """Of one suite."""

    statuses: Counter[str] = field(default_factory=Counter[str])
    candidates: int = 0
    endings: Counter[str] = field(default_factory=Counter[str])
    correct_tokens: array[int] = field(default_factory=lambda: array("q"))
    other_tokens: array[int] = field(default_factory=lambda: array("q"))

    def add(self, text: str, finish_reason: str, *, reasoning: bool) -> None:
        """Count how one completion ended."""
        self.candidates += 1
        opened = _OPEN in text
        self.endings.update(
            {
                "empty": is_empty(text),
                "truncated": finish_reason == FinishReason.LENGTH,
                "without_think": reasoning and not opened,
                "unclosed_think": opened and _CLOSE not in text,
            }
        )


def is_empty(text: str) -> bool:
    """Whether a model wrote nothing, but for the `<think>` that its prompt may have forced."""
    return not text.strip().removeprefix(_OPEN).strip()


def suite_figures(out_dir: Path, answers: Mapping[str, Answers]) -> dict[str, Any]:
    """`{"suites": {suite: figures}}`.

    `problems`, `candidates` (that came) and `failed` (asked for, never came); `statuses`, verdicts
    by status; `empty_completions`; `truncated` (cut at the token limit); `without_think` (to a
    problem of reasoning, without any `<think>`); `unclosed_think`; `completion_tokens` in all;
    `tokens`, `tokens_correct` and `tokens_not_correct`: mean, p10, p50, p90 and max per candidate,
    None where there is none with a count; `length_histogram`: counts of candidates from each edge
    to below the next; `by_level` and `by_category`: pass@1 of the problems that have one.
    """
    reasoning, levels, categories = _of_problems(out_dir)
    counts: dict[str, _Counts] = {suite_of(problem): _Counts() for problem in answers}
    correct: set[str] = set()
    for table in iter_columns(
        out_dir / "verdicts", "verdicts", ["problem_id", "candidate_id", "status"]
    ):
        for row in table.to_pylist():
            counts[suite_of(row["problem_id"])].statuses[row["status"]] += 1
            if row["status"] == Status.CORRECT:
                correct.add(row["candidate_id"])
    columns = ["problem_id", "candidate_id", "text", "finish_reason", "completion_tokens"]
    for table in iter_columns(out_dir / "candidates", "candidates", columns):
        for row in table.to_pylist():
            problem = row["problem_id"]
            suite = counts[suite_of(problem)]
            suite.add(row["text"], row["finish_reason"], reasoning=problem in reasoning)
            if row["completion_tokens"] is not None:
                right = row["candidate_id"] in correct
                tokens = suite.correct_tokens if right else suite.other_tokens
                tokens.append(row["completion_tokens"])
    of_suite: dict[str, dict[str, Answers]] = defaultdict(dict)
    for problem, one in answers.items():
        of_suite[suite_of(problem)][problem] = one
    return {
        "suites": {
            suite: {
                **_figures(found, of_suite[suite].values()),
                "by_level": _pass_by(of_suite[suite], levels),
                "by_category": _pass_by(of_suite[suite], categories),
            }
            for suite, found in sorted(counts.items())
        }
    }


def _of_problems(out_dir: Path) -> tuple[set[str], dict[str, str], dict[str, str]]:
    """The problems that are reasoned about, and each one's level and category."""
    reasoning: set[str] = set()
    levels: dict[str, str] = {}
    categories: dict[str, str] = {}
    columns = ["problem_id", "reasoning", "level", "category"]
    for table in iter_columns(out_dir / "problems", "problems", columns):
        for row in table.to_pylist():
            problem = row["problem_id"]
            levels[problem], categories[problem] = row["level"], row["category"]
            if row["reasoning"]:
                reasoning.add(problem)
    return reasoning, levels, categories


def _figures(found: _Counts, answers: Iterable[Answers]) -> dict[str, Any]:
    drawn = [one.drawn for one in answers]
    every = found.correct_tokens + found.other_tokens
    return {
        "problems": len(drawn),
        "candidates": found.candidates,
        "failed": sum(drawn) - found.candidates,
        "statuses": dict(sorted(found.statuses.items())),
        "empty_completions": found.endings["empty"],
        "truncated": found.endings["truncated"],
        "without_think": found.endings["without_think"],
        "unclosed_think": found.endings["unclosed_think"],
        "completion_tokens": sum(every),
        "tokens": summary(every),
        "tokens_correct": summary(found.correct_tokens),
        "tokens_not_correct": summary(found.other_tokens),
        "length_histogram": histogram(every),
    }


def _pass_by(answers: Mapping[str, Answers], names: Mapping[str, str]) -> dict[str, Any]:
    """pass@1 by what the problems are named after; those without such a name are left out."""
    values: dict[str, list[float]] = defaultdict(list)
    for problem, one in answers.items():
        if names[problem]:
            values[names[problem]].append(one.correct / one.drawn)
    return {name: _row(values[name]) for name in sorted(values, key=_naturally)}


def _row(values: Sequence[float]) -> dict[str, Any]:
    found = estimate(values)
    return {"problems": found.n, "value": found.value, "stderr": found.stderr}


def _naturally(name: str) -> tuple[int, str]:
    """`2` before `10`."""
    digits = "".join(one for one in name if "0" <= one <= "9")
    return int(digits or "0"), name
