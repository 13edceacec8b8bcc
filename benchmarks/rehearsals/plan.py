"""The plan of a rehearsal: which problems there are, and so where every row must go.

Of an ordinary problem exactly `PUBLISHED` of its `CANDIDATES` are published; `roles` says what each
of them is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from .roles import CANDIDATES, PUBLISHED, ROLES, Fate, Role, fate_of_sum, fault_of

PER_PROBLEM: Final = 10
"""`[select] per_problem`: what is published, an exact duplicate, and a near one."""
LEAST_SAMPLES: Final = 400
MOST_PASS_RATE: Final = 0.97


_DROPPED: Final = {
    Role.SURPLUS: "surplus",
    Role.UNPARSABLE: "unparsable",
    Role.CUT: "truncated",
    Role.LOOP: "repetition",
    Role.FOREIGN: "mixed_language",
    Role.BARE: "bad_format",
    Role.SAID: "without_work",
}
"""Role -> reason in `select`, of those that have the same for every problem but `wrong`."""
_VERDICTS: Final = {Role.UNPARSABLE: "unparsable", Role.CUT: "truncated"}
"""Role -> verdict, of those that are not right; but `wrong`."""


@dataclass(frozen=True)
class Plan:
    """Counts of everything, from the number of published samples alone."""

    samples: int

    def __post_init__(self) -> None:
        if self.samples < LEAST_SAMPLES or self.samples % PUBLISHED:
            raise ValueError(
                f"samples: expected a multiple of {PUBLISHED}, at least {LEAST_SAMPLES}, found "
                f"{self.samples}; choose another number"
            )

    def _one_in(self, count: int) -> int:
        return max(1, self.problems // count)

    @cached_property
    def problems(self) -> int:
        """Problems with published samples."""
        return self.samples // PUBLISHED

    @cached_property
    def sources(self) -> dict[str, int]:
        """Problems with published samples, by the name of their source."""
        counts = {
            "code": self._one_in(40),
            "choice": self._one_in(20),
            "words": self._one_in(20),
            "real": self._one_in(12),
            "arithmetic": self._one_in(20),
        }
        return {"sums": self.problems - sum(counts.values()), **counts}

    @cached_property
    def special(self) -> dict[Fate, int]:
        """Sums of which nothing is published, after the others."""
        return {
            Fate.DECLINED: self._one_in(1000),
            Fate.OVERLONG: self._one_in(1000),
            Fate.EASY: self._one_in(500),
            Fate.HOPELESS: self._one_in(500),
        }

    @cached_property
    def left_out(self) -> dict[str, int]:
        """Rows of sources that do not become problems, by their reason."""
        return {
            "duplicate_problem": self._one_in(200),
            "contaminated_problem": self._one_in(500),
            "gold_rejected": self._one_in(2000),
            "bad_row": self._one_in(500),
            "other_kind": self._one_in(200),
            "beyond_limit": self._one_in(200),
        }

    @cached_property
    def asked(self) -> int:
        """Problems that the teacher is asked."""
        return self.problems + sum(self.special.values())

    @cached_property
    def fates(self) -> Counter[Fate]:
        """Asked problems by what becomes of them."""
        counts = Counter(map(fate_of_sum, range(self.sources["sums"])))
        counts[Fate.ORDINARY] += self.problems - self.sources["sums"]
        return counts + Counter(self.special)

    @cached_property
    def verdicts(self) -> dict[str, int]:
        """Candidates by verdict."""
        counts: Counter[str] = Counter()
        for role in ROLES:
            verdict = "incorrect" if role is Role.WRONG else _VERDICTS.get(role, "correct")
            counts[verdict] += self.problems
        counts["incorrect"] -= self.sources["code"] * ROLES.count(Role.WRONG)
        for number in range(self.sources["code"]):
            for turn in range(ROLES.count(Role.WRONG)):
                counts[fault_of(number, turn).value] += 1
        counts["correct"] += CANDIDATES * self.special[Fate.EASY]
        counts["incorrect"] += CANDIDATES * self.special[Fate.HOPELESS]
        return {status: count for status, count in sorted(counts.items()) if count}

    @cached_property
    def drops(self) -> dict[str, dict[str, int]]:
        """Stage -> reason -> rows that leave there."""
        unanswered = {"failed": Fate.DECLINED, "overlong_prompt": Fate.OVERLONG}
        select = {status: count for status, count in self.verdicts.items() if status != "correct"}
        for role, reason in _DROPPED.items():
            if role not in _VERDICTS:
                select[reason] = ROLES.count(role) * self.problems
        select["pass_rate"] = CANDIDATES * self.special[Fate.EASY]
        return {
            "collect": self.left_out,
            "generate": {
                reason: CANDIDATES * self.special[fate] for reason, fate in unanswered.items()
            },
            "grade": {},
            "select": select,
            "shard": {
                "exact_duplicate": self.problems,
                "near_duplicate": self.problems - self.fates[Fate.TOLD],
                "contaminated_sample": self.fates[Fate.TOLD],
            },
        }

    @cached_property
    def rows(self) -> dict[str, tuple[int, int]]:
        """Stage -> rows in and out."""
        drops = {stage: sum(counts.values()) for stage, counts in self.drops.items()}
        read = self.asked + drops["collect"]
        requested = CANDIDATES * self.asked
        graded = requested - drops["generate"]
        kept = graded - drops["select"]
        return {
            "collect": (read, self.asked),
            "generate": (requested, graded),
            "grade": (graded, graded),
            "select": (graded, kept),
            "shard": (kept, kept - drops["shard"]),
        }

    @cached_property
    def candidates(self) -> int:
        """Stored candidates."""
        return self.rows["generate"][1]

    @cached_property
    def sandbox_runs(self) -> int:
        """Programs that run: all of a programming problem but what is unparsable or cut, and once
        each reference program."""
        runs = CANDIDATES - len(_VERDICTS)
        references = self.sources["code"] + self.left_out["gold_rejected"]
        return runs * self.sources["code"] + references
