"""LiveCodeBench's tests -> the gold of a problem: scripts by what they print, functions and methods
by assertions, with limits of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from typing import Any, Final

from factory.collect.packed_tests import unpacked
from factory.collect.rows import SourceRow
from factory.digest import canonical_json
from factory.grade.code_run import CodeRun

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


def gold_of(row: SourceRow, starter: str) -> str:
    """The gold of a row, as `factory.grade.code` takes it.

    Args:
        starter: The code that the program has to begin with; empty for scripts.

    Raises:
        SourceError: The tests are not what LiveCodeBench has, or none can be taken.
    """
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
