"""Two scorers' verdicts on the same stored responses, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from .stored import Response


@dataclass(frozen=True)
class Difference:
    """A class of differences: how many, who is right in how many, and one of them."""

    why: str
    count: int
    we_are_right: int
    forms: dict[str, int]
    example: dict[str, str]


@dataclass(frozen=True)
class Compared:
    """What a comparison comes to."""

    responses: int
    truth: float
    """Share that is right by construction, of those of which that is known."""
    ours: float
    theirs: float
    agreement: float
    both: int
    only_ours: int
    only_theirs: int
    neither: int
    ours_is_true: float
    """Share, of the same, on which our verdict is what is known."""
    theirs_is_true: float
    differences: list[Difference] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """For a file."""
        return asdict(self)


def compare(
    responses: Sequence[Response],
    ours: Sequence[bool],
    theirs: Sequence[bool],
    reasons: Sequence[str],
    said: Sequence[tuple[str, str]],
) -> Compared:
    """Counts, and the differences by class.

    Args:
        reasons: Of each response, why the two differ; anything where they agree.
        said: Of each response, what we compared or found, and what they did.
    """
    n = len(responses)
    known = [at for at, one in enumerate(responses) if one.right is not None]
    cells = Counter(zip(ours, theirs, strict=True))
    return Compared(
        responses=n,
        truth=sum(bool(responses[at].right) for at in known) / len(known),
        ours=sum(ours) / n,
        theirs=sum(theirs) / n,
        agreement=(cells[True, True] + cells[False, False]) / n,
        both=cells[True, True],
        only_ours=cells[True, False],
        only_theirs=cells[False, True],
        neither=cells[False, False],
        ours_is_true=sum(ours[at] == responses[at].right for at in known) / len(known),
        theirs_is_true=sum(theirs[at] == responses[at].right for at in known) / len(known),
        differences=_differences(responses, ours, theirs, reasons, said),
    )


def _differences(
    responses: Sequence[Response],
    ours: Sequence[bool],
    theirs: Sequence[bool],
    reasons: Sequence[str],
    said: Sequence[tuple[str, str]],
) -> list[Difference]:
    found: dict[str, list[int]] = {}
    for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if one != other:
            found.setdefault(reasons[at], []).append(at)
    return [
        Difference(
            why=why,
            count=len(places),
            we_are_right=sum(ours[at] == responses[at].right for at in places),
            forms=dict(Counter(responses[at].form for at in places).most_common()),
            example={
                "response": responses[places[0]].name,
                "ends": responses[places[0]].text[-90:],
                "ours": f"{ours[places[0]]}: {said[places[0]][0]}"[:200],
                "theirs": f"{theirs[places[0]]}: {said[places[0]][1]}"[:200],
            },
        )
        for why, places in sorted(found.items(), key=lambda item: -len(item[1]))
    ]


def line(name: str, one: Compared) -> str:
    """A row of the table."""
    return (
        f"| {name} | {one.responses:,} | {one.truth:.1%} | {one.ours:.1%} | {one.theirs:.1%} "
        f"| {one.agreement:.1%} | {one.only_ours:,} | {one.only_theirs:,} "
        f"| {one.ours_is_true:.1%} | {one.theirs_is_true:.1%} |"
    )


HEAD = (
    "| set and scorer | responses | right | ours | theirs | agreement | only ours accepts "
    "| only theirs | ours is true | theirs is true |\n|---|---|---|---|---|---|---|---|---|---|"
)
