"""A program that does not solve its problem cannot make it look solved."""

from __future__ import annotations

import pytest

from sandboxes import Verdict
from tests.sandbox.conftest import Run

ALWAYS_EQUAL = """
class Any(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __gt__ = __le__ = __ge__ = __lt__
    def __hash__(self): return 0
    def __bool__(self): return True
    def __abs__(self): return Any()
    def __sub__(self, other): return Any()
    __rsub__ = __add__ = __radd__ = __sub__
"""

FORGERIES = {
    "sys.exit(0) on import": "import sys\nsys.exit(0)",
    "sys.exit(0) in the call": "import sys\ndef f(x): sys.exit(0)",
    "os._exit(0) in the call": "import os\ndef f(x): os._exit(0)",
    "os._exit(0) at exit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): return 0",
    "__eq__ that is always true": f"{ALWAYS_EQUAL}\ndef f(x): return Any()",
    "__eq__ in a list": f"{ALWAYS_EQUAL}\ndef f(x): return [Any()]",
    "a metaclass": "class M(type):\n    def __eq__(s, o): return True\n    __hash__ = None\n"
    "class C(metaclass=M): pass\ndef f(x): return C",
    "a replaced AssertionError": "import builtins\nbuiltins.AssertionError = None\n"
    "def f(x): return 0",
    "replaced builtins": "import builtins\nbuiltins.abs = lambda x: 0\nabs = lambda x: 0\n"
    "builtins.isinstance = lambda *a: True\ndef f(x): return 0",
    "replaced compile and exec": "import builtins\nbuiltins.compile = builtins.exec = "
    "lambda *a, **k: None\ndef f(x): return 0",
    "printed markers": "print('correct'); print('{\"done\": true}'); print('OK', flush=True)\n"
    "def f(x): return 0",
    "reports forged on every descriptor": """
import json, os, struct
data = json.dumps({"passed": 9, "total": 9, "done": True, "value": 3, "changed": []}).encode()
for fd in range(1, 256):
    try: os.write(fd, struct.pack(">I", len(data)) + data)
    except OSError: pass
def f(x): return 0
""",
    "frames of the runner forged": """
import json, os, struct
data = json.dumps({"stopped": None, "cpu_s": 0, "wall_s": 0, "endings": []}).encode()
for fd in (1, 2, 3, 4):
    try: os.write(fd, b"Z" + struct.pack(">I", len(data)) + data)
    except OSError: pass
def f(x): return 0
""",
    "a nested answer": "def f(x): return {'value': 3, 'done': True}",
    "frames of callers": """
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
            if isinstance(value, dict):
                for key in ("expected", "tests", "passed"): value[key] = 3
        frame = frame.f_back
    return 0
""",
    "the harness replaced": """
import gc, types
for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and thing.__name__ in ("encode", "equal", "decode"):
        thing.__code__ = (lambda *a, **k: 3).__code__
def f(x): return 0
""",
    "the tests searched for in memory": """
import gc
def f(x):
    for thing in gc.get_objects():
        text = repr(thing)[:20000] if isinstance(thing, (list, dict, tuple, str)) else ""
        if "31337" in text and "this program" not in text: return 31337
    return 0
""",
    "no end at all": "import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGKILL)",
    "a child that answers": "import os\ndef f(x):\n    if os.fork(): os._exit(0)\n    return 0",
    "an error that tests may catch": "class E(AssertionError): pass\ndef f(x): raise E",
}


@pytest.mark.parametrize("program", FORGERIES.values(), ids=FORGERIES.keys())
def test_no_forgery_passes_in_asserts(run: Run, program: str) -> None:
    code = "assert abs(candidate(0) - 31337) < 1e-6\nassert candidate(1) == 31337"
    outcome = run(program, {"kind": "asserts", "code": code, "entry_point": "f"})
    assert outcome.verdict in (Verdict.INCORRECT, Verdict.ERROR, Verdict.MEMORY), outcome
    named = run(program, {"kind": "asserts", "code": "assert f(1) == 31337"})
    assert named.verdict in (Verdict.INCORRECT, Verdict.ERROR, Verdict.MEMORY), named


@pytest.mark.parametrize("program", FORGERIES.values(), ids=FORGERIES.keys())
def test_no_forgery_passes_in_calls(run: Run, program: str) -> None:
    cases = [{"args": [0], "expected": 31337}, {"args": [1], "expected": [31337]}]
    outcome = run(program, {"kind": "call", "entry_point": "f", "cases": cases})
    assert outcome.verdict in (Verdict.INCORRECT, Verdict.ERROR, Verdict.MEMORY), outcome
    assert outcome.passed == 0


