"""Which candidates a round asks for.

A round follows from the recipe, the problems and what the rounds before gave, and from nothing
else: not from time, servers or the order of answers. So a run that was killed plans it again as it
was.

- Round 1 asks for the first candidates of every problem; with quotas, of as many problems as could
  fill them, in an order drawn by seed.
- A later round comes back to problems that were opened and have fewer correct candidates than
  wanted, and asks for as many as their own pass rate makes likely to be needed, up to the size of
  the round. A problem without a correct one in `give_up_after` candidates is given up. Where a
  quota is still short it opens further problems, by what the opened ones yielded; so it does where
  a budget that left problems out has room for them after all.
- A quota that is filled stops its domain or category. Budgets in tokens cut what is left of a
  round, last problems first.

Problems without a gold whose candidates vote are asked once: a vote needs all of its candidates.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from factory.digest import chance
from factory.generate.earlier import Tally
from schemas.generate_settings import Generate
from schemas.problem import Domain


class Brief(NamedTuple):
    """What a plan must know of a problem."""

    problem_id: str
    domain: str
    category: str
    votes: bool
    """Its candidates vote on the answer."""


@dataclass(frozen=True)
class Rule:
    """Sizes and stop rules of one domain, with everything filled in."""

    sizes: tuple[int, ...]
    accepted_wanted: int
    give_up_after: int
    budget_tokens: int | None

    def size(self, rounds_before: int) -> int:
        """Candidates of a problem that so many rounds asked already, at most."""
        return self.sizes[min(rounds_before, len(self.sizes) - 1)]


@dataclass
class Report:
    """Where the opened problems stand when a round begins, by domain; for figures."""

    solved: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """With as many correct candidates as wanted."""
    given_up: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Without a correct one in `give_up_after` candidates."""
    short: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """With fewer than wanted, whether or not this round asks again."""
    unopened: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    accepted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Correct candidates towards the quotas, by quota."""
    opened: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Problems that were asked, by quota."""
    cut_by_budget: int = 0
    """Candidates that a budget left out."""

    def figures(self) -> dict[str, object]:
        """The counts that are not empty."""
        named = {
            "solved": self.solved,
            "given_up": self.given_up,
            "short": self.short,
            "unopened": self.unopened,
            "accepted_of_quota": self.accepted,
        }
        found: dict[str, object] = {
            name: dict(sorted(counts.items())) for name, counts in named.items() if counts
        }
        return {**found, **({"cut_by_budget": self.cut_by_budget} if self.cut_by_budget else {})}


def rule_of(generate: Generate, domain: str) -> Rule:
    """The rule of a domain: its own fields, and `[generate]` for the rest."""
    own = generate.domains.get(Domain(domain))
    sizes = generate.round_sizes or [generate.candidates]
    if own is None:
        return Rule(tuple(sizes), generate.accepted_wanted, generate.give_up_after, None)
    if own.round_sizes or own.candidates:
        sizes = own.round_sizes or [own.candidates or generate.candidates]
    return Rule(
        tuple(sizes),
        own.accepted_wanted or generate.accepted_wanted,
        own.give_up_after or generate.give_up_after,
        own.budget_tokens,
    )


def plan_round(
    problems: Iterable[Brief],
    tallies: Mapping[str, Tally],
    generate: Generate,
    *,
    round: int,
    seed: int,
) -> tuple[dict[str, range], Report]:
    """The candidate indices that a round asks of each problem, and where the opened ones stand.

    Args:
        problems: All that the recipe draws for, in the order of the run.
        tallies: What earlier rounds gave; empty for round 1.
        seed: Decides which problems are opened first under a quota.

    Returns:
        Problem id -> indices, in the order of `problems`; problems that are not asked are left out.
    """
    assert round > 1 or not tallies
    rules = {domain.value: rule_of(generate, domain) for domain in Domain}
    report = Report()
    todo: list[_Todo] = []
    domains: dict[str, str] = {}
    for one in problems:
        rule = rules[one.domain]
        domains[one.problem_id] = one.domain
        had = tallies.get(one.problem_id)
        if had is None:  # in a later round: left out so far, under a quota or by a budget
            report.unopened[one.domain] += 1
            count = rule.size(0)
        else:
            _stand(one, had, rule, report, _quotas_of(one, generate))
            count = _further(one, had, rule, adapt=generate.adapt)
        if count:
            todo.append(_Todo(one, had or _NOTHING, count, rule))
    chosen = _within_quotas(todo, generate, report, seed=seed)
    chosen = _within_budgets(todo, chosen, generate, tallies, domains, report, seed=seed)
    asked = {
        one.problem.problem_id: range(one.had.asked, one.had.asked + one.ask)
        for one in todo
        if one.problem.problem_id in chosen
    }
    return asked, report


_NOTHING = Tally()


class _Todo(NamedTuple):
    problem: Brief
    had: Tally
    ask: int
    """Candidates to ask for."""
    rule: Rule

    @property
    def gain(self) -> float:
        """Correct candidates to expect towards what is wanted of this problem."""
        short = self.rule.accepted_wanted - self.had.correct
        return min(short, self.ask * _rate(self.had))


