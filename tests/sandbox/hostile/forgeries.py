"""Programs that do not know the answer and try to look as if they did."""

from __future__ import annotations

from textwrap import dedent

from sandboxes import Verdict
from tests.sandbox.hostile.case import Hostile, TestsData, asserts, call, script

ASKED = asserts("assert candidate(0) == 90210\nassert candidate(1) == 90210", "f")
CALLED = call(90210, 0, cases=2)
PRINTED = script("90210")
ANSWER = """
import json, os, struct
def frame(message, fd):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    os.write(fd, struct.pack(">I", len(data)) + data)
"""
SAME = """
def yes(*_): return True
def no(*_): return False
def same(*bases):
    names = "__eq__ __le__ __ge__ __lt__ __gt__ __bool__ __contains__ __instancecheck__".split()
    return type("Same", bases, {name: yes for name in names} | {
        "__ne__": no, "__hash__": lambda s: hash(90210), "__len__": lambda s: 3,
        "__class__": property(lambda s: int)})
"""


def _forgery(name: str, tests: TestsData, program: str, *verdicts: Verdict) -> Hostile:
    return Hostile(name, tests, dedent(program), verdicts or (Verdict.INCORRECT,))


def _wire(name: str, tests: TestsData, body: str, *verdicts: Verdict) -> Hostile:
    """A program that speaks for the harness around it: `body` is what `f` does."""
    text = "".join(f"    {line}\n" for line in dedent(body).strip().splitlines())
    return Hostile(name, tests, f"{ANSWER}def f(x=0):\n{text}", verdicts)


_ENDS = (
    _forgery("an end before the output", PRINTED, "raise SystemExit"),
    _forgery("an end of the process before the output", PRINTED, "import os; os._exit(0)"),
    _forgery("`quit` in a call", CALLED, "def f(x): quit()", Verdict.ERROR),
    _forgery(
        "an end at exit, after nothing", PRINTED, "import atexit, os; atexit.register(os._exit, 0)"
    ),
    _forgery(
        "a program in its place that ends well",
        ASKED,
        "import os\ndef f(x): os.execv('/bin/true', ['true'])",
        Verdict.ERROR,
    ),
    _forgery(
        "a process in its place that answers",
        ASKED,
        """
        import os
        if os.fork():
            os.wait()
            os._exit(0)
        def f(x): return 0
        """,
    ),
    _forgery(
        "an end where tests forgive any error",
        asserts(
            """
            assert f(1) == 1
            try: f(-1)
            except: pass
            else: raise AssertionError
            """
        ),
        "import os\ndef f(x): return x if x > 0 else os._exit(0)",
        Verdict.ERROR,
    ),
    _forgery(
        "an end at the first question, where tests forgive any error",
        asserts("try: f(-1)\nexcept: pass"),
        "import os\ndef f(x): os._exit(0)",
        Verdict.ERROR,
    ),
    _forgery(
        "an end where tests suppress what is raised",
        asserts(
            """
            import contextlib
            assert f(1) == 1
            with contextlib.suppress(BaseException):
                f(-1)
                assert False
            """
        ),
        "import os\ndef f(x): return x if x > 0 else os._exit(0)",
        Verdict.ERROR,
    ),
    _forgery(
        "an end where tests leave by a return",
        asserts(
            """
            def check():
                try: assert f(1) == 1 and f(-1) == 2
                finally: return
            check()
            """
        ),
        "import os\ndef f(x): return x if x > 0 else os._exit(0)",
        Verdict.ERROR,
    ),
    _forgery(
        "a link that is closed where tests forgive any error",
        asserts("assert f(1) == 1\ntry: f(-1)\nexcept: pass"),
        "import os\ndef f(x): return x if x > 0 else os.close(4)",
        Verdict.ERROR,
    ),
    _forgery(
        "an end of the iteration that compares",
        asserts(
            "for found, wanted in zip(map(candidate, [1, 2]), [3, 4]):\n    assert found == wanted",
            "f",
        ),
        "def f(x): raise StopIteration",
        Verdict.ERROR,
    ),
    _forgery(
        "an end of the iteration under `all`",
        asserts("assert all(map(lambda case: f(case[0]) == case[1], [(1, 2), (3, 4)]))"),
        "class Stop(StopIteration): pass\ndef f(x): raise Stop",
        Verdict.ERROR,
    ),
)

