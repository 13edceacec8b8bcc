"""What generation and grading have got so far, for people: rates, accept rate, quotas, cost.

Per accepted candidate is what one candidate took over the accept rate; neither knows which
candidates the store had already. While a round is drawn nobody has graded it: what a quota will
get from it is an expectation, from the accept rate so far, and is marked `~`. While it is graded
the counts are exact.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Self

from factory.problems import Kind
from factory.shown.drawing import Count, Drawing
from factory.shown.meter_text import summary_line
from factory.shown.quota_bars import quota_bars, ratio
from factory.spent import Rates, keep_spent, kept_spent, total
from schemas.spent import Spent

_SECONDS_BETWEEN_KEEPS: Final = 10.0


class Meter:
    """What all rounds have got; a stage feeds it, and its bar is `about` it.

    Args:
        quota: Name of a domain or category (`math`, `math/Algebra`) -> accepted candidates wanted.
        wanted: Domain -> correct candidates of one problem that count; of other domains all do.
        counts: What the rounds before gave, by name; else each problem's share is told by `had`.
        correct: Problem -> correct candidates of the rounds before; needed only to grade problems
            of which several are wanted.
        before: What the rounds before took.
        folder: Of the artifact. What drawing takes is kept there, so that a stage that is killed
            and started again counts both attempts.
    """

    def __init__(
        self,
        *,
        quota: Mapping[str, int] | None = None,
        wanted: Mapping[str, int] | None = None,
        counts: Mapping[str, Count] | None = None,
        correct: Mapping[str, int] | None = None,
        before: Spent | None = None,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.quota = dict(quota or {})
        self.counts = dict(counts or {})
        self._wanted = dict(wanted or {})
        self._correct = Counter(correct or {})
        self._before = before or Spent()
        self._folder = folder
        self._kept = kept_spent(folder) if folder else Spent()
        self._clock = clock
        self._drawings: list[Drawing] = []
        self._keep_s = clock()
        self._names: dict[tuple[str, str], tuple[str, ...]] = {}

    @classmethod
    def of_round(
        cls, figures: Mapping[str, Any], correct: Mapping[str, int] | None = None, **more: Any
    ) -> Self:
        """The meter for grading a round, from the figures of its candidates' manifest."""
        known = figures.get("meter", {})
        spent = [Spent.model_validate(known.get("before", {}))]
        if "spent" in figures:
            spent.append(Spent.model_validate(figures["spent"]))
        counts = {name: Count(**one) for name, one in known.get("counts", {}).items()}
        return cls(
            quota=known.get("quota"),
            wanted=known.get("wanted"),
            counts=counts,
            correct=correct,
            before=total(spent),
            **more,
        )

    def figures(self) -> dict[str, Any]:
        """`spent`, and `meter`: what the next stage's meter begins with."""
        return {
            **self.spent_figures(),
            "meter": {
                "quota": self.quota,
                "wanted": self._wanted,
                "counts": {name: asdict(one) for name, one in sorted(self.counts.items())},
                "before": self._before.model_dump(mode="json"),
            },
        }

    def spent_figures(self) -> dict[str, Any]:
        """`spent`: what this stage took; nothing where no model was asked."""
        spent = self.spent()
        return {"spent": spent.model_dump(mode="json")} if spent != Spent() else {}

    def names(self, domain: str, category: str) -> tuple[str, ...]:
        """Where a candidate of such a problem counts: its domain, and its category where that has
        a quota. Problems of one kind share the tuple."""
        kind = (domain, category)
        if kind not in self._names:
            own = f"{domain}/{category}"
            self._names[kind] = (domain, own) if own in self.quota else (domain,)
        return self._names[kind]

    # -------------------------------------------------------------------------------------- events

    @contextmanager
    def drawing(self, rates: Rates, startup_s: float = 0.0) -> Generator[Drawing]:
        """Count what a set of servers gives while it is open; enter it when they answer."""
        one = Drawing(self.counts, rates, startup_s, self._clock, self._keep_now_and_then)
        self._drawings.append(one)
        try:
            yield one
        finally:
            one.ended_s = self._clock()
            self._keep()

    def had(self, names: tuple[str, ...], *, graded: int, correct: int, tokens: int) -> None:
        """Count what the rounds before gave of one problem."""
        wanted = self._wanted.get(names[0], correct)
        for name in names:
            count = self.counts.setdefault(name, Count())
            count.candidates += graded
            count.drawn += graded
            count.tokens += tokens
            count.graded += graded
            count.accepted += correct
            count.counted += min(correct, wanted)

    def found(self, names: Iterable[str], candidates: int) -> None:
        """Count candidates that the store had already."""
        for name in names:
            self.counts.setdefault(name, Count()).candidates += candidates

    def graded(self, problem_id: str, kind: Kind, *, correct: bool) -> None:
        """Count one verdict; conversations that are passed through were not drawn."""
        if kind.given:
            return
        had = self._correct[problem_id]
        wanted = self._wanted.get(kind.domain)
        if correct:
            self._correct[problem_id] = had + 1
        for name in self.names(kind.domain, kind.category):
            count = self.counts.setdefault(name, Count())
            count.graded += 1
            count.accepted += correct
            count.counted += correct and (wanted is None or had < wanted)

    def spent(self) -> Spent:
        """What this stage took, with the attempts that were killed."""
        return total([self._kept, *(one.spent() for one in self._drawings)])

    def _keep_now_and_then(self) -> None:
        if self._clock() >= self._keep_s + _SECONDS_BETWEEN_KEEPS:
            self._keep()

    def _keep(self) -> None:
        self._keep_s = self._clock()
        if self._folder is not None:
            keep_spent(self._folder, self.spent())

    # -------------------------------------------------------------------------------- for people

    def line(self) -> str:
        """Rates, accept rate, what an accepted candidate takes, and cost; what is not known is
        left out."""
        spent = total([self._before, self.spent()])
        domains = [one for name, one in self.counts.items() if "/" not in name]
        graded = sum(one.graded for one in domains)
        accepted = sum(one.accepted for one in domains)
        return summary_line(self.tokens_per_s(), accepted, graded, spent)

    def block(self) -> list[str]:
        """One bar for each quota; nothing where the recipe has none."""
        spent = total([self._before, self.spent()])
        tokens_per_s = self.tokens_per_s() or ratio(spent.tokens, spent.wall_s)
        return quota_bars(self.quota, self.counts, tokens_per_s)

    def tokens_per_s(self) -> float | None:
        """Of the servers at work now; None where none is, or nothing came yet."""
        rates = [
            one.tokens / one.wall_s
            for one in self._drawings
            if one.ended_s is None and one.tokens and one.wall_s > 0
        ]
        return sum(rates) if rates else None
