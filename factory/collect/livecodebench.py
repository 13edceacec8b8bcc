"""Rows of LiveCodeBench's own JSONL files -> problems with all their tests, hidden ones included.

Scripts are graded as `stdio`, functions and LeetCode's methods by assertions, each program with
the imports before it that LiveCodeBench puts there and with limits of its own (`run` in the gold;
`factory.grade.code_run`). For measuring all tests count; only what a sandbox cannot take is left
out, and how many that were stands in the gold. `docs/suites.md` says what differs from
LiveCodeBench's own grading.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from keyword import iskeyword
from pathlib import Path
from typing import Any, Final

from factory.collect.admitted import Rejected
from factory.collect.packed_tests import unpacked
from factory.collect.rows import SourceRow, read_rows
from factory.digest import canonical_json
from factory.errors import RecipeError, SourceError
from factory.grade.code_run import CodeRun
from factory.recipe_file import resolve
from schemas.problem import Domain, GraderName, Problem
from schemas.sample import Drop
from schemas.source_settings import LiveCodeBenchSource

DOWNLOAD: Final = (
    "hf download livecodebench/code_generation_lite --repo-type dataset --include 'test*.jsonl' "
    "--local-dir {folder}"
)

STARTER_LINE: Final = (
    "You will use the following starter code to write the solution to the problem and enclose your "
    "code within delimiters."
)
STDIN_LINE: Final = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly "
    "test on the sample inputs). Enclose your code within delimiters as follows."
)
"""LiveCodeBench's own words (`lcb_runner/prompts/code_generation.py`)."""

_MODULES: Final = (
    *("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random"),
    *("statistics", "itertools", "functools", "operator", "io", "sys", "json"),
)
PRELUDE: Final = "; ".join(
    [f"from {name} import *" for name in (*_MODULES, "builtins", "typing")]
    + [f"import {', '.join(_MODULES)}", "sys.setrecursionlimit(50000)"]
)
"""What LiveCodeBench's grader puts before a program (`testing_util.py`): LeetCode's starter code
uses `List` and imports nothing."""

CASE_S: Final = 6.0
"""LiveCodeBench's limit of one case. Ours is one for all cases: so much for each, at most
`MOST_S`, which a right program does not need and a loop that never ends wastes."""
MOST_S: Final = 60.0
MOST_CHARS: Final = 24_000_000
"""Input and output of a problem's kept tests together."""
MOST_CALL_CHARS: Final = 4_000_000
"""Of one call: its values cross between two containers in one message."""
_OUTPUT_BYTES: Final = 1024 * 1024
_Case = tuple[str, str]


def problems(source: LiveCodeBenchSource) -> Iterator[Problem | Rejected]:
    """The problems of a source in the order of its rows, and those of other contests.

    Raises:
        SourceError: A file cannot be read, a row is wrong, or none is of the wanted contests.
        RecipeError: The path is not there.
    """
    good = others = 0
    for at, row in enumerate(read_rows(place(source))):
        held = _day(row)
        if (source.since and held < source.since) or (source.until and held > source.until):
            others += 1
            detail = f"contest_date is {held}"
            problem_id = f"{source.name}/{row.identifier('question_id', at)}"
            yield Rejected(problem_id, source.name, Drop.OTHER_KIND, detail)
            continue
        good += 1
        yield _problem(source, row, at)
    if not good:
        raise SourceError(
            f"source {source.name}: expected problems of contests from {source.since or 'any day'} "
            f"to {source.until or 'any day'}, found none and {others:,} of others "
            f"in {source.path}; download the files of these months: {download_command(source)}"
        )


def place(source: LiveCodeBenchSource) -> Path:
    """The file or folder of a source.

    Raises:
        RecipeError: It is not there; the message has the command that downloads it.
    """
    path = resolve(source.path)
    if not path.exists():
        raise RecipeError(
            f"source {source.name}: expected LiveCodeBench's files at {path}, found none; "
            f"download them: {download_command(source)}"
        )
    return path


def download_command(source: LiveCodeBenchSource) -> str:
    """What a user types to have a source's files; one of them has 1.2 GB."""
    return DOWNLOAD.format(folder=resolve(source.path))


def _day(row: SourceRow) -> date:
    text = row.text("contest_date")
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise row.wrong("contest_date", "a day", text) from error


