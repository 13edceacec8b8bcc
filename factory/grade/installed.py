"""Graders of other packages: found by their entry points, and held to the contract.

Covered: a package that is missing, cannot be loaded or takes a name that is taken is an error
with its remedy; a grader that raises, or gives something else than one `Verdict` per item, is an
error that names its package, never a verdict. Not covered: it is code of the team that runs here,
as they are; a grader that itself runs a model's text must do so in a sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from math import isfinite
from typing import Any, Final, Self, cast

from factory.errors import GraderError, RetortError
from factory.grade.contract import AnswersGold, Grader, Item, Verdict, boxed_gold
from schemas.machine import Machine
from schemas.problem import Problem
from schemas.verdict import Status

GROUP: Final = "retort.graders"
Factory = Callable[[Mapping[str, Any], Machine], Grader]


@dataclass(frozen=True)
class Installed:
    """One grader that a package registers."""

    point: EntryPoint

    @property
    def package(self) -> str:
        """`name==version` of the package."""
        package = self.point.dist
        return f"{package.name}=={package.version}" if package else self.point.value

    def factory(self) -> Factory:
        """What the entry point names.

        Raises:
            GraderError: It cannot be imported, or is nothing to call.
        """
        try:
            factory: Any = self.point.load()
        except (Exception, SystemExit) as error:
            raise self.broken(f"{self.point.value} to load", error) from error
        if callable(factory):
            return cast(Factory, factory)
        raise self.broken(f"{self.point.value} to be a function", factory)

    def broken(self, expected: str, found: object) -> GraderError:
        """The error for a package that does not keep to the contract."""
        what = (
            f"{type(found).__name__}: {found}" if isinstance(found, BaseException) else f"{found!r}"
        )
        return GraderError(
            f"grader {self.point.name!r} of {self.package}: expected {expected}, found "
            f"{what:.300}; mend that package (docs/graders.md)"
        )


def installed(taken: Collection[str]) -> dict[str, Installed]:
    """Name -> grader, of all packages that are installed here; none of them is imported.

    Raises:
        GraderError: A package registers a name of `taken`, or two packages the same one.
    """
    found: dict[str, Installed] = {}
    for point in entry_points(group=GROUP):
        one = Installed(point)
        if point.name in taken or (point.name in found and found[point.name] != one):
            other = "Retort" if point.name in taken else found[point.name].package
            raise GraderError(
                f"grader {point.name!r} of {one.package}: expected a name that is free, found the "
                f"one of a grader of {other}; rename it in that package, or uninstall it"
            )
        found[point.name] = one
    return found


class InstalledGrader:
    """A grader of another package; what it gives is checked."""

    def __init__(self, one: Installed, settings: Mapping[str, Any], machine: Machine) -> None:
        """Raises `GraderError` where it cannot be loaded or does not take the settings."""
        self._one = one
        factory = one.factory()
        expected = "a grader for these settings"
        self._grader = self._checked(expected, self._held(expected, factory, settings, machine))

    def __enter__(self) -> Self:
        expected = "a grader that starts"
        self._grader = self._checked(expected, self._held(expected, self._grader.__enter__))
        return self

    def _checked(self, expected: str, grader: Any) -> Grader:
        methods = ("__enter__", "__exit__", "grade_many")
        if not all(callable(getattr(grader, name, None)) for name in methods):
            raise self._one.broken(expected, grader)
        return cast(Grader, grader)

    def __exit__(self, *exc: object) -> None:
        self._held("a grader that stops", self._grader.__exit__, *exc)

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item; raises `GraderError` where the package gives anything else."""
        expected = f"{len(items)} verdicts"
        found: Any = self._held(expected, self._grader.grade_many, items)
        if not isinstance(found, list) or len(found) != len(items):
            size = f"{len(found)} in a list" if isinstance(found, list) else type(found).__name__
            raise self._one.broken(expected, size)
        for verdict in found:
            status: Any = verdict.status if isinstance(verdict, Verdict) else None
            if not isinstance(status, Status):
                raise self._one.broken("verdicts with a status of schemas.verdict", verdict)
            if not _is_sound(verdict):
                raise self._one.broken("verdicts with fields as factory.grade.contract", verdict)
        return found

    def gold_answer(self, problem: Problem) -> str | None:
        """As the grader says; one that says nothing takes its gold in a box."""
        if not isinstance(self._grader, AnswersGold):
            return boxed_gold(problem)
        found: Any = self._held("an answer", self._grader.gold_answer, problem)
        if found is not None and not isinstance(found, str):
            raise self._one.broken("an answer as text, or None", found)
        return found

    def _held(self, expected: str, call: Callable[..., Any], *arguments: Any) -> Any:
        """What a call gives; the one place where an error of somebody else's code is caught."""
        try:
            return call(*arguments)
        except RetortError:
            raise
        except (Exception, SystemExit) as error:
            raise self._one.broken(expected, error) from error


def _is_sound(verdict: Verdict) -> bool:
    """Whether the fields can be stored: text in UTF-8, whole counts, finite seconds."""
    texts: list[Any] = [verdict.extracted, verdict.method, verdict.detail]
    counts: list[Any] = [verdict.passed, verdict.total]
    seconds: Any = verdict.wall_s
    return (
        all(isinstance(text, str) and _encodes(text) for text in texts)
        and all(count is None or isinstance(count, int) for count in counts)
        and isinstance(seconds, int | float)
        and isfinite(seconds)
    )


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
