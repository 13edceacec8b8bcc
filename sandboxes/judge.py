"""From what a run sent to its outcome. The host compares; the program's word is only data.

`correct` needs, for `stdio` and `call`, every case's output or value equal to what was expected;
for `asserts`, the report of the process of the tests that all of them ran. No exit status, marker
or object of the program can bring it about.
"""

from __future__ import annotations

import math
import re
import signal
from decimal import Decimal
from typing import Any

from sandboxes.answer import Answer, StepOutput, messages
from sandboxes.contract import (
    Asserts,
    Call,
    CallCase,
    Evaluation,
    Outcome,
    Stdio,
    StdioCase,
    Tests,
    Verdict,
)
from sandboxes.inside.values import Codec, Malformed
from sandboxes.slot import Answers

Finding = tuple[Verdict, str]

VALUE_BYTES = 128 * 1024
"""Most that `evaluate` reads of a value: what it is made of could be chosen to be slow to build."""
MOST_NODES = 1 << 24

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

_NO_MEMORY = ("virtual memory exhausted", "out of memory", "File size limit exceeded")

_STOPPED: dict[str, Finding] = {
    "wall": (Verdict.TIMEOUT, "past the limit of wall time"),
    "cpu": (Verdict.TIMEOUT, "past the limit of CPU time"),
    "memory": (Verdict.MEMORY, "past the memory of its container"),
    "output": (Verdict.OUTPUT_LIMIT, "past the limit of output"),
    "results": (Verdict.OUTPUT_LIMIT, "its results are too large"),
}


def judge(tests: Tests, answers: Answers, checked: Answer | None = None) -> Outcome:
    """The outcome of one run; `checked` is what came of `check_call`, where there was one."""
    if isinstance(tests, Asserts):
        assert answers.tests is not None
        passed, total, found = _judge_asserts(answers.program, answers.tests)
    elif isinstance(tests, Call):
        passed, total, found = _judge_calls(tests, answers.program)
    else:
        passed, total, found = _judge_scripts(tests, answers.program, checked)
    verdict, detail = found or (Verdict.CORRECT, "")
    if found is None and passed != total:
        verdict, detail = Verdict.ERROR, "the program ended before its tests"
    cpu_s = answers.program.summary["cpu_s"]
    if answers.tests is not None:
        cpu_s += answers.tests.summary["cpu_s"]
    wall_s = answers.program.summary["wall_s"]
    return Outcome(verdict, passed, total, _one_line(detail), wall_s, cpu_s)


def check_call(tests: Stdio, answers: Answers) -> Call:
    """The calls of a checker: one for each case that ended as it should."""
    ended = _ended_cases(tests, answers.program)
    return Call(
        "check",
        tuple(
            CallCase((case.stdin, case.stdout, _text(output)), True)
            for case, output, found in ended
            if found is None
        ),
    )


def evaluated(answers: Answers) -> Evaluation:
    """The value of one call, where it came to an end."""
    answer = answers.program
    if len(answer.steps[0].reports) > VALUE_BYTES:
        del answer.steps[0].reports[:]
        answer.summary["stopped"] = "results"
    wall_s, cpu_s = answer.summary["wall_s"], answer.summary["cpu_s"]
    results = _results(answer.steps[0])
    if not results or answer.summary["stopped"]:
        found = _ending(answer, answer.steps[0], answer.summary["endings"][0], True)
        verdict, detail = found or (Verdict.ERROR, "the program ended before its call")
        return Evaluation(verdict, None, _one_line(detail), wall_s, cpu_s)
    raised = results[0].get("case")
    if isinstance(raised, dict):
        verdict, detail = _raised(raised)
        return Evaluation(verdict, None, _one_line(detail), wall_s, cpu_s)
    try:
        value = Codec(0, _no_number, _no_object).decode(results[0].get("value"))
    except (Malformed, RecursionError) as error:
        detail = _one_line(f"it returned what has no plain value: {error}")
        return Evaluation(Verdict.ERROR, None, detail, wall_s, cpu_s)
    return Evaluation(Verdict.CORRECT, value, "", wall_s, cpu_s)


def _no_number(value: Any) -> tuple[int, str]:
    raise TypeError(f"{type(value).__name__} has no plain value")


def _no_object(number: int, kind: str) -> Any:
    raise Malformed(f"an object of type {kind} stays in its process")


def _ended_cases(
    tests: Stdio, answer: Answer
) -> list[tuple[StdioCase, StepOutput, Finding | None]]:
    """Each case that was begun, with its output and why it did not end well."""
    steps, endings = answer.steps, answer.summary["endings"]
    first = 1 if "artifact" in answer.summary else 0
    last = len(steps) - 1
    return [
        (case, steps[at], _ending(answer, steps[at], endings[at], at == last))
        for case, at in zip(tests.cases, range(first, len(steps)), strict=False)
    ]