def _problem(source: LiveCodeBenchSource, row: SourceRow, at: int) -> Problem:
    statement = row.text("question_content").strip()
    if not statement:
        raise row.wrong("question_content", "a statement", statement)
    starter = row.text("starter_code", optional=True)
    line, code = (STARTER_LINE, starter) if starter.strip() else (STDIN_LINE, "# YOUR CODE HERE")
    return Problem(
        problem_id=f"{source.name}/{row.identifier('question_id', at)}",
        statement=f"{statement}\n\n{line}\n```python\n{code}\n```",
        gold=row.unbroken("private_test_cases", _gold(row, starter)),
        grader=GraderName.CODE,
        domain=Domain.CODE,
        source=source.name,
        license=source.license,
        category=row.label("platform"),
        level=row.label("difficulty"),
        reasoning=True,
        solution="",
    )


def _gold(row: SourceRow, starter: str) -> str:
    cases: list[_Case] = []
    kinds: set[str] = set()
    for column in ("public_test_cases", "private_test_cases"):
        for kind, case in _cases(row, column):
            kinds.add(kind)
            cases.append(case)
    if len(kinds) != 1:
        raise row.wrong("private_test_cases", "tests of one kind, at least one", sorted(kinds))
    functional = kinds == {"functional"}
    kept = _bounded(cases, MOST_CALL_CHARS if functional else MOST_CHARS)
    if not kept:
        raise row.wrong("private_test_cases", "a test that a sandbox can take", len(cases))
    tests = _calls(row, starter, kept) if functional else _scripts(kept)
    seconds = min(CASE_S * len(kept), MOST_S)
    written = sum(len(output.encode("utf-8", "replace")) for _, output in kept)
    run = CodeRun(
        prelude=PRELUDE,
        cpu_s=seconds,
        wall_s=2 * seconds,
        output_bytes=_OUTPUT_BYTES + 2 * written,
        left_out=len(cases) - len(kept),
    )
    return canonical_json({**tests, "run": run.model_dump(mode="json")})


def _cases(row: SourceRow, column: str) -> Iterator[tuple[str, _Case]]:
    """Kind, input and output of each test of a column."""
    try:
        found = unpacked(row.text(column))
    except ValueError as error:
        raise row.wrong(column, str(error), row.text(column)) from error
    if not isinstance(found, list):
        raise row.wrong(column, "a list of tests", found)
    for test in found:
        named = test if isinstance(test, dict) else {}
        kind, given, output = (named.get(name) for name in ("testtype", "input", "output"))
        if kind not in ("stdin", "functional") or not isinstance(given, str):
            raise row.wrong(column, "tests with `testtype` stdin or functional and `input`", test)
        if not isinstance(output, str):
            raise row.wrong(column, "tests with `output`", test)
        yield kind, (given, output)


def _bounded(cases: list[_Case], most_of_one: int) -> list[_Case]:
    """The cases in their order, but for those that are too long or beyond what a problem has."""
    kept: list[_Case] = []
    left = MOST_CHARS
    for case in cases:
        chars = len(case[0]) + len(case[1])
        if chars <= min(most_of_one, left):
            kept.append(case)
            left -= chars
    return kept


def _scripts(cases: list[_Case]) -> dict[str, Any]:
    """Words that are numbers are compared by their value, as LiveCodeBench does."""
    found = [{"stdin": given, "stdout": output} for given, output in cases]
    return {"kind": "stdio", "cases": found, "tolerance": 0}


def _calls(row: SourceRow, starter: str, cases: list[_Case]) -> dict[str, Any]:
    """Assertions that call the function, or the method of a `class Solution`, with each input.

    The values stand in the code as the text of their JSON, so that no compiler has to read them
    and one case at a time is in memory. An input holds one JSON value per line, an output is one.
    """
    function = _function(row)
    target = f"Solution().{function}" if "class Solution" in starter else function
    try:
        inputs = [_one_list(given) for given, _ in cases]
        outputs = [json.dumps(json.loads(output)) for _, output in cases]
    except (ValueError, RecursionError) as error:
        raise row.wrong("private_test_cases", "inputs and outputs as JSON", "others") from error
    lines = [
        "from json import loads",
        f"INPUTS = {inputs!r}",
        f"OUTPUTS = {outputs!r}",
        "def same(found, expected):",
        "    return (list(found) if isinstance(found, tuple) else found) == expected",
        *(
            f"assert same({target}(*loads(INPUTS[{at}])), loads(OUTPUTS[{at}]))"
            for at in range(len(cases))
        ),
    ]
    return {"kind": "asserts", "code": "\n".join(lines) + "\n"}


def _one_list(given: str) -> str:
    """The lines of an input, each the JSON of one argument, as the JSON of their list."""
    return json.dumps([json.loads(line) for line in given.split("\n") if line.strip()])


def _function(row: SourceRow) -> str:
    text = row.text("metadata")
    try:
        metadata: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise row.wrong("metadata", "JSON", text) from error
    name = metadata.get("func_name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
        raise row.wrong("metadata", "the name of a function in `func_name`", text)
    return name