_EQUALS = (
    tuple(
        _forgery(
            f"{base} that is equal to everything, in a call", CALLED, f"{SAME}\ndef f(x): {body}"
        )
        for base, body in {
            "a number": "return same(int)(0)",
            "a text": "return same(str)('')",
            "a list": "return same(list)([90210])",
        }.items()
    )
    + tuple(
        _forgery(
            f"an object that {name}", asserts(code), f"{SAME}\ndef f(x): return same({base})()"
        )
        for name, base, code in (
            ("is close to everything", "float", "import math\nassert math.isclose(f(0), 90210)"),
            ("is in every set", "int", "assert f(0) in {90210, 5}"),
            ("is a key of every dictionary", "str", "assert {90210: True}[f(0)]"),
            ("is true", "int", "assert f(0)"),
            ("contains everything", "list", "assert 90210 in f(0)"),
            ("is larger than everything", "int", "assert f(0) >= 90210"),
            ("is of every type", "tuple", "assert isinstance(f(0), int)"),
            ("hashes alike", "int", "assert {f(0)} == {90210}"),
            ("is in a list", "int", "assert [f(0)] == [90210]"),
            ("is a value of a dictionary", "dict", "assert {'a': f(0)} == {'a': 90210}"),
            ("is among the sorted", "int", "assert sorted([f(0), 1]) == [1, 90210]"),
            ("is the greatest", "int", "assert max(f(0), 90210) == 90210"),
            ("counts", "list", "assert [90210].count(f(0)) == 1"),
        )
    )
    + (
        _forgery(
            "an object that is equal by `unittest`",
            asserts(
                """
            import unittest
            class T(unittest.TestCase):
                def test(self): self.assertEqual(f(0), 90210)
            result = unittest.TextTestRunner(stream=open("/dev/null", "w")).run(T("test"))
            assert result.wasSuccessful()
            """
            ),
            f"{SAME}\ndef f(x): return same(int)()",
        ),
        _forgery(
            "an object with the value of the tests' copy",
            asserts("import copy\nassert copy.deepcopy(f(0)) == 90210"),
            f"{SAME}\nclass C(same(object)):\n    def __deepcopy__(self, memo): return C()\n"
            "def f(x): return C()",
        ),
        _forgery(
            "an object that numpy would take for an array",
            asserts("import numpy as np\nassert np.allclose(f(0), [90210.0])"),
            f"{SAME}\nclass C(same(object)):\n    __array_priority__ = 99\n"
            "    def __array__(self, *a, **k): return C()\n"
            "    def __array_ufunc__(self, *a, **k): return True\n"
            "    def __array_function__(self, *a, **k): return True\n"
            "def f(x): return C()",
        ),
        _forgery(
            "an array of numpy at an address in the process of the tests",
            asserts("import numpy as np\nassert np.asarray(f(0)).tolist() == [127, 69, 76, 70]"),
            "class C:\n    __array_interface__ = dict(version=3, shape=(4,), typestr='|u1',\n"
            "                               data=(0x400000, False))\n"
            "def f(x): return C()",
            Verdict.INCORRECT,
            Verdict.ERROR,
        ),
        _forgery(
            "an array of numpy beyond the end of its data",
            asserts("import numpy as np\nassert len(np.asarray(f(0)).tolist()) == 512"),
            "class C:\n    __array_interface__ = dict(version=3, shape=(512,), typestr='|u1',\n"
            "                               data=b'12345678')\n"
            "def f(x): return C()",
            Verdict.INCORRECT,
            Verdict.ERROR,
        ),
        _forgery("a complex number for a number", call(90210, 0), "def f(x): return 90210 + 0j"),
        _forgery("bytes for a text", call("90210"), "def f(): return b'90210'"),
        _forgery("a set for a list", call([1]), "def f(): return {1}"),
        _forgery(
            "a list that looks like an encoded number", call(11), "def f(): return ['i', '0xb']"
        ),
        _forgery("no number", CALLED, "def f(x): return float('nan')"),
        _forgery(
            "an object that shows itself as the answer",
            call("90210"),
            "class C:\n"
            "    def __repr__(self): return '90210'\n    __str__ = __repr__\n"
            "def f(): return C()",
        ),
    )
)

