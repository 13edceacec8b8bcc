"""Tests of code problems in the shapes of public datasets -> the JSON that our sandbox reads.

- `apps`: JSON text `{"inputs": […], "outputs": […], "fn_name"?: …}` (codeparrot/apps, BAAI/TACO);
- `contests`: `{input: […], output: […]}` in one column or several (deepmind/code_contests);
- `cases`: `{"test_cases": [{type, input, output, fn_name?}]}` as JSON text or as an object, or the
  list alone (open-r1/verifiable-coding-problems-python, PrimeIntellect/verifiable-coding-problems).

The shapes are those of the datasets' cards and of the programs that grade by them: APPS
`eval/testing_util.py` (an output of a call may stand in a list of one; lists of lines are joined),
and `verification_info` in PrimeIntellect's and open-r1's graders.

A function is called with the list in `input`. Where the input is text instead, it is one JSON value
per line, as LeetCode writes arguments, and the output is one too. Where every expected value of a
function is a list of one, as in APPS, what is in it is expected: a function that itself returns
such lists then fails its own gold check.

Covered: scripts, functions, and methods of a `class Solution`, as LeetCode has them. Not covered:
programs in other languages than Python, problems with several right outputs and no checker (honest
programs fail there), keys of objects that were numbers before JSON made them texts, whole numbers
of more than 4,300 digits.

Only so much is kept as a grading needs: cases in their order, those with more than
`MOST_CASE_CHARS` of input and output left out, up to `MOST_CASES`, and equal ones once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

MOST_CASES: Final = 40
"""Of one problem; each starts a process, and all of them share the limits of one run."""
MOST_CASE_CHARS: Final = 20_000
"""Input and output of one case; tests travel with every row of a problem."""

_SCRIPTS: Final = ("stdin_stdout", "stdin")
_Case = tuple[str, Any, Any]
"""Name of the function (empty for a script), input, expected output."""


def foreign_tests(shape: str, values: Sequence[Any]) -> dict[str, Any]:
    """Tests of kind `stdio` or `call` from the columns that hold them.

    Raises:
        ValueError: The message says what was expected: nothing of that shape is there, or no case
            that can be kept.
    """
    cases = [case for value in values for case in _READERS[shape](value)]
    functions = {name for name, _, _ in cases}
    if len(functions) > 1:
        raise ValueError(f"tests of one kind (of one function, or of scripts, not {functions})")
    if not cases:
        raise ValueError("at least one test case")
    function = next(iter(functions))
    form = _calls(function, cases) if function else _scripts(cases)
    form["cases"] = _bounded(form["cases"])
    if not form["cases"]:
        raise ValueError(f"a test case of at most {MOST_CASE_CHARS} characters")
    return form


def method_tests(tests: dict[str, Any]) -> dict[str, Any]:
    """Tests of kind `call` as assertions about a method of `class Solution`."""
    calls = [
        f"assert Solution().{tests['entry_point']}(*{case['args']!r}) == {case['expected']!r}"
        for case in tests["cases"]
    ]
    return {"kind": "asserts", "code": "\n".join(calls) + "\n"}


def _apps(value: Any) -> Iterator[_Case]:
    data = _parsed(value)
    if not isinstance(data, dict) or not {"inputs", "outputs"} <= data.keys():
        raise ValueError("tests with `inputs` and `outputs`")
    yield from _paired(data["inputs"], data["outputs"], data.get("fn_name") or "")


def _contests(value: Any) -> Iterator[_Case]:
    data = _parsed(value)
    if isinstance(data, list):
        if not all(isinstance(one, dict) and {"input", "output"} <= one.keys() for one in data):
            raise ValueError("tests with `input` and `output`")
        yield from (("", one["input"], one["output"]) for one in data)
        return
    if not isinstance(data, dict) or not {"input", "output"} <= data.keys():
        raise ValueError("tests with `input` and `output`")
    yield from _paired(data["input"], data["output"], "")


def _cases(value: Any) -> Iterator[_Case]:
    data = _parsed(value)
    language = data.get("language") if isinstance(data, dict) else None
    if language is not None and not str(language).lower().startswith("python"):
        raise ValueError(f"tests of Python, not of {language!r:.40},")
    found = data.get("test_cases") if isinstance(data, dict) else data
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError("a list `test_cases`")
    for case in found:
        kind, name = case.get("type", case.get("testtype")), case.get("fn_name") or ""
        if "input" not in case or "output" not in case or not isinstance(name, str):
            raise ValueError("cases with `input` and `output`")
        if kind not in (None, *_SCRIPTS, "function_call"):
            raise ValueError(f"cases of type stdin_stdout or function_call, not {kind!r:.40},")
        if kind == "function_call" and not name:
            raise ValueError("`fn_name` in each case of type function_call")
        yield "" if kind in _SCRIPTS else name, case["input"], case["output"]


_READERS: Final = {"apps": _apps, "contests": _contests, "cases": _cases}


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("tests as JSON") from error


def _paired(inputs: Any, outputs: Any, function: Any) -> Iterator[_Case]:
    if not (isinstance(inputs, list) and isinstance(outputs, list) and isinstance(function, str)):
        raise ValueError("lists of inputs and outputs")
    if len(inputs) != len(outputs):
        raise ValueError(f"as many outputs as inputs ({len(inputs)}, not {len(outputs)})")
    for one, other in zip(inputs, outputs, strict=True):
        yield function, one, other


def _scripts(cases: Sequence[_Case]) -> dict[str, Any]:
    found = [{"stdin": _lines(given), "stdout": _lines(expected)} for _, given, expected in cases]
    return {"kind": "stdio", "cases": found}


def _lines(value: Any) -> str:
    """Text of a script; a list of lines is joined, as the grader of APPS does."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    if not isinstance(value, str):
        raise ValueError("input and output of scripts as text")
    return value


def _calls(function: str, cases: Sequence[_Case]) -> dict[str, Any]:
    if not function.isidentifier():
        raise ValueError(f"the name of a function, not {function!r:.40},")
    wanted = [_plain(other) if isinstance(one, str) else other for _, one, other in cases]
    if all(isinstance(one, list) and len(one) == 1 for one in wanted):
        wanted = [one[0] for one in wanted]
    found = [
        {"args": _arguments(given), "expected": expected}
        for (_, given, _), expected in zip(cases, wanted, strict=True)
    ]
    return {"kind": "call", "entry_point": function, "cases": found}


def _arguments(value: Any) -> list[Any]:
    if isinstance(value, str):
        value = [_plain(line) for line in value.split("\n") if line.strip()]
    if not isinstance(value, list):
        raise ValueError("arguments of a function as a list")
    return value


def _plain(value: Any) -> Any:
    """A value that may be given as the text of its JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _bounded(cases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = {}
    for case in cases:
        text = json.dumps(case, sort_keys=True)
        if len(text) <= MOST_CASE_CHARS:
            kept.setdefault(text, case)
        if len(kept) == MOST_CASES:
            break
    return list(kept.values())
