"""From what a run sent to its outcome. The host compares; the program's word is only data.

`correct` needs, for `stdio` and `call`, every case's output or value equal to what was expected;
for `asserts`, the report of the process of the tests that all of them ran. No exit status, marker
or object of the program can bring it about.
"""

from __future__ import annotations

import signal
from typing import Any

from sandboxes.answer import Answer, Group, messages
from sandboxes.contract import Asserts, Call, CallCase, Outcome, Stdio, StdioCase, Tests, Verdict

Finding = tuple[Verdict, str]

_STOPPED: dict[str, Finding] = {
    "wall": (Verdict.TIMEOUT, "past the limit of wall time"),
    "cpu": (Verdict.TIMEOUT, "past the limit of CPU time"),
    "output": (Verdict.OUTPUT_LIMIT, "past the limit of output"),
    "results": (Verdict.OUTPUT_LIMIT, "its results are too large"),
}


def judge(tests: Tests, answer: Answer) -> Outcome:
    """The outcome of one run."""
    if isinstance(tests, Asserts):
        passed, total, found = _judge_asserts(answer)
    elif isinstance(tests, Call):
        passed, total, found = _judge_calls(tests, answer)
    else:
        passed, total, found = _judge_scripts(tests, answer)
    verdict, detail = found or (Verdict.CORRECT, "")
    if found is None and passed != total:
        verdict, detail = Verdict.ERROR, "the program ended before its tests"
    summary = answer.summary
    return Outcome(verdict, passed, total, _one_line(detail), summary["wall_s"], summary["cpu_s"])


def _judge_scripts(tests: Stdio, answer: Answer) -> tuple[int, int, Finding | None]:
    passed, first = 0, None
    endings = answer.summary["endings"]
    for number, case in enumerate(tests.cases, 1):
        if number > len(endings):
            break
        found = _script_case(case, answer, number)
        if found is None:
            passed += 1
        elif first is None:
            first = (found[0], f"case {number}: {found[1]}")
    return passed, len(tests.cases), first


def _script_case(case: StdioCase, answer: Answer, number: int) -> Finding | None:
    group, ending = answer.groups[number - 1], answer.summary["endings"][number - 1][0]
    last = number == len(answer.summary["endings"])
    found = _ending(answer, group, ending, last)
    if found is not None:
        return found
    written = _lines(group.stdout.decode("utf-8", "replace"))
    expected = _lines(case.stdout)
    if written == expected:
        return None
    for line, (one, two) in enumerate(zip(written, expected, strict=False), 1):
        if one != two:
            return Verdict.INCORRECT, f"line {line}: expected {two[:80]!r}, found {one[:80]!r}"
    return Verdict.INCORRECT, f"expected {len(expected)} lines, found {len(written)}"


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _judge_calls(tests: Call, answer: Answer) -> tuple[int, int, Finding | None]:
    total = len(tests.cases)
    group, ending = answer.groups[0], answer.summary["endings"][0][0]
    reports = messages(group.reports)
    results = [report for report in reports if "value" in report or "case" in report]
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
        first = first or _ending(answer, group, ending, True)
    return passed, total, first


def _call_case(case: CallCase, result: dict[str, Any]) -> Finding | None:
    raised = result.get("case")
    if isinstance(raised, dict):
        return _raised(raised)
    if equal(case.expected, result.get("value")):
        return None
    return Verdict.INCORRECT, f"expected {case.expected!r:.80}, found {shown(result.get('value'))}"


def _judge_asserts(answer: Answer) -> tuple[int, int, Finding | None]:
    group, endings = answer.groups[0], answer.summary["endings"][0]
    reports = messages(group.tests)
    report: dict[str, Any] = reports[0] if reports else {"passed": 0, "total": 1}
    passed, total = report["passed"], report["total"]
    stopped = _STOPPED.get(answer.summary["stopped"] or "")
    if stopped is not None:
        return passed, total, stopped
    if report.get("done") is True:
        return passed, total, None
    if "broken" in report:
        return passed, total, (Verdict.ERROR, report["broken"])
    if "failed" in report:
        return passed, total, _failed(report["failed"])
    found = _ending(answer, group, endings[0], True) or _ending(answer, group, endings[1], True)
    return passed, total, found


def _failed(failed: dict[str, Any]) -> Finding:
    if failed["program"] is not None:
        memory = failed["type"] == "MemoryError"
        return (Verdict.MEMORY if memory else Verdict.ERROR), f"{failed['program']}"
    where = f"line {failed['line']} of the tests"
    if failed["type"] == "AssertionError":
        return Verdict.INCORRECT, f"{where} does not hold: {failed['text']}".rstrip(": ")
    return Verdict.INCORRECT, f"{where}: {failed['type']}: {failed['text']}"


def _ending(answer: Answer, group: Group, ending: dict[str, Any], last: bool) -> Finding | None:
    """Why a process did not end as it should, from the strongest evidence to the weakest."""
    if last and answer.summary["stopped"]:
        return _STOPPED[answer.summary["stopped"]]
    if ending["signal"] == signal.SIGXCPU:
        return _STOPPED["cpu"]
    for report in messages(group.reports):
        if "syntax" in report:
            return Verdict.SYNTAX, f"{report['syntax']}"
        if isinstance(report.get("raised"), dict):
            return _raised(report["raised"])
    if ending["signal"] == signal.SIGKILL and answer.summary["killed_for_memory"]:
        return Verdict.MEMORY, "killed for the memory it used"
    if ending["signal"] is not None:
        return Verdict.ERROR, f"ended by signal {ending['signal']}"
    if ending["exit"]:
        tail = group.stderr[-300:].decode("utf-8", "replace").strip()
        return Verdict.ERROR, f"exit status {ending['exit']} {tail}".rstrip()
    return None


def _raised(raised: dict[str, Any]) -> Finding:
    memory = raised.get("type") == "MemoryError"
    text = f"{raised.get('name')}: {raised.get('text')} (line {raised.get('line')})"
    return (Verdict.MEMORY if memory else Verdict.ERROR), text


def equal(expected: Any, encoded: Any) -> bool:
    """Whether an encoded value is the expected plain one; nothing of it is built or called."""
    return _equal(expected, encoded, _nodes(encoded))


def _equal(expected: Any, encoded: Any, nodes: dict[int, Any]) -> bool:
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return type(expected) is type(encoded) and expected == encoded
    if isinstance(expected, int | float):
        number = _integer(encoded) if _tag(encoded) == "i" else encoded
        return type(number) in (int, float) and number == expected
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
            if _tag(value) in ("l", "d") and type(value[1]) is int:
                nodes[value[1]] = value
            pending.extend(value)
    return nodes


def shown(encoded: Any) -> str:
    """A short picture of an encoded value for people."""
    if isinstance(encoded, list) and encoded:
        if encoded[0] in ("t", "z"):
            return f"{encoded[-1]!r:.80}"
        if encoded[0] == "o":
            return f"an object of type {encoded[-1]!s:.60}"
    return f"{encoded!r:.80}"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]