def _judge_scripts(
    tests: Stdio, answer: Answer, checked: Answer | None
) -> tuple[int, int, Finding | None]:
    total = len(tests.cases)
    if answer.summary.get("artifact") is False:
        return 0, total, _not_compiled(answer)
    results = iter(_results(checked.steps[0]) if checked is not None else ())
    passed, first = 0, None
    for number, (case, output, found) in enumerate(_ended_cases(tests, answer), 1):
        if found is None:
            if tests.checker is not None:
                assert checked is not None
                found = _checked_case(next(results, None), checked)
            else:
                found = _script_case(tests, case, _text(output))
        if found is None:
            passed += 1
        elif first is None:
            first = (found[0], f"case {number}: {found[1]}")
    return passed, total, first


def _not_compiled(answer: Answer) -> Finding:
    stopped = answer.summary["stopped"]
    ending, output = answer.summary["endings"][0], answer.steps[0]
    said = output.stderr.decode("utf-8", "replace")
    if stopped:
        verdict, detail = _STOPPED[stopped]
    elif answer.summary["killed_for_memory"] or any(one in said for one in _NO_MEMORY):
        verdict, detail = Verdict.MEMORY, "the compiler ran out of memory"
    else:
        lines = [line for line in said.splitlines() if "error" in line] or said.splitlines()
        verdict, detail = Verdict.SYNTAX, (lines or [f"the compiler ended with {ending}"])[0]
    return verdict, f"compiling: {detail}"


def _checked_case(result: dict[str, Any] | None, checked: Answer) -> Finding | None:
    if result is None:
        found = _ending(checked, checked.steps[0], checked.summary["endings"][0], True)
        return Verdict.ERROR, f"the checker: {found[1] if found else 'it ended early'}"
    raised = result.get("case")
    if isinstance(raised, dict):
        return Verdict.ERROR, f"the checker: {_raised(raised)[1]}"
    if result.get("value") is True:
        return None
    return Verdict.INCORRECT, f"the checker says {shown(result.get('value'))}"


def _script_case(tests: Stdio, case: StdioCase, written_text: str) -> Finding | None:
    written, expected = _lines(written_text), _lines(case.stdout)
    for line, (one, two) in enumerate(zip(written, expected, strict=False), 1):
        if one != two and not _near(one, two, tests.tolerance):
            return Verdict.INCORRECT, f"line {line}: expected {two[:80]!r}, found {one[:80]!r}"
    if len(written) != len(expected):
        return Verdict.INCORRECT, f"expected {len(expected)} lines, found {len(written)}"
    return None


def _near(written: str, expected: str, tolerance: float | None) -> bool:
    """Whether two lines hold the same words, numbers within the tolerance."""
    if tolerance is None:
        return False
    words, wanted = written.split(), expected.split()
    return len(words) == len(wanted) and all(
        one == two or _near_numbers(one, two, tolerance)
        for one, two in zip(words, wanted, strict=True)
    )


def _near_numbers(written: str, expected: str, tolerance: float) -> bool:
    if not (_NUMBER.fullmatch(written) and _NUMBER.fullmatch(expected)):
        return False
    one, two = float(written), float(expected)
    if not (math.isfinite(one) and math.isfinite(two)):
        return False
    if not tolerance:  # whole numbers beyond 2 ** 53 differ where their floats do not
        return Decimal(written) == Decimal(expected)
    return abs(one - two) <= tolerance * max(1.0, abs(two))


def _text(output: StepOutput) -> str:
    return output.stdout.decode("utf-8", "replace")


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _judge_calls(tests: Call, answer: Answer) -> tuple[int, int, Finding | None]:
    total = len(tests.cases)
    output, ending = answer.steps[0], answer.summary["endings"][0]
    results = _results(output)
    passed, first = 0, None
    for number, case in enumerate(tests.cases, 1):
        if number > len(results):
            break
        found = _call_case(case, results[number - 1])
        if found is None:
            passed += 1
        elif first is None:
            first = (found[0], f"case {number}: {found[1]}")
    if len(results) < total or answer.summary["stopped"]:
        first = first or _ending(answer, output, ending, True)
    return passed, total, first


def _results(output: StepOutput) -> list[dict[str, Any]]:
    """One report per call that came to an end."""
    return [one for one in messages(output.reports) if "value" in one or "case" in one]


def _call_case(case: CallCase, result: dict[str, Any]) -> Finding | None:
    raised = result.get("case")
    if isinstance(raised, dict):
        return _raised(raised)
    if equal(case.expected, result.get("value")):
        return None
    found = shown(result.get("value"))
    return Verdict.INCORRECT, f"expected {_pictured(case.expected)}, found {found}"


def _judge_asserts(program: Answer, tests: Answer) -> tuple[int, int, Finding | None]:
    reports = messages(tests.steps[0].reports)
    report: dict[str, Any] = reports[0] if reports else {"passed": 0, "total": 1}
    passed, total = report["passed"], report["total"]
    if program.summary["stopped"]:
        return passed, total, _STOPPED[program.summary["stopped"]]
    if report.get("done") is True:
        return passed, total, None
    if "broken" in report:
        return passed, total, (Verdict.ERROR, report["broken"])
    if "failed" in report:
        return passed, total, _failed(report["failed"])
    ending, output = program.summary["endings"][0], program.steps[0]
    found = _ending(program, output, ending, True)
    if found is None:
        found = _ending(tests, tests.steps[0], tests.summary["endings"][0], True)
    # Only the word of the tests that all is done makes a pass.
    return passed, total, found or (Verdict.ERROR, "the program ended before its tests")


