"""Answers to one problem -> the answer that most of them give, by symbolic equality.

Equal spellings are one group before anything is compared. Groups are then taken in a fixed order
(most votes, then the shorter, then the smaller text), and each joins the first cluster whose first
group the grader of mathematics, with that as the gold, calls equal to it, and none of whose other
groups the cheap tiers call different: `1/2`, `0.5` and `\\frac{1}{2}` are one vote. So the outcome
does not depend on the order of the answers. Where the grader's policy takes two answers for one, so
does the vote, but `50%` gathers `50` or `0.5` and never both, `12` no two units.

What the cheap tiers decide is decided at once. Pairs that need a worker are compared only where a
cluster could win by them, and at most `MAX_HARD` of a problem, those with its most frequent answers
first. What is not shown to be equal (by a deadline either) is another answer, so in doubt there is
less agreement, never more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from factory.grade.math import MathGrader
from factory.grade.math.compare import DEFAULT, reading_of, settle, spelling
from schemas.grade_settings import GradeMajority
from schemas.verdict import Status

MAX_HARD: Final = 32
"""Comparisons of one problem that workers make."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Vote:
    """What the candidates of one problem come to."""

    answer: str
    """The shortest spelling of the winning answer, of equally long ones the smallest; empty where
    no answer has the majority."""
    members: frozenset[str]
    """Every spelling of it that a candidate gave."""
    votes: int
    """For the winner; where there is none, for the leading answer as far as answers were
    compared."""
    total: int
    """Candidates with a readable answer."""


@dataclass
class _Cluster:
    """Answers that are shown to be equal to the first of them."""

    answers: list[str]
    votes: int
    others: list[str] = field(default_factory=list[str])
    """The first answers of the groups that joined."""

    @property
    def leader(self) -> str:
        return self.answers[0]

    def join(self, group: _Cluster) -> None:
        self.answers += group.answers
        self.votes += group.votes
        self.others.append(group.leader)


def elect(
    tallies: Sequence[Mapping[str, int]], rule: GradeMajority, math: MathGrader
) -> list[Vote]:
    """One vote per problem; hard pairs of all of them go to the workers at the same time.

    Args:
        tallies: Of each problem, how many candidates gave which answer, as they spelled it.

    Raises:
        GraderError: A worker cannot be started.
    """
    polls = [_poll(tally, rule, math) for tally in tallies]
    hard = [pair for _, pairs in polls for pair in pairs]
    equal = equal_pairs(hard, math)
    return [
        _outcome(_merged(clusters, equal), sum(tally.values()), rule)
        for tally, (clusters, _) in zip(tallies, polls, strict=True)
    ]


def groups_of_equals(
    tallies: Sequence[Mapping[str, int]], math: MathGrader
) -> list[list[frozenset[str]]]:
    """Of each problem its answers in groups of equal ones, the order as it is compared.

    Every pair that needs a worker is compared, whether or not an answer could win by it, but at
    most `MAX_HARD` of a problem.

    Raises:
        GraderError: A worker cannot be started.
    """
    polls = [_poll(tally, None, math) for tally in tallies]
    equal = equal_pairs([pair for _, pairs in polls for pair in pairs], math)
    return [[frozenset(one.answers) for one in _merged(clusters, equal)] for clusters, _ in polls]


def joined(vote: Vote, answers: Collection[str], math: MathGrader) -> Vote:
    """A vote that is decided, with those of further answers that equal its own among the members.

    Raises:
        GraderError: A worker cannot be started.
    """
    if not vote.answer:
        return vote
    others = sorted(set(answers) - vote.members)
    equal = equal_pairs([(vote.answer, other) for other in others], math)
    return replace(vote, members=vote.members | {other for _, other in equal})


def equal_pairs(pairs: Sequence[Pair], math: MathGrader) -> set[Pair]:
    """The pairs (gold, answer) that the grader of mathematics calls equal."""
    found = zip(pairs, math.grade_answers(pairs), strict=True)
    return {pair for pair, verdict in found if verdict.status is Status.CORRECT}


def _poll(
    tally: Mapping[str, int], rule: GradeMajority | None, math: MathGrader
) -> tuple[list[_Cluster], list[Pair]]:
    """Clusters by the cheap tiers, and the pairs of their leaders by which one could still win;
    all pairs where there is no rule."""
    policy = math.limits.policy
    reading = reading_of(policy)
    clusters: list[_Cluster] = []
    open_pairs: list[Pair] = []

    def differ(one: str, other: str) -> bool:
        finding = settle(one, other, policy, reading)
        return finding is not None and finding.status is not Status.CORRECT

    for group in _groups(tally, by_spelling=policy == DEFAULT):
        undecided: list[Pair] = []
        for cluster in clusters:
            finding = settle(cluster.leader, group.leader, policy, reading)
            if finding is not None and finding.status is not Status.CORRECT:
                continue
            if any(differ(one, group.leader) for one in cluster.others):
                continue
            if finding is not None:
                cluster.join(group)
                break
            undecided.append((cluster.leader, group.leader))
        else:
            clusters.append(group)
            open_pairs += undecided
    total = sum(tally.values())
    votes = {cluster.leader: cluster.votes for cluster in clusters}
    reach = dict(votes)
    for leader, other in open_pairs:
        reach[leader] += votes[other]
    hard = [
        (leader, other)
        for leader, most in reach.items()
        if rule is None or _wins(most, total, rule)
        for first, other in open_pairs
        if first == leader
    ]
    return clusters, hard[:MAX_HARD]


def _groups(tally: Mapping[str, int], *, by_spelling: bool) -> list[_Cluster]:
    """Answers of equal spelling, in the order in which they are compared.

    Spellings say what is equal under the default policy; under another one only equal texts are.
    """
    groups: dict[str, _Cluster] = {}
    for answer in sorted(tally, key=_shortest):
        group = groups.setdefault(spelling(answer) if by_spelling else answer, _Cluster([], 0))
        group.answers.append(answer)
        group.votes += tally[answer]
    return sorted(groups.values(), key=lambda group: (-group.votes, *_shortest(group.leader)))


def _merged(clusters: Sequence[_Cluster], equal: Collection[Pair]) -> list[_Cluster]:
    merged: list[_Cluster] = []
    for cluster in clusters:
        home = next((one for one in merged if (one.leader, cluster.leader) in equal), None)
        if home is None:
            merged.append(cluster)
        else:
            home.join(cluster)
    return merged


def _outcome(clusters: Sequence[_Cluster], total: int, rule: GradeMajority) -> Vote:
    leading = max(clusters, key=lambda one: one.votes, default=_Cluster([], 0))
    if not _wins(leading.votes, total, rule):
        return Vote("", frozenset(), leading.votes, total)
    answer = min(leading.answers, key=_shortest)
    return Vote(answer, frozenset(leading.answers), leading.votes, total)


def _wins(votes: int, total: int, rule: GradeMajority) -> bool:
    """Whether so many votes are a majority; the share is above one half, so only one answer's are
    (`GradeMajority.min_agreement`)."""
    return total >= rule.min_votes and votes / total >= rule.min_agreement


def _shortest(answer: str) -> tuple[int, str]:
    return len(answer), answer