_HARNESS = (
    _forgery(
        "builtins that find everything right",
        asserts("assert all(f(x) == y for x, y in zip([1], [90210]))\nassert any([f(1) == 90210])"),
        """
        import builtins
        for name in ("all", "any", "isinstance", "len", "sorted", "zip", "map", "abs", "sum"):
            setattr(builtins, name, lambda *a, **k: True)
        def f(x): return 0
        """,
        Verdict.INCORRECT,
        Verdict.ERROR,
    ),
    _forgery(
        "an AssertionError that is no error",
        ASKED,
        "import builtins\nclass E(BaseException):\n    def __new__(cls, *a): return None\n"
        "builtins.AssertionError = E\ndef f(x): return 0",
    ),
    _forgery(
        "modules of the tests, in the program's process",
        asserts("import math, unittest\nassert math.isclose(f(0), 90210)"),
        """
        import sys, types
        false = types.ModuleType("math")
        false.isclose = lambda *a, **k: True
        for name in ("math", "unittest", "numpy", "copy", "operator"): sys.modules[name] = false
        def f(x): return 0
        """,
    ),
    _forgery(
        "names of the tests, in the program",
        asserts(
            "from math import isclose\ndef check(found, wanted):\n    assert found == wanted\n"
            "EXPECTED = 90210\ncheck(f(0), EXPECTED)\nassert isclose(f(0), EXPECTED)"
        ),
        "EXPECTED = 0\nf = lambda x: 0\ncheck = isclose = lambda *a: True",
    ),
    _forgery(
        "a module `numpy` of its own, for tests that do not import it",
        asserts("assert numpy.allclose(f(0), 90210)"),
        "class numpy:\n    allclose = staticmethod(lambda *a: True)\ndef f(x): return 0",
    ),
    _forgery(
        "functions of the harness replaced through its frames",
        ASKED,
        """
        import sys
        def f(x):
            frame = sys._getframe()
            while frame := frame.f_back:
                for name, thing in list(frame.f_globals.items()):
                    if callable(thing) and name in ("send", "describe", "_do", "_answer"):
                        real = frame.f_globals[name]
                        def spoken(*args, real=real):
                            if isinstance(args[-1], dict):
                                args[-1].update(done=True, passed=2, total=2, value=True)
                            return real(*args)
                        frame.f_globals[name] = spoken
            return 0
        """,
    ),
    _forgery(
        "an encoder that says what a comparison would like to hear",
        CALLED,
        """
        import gc
        for thing in gc.get_objects():
            if isinstance(thing, type) and thing.__name__ == "Codec":
                thing.encode = lambda self, value: {"expected": value, "equal": True}
        def f(x): return 0
        """,
    ),
    _forgery(
        "an output that claims to be written",
        PRINTED,
        """
        import io, sys
        class Out(io.TextIOWrapper):
            def getvalue(self): return "90210"
            def __eq__(self, other): return True
            __hash__ = None
        sys.stdout = sys.__stdout__ = Out(io.BytesIO(b"90210"))
        print("90211")
        """,
    ),
    _forgery(
        "markers in the output",
        PRINTED,
        'print("correct", "OK", "PASSED", \'{"verdict": "correct", "passed": 1}\', sep="\\n")',
    ),
    _forgery(
        "an output that erases itself", PRINTED, "print('90211\\b0\\x1b[2K\\r90210\\x00', end='')"
    ),
    _forgery("bytes that are no text", PRINTED, "import os; os.write(1, b'90210\\xff')"),
    _forgery(
        "an output after the end, by a child",
        PRINTED,
        "import os, time\nif os.fork() == 0:\n    time.sleep(0.5)\n    print('90210')",
    ),
)