def _failed(failed: dict[str, Any]) -> Finding:
    if failed["program"] is not None:
        memory = failed["type"] == "MemoryError"
        return (Verdict.MEMORY if memory else Verdict.ERROR), f"{failed['program']}"
    where = f"line {failed['line']} of the tests"
    if failed["type"] == "AssertionError":
        return Verdict.INCORRECT, f"{where} does not hold: {failed['text']}".rstrip(": ")
    return Verdict.INCORRECT, f"{where}: {failed['type']}: {failed['text']}"


def _ending(
    answer: Answer, output: StepOutput, ending: dict[str, Any], last: bool
) -> Finding | None:
    """Why a process did not end as it should, from the strongest evidence to the weakest."""
    if last and answer.summary["stopped"]:
        return _STOPPED[answer.summary["stopped"]]
    ended_by = ending.get("signal")
    if ended_by == signal.SIGXCPU:
        return _STOPPED["cpu"]
    for report in messages(output.reports):
        if "syntax" in report:
            return Verdict.SYNTAX, f"{report['syntax']}"
        if isinstance(report.get("raised"), dict):
            return _raised(report["raised"])
    if ended_by == signal.SIGKILL and answer.summary["killed_for_memory"]:
        return Verdict.MEMORY, "killed for the memory it used"
    if ended_by is None and not ending["exit"]:
        return None
    tail = output.stderr[-300:].decode("utf-8", "replace").strip()
    if ended_by == signal.SIGABRT and "std::bad_alloc" in tail:
        return Verdict.MEMORY, "std::bad_alloc"
    how = f"exit status {ending['exit']}" if ended_by is None else f"ended by signal {ended_by}"
    return Verdict.ERROR, f"{how} {tail}".rstrip()


def _raised(raised: dict[str, Any]) -> Finding:
    memory = raised.get("type") == "MemoryError"
    text = f"{raised.get('name')}: {raised.get('text')} (line {raised.get('line')})"
    return (Verdict.MEMORY if memory else Verdict.ERROR), text


def equal(expected: Any, encoded: Any) -> bool:
    """Whether an encoded value is the expected plain one; nothing of it is built or called.

    One that is nested deeper than Python follows equals nothing.
    """
    try:
        return _equal(expected, encoded, _nodes(encoded))
    except RecursionError:
        return False


def _equal(expected: Any, encoded: Any, nodes: dict[int, Any]) -> bool:
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return type(expected) is type(encoded) and expected == encoded
    if isinstance(expected, int | float):
        number = _integer(encoded) if _tag(encoded) == "i" else encoded
        if type(number) not in (int, float):
            return False
        return number == expected or (number != number and expected != expected)
    if _tag(encoded) == "n" and type(encoded[1]) is int:
        encoded = nodes.get(encoded[1])
    if isinstance(expected, list | tuple):
        items = encoded[-1] if _tag(encoded) in ("t", "l") else None
        return (
            isinstance(items, list)
            and len(items) == len(expected)
            and all(_equal(one, two, nodes) for one, two in zip(expected, items, strict=True))
        )
    pairs = encoded[-1] if _tag(encoded) == "d" else None
    if not isinstance(pairs, list) or len(pairs) != len(expected):
        return False
    found: dict[str, Any] = {}
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            return False
        found[pair[0]] = pair[1]
    return found.keys() == expected.keys() and all(
        _equal(value, found[key], nodes) for key, value in expected.items()
    )


def _tag(encoded: Any) -> str | None:
    if isinstance(encoded, list) and len(encoded) > 1 and isinstance(encoded[0], str):
        return encoded[0]
    return None


def _integer(encoded: list[Any]) -> int | None:
    try:
        return int(encoded[1], 16)
    except (TypeError, ValueError):
        return None


def _nodes(encoded: Any) -> dict[int, Any]:
    """Numbered containers of an encoded value, wherever they stand in it."""
    nodes: dict[int, Any] = {}
    pending = [encoded]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            # The program numbers them: numbers that are large could be made to collide.
            if _tag(value) in ("l", "d") and type(value[1]) is int and 0 <= value[1] < MOST_NODES:
                nodes[value[1]] = value
            pending.extend(value)
    return nodes


def shown(encoded: Any) -> str:
    """A short picture of an encoded value for people."""
    if isinstance(encoded, list) and encoded:
        if encoded[0] in ("t", "z"):
            return _pictured(encoded[-1])
        if encoded[0] == "o":
            return f"an object of type {_pictured(encoded[-1])}"
    return _pictured(encoded)


def _pictured(value: Any) -> str:
    try:
        return f"{value!r:.80}"
    except (ValueError, RecursionError):
        # More digits, or deeper, than Python shows.
        return f"a large {type(value).__name__}"


def _one_line(text: str) -> str:
    """One line that can be written as UTF-8."""
    return " ".join(text.split())[:400].encode("utf-8", "backslashreplace").decode()
