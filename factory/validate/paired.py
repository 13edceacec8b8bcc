"""Two models on the same problems: the mean difference, its interval, and whether chance alone
would give one as large.

Problems are matched by suite and id, and only where both were asked the same: equal message, gold
and grader. Others are left out and counted. A problem's value is the share of its candidates that
are correct, so that the difference of a suite is that of pass@1 over the matched problems.

Settings may differ, and are then said: another temperature or other limits are part of what is
compared. Where the numbers of candidates differ, the p-value is approximate, because the two
shares of a problem scatter differently even if the models are alike.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from factory.errors import ManifestMismatch
from factory.validate.asked import suite_of
from factory.validate.intervals import difference_interval
from factory.validate.outcome import OVERALL
from factory.validate.sign_flip import sign_flip_p
from factory.validate.validated import Validated, read_validated
from schemas.score import Comparison

METRIC: Final = "pass@1"
_NO_DIFFERENCE: Final = (
    "validate.k",
    "validate.seed",
    "validate.best_of",
    "validate.sampling.temperature",
    "validate.prompt.templates",
)
"""Settings that are noted otherwise, are in the message that was asked, or do not move pass@1."""


@dataclass(frozen=True)
class Paired:
    """Two validations compared."""

    comparisons: list[Comparison]
    """By suite, the overall one last."""
    alone: tuple[int, int]
    """Problems that only the first, and only the second was asked."""
    changed: int
    """Problems of the same id whose message, gold or grader differ."""
    notes: list[str]
    """Settings that differ, for people."""


def compare(first: Path, second: Path) -> list[Comparison]:
    """The first validation against the second, by suite, the overall row last.

    Raises:
        ManifestMismatch: One is no finished validation, or they have no problem in common.
    """
    return paired(read_validated(first), read_validated(second)).comparisons


def compare_all(pairs: Iterable[tuple[Path, Path]]) -> list[Comparison]:
    """`compare` for each pair of folders, in their order; each folder is read once."""
    read: dict[Path, Validated] = {}
    found: list[Comparison] = []
    for pair in pairs:
        for folder in pair:
            if folder not in read:
                read[folder] = read_validated(folder)
        found += paired(read[pair[0]], read[pair[1]]).comparisons
    return found


def paired(first: Validated, second: Validated, suite: str = "") -> Paired:
    """The first against the second.

    Args:
        suite: This one alone, without the overall row; empty: all suites.

    Raises:
        ManifestMismatch: They have no problem in common.
    """
    if suite and suite != OVERALL:
        first, second = first.of(suite), second.of(suite)
    common = [asked for asked in first.problems if asked in second.problems]
    same = [one for one in common if first.problems[one].digest == second.problems[one].digest]
    if not same:
        of_suite = f" of the suite {suite}" if suite else ""
        raise ManifestMismatch(
            f"{first.folder} and {second.folder}: expected problems{of_suite} that both were "
            f"asked, found none among {len(first.problems)} and {len(second.problems)}; compare "
            f"validations of the same suites, with the same template"
        )
    differences: dict[str, list[Fraction]] = defaultdict(list)
    for asked in same:
        one, other = first.problems[asked], second.problems[asked]
        differences[suite_of(asked)].append(
            Fraction(one.correct, one.drawn) - Fraction(other.correct, other.drawn)
        )
    rows = [_row(first, second, name, differences[name]) for name in sorted(differences)]
    everything = [each for of_suite in differences.values() for each in of_suite]
    overall = _row(first, second, OVERALL, everything)
    return Paired(
        comparisons=[overall] if suite == OVERALL else rows if suite else [*rows, overall],
        alone=(len(first.problems) - len(common), len(second.problems) - len(common)),
        changed=len(common) - len(same),
        notes=_notes(first, second, differences),
    )


def _row(first: Validated, second: Validated, suite: str, found: list[Fraction]) -> Comparison:
    n = len(found)
    mean = sum(found, Fraction(0)) / n
    squares = sum(((one - mean) ** 2 for one in found), Fraction(0))
    stderr = math.sqrt(squares / (n - 1) / n) if n > 1 else 0.0
    low, high = difference_interval(float(mean), stderr, n)
    unit = math.lcm(*(one.denominator for one in found))
    return Comparison(
        model=first.model,
        role=first.role,
        other=second.model,
        other_role=second.role,
        suite=suite,
        metric=METRIC,
        difference=float(mean),
        stderr=stderr,
        low=low,
        high=high,
        p_value=sign_flip_p([int(one * unit) for one in found]),
        better=sum(one > 0 for one in found),
        worse=sum(one < 0 for one in found),
        n=n,
    )


def _notes(first: Validated, second: Validated, suites: Mapping[str, object]) -> list[str]:
    notes: list[str] = []
    if first.temperature != second.temperature:
        notes.append(
            f"drawn at {_temperature(first)} and {_temperature(second)}: a difference may be theirs"
        )
    for suite in sorted(suites):
        ks = first.drawn[suite], second.drawn[suite]
        if ks[0] != ks[1]:
            notes.append(
                f"{suite}: {ks[0]} and {ks[1]} candidates per problem, so its p-value is "
                f"approximate"
            )
    names = sorted(first.settings.keys() | second.settings.keys())
    if first.settings and second.settings:
        for name in (name for name in names if not name.startswith(_NO_DIFFERENCE)):
            both = [one.settings.get(name, "none") for one in (first, second)]
            if both[0] != both[1]:
                notes.append(f"{name}: {both[0]} and {both[1]}")
    return notes


def _temperature(one: Validated) -> str:
    found = one.temperature
    return "an unknown temperature" if found is None else f"temperature {found:g}"
