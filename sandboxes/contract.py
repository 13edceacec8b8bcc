"""What a sandbox is given and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from sandboxes.syntax import parse


class Verdict(StrEnum):
    """What became of a program. The machine's faults are errors, never one of these."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    ERROR = "error"
    """It raised, or ended early or by a signal of its own."""
    SYNTAX = "syntax"
    TIMEOUT = "timeout"
    """Past `wall_s` or `cpu_s`."""
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"


@dataclass(frozen=True)
class Limits:
    """Limits of one program over all its cases."""

    wall_s: float = 10.0
    cpu_s: float = 5.0
    memory_bytes: int = 256 * 1024 * 1024
    """Of each of its processes, beyond what the interpreter itself takes."""
    output_bytes: int = 1024 * 1024
    """Standard output and standard error together."""


@dataclass(frozen=True)
class Outcome:
    """The verdict on one program, with its evidence."""

    verdict: Verdict
    passed: int
    """Cases that held; for `asserts`, assertions at the top level of the tests."""
    total: int
    detail: str
    """One line: the first case that failed and why; empty for a correct program."""
    wall_s: float
    cpu_s: float
    """Of all processes of the run, in the container."""


@dataclass(frozen=True)
class Evaluation:
    """What a function returned in the sandbox."""

    verdict: Verdict
    """`correct` where it returned a value; never `incorrect`, since nothing is compared."""
    value: Any
    """With the exact built-in types that were returned, or None."""
    detail: str
    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class StdioCase:
    """One run of the program as a script."""

    stdin: str
    stdout: str
    """Compared line by line; space at the end of lines and of the text is ignored."""


@dataclass(frozen=True)
class Stdio:
    """Scripts: text in, text out. The program starts anew for each case."""

    cases: tuple[StdioCase, ...]
    tolerance: float | None = None
    """Words that are numbers may differ by so much, absolutely or relative to the expected one;
    then the words of a line are compared, however they are spaced."""
    checker: str | None = None
    """Python code that defines `check(stdin, expected, output)`, for problems with many right
    answers. It runs in a sandbox of its own after the program; exactly `True` is a pass."""

    kind: ClassVar[str] = "stdio"


@dataclass(frozen=True)
class CallCase:
    """One call of the entry point; all values are plain JSON values."""

    args: tuple[Any, ...]
    expected: Any
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Call:
    """Calls of one function of the program, one after the other in one process.

    A tuple equals a list, since JSON has no tuples; an int equals a float of the same value;
    a bool equals only a bool.
    """

    entry_point: str
    cases: tuple[CallCase, ...]

    kind: ClassVar[str] = "call"


@dataclass(frozen=True)
class Asserts:
    """Arbitrary test code, which runs as it stands in another process than the program.

    With `entry_point`, that function of the program is bound as `candidate`. Names that the tests
    use and do not define are the program's own; builtins and library modules never are, so a
    program cannot replace the `abs` that judges it. Tests that need a helper (an encoder, say)
    should define it themselves: one that they take from the program can be forged.
    """

    code: str
    entry_point: str | None = None

    kind: ClassVar[str] = "asserts"


Tests = Stdio | Call | Asserts


def parse_tests(data: Any) -> Tests:
    """Tests from their JSON form, the gold of a code problem.

    Raises:
        ValueError: It is not one of the three forms; the message says where it departs.
    """
    form = _mapping(data, "tests")
    kind = form.get("kind")
    if kind == "stdio":
        _only(form, {"kind", "cases", "tolerance", "checker"})
        cases = tuple(_stdio_case(case) for case in _cases(form))
        return Stdio(cases, _tolerance(form.get("tolerance")), _checker(form))
    if kind == "call":
        _only(form, {"kind", "entry_point", "cases"})
        return Call(_text(form, "entry_point"), tuple(_call_case(case) for case in _cases(form)))
    if kind == "asserts":
        _only(form, {"kind", "code", "entry_point"})
        entry_point = _text(form, "entry_point") if form.get("entry_point") is not None else None
        return Asserts(_code(form, "code"), entry_point)
    raise ValueError(f"tests: expected kind stdio, call or asserts, found {kind!r}")


def _tolerance(data: Any) -> float | None:
    if data is None:
        return None
    if isinstance(data, bool) or not isinstance(data, int | float) or not 0 <= data < math.inf:
        raise ValueError(
            f"tests: expected `tolerance` to be a number of at least 0, found {data!r}"
        )
    return float(data)


def _checker(form: Mapping[str, Any]) -> str | None:
    if form.get("checker") is None:
        return None
    if form.get("tolerance") is not None:
        raise ValueError("tests: expected `tolerance` or `checker`, found both")
    return _code(form, "checker")


def _code(form: Mapping[str, Any], name: str) -> str:
    code = _text(form, name)
    try:
        parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"tests: `{name}` does not parse: {error}") from error
    return code


def _stdio_case(data: Any) -> StdioCase:
    case = _mapping(data, "case")
    _only(case, {"stdin", "stdout"})
    return StdioCase(_text(case, "stdin"), _text(case, "stdout"))


def _call_case(data: Any) -> CallCase:
    case = _mapping(data, "case")
    _only(case, {"args", "kwargs", "expected"})
    if not isinstance(case.get("args"), list) or "expected" not in case:
        raise ValueError("tests: a call case needs `args` (a list) and `expected`")
    return CallCase(
        tuple(case["args"]), case["expected"], _mapping(case.get("kwargs", {}), "kwargs")
    )


def _cases(form: Mapping[str, Any]) -> list[Any]:
    cases = form.get("cases")
    if not isinstance(cases, list) or not cases:
        raise ValueError("tests: expected a list `cases` with at least one case")
    return cases


def _mapping(data: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"tests: expected {what} to be an object, found {type(data).__name__}")
    return data


def _text(form: Mapping[str, Any], name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str):
        raise ValueError(f"tests: expected `{name}` to be text, found {type(value).__name__}")
    return value


def _only(form: Mapping[str, Any], names: set[str]) -> None:
    unknown = sorted(set(form) - names)
    if unknown:
        raise ValueError(f"tests: unknown keys {unknown}; known are {sorted(names)}")
