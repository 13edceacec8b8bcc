"""What a grading command needs of its grader: to read a line, to grade some, to be checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeVar

from factory.grade.line_file import Values

Line = TypeVar("Line")

Result = Mapping[str, Any]
"""`verdict` and its evidence, plain JSON values, without the id of the line."""


class MachineFault(Exception):  # noqa: N818 - internal: the line gets another try, then `infra`
    """The machine failed under these lines; others may fare better, and these later."""


class LineGrader(Protocol[Line]):
    """Reads and grades lines of one kind. Open (a context manager) while `grade` is called."""

    made_by: str
    """Name of the command."""
    settings: Mapping[str, Any]
    """What verdicts depend on beside the line, plain JSON values; OUT holds results of one such."""
    most_lines: int
    """Lines that `grade` takes at once; 1 where each of them is long work."""

    def read(self, values: Values) -> Line:
        """The line. Raises `ValueError` where it cannot be graded. Called before `__enter__`."""
        ...

    def __enter__(self) -> object:
        """Start what grading needs. Raises `RetortError` with the remedy."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...

    def grade(self, lines: Sequence[Line]) -> Sequence[Result]:
        """A result per line, in their order. Called from many threads.

        Raises:
            MachineFault: There is no verdict on some of them; several are then graded one by one.
            RetortError: There will be none on any other either.
        """
        ...

    def no_verdict(self, detail: str) -> Result:
        """The fields of an `infra` line."""
        ...

    def check(self) -> None:
        """Return where the machine can grade a line that is known to be harmless.

        Raises:
            MachineFault, RetortError: It cannot.
        """
        ...