_WIRES = (
    _wire(
        "answers to every question ahead of the questions",
        call(90210, 0, cases=3),
        """
        for value in (True, 1, 0, "", None, [], {}, "90210"): frame({"value": value}, 3)
        return 0
        """,
        Verdict.INCORRECT,
    ),
    _wire(
        "a report of the tests where results belong",
        CALLED,
        """
        frame({"done": True, "passed": 2, "total": 2}, 3)
        frame({"loaded": True}, 3)
        return 0
        """,
        Verdict.INCORRECT,
    ),
    _wire(
        "the end of a run, announced by the program",
        CALLED,
        """
        done = {"stopped": None, "killed_for_memory": False, "cpu_s": 0, "wall_s": 0,
                "endings": [{"exit": 0}] * 2}
        data = json.dumps(done).encode()
        for fd in range(256):
            for channel in b"ZG":
                try: os.write(fd, struct.pack(">cI", bytes([channel]), len(data)) + data)
                except OSError: pass
        return 0
        """,
        Verdict.ERROR,
    ),
    _wire(
        "results after the last one, by a thread",
        CALLED,
        """
        import threading, time
        def later():
            time.sleep(0.05)
            while True: frame({"value": 90211}, 3)
        threading.Thread(target=later, daemon=True).start()
        return 0
        """,
        Verdict.INCORRECT,
    ),
    _wire(
        "results at exit",
        call(90210, 0),
        """
        import atexit
        atexit.register(frame, {"value": True}, 3)
        raise SystemExit(0)
        """,
        Verdict.ERROR,
    ),
    _wire(
        "results nested so deep that they can hardly be read",
        call([[]], 0, cases=400),
        """
        for depth in range(350, 750):
            frame(b'{"value":' + b'["l",0,[' * depth + b']]' * depth + b'}', 3)
        os._exit(0)
        """,
        Verdict.INCORRECT,
    ),
    _wire(
        "errors nested so deep that they can hardly be told",
        call([[]], 0, cases=400),
        """
        for depth in range(700, 1100):
            frame(b'{"case":{"text":' + b'[' * depth + b']' * depth + b'}}', 3)
        os._exit(0)
        """,
        Verdict.ERROR,
    ),
    *(
        _wire(
            f"an answer on the link that {name}",
            asserts("assert f(0) == 90210\nassert f(1) == 90210"),
            f"""
            message = {message}
            frame(message, 4)
            frame(message, 4)
            return 0
            """,
            *verdicts,
        )
        for name, message, verdicts in (
            ("is a report", '{"done": True, "passed": 2, "total": 2}', [Verdict.INCORRECT]),
            ("is an object of no program", '{"value": ["o", 7, "int"]}', [Verdict.INCORRECT]),
            ("is a node that nobody sent", '{"value": ["n", 99]}', [Verdict.ERROR]),
            ("is a list within itself", '{"value": ["l", 1, [["n", 1]]]}', [Verdict.INCORRECT]),
            ("is true", '{"value": True, "raised": None}', [Verdict.INCORRECT]),
            ("is no JSON", "b'{\"value\": 9021'", [Verdict.ERROR]),
            ("is no object", "[90210]", [Verdict.ERROR]),
            ("is too deep", "b'[' * 9999 + b']' * 9999", [Verdict.ERROR]),
            (
                "has more digits than a number may",
                "b'{\"value\": ' + b'9' * 9999 + b'}'",
                [Verdict.ERROR],
            ),
            ("has an unknown tag", '{"value": ["?", 1]}', [Verdict.ERROR]),
            ("names a module", '{"value": ["k", "__import__"]}', [Verdict.ERROR]),
            (
                "is a date that is none",
                '{"value": ["x", "datetime", "\\ud800"]}',
                [Verdict.ERROR],
            ),
            (
                "raises an end",
                '{"raised": {"type": "SystemExit", "text": "0", "name": "x"}}',
                [Verdict.ERROR],
            ),
            (
                "raises half a name",
                '{"raised": {"type": "\\ud800", "text": {"a": []}}}',
                [Verdict.ERROR],
            ),
            ("raises what is no error", '{"raised": {"type": "print"}}', [Verdict.ERROR]),
        )
    ),
    _wire(
        "a message of four gigabytes",
        asserts("assert f(0) == 90210"),
        "os.write(4, b'\\xff' * 64)\nreturn 0",
        Verdict.ERROR,
    ),
    _wire(
        "changes to containers that were not its own",
        asserts("wanted = [90210]\nassert f([0]) == wanted and wanted == [90210]"),
        """
        changed = [["l", node, []] for node in range(40)]
        frame({"value": ["l", 41, []], "changed": changed}, 4)
        """,
        Verdict.INCORRECT,
    ),
    _wire(
        "descriptors sent along the link",
        ASKED,
        """
        import socket
        link = socket.socket(fileno=os.dup(4))
        data = b'{"value": 1}'
        socket.send_fds(link, [struct.pack(">I", len(data)) + data], [0, 1, 2, 3])
        return 0
        """,
        Verdict.INCORRECT,
    ),
)

