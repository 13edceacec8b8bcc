"""What the rounds of `generate` may ask for, by domain: first round, expected, and at most."""

from __future__ import annotations

import math
from collections.abc import Sequence

from factory.generate.rounds import Rule, rule_of
from factory.plan.counts import least, times, total
from factory.plan.problems import SourcePlan
from schemas.generate_settings import Generate
from schemas.problem import Domain
from schemas.row import Row


class DomainPlan(Row):
    """The candidates of one domain. None stands for what is unknown until downloads are read."""

    domain: Domain
    problems: int | None
    """At most, of sources that are drawn for."""
    round_sizes: list[int]
    accepted_wanted: int
    give_up_after: int
    quota: dict[str, int]
    """Correct candidates wanted, of the domain or of its categories."""
    budget_tokens: int | None
    first_round: int | None
    """Candidates of round 1."""
    expected: int | None
    """Candidates of all rounds, where the accept rate is as assumed."""
    most: int | None
    """Candidates of all rounds where no problem is ever done."""
    correct: int | None
    """Correct candidates among the expected ones."""
    reasoning_share: float
    """Share of its problems that the teacher answers with a chain of thought; those whose prompt
    decides are among them."""
    judged_share: float
    """Share of its problems whose answers a model decides; where a source is of unknown size, 1 if
    one is judged."""
    longest_tokens: int
    """`max_tokens` of its completions; the larger one where two models answer."""


def plan_domains(
    sources: Sequence[SourcePlan], generate: Generate, accept_rate: float
) -> list[DomainPlan]:
    """The plan of each domain that has a source which is drawn for."""
    drawn = [source for source in sources if source.drawn]
    return [
        _plan(domain, [one for one in drawn if one.domain is domain], generate, accept_rate)
        for domain in Domain
        if any(one.domain is domain for one in drawn)
    ]


def _plan(
    domain: Domain, sources: Sequence[SourcePlan], generate: Generate, accept_rate: float
) -> DomainPlan:
    rule = rule_of(generate, domain.value)
    quota = {
        name: wanted
        for name, wanted in generate.quota.items()
        if name.partition("/")[0] == domain.value
    }
    voting = total([one.problems for one in sources if one.votes])
    others = total([one.problems for one in sources if not one.votes])
    problems = total([voting, others])
    opened = _opened(problems, rule, quota.get(domain.value))
    first = None if opened is None else opened * rule.size(0)
    most = _most(voting, others, rule, generate.max_rounds)
    wanted = least(times(problems, rule.accepted_wanted), quota.get(domain.value))
    expected = None
    if first is not None and wanted is not None:
        rounds_help = generate.max_rounds > 1
        needed = max(first, math.ceil(wanted / accept_rate)) if rounds_help else first
        expected = needed if most is None else min(needed, most)
    plain = total([one.problems for one in sources if one.reasoning == "never"])
    share = _reasoning_share(problems, plain, sources)
    longest = [generate.asking(reasoning=True)[1].max_tokens] if share > 0 else []
    if any(one.reasoning != "always" for one in sources):
        longest.append(generate.asking(reasoning=False)[1].max_tokens)
    if rule.budget_tokens is not None:
        expected = least(expected, rule.budget_tokens // (generate.expected_tokens or max(longest)))
    return DomainPlan(
        domain=domain,
        problems=problems,
        round_sizes=[rule.size(number) for number in range(generate.max_rounds)],
        accepted_wanted=rule.accepted_wanted,
        give_up_after=rule.give_up_after,
        quota=quota,
        budget_tokens=rule.budget_tokens,
        first_round=first,
        expected=expected,
        most=most,
        correct=None if expected is None else math.floor(expected * accept_rate),
        reasoning_share=share,
        judged_share=_judged_share(problems, sources),
        longest_tokens=max(longest),
    )


def _opened(problems: int | None, rule: Rule, quota: int | None) -> int | None:
    """Problems of round 1: all, or as many as fill the quota where each gives what is wanted."""
    return least(problems, None if quota is None else math.ceil(quota / rule.accepted_wanted))


def _most(voting: int | None, others: int | None, rule: Rule, max_rounds: int) -> int | None:
    each = sum(rule.size(number) for number in range(max_rounds))
    return total([times(voting, rule.size(0)), times(others, each)])


def _reasoning_share(
    problems: int | None, plain: int | None, sources: Sequence[SourcePlan]
) -> float:
    if problems and plain is not None:
        return 1 - plain / problems
    return 0.0 if all(one.reasoning == "never" for one in sources) else 1.0


def _judged_share(problems: int | None, sources: Sequence[SourcePlan]) -> float:
    judged = total([one.problems for one in sources if one.judged])
    if problems and judged is not None:
        return judged / problems
    return 1.0 if any(one.judged for one in sources) else 0.0
