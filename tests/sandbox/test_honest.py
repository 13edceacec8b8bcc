"""Honest programs get the verdict they deserve: the controls of the hostile ones."""

from __future__ import annotations

import pytest

from sandboxes import Limits, SandboxPool, Verdict
from tests.sandbox.conftest import Run

ADD = "def add(a, b=1):\n    return a + b"


def test_a_script_reads_and_writes(run: Run) -> None:
    cases = [{"stdin": "2\n3\n", "stdout": "5"}, {"stdin": "1\n1\n", "stdout": "2  \n\n"}]
    outcome = run("print(int(input()) + int(input()))", {"kind": "stdio", "cases": cases})
    assert (outcome.verdict, outcome.passed, outcome.total) == (Verdict.CORRECT, 2, 2)


def test_a_wrong_script_names_the_case_and_the_line(run: Run) -> None:
    cases = [{"stdin": "1", "stdout": "1\n2"}, {"stdin": "2", "stdout": "2\n2"}]
    outcome = run("print(input())\nprint(2)", {"kind": "stdio", "cases": cases[::-1]})
    assert outcome.verdict is Verdict.CORRECT
    outcome = run("print(1)\nprint(2)", {"kind": "stdio", "cases": cases})
    assert (outcome.verdict, outcome.passed) == (Verdict.INCORRECT, 1)
    assert outcome.detail == "case 2: line 1: expected '2', found '1'"


def test_calls_compare_plain_values(run: Run) -> None:
    cases = [
        {"args": [1], "expected": 2},
        {"args": [1, 2], "expected": 3},
        {"args": ["x"], "kwargs": {"b": "y"}, "expected": "xy"},
        {"args": [[1], [2.5]], "expected": [1, 2.5]},
    ]
    outcome = run(ADD, {"kind": "call", "entry_point": "add", "cases": cases})
    assert (outcome.verdict, outcome.passed, outcome.total) == (Verdict.CORRECT, 4, 4)


@pytest.mark.parametrize(
    ("value", "expected", "verdict"),
    [
        ("(1, 2)", [1, 2], Verdict.CORRECT),
        ("1.0", 1, Verdict.CORRECT),
        ("True", 1, Verdict.INCORRECT),
        ("'1'", 1, Verdict.INCORRECT),
        ("{1: 2}", {"1": 2}, Verdict.INCORRECT),
        ("{'a': [1]}", {"a": [1]}, Verdict.CORRECT),
        ("[[0]] * 3", [[0], [0], [0]], Verdict.CORRECT),
        ("10 ** 1000", 10**1000, Verdict.CORRECT),
        ("float('nan')", 0, Verdict.INCORRECT),
        ("'\\ud800'", "\ud800", Verdict.CORRECT),
        ("None", None, Verdict.CORRECT),
        ("__import__('numpy').float64(1.5)", 1.5, Verdict.CORRECT),
    ],
)
def test_a_value_is_equal_or_not(run: Run, value: str, expected: object, verdict: Verdict) -> None:
    cases = [{"args": [], "expected": expected}]
    program = f"def f():\n    return {value}"
    outcome = run(program, {"kind": "call", "entry_point": "f", "cases": cases})
    assert outcome.verdict is verdict, outcome


def test_asserts_see_the_candidate_or_the_names(run: Run) -> None:
    code = "def check(c):\n    assert c(1) == 2\n    assert c(1, b=3) == 4\ncheck(candidate)"
    outcome = run(ADD, {"kind": "asserts", "code": code, "entry_point": "add"})
    assert (outcome.verdict, outcome.passed, outcome.total) == (Verdict.CORRECT, 1, 1)
    outcome = run(ADD, {"kind": "asserts", "code": "assert add(1) == 2\nassert add(1) == 3"})
    assert (outcome.verdict, outcome.passed, outcome.total) == (Verdict.INCORRECT, 1, 2)
    assert "line 2" in outcome.detail