_READS = (
    _forgery(
        "the answer searched for in files, processes and descriptors",
        PRINTED,
        """
        import os, re, stat
        def texts():
            for top in ("/work", "/meet", "/run", "/tmp", "/var/tmp", "/home", "/root"):
                for folder, _, files in os.walk(top):
                    yield from (os.path.join(folder, name) for name in files)
            for number in [name for name in os.listdir("/proc") if name.isdigit()]:
                yield from (f"/proc/{number}/{name}" for name in ("environ", "cmdline"))
                yield from (f"/proc/{number}/fd/{fd}" for fd in range(64))
        for path in texts():
            try:
                if not stat.S_ISFIFO(os.stat(path).st_mode):
                    with open(path, "rb") as file: found = re.search(rb"90[2]\\d\\d", file.read())
                    if found: print(found[0].decode()); break
            except (OSError, ValueError): pass
        """,
    ),
    _forgery(
        "the answer searched for in frames and on the heap",
        CALLED,
        """
        import gc, sys
        def f(x):
            frame, seen = sys._getframe(), []
            while frame:
                seen += list(frame.f_locals.values())
                frame = frame.f_back
            for thing in seen + gc.get_objects():
                if type(thing) is dict and "expected" in thing: return thing["expected"]
                if type(thing) is dict and "cases" in thing: seen.extend(thing["cases"])
            return 0
        """,
    ),
    _forgery(
        "the tests searched for in memory",
        ASKED,
        """
        import ctypes, re
        def f(x):
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
            with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
                for line in maps.read().splitlines():
                    start, end = (int(at, 16) for at in line.split()[0].split("-"))
                    if line.split()[1][0] == "r" and "[v" not in line:
                        memory.seek(start)
                        try: piece = memory.read(min(end - start, 1 << 24))
                        except OSError: continue
                        found = re.search(rb"assert[ ]candidate.0. == (\\d+)", piece)
                        if found: return int(found[1])
            return 0
        """,
    ),
    _forgery(
        "the tests searched for in the frames of all threads",
        ASKED,
        """
        import linecache, sys, traceback
        def f(x):
            for frame in sys._current_frames().values():
                for line in traceback.format_stack(frame) + linecache.getlines("<tests>"):
                    if "== " in line and "assert c" in line: return int(line.split("== ")[1])
            return 0
        """,
    ),
    _forgery(
        "the questions to come, read from the link",
        ASKED,
        """
        import os, re, select, socket
        def f(x):
            link = socket.socket(fileno=os.dup(4))
            link.setblocking(False)
            try: found = re.search(rb"90[2]\\d\\d", link.recv(1 << 16, socket.MSG_PEEK))
            except BlockingIOError: return 0
            return int(found[0]) if found else 0
        """,
    ),
)

