"""What a set of servers gives while it is at work, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from factory.spent import Rates, spend
from schemas.spent import Spent


@dataclass
class Count:
    """What a domain, or a category of one, has got over all rounds."""

    candidates: int = 0
    drawn: int = 0
    """Those of them that servers were asked for, so that their tokens are known."""
    tokens: int = 0
    graded: int = 0
    accepted: int = 0
    counted: int = 0
    """Accepted ones that count towards a quota: of each problem at most as many as are wanted."""

    def expected(self) -> float:
        """What the candidates that nobody has graded yet are likely to add to a quota."""
        waiting = self.candidates - self.graded
        return waiting * self.counted / self.graded if self.graded and waiting > 0 else 0.0


@dataclass
class Drawing:
    """One set of servers at work."""

    counts: dict[str, Count]
    rates: Rates
    startup_s: float
    clock: Callable[[], float]
    moved: Callable[[], None]
    candidates: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    begun_s: float = field(init=False)
    ended_s: float | None = None

    def __post_init__(self) -> None:
        self.begun_s = self.clock()

    def drew(
        self, names: Iterable[str], *, candidates: int, tokens: int, prompt_tokens: int = 0
    ) -> None:
        """Count a server's answer.

        Args:
            names: Domain, and category where it has a quota, as `Meter.names` says; none for a
                judge's answer.
            candidates: 0 for a judge's answer.
            prompt_tokens: Once, however many candidates were asked for.
        """
        self.candidates += candidates
        self.tokens += tokens
        self.prompt_tokens += prompt_tokens
        for name in names:
            count = self.counts.setdefault(name, Count())
            count.candidates += candidates
            count.drawn += candidates
            count.tokens += tokens
        self.moved()

    @property
    def wall_s(self) -> float:
        """Seconds since the servers answered."""
        return (self.clock() if self.ended_s is None else self.ended_s) - self.begun_s

    def spent(self) -> Spent:
        """What it took so far, loading of the servers included."""
        return spend(
            self.rates,
            candidates=self.candidates,
            tokens=self.tokens,
            prompt_tokens=self.prompt_tokens,
            wall_s=self.startup_s + self.wall_s,
        )