def test_types_changes_in_place_and_builtin_errors_cross(run: Run) -> None:
    program = """
import collections, decimal
def same(x): return x
def push(items, x): items.append(x); return items
def count(text): return collections.Counter(text)
def bad(): raise KeyError("k")
class Pair:
    def __init__(self, a): self.a = a
    def twice(self): return self.a * 2
def total(pairs): return sum(p.a for p in pairs)
def evens(n): return (i for i in range(n) if i % 2 == 0)
"""
    code = """
for x in (1, 1.5, True, "a", b"b", (1, (2,)), {1, 2}, frozenset([3]), {1: [2]}, 1j, 10**30, None):
    assert same(x) == x and type(same(x)) is type(x)
items = []
assert push(items, 1) is items and items == [1]
assert count("aab") == {"a": 2, "b": 1}
try:
    bad()
    assert False
except KeyError:
    pass
assert total([Pair(1), Pair(2)]) == 3
assert Pair(4).twice() == 8
assert list(evens(5)) == [0, 2, 4]
"""
    outcome = run(program, {"kind": "asserts", "code": code})
    assert outcome.verdict is Verdict.CORRECT, outcome


def test_a_program_may_define_the_builtin_that_is_under_test(run: Run) -> None:
    program = "def sum(a, b):\n    return 6"
    outcome = run(program, {"kind": "asserts", "code": "assert sum(10, 15) == 6"})
    assert outcome.verdict is Verdict.CORRECT, outcome


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        ("def add(a b): pass", Verdict.SYNTAX),
        ("x = '\\x00", Verdict.SYNTAX),
        ("import nowhere", Verdict.ERROR),
        ("raise MemoryError", Verdict.MEMORY),
        ("x = 1", Verdict.ERROR),
        ("def add(a, b=1): return 1 // 0", Verdict.ERROR),
        ("def add(a, b=1): return add(a, b)", Verdict.ERROR),
        ("def add(a, b=1): return a + b + 1", Verdict.INCORRECT),
    ],
)
def test_what_is_wrong_has_a_name(run: Run, program: str, verdict: Verdict) -> None:
    calls = {
        "kind": "call",
        "entry_point": "add",
        "cases": [{"args": [1], "expected": 2}, {"args": [2], "expected": 3}],
    }
    assert run(program, calls).verdict is verdict
    asserts = {"kind": "asserts", "code": "assert candidate(1) == 2", "entry_point": "add"}
    assert run(program, asserts).verdict is verdict


def test_threads_large_stacks_recursion_and_packages_work(run: Run) -> None:
    program = """
import sys, threading, numpy
sys.setrecursionlimit(200_000)
threading.stack_size(64 << 20)
def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
found = []
thread = threading.Thread(target=lambda: found.append(depth(50_000)))
thread.start(); thread.join()
open("note.txt", "w").write("x")
print(found[0], numpy.arange(4).sum(), open("note.txt").read())
"""
    cases = [{"stdin": "", "stdout": "50000 6 x"}]
    outcome = run(program, {"kind": "stdio", "cases": cases})
    assert outcome.verdict is Verdict.CORRECT, outcome


SCORER = """
def score(answer, entry):
    try:
        return {"score": 1.0 if eval(answer) == entry["result"] else 0.1, "of": (1, {2})}
    except Exception:
        return {"score": 0.0, "of": (1, {2})}
"""


def test_a_scorer_that_evaluates_text_runs_inside(pool: SandboxPool) -> None:
    entry = {"result": 6}
    for answer, score in {
        "2 * 3": 1.0,
        "7": 0.1,
        "__import__('os').remove('/etc/hosts')": 0.0,
    }.items():
        found = pool.evaluate(SCORER, "score", [answer, entry], Limits())
        assert (found.verdict, found.value) == (
            Verdict.CORRECT,
            {"score": score, "of": (1, {2})},
        ), found


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("__import__('os')._exit(0)", Verdict.ERROR),
        ("any(iter(int, 1))", Verdict.TIMEOUT),
        ("bytearray(1 << 40)", Verdict.MEMORY),
    ],
)
def test_what_stops_a_scorer_has_a_name(pool: SandboxPool, answer: str, verdict: Verdict) -> None:
    program = "def score(answer): return eval(answer)"
    found = pool.evaluate(
        program, "score", [answer], Limits(wall_s=1, cpu_s=1, memory_bytes=1 << 28)
    )
    assert (found.verdict, found.value) == (verdict, None), found


def test_numbers_may_differ_by_a_tolerance(run: Run) -> None:
    cases = [{"stdin": "", "stdout": "x 0.3333333 1e6\n2"}]
    tests = {"kind": "stdio", "cases": cases, "tolerance": 1e-4}
    assert run("print('x  ', 1 / 3, 1000001)\nprint(2.0)", tests).verdict is Verdict.CORRECT
    assert run("print('x', 0.334, 1000001)\nprint(2)", tests).verdict is Verdict.INCORRECT
    assert run("print('y', 1 / 3, 1000001)\nprint(2)", tests).verdict is Verdict.INCORRECT
    assert run("print('x', 1 / 3, 'nan')\nprint(2)", tests).verdict is Verdict.INCORRECT
    assert run("print('x', 1 / 3, 1000001)", tests).verdict is Verdict.INCORRECT