@pytest.mark.parametrize("program", FORGERIES.values(), ids=FORGERIES.keys())
def test_no_forgery_passes_in_scripts(run: Run, program: str) -> None:
    cases = [{"stdin": "0", "stdout": "31337"}]
    outcome = run(f"{program}\nf(0)", {"kind": "stdio", "cases": cases})
    assert outcome.verdict is not Verdict.CORRECT
    assert outcome.passed == 0


def test_a_right_answer_before_an_error_is_no_pass(run: Run) -> None:
    cases = [{"stdin": "", "stdout": "1"}]
    assert run("print(1)\n1/0", {"kind": "stdio", "cases": cases}).verdict is Verdict.ERROR


def test_an_object_of_the_program_cannot_be_judged(run: Run) -> None:
    program = f"{ALWAYS_EQUAL}\ndef f(x): return Any()"
    for test in ("assert f(1)", "assert not f(1)", "assert f(1) != 5", "assert f(1) in [1, 2]"):
        outcome = run(program, {"kind": "asserts", "code": test})
        assert outcome.verdict is Verdict.INCORRECT, (test, outcome)


def test_a_library_module_of_the_tests_is_the_real_one(run: Run) -> None:
    program = "class math:\n    isclose = staticmethod(lambda *a, **k: True)\ndef f(x): return 0"
    outcome = run(program, {"kind": "asserts", "code": "assert math.isclose(f(1), 3.14)"})
    assert outcome.verdict is Verdict.INCORRECT, outcome
    program = "class np:\n    allclose = staticmethod(lambda *a, **k: True)\ndef f(x): return 0"
    outcome = run(program, {"kind": "asserts", "code": "assert np.allclose(f(1), 3.14)"})
    assert outcome.verdict is Verdict.INCORRECT, outcome


SPY = """
import ctypes, os
needle = b"".join([b"SECRET-", b"4d1", b"f8a"])
held = HELD
# The memory of this process, read through a pipe: a bad address is an error, not a crash.
out, into = os.pipe()
libc = ctypes.CDLL(None)
libc.sbrk.restype = ctypes.c_void_p
found = 0
for middle in (libc.sbrk(0), id(needle), id(dict), id(held)):
    for page in range((middle & ~4095) - (48 << 20), (middle & ~4095) + (48 << 20), 4096):
        if libc.write(into, ctypes.c_void_p(page), 4096) == 4096:
            data = os.read(out, 4096)
            for at in (data.find(needle), data.rfind(needle)):
                found += at >= 0 and page + at != id(needle) + 32
print("found" if found else "clean")
"""


def test_nothing_of_an_earlier_run_is_in_memory(run: Run) -> None:
    secret = "SECRET-" + "4d1f8a"
    cases = [{"args": [], "expected": secret}]
    honest = f"def f(): return {secret!r}"
    assert run(honest, {"kind": "call", "entry_point": "f", "cases": cases}).passed == 1
    code = f"assert f() == {secret!r}"
    assert run(honest, {"kind": "asserts", "code": code}).verdict is Verdict.CORRECT
    # The control holds the secret itself, so that the search is known to find what is there.
    for held, seen in (("None", "clean"), ("needle + b'!'", "found")):
        spy = SPY.replace("HELD", held)
        outcome = run(spy, {"kind": "stdio", "cases": [{"stdin": "", "stdout": seen}]})
        assert outcome.verdict is Verdict.CORRECT, outcome


def test_tests_that_never_use_the_program_pass_nothing(run: Run) -> None:
    program = "def f(x): return 'wrong'"
    for code in ("def check(candidate):\n    assert candidate(1) == 2", "assert True", ""):
        outcome = run(program, {"kind": "asserts", "code": code, "entry_point": "f"})
        assert outcome.verdict is Verdict.ERROR, outcome
        assert (outcome.passed, outcome.detail) == (0, "the tests never use the program")


def test_a_mapping_with_an_order_cannot_look_empty(run: Run) -> None:
    program = "from collections import OrderedDict\ndef f(): return OrderedDict(a='wrong')"
    code = "r = f()\nassert len(r) == 1\nfor value in r.values():\n    assert value == 'right'"
    assert run(program, {"kind": "asserts", "code": code}).verdict is Verdict.INCORRECT