def _stand(one: Brief, had: Tally, rule: Rule, report: Report, quotas: Sequence[str]) -> None:
    if had.correct >= rule.accepted_wanted:
        report.solved[one.domain] += 1
    elif had.correct == 0 and had.asked >= rule.give_up_after:
        report.given_up[one.domain] += 1
    else:
        report.short[one.domain] += 1
    for name in quotas:
        report.accepted[name] += min(had.correct, rule.accepted_wanted)
        report.opened[name] += 1


def _rate(had: Tally) -> float:
    """A problem's pass rate as its candidates suggest it, never 0 nor 1 (Jeffreys' prior)."""
    return (had.correct + 0.5) / (had.asked + 1)


def _further(one: Brief, had: Tally, rule: Rule, *, adapt: bool) -> int:
    """Candidates that a later round asks of a problem that was opened; 0: it is left alone."""
    short = rule.accepted_wanted - had.correct
    if short <= 0 or one.votes:
        return 0
    most = rule.size(had.rounds)
    if had.correct == 0:
        most = min(most, rule.give_up_after - had.asked)
    needed = math.ceil(short / _rate(had)) if adapt else most
    return max(0, min(most, needed))


def _quotas_of(one: Brief, generate: Generate) -> list[str]:
    names = (one.domain, f"{one.domain}/{one.category}")
    return [name for name in names if name in generate.quota]


# ------------------------------------------------------------------------------------------ quotas


def _within_quotas(
    todo: Sequence[_Todo], generate: Generate, report: Report, *, seed: int
) -> set[str]:
    """Ids of the problems that are asked: those under no quota, and under quotas those that are
    open already and then new ones until what is to be expected fills them. A category with a quota
    of its own comes before the rest of its domain, which would else leave no room for it."""
    chosen = {one.problem.problem_id for one in todo if not _quotas_of(one.problem, generate)}
    under = [one for one in todo if one.problem.problem_id not in chosen]
    still: dict[str, float] = {
        name: wanted - report.accepted[name] for name, wanted in generate.quota.items()
    }
    by_turn = sorted(under, key=lambda one: _turn(one, seed))
    for one in sorted(by_turn, key=lambda one: -len(_quotas_of(one.problem, generate))):
        names = _quotas_of(one.problem, generate)
        if any(still[name] <= 0 for name in names):
            continue
        chosen.add(one.problem.problem_id)
        for name in names:
            still[name] -= one.gain if one.had.rounds else _yield(name, one.rule, report)
    return chosen


def _turn(one: _Todo, seed: int) -> tuple[bool, str]:
    """Problems that are open come first; chance decides among equals."""
    return (one.had.rounds == 0, chance(seed, one.problem.problem_id))


def _yield(name: str, rule: Rule, report: Report) -> float:
    """Correct candidates that a newly opened problem may give: what the opened ones of the same
    quota gave, at least a twentieth of what is wanted; all that is wanted while none is open."""
    if not report.opened[name]:
        return float(rule.accepted_wanted)
    return max(report.accepted[name] / report.opened[name], rule.accepted_wanted / 20)


# ----------------------------------------------------------------------------------------- budgets


def _within_budgets(
    todo: Sequence[_Todo],
    chosen: set[str],
    generate: Generate,
    tallies: Mapping[str, Tally],
    domains: Mapping[str, str],
    report: Report,
    *,
    seed: int,
) -> set[str]:
    """Ids of the chosen problems whose candidates fit into what the budgets have left.

    A completion counts with the mean of its domain so far; while none is known with
    `expected_tokens`, or else `max_tokens`, which no round can exceed.
    """
    spent: dict[str, int] = defaultdict(int)
    drawn: dict[str, int] = defaultdict(int)
    for problem, domain in domains.items():
        if had := tallies.get(problem):
            for name in ("", domain):
                spent[name] += had.tokens
                drawn[name] += had.graded
    left: dict[str, float] = {}
    if generate.budget_tokens is not None:
        left[""] = generate.budget_tokens - spent[""]
    for one in todo:
        if one.rule.budget_tokens is not None:
            name = one.problem.domain
            left.setdefault(name, one.rule.budget_tokens - spent[name])
    if not left:
        return chosen
    kept: set[str] = set()
    mine = [one for one in todo if one.problem.problem_id in chosen]
    for one in sorted(mine, key=lambda one: _turn(one, seed)):
        domain = one.problem.domain
        guess = generate.expected_tokens or _longest(generate)
        cost = one.ask * (spent[domain] / drawn[domain] if drawn[domain] else guess)
        names = [name for name in ("", domain) if name in left]
        if any(left[name] < cost for name in names):
            report.cut_by_budget += one.ask
            continue
        kept.add(one.problem.problem_id)
        for name in names:
            left[name] -= cost
    return kept


def _longest(generate: Generate) -> int:
    return max(generate.asking(reasoning=one)[1].max_tokens for one in (True, False))
