"""How far a judge agrees with people: its verdicts against labels.

A label says that a person holds an answer for right or wrong. The judge accepts an answer where
its verdict is `correct`; any other (`unparsable`, `truncated`) refuses it, as in a run. Of the two
errors a false accept costs more: a wrong answer is learned from.

Shares have Wilson's 95% interval (Wilson 1927), kappa is Cohen's (1960): agreement beyond what the
same numbers of accepts and labels would have by chance. The labelled answers should be such as the
run will see; of others the figures say little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.verdict import Status

_Z: Final = 1.959963984540054
"""Of the normal distribution, for 95%."""


@dataclass
class Agreement:
    """Counts of labelled answers by label and verdict."""

    right_accepted: int = 0
    right_refused: int = 0
    wrong_accepted: int = 0
    wrong_refused: int = 0
    unreadable: int = 0
    """Of the refused ones, those on which the judge gave no reply in form."""

    def add(self, label: bool, status: Status, method: str) -> None:
        """Count one answer."""
        accepted = status is Status.CORRECT
        if label:
            self.right_accepted += accepted
            self.right_refused += not accepted
        else:
            self.wrong_accepted += accepted
            self.wrong_refused += not accepted
        self.unreadable += status is Status.UNPARSABLE and method == "judge"

    @property
    def n(self) -> int:
        """Labelled answers."""
        right = self.right_accepted + self.right_refused
        return right + self.wrong_accepted + self.wrong_refused

    def figures(self) -> dict[str, Any]:
        """Plain JSON values; a share of nothing is None."""
        agreed = self.right_accepted + self.wrong_refused
        return {
            "n": self.n,
            "accuracy": share(agreed, self.n),
            "kappa": self._kappa(),
            "false_accepts": share(self.wrong_accepted, self.wrong_accepted + self.wrong_refused),
            "false_rejects": share(self.right_refused, self.right_accepted + self.right_refused),
            "unreadable": self.unreadable,
        }

    def _kappa(self) -> float | None:
        n = self.n
        if not n:
            return None
        right = self.right_accepted + self.right_refused
        accepted = self.right_accepted + self.wrong_accepted
        by_chance = (right * accepted + (n - right) * (n - accepted)) / n**2
        observed = (self.right_accepted + self.wrong_refused) / n
        return None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)


def share(count: int, of: int) -> dict[str, Any]:
    """`count`, `of`, `share` and the Wilson interval `low` to `high`; None of nothing."""
    if not of:
        return {"count": count, "of": of, "share": None, "low": None, "high": None}
    p = count / of
    spread = _Z * math.sqrt(p * (1 - p) / of + _Z**2 / (4 * of**2))
    middle, scale = p + _Z**2 / (2 * of), 1 + _Z**2 / of
    low, high = max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
    return {"count": count, "of": of, "share": p, "low": low, "high": high}


def agreement_text(figures: Mapping[str, Any]) -> str:
    """The figures of an `Agreement` for people, in a few lines."""
    kappa = figures["kappa"]
    return "\n".join(
        [
            f"agreement with {figures['n']} labels: {share_text(figures['accuracy'])}; "
            f"kappa {'–' if kappa is None else f'{kappa:.2f}'}",
            f"false accepts (of answers labelled wrong): {share_text(figures['false_accepts'])}",
            f"false rejects (of answers labelled right): {share_text(figures['false_rejects'])}",
            f"without a reply in form: {figures['unreadable']}",
        ]
    )


def share_text(one: Mapping[str, Any]) -> str:
    """`3 of 40, 7.5% (2.6% to 19.9%)`: a count with its share and 95% interval."""
    count = f"{one['count']:,} of {one['of']:,}"
    if one["share"] is None:
        return count
    return f"{count}, {one['share']:.1%} ({one['low']:.1%} to {one['high']:.1%})"