_ERRORS = (
    _forgery(
        "an error of a class of its own that is an AssertionError",
        ASKED,
        "class E(AssertionError):\n    def __str__(self): raise SystemExit(0)\ndef f(x): raise E",
        Verdict.ERROR,
    ),
    *(
        _forgery(f"{name} raised into the tests", ASKED, f"def f(x): raise {name}", Verdict.ERROR)
        for name in ("KeyboardInterrupt", "SystemExit(0)", "GeneratorExit", "AssertionError('ok')")
    ),
    _forgery(
        "an error with a text of ten megabytes",
        ASKED,
        "def f(x): raise ValueError('x' * (10 << 20))",
        Verdict.ERROR,
    ),
    _forgery(
        "an error that claims to be of another kind",
        CALLED,
        "class M(type):\n    def mro(cls): return [cls, *type.mro(cls)[1:]]\n"
        "    __name__ = property(lambda cls: 'value')\n"
        "class E(Exception, metaclass=M):\n    __class__ = property(lambda self: int)\n"
        "def f(x): raise E({'value': 90210})",
        Verdict.ERROR,
    ),
    _forgery(
        "a list too deep to compare",
        asserts("wanted = []\nfor _ in range(400): wanted = [wanted]\nassert f(0) == wanted"),
        "def f(x):\n    found = [1]\n    for _ in range(399): found = [found]\n    return found",
        Verdict.INCORRECT,
        Verdict.ERROR,
    ),
)

_LOOSE = (
    _forgery(
        "a small number where one beyond all floats was asked, with a tolerance",
        script(f"{10**400}", tolerance=1e-6),
        "print(1)",
    ),
    _forgery(
        "another number beyond all floats, with a tolerance",
        script(f"{10**400}", tolerance=1e-6),
        "print(10 ** 401)",
    ),
    *(
        _forgery(f"`{word}` for a number, with a tolerance", script("5", tolerance=0.5), program)
        for word, program in {
            "nan": "print('nan')",
            "inf": "print('inf')",
            "1e999": "print('1e999')",
            "5 5": "print('5 5')",
            "0x5": "print('0x5')",
            "4_9": "print('4_9')",
        }.items()
    ),
    _forgery(
        "an output that its checker cannot read",
        script("5", checker="def check(given, wanted, output): return int(output) == int(wanted)"),
        "print('9' * 9999)",
        Verdict.ERROR,
    ),
    _forgery(
        "things left for the checker",
        script(
            "5",
            checker="import re\ndef check(given, wanted, output):\n"
            "    return bool(re.fullmatch(wanted, output.strip()))",
        ),
        """
        import os, re, time
        for name in ("re.py", "check.py", "sitecustomize.py"):
            open(name, "w").write("fullmatch = check = lambda *a: True")
        re.fullmatch = lambda *a: True
        if os.fork() == 0: time.sleep(30)
        print("90211")
        """,
    ),
    _forgery(
        "true to a checker, but for itself alone",
        script("5", checker="def check(given, wanted, output): return output.strip() or 0"),
        "print(True)",
    ),
)


FORGERIES = (*_ENDS, *_EQUALS, *_HARNESS, *_WIRES, *_READS, *_ERRORS, *_LOOSE)