CHECKER = """
def check(stdin, expected, output):
    one, two = map(int, output.split())
    return one + two == int(stdin)
"""


def test_a_checker_takes_any_right_answer(run: Run) -> None:
    cases = [{"stdin": "10", "stdout": "4 6"}, {"stdin": "3", "stdout": "1 2"}]
    tests = {"kind": "stdio", "cases": cases, "checker": CHECKER}
    right = run("n = int(input())\nprint(n - 1, 1)", tests)
    assert (right.verdict, right.passed, right.total) == (Verdict.CORRECT, 2, 2)
    wrong = run("print(9, 1)", tests)
    assert (wrong.verdict, wrong.passed) == (Verdict.INCORRECT, 1)
    assert run("print('nine one')", tests).verdict is Verdict.ERROR
    assert run("print(9, 1)\n1 / 0", tests).passed == 0
    late = run("print(*((9, 1) if input() == '10' else 1 / 0))", tests)
    assert (late.verdict, late.passed) == (Verdict.ERROR, 1)


@pytest.mark.parametrize(
    "program",
    [
        "out = open(1, 'w')\nout.write('ok')",
        "import os\nout = os.fdopen(1, 'w')\nprint('ok', file=out)",
        "import sys\nprint('ok')\nsys.stdout = open('/dev/null', 'w')",
        "import sys\nprint('ok')\nsys.stdout = None",
        "class Last:\n    def __del__(self): print('ok')\nlast = Last()",
        "\ufeffprint('ok')",
        "import os\nprint('ok' if os.path.basename(__file__) == 'program.py' else __file__)",
    ],
)
def test_a_script_ends_as_it_would_elsewhere(run: Run, program: str) -> None:
    outcome = run(program, {"kind": "stdio", "cases": [{"stdin": "", "stdout": "ok"}]})
    assert outcome.verdict is Verdict.CORRECT, outcome


HONEST_ASSERTS = {
    "a name that a function of the tests has too": (
        "def add(a, b): return a + b\ndef total(x): return sum(x)",
        "def check(add): assert add(1, 2) == 3\ncheck(add)\n"
        "def helper():\n    total = 0\n    return total\nassert total([1, 2]) == helper() + 3",
    ),
    "a value of the program that changes": (
        "N = 0\ndef inc():\n    global N\n    N += 1",
        "assert N == 0\ninc()\nassert N == 1",
    ),
    "arguments of an error": (
        "def f(): raise KeyError('x')\ndef g(): raise OSError(2, 'gone')",
        "try: f()\nexcept KeyError as error: assert error.args == ('x',)\n"
        "try: g()\nexcept FileNotFoundError as error: assert error.errno == 2",
    ),
    "an order that matters": (
        "from collections import OrderedDict\n"
        "def f(): return OrderedDict([(1, 'a'), (2, 'b')])\n"
        "def last(items): items.move_to_end(1); return list(items)",
        "from collections import OrderedDict\nassert list(f()) == [1, 2]\n"
        "assert f() == OrderedDict([(1, 'a'), (2, 'b')])\nassert last(f()) == [2, 1]\n"
        "x = OrderedDict([(1, 0), (2, 0)])\nlast(x)\nassert list(x) == [2, 1]",
    ),
}


@pytest.mark.parametrize(("program", "code"), HONEST_ASSERTS.values(), ids=HONEST_ASSERTS)
def test_tests_find_what_they_should(run: Run, program: str, code: str) -> None:
    outcome = run(program, {"kind": "asserts", "code": code})
    assert outcome.verdict is Verdict.CORRECT, outcome


def test_not_a_number_is_what_was_expected(run: Run) -> None:
    cases = [{"args": [], "expected": [float("nan"), 1]}]
    tests = {"kind": "call", "entry_point": "f", "cases": cases}
    assert run("def f(): return [float('nan'), 1]", tests).verdict is Verdict.CORRECT
    assert run("def f(): return [0.0, 1]", tests).verdict is Verdict.INCORRECT
