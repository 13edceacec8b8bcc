"""The counts of a run as tables: by source, by reason, by verdict, by round."""

from __future__ import annotations

from collections import Counter

from factory.audit.counts import Counts
from schemas.ledger import Group, Left, Round
from schemas.verdict import Status


def groups_of(counts: Counts) -> list[Group]:
    """One row per source, sorted by domain and source."""
    drawn = sum(counts.candidates, Counter[tuple[str, str]]())
    failed = sum(counts.failed, Counter[tuple[str, str]]())
    graded = sum(counts.verdicts, Counter[tuple[str, tuple[str, str]]]())
    correct = {group: rows for (status, group), rows in graded.items() if status == Status.CORRECT}
    all_graded: Counter[tuple[str, str]] = Counter()
    for (_, group), rows in graded.items():
        all_graded[group] += rows
    rejected: Counter[tuple[str, str]] = Counter()
    for (stage, _, group), rows in counts.drops.items():
        if stage == "collect":
            rejected[group] += rows
    names = {*counts.admitted, *rejected, *drawn, *failed, *all_graded}
    names |= {*counts.selected, *counts.published, *(group for _, _, group in counts.drops)}
    return [
        Group(
            domain=group[0],
            source=group[1],
            problems=counts.admitted[group] + rejected[group],
            admitted=counts.admitted[group],
            requested=drawn[group] + failed[group],
            failed=failed[group],
            correct=correct.get(group, 0),
            not_correct=all_graded[group] - correct.get(group, 0),
            selected=counts.selected[group],
            published=counts.published[group],
        )
        for group in sorted(names)
    ]


def drops_of(counts: Counts) -> list[Left]:
    """Drops in the order of the path; within a stage the reason with most rows first."""
    stages = ("collect", "generate", "select", "shard")
    return _left({key: rows for key, rows in counts.drops.items() if rows}, stages)


def verdicts_of(counts: Counts) -> list[Left]:
    """Verdicts over all rounds, the most frequent first."""
    graded = sum(counts.verdicts, Counter[tuple[str, tuple[str, str]]]())
    return _left({("grade", status, group): n for (status, group), n in graded.items()}, ("grade",))


def _left(rows: dict[tuple[str, str, tuple[str, str]], int], stages: tuple[str, ...]) -> list[Left]:
    of_reason: Counter[tuple[str, str]] = Counter()
    for (stage, reason, _), number in rows.items():
        of_reason[stage, reason] += number
    order = sorted(
        rows,
        key=lambda key: (stages.index(key[0]), -of_reason[key[:2]], key[1], -rows[key], key[2]),
    )
    return [
        Left(stage=stage, reason=reason, source=group[1], rows=rows[stage, reason, group])
        for stage, reason, group in order
    ]


def rounds_of(counts: Counts) -> list[Round]:
    """One row per round, from 1."""
    found: list[Round] = []
    for number, (drawn, failed, graded) in enumerate(
        zip(counts.candidates, counts.failed, counts.verdicts, strict=True), start=1
    ):
        correct = sum(rows for (status, _), rows in graded.items() if status == Status.CORRECT)
        found.append(
            Round(
                round=number,
                requested=drawn.total() + failed.total(),
                failed=failed.total(),
                correct=correct,
                not_correct=graded.total() - correct,
            )
        )
    return found
