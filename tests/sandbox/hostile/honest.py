"""Programs that look suspicious and are right: what a sandbox must not break to be safe."""

from __future__ import annotations

from textwrap import dedent

from sandboxes import Verdict
from tests.sandbox.hostile.case import Hostile, TestsData, asserts, call, script


def _honest(name: str, tests: TestsData, program: str) -> Hostile:
    return Hostile(name, tests, dedent(program), (Verdict.CORRECT,))


_SYSTEM = (
    _honest(
        "files in the working folder",
        script("3 ['a', 'b'] 5"),
        """
        import os, pathlib
        pathlib.Path("b").write_text("12345"); os.makedirs("x/y"); os.rename("x/y", "a")
        print(len(os.listdir(".")), sorted(os.listdir("."))[:2], os.path.getsize("b"))
        """,
    ),
    _honest(
        "a temporary file",
        call("written"),
        """
        import tempfile
        def f():
            with tempfile.NamedTemporaryFile("w+") as file, tempfile.TemporaryDirectory():
                file.write("written"); file.seek(0)
                return file.read()
        """,
    ),
    _honest(
        "another program",
        script("hello\nfrom a shell\n3"),
        """
        import os, subprocess
        print(subprocess.run(["/bin/echo", "hello"], capture_output=True, text=True).stdout, end="",
              flush=True)
        os.system("echo from a shell")
        print(subprocess.run(["/bin/sh", "-c", "exit 3"]).returncode)
        """,
    ),
    _honest(
        "children and pipes",
        script("child 7 0"),
        """
        import os
        r, w = os.pipe()
        if os.fork() == 0:
            os.write(w, b"child 7")
            os._exit(0)
        _, status = os.wait()
        print(os.read(r, 99).decode(), status)
        """,
    ),
    _honest(
        "processes of `multiprocessing` with pipes",
        script("[0, 1, 4, 9]"),
        """
        import multiprocessing
        def work(n, end): end.send(n * n)
        context, results = multiprocessing.get_context("fork"), []
        for n in range(4):
            here, there = context.Pipe()
            process = context.Process(target=work, args=(n, there))
            process.start(); results.append(here.recv()); process.join()
        print(results)
        """,
    ),
    _honest(
        "threads and their pool",
        call(sum(n * n for n in range(100))),
        """
        from concurrent.futures import ThreadPoolExecutor
        def f():
            with ThreadPoolExecutor(8) as pool: return sum(pool.map(lambda n: n * n, range(100)))
        """,
    ),
    _honest(
        "a recursion on a large stack",
        script("60000"),
        """
        import sys, threading
        sys.setrecursionlimit(10 ** 6); threading.stack_size(64 * 1024 * 1024)
        def depth(n): return n and 1 + depth(n - 1)
        thread = threading.Thread(target=lambda: print(depth(60000)))
        thread.start(); thread.join()
        """,
    ),
    _honest(
        "a recursion that is deep, in a function under test",
        asserts("assert depth(4000) == 4000"),
        "import sys\nsys.setrecursionlimit(10 ** 5)\ndef depth(n): return n and 1 + depth(n - 1)",
    ),
    _honest(
        "an alarm that interrupts",
        script("interrupted"),
        """
        import signal, time
        class Late(Exception): pass
        def late(*_): raise Late
        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try: time.sleep(10)
        except Late: print("interrupted")
        """,
    ),
    _honest(
        "a child that it kills",
        script("-9"),
        """
        import subprocess
        child = subprocess.Popen(["/bin/sleep", "30"])
        child.kill()
        print(child.wait())
        """,
    ),
    _honest(
        "a server and its client on the loopback",
        script("PING"),
        """
        import socket, threading
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                peer, _ = server.accept()
                with peer: peer.sendall(peer.recv(99).upper())
            threading.Thread(target=serve).start()
            with socket.create_connection(server.getsockname()) as client:
                client.sendall(b"ping")
                print(client.recv(99).decode())
        """,
    ),
    _honest(
        "tasks of `asyncio`",
        call([0, 2, 4]),
        """
        import asyncio
        async def double(n):
            await asyncio.sleep(0.01)
            return 2 * n
        async def main(): return await asyncio.gather(*map(double, range(3)))
        def f(): return asyncio.run(main())
        """,
    ),
    _honest(
        "a database and a map of a file",
        script("3 abc"),
        """
        import mmap, sqlite3
        base = sqlite3.connect("base.db")
        base.execute("create table t (n)")
        base.executemany("insert into t values (?)", [(1,), (2,)])
        open("file", "wb").write(b"abcdef")
        with open("file", "r+b") as file, mmap.mmap(file.fileno(), 0) as held:
            print(base.execute("select sum(n) from t").fetchone()[0], held[:3].decode())
        """,
    ),
)

_STREAMS = (
    _honest(
        "an end by `sys.exit` after the output",
        script("done"),
        "import sys\nprint('done')\nsys.exit(0)",
    ),
    _honest(
        "an end by `os._exit` after the output",
        script("done"),
        "import os\nprint('done', flush=True)\nos._exit(0)",
    ),
    _honest(
        "output at exit",
        script("one\ntwo"),
        "import atexit\natexit.register(print, 'two')\nprint('one')",
    ),
    _honest("output just below the limit", script("x" * 1_000_000), "print('x' * 1_000_000)"),
    _honest(
        "output by every way there is",
        script("a\nb\nc\nd"),
        """
        import os, sys
        print("a", flush=True)
        os.write(1, b"b\\n")
        sys.stdout.buffer.write(b"c\\n")
        sys.stdout.flush()
        with open(1, "w", closefd=False) as out: out.write("d\\n")
        """,
    ),
    _honest(
        "output to a device that means the standard output",
        script("ok"),
        "with open('/dev/stdout', 'w') as out: out.write('ok')",
    ),
    _honest(
        "input from a device that means the standard input",
        script("3", "1 2"),
        "print(sum(map(int, open('/dev/stdin').read().split())))",
    ),
    _honest(
        "input in pieces",
        script("300000 end", "0123456789" * 30_000),
        """
        import os
        size = 0
        while piece := os.read(0, 4096): size += len(piece)
        print(size, "end")
        """,
    ),
    _honest(
        "input by lines, by bytes and to its end",
        script("1 b'2' ['3', '4'] none", "1\n2\n3\n4\n"),
        """
        import sys
        one, two = sys.stdin.buffer.readline(), sys.stdin.buffer.readline()
        rest = [line.strip() for line in sys.stdin]
        try: input()
        except EOFError: print(int(one), two.strip(), rest, "none")
        """,
    ),
    _honest(
        "characters of all planes, and bytes that are none",
        script("é 漢 🦉 4 b'\\xff'", "é 漢 🦉"),
        """
        import os, sys
        text = input()
        print(text, len("é漢🦉\\n"), os.fsencode(b"\\xff".decode(errors="surrogateescape")))
        """,
    ),
    _honest(
        "warnings and logs on the error stream",
        script("7"),
        """
        import logging, sys, warnings
        warnings.warn("old"); logging.error("no error"); print("Traceback", file=sys.stderr)
        print(7)
        """,
    ),
    _honest(
        "a main function behind its guard",
        script("8", "3 5"),
        "def main():\n    print(sum(map(int, input().split())))\n"
        "if __name__ == '__main__':\n    main()",
    ),
)

_LANGUAGE = (
    _honest(
        "code that it writes and runs itself",
        call(12),
        "names = {}\nexec('def g(x): return x * 3', names)\ndef f(): return eval('g(4)', names)",
    ),
    _honest(
        "a limit of memory that it meets and survives",
        call("survived"),
        "def f():\n    try: return bytearray(1 << 40)\n    except MemoryError: return 'survived'",
    ),
    _honest(
        "a recursion without end that it survives",
        call("survived"),
        "def g(): return g()\ndef f():\n    try: g()\n    except RecursionError: return 'survived'",
    ),
    _honest(
        "names of the harness",
        asserts("assert f(2) == 4 and send(1) == 1 and payload == 'x' and report() == 'done'"),
        "payload = 'x'\ndef send(x): return x\ndef report(): return 'done'\n"
        "def receive(x): return 2 * x\ncandidate = f = receive",
    ),
    _honest(
        "builtins that it shadows for itself",
        call([0, 1, 4]),
        "def range(n): return [0, 1, 2][:n]\nlist, sum = None, 3\n"
        "def f(): return [n * n for n in range(sum)]",
    ),
    _honest(
        "arrays of numpy",
        call([[19, 22], [43, 50]]),
        "import numpy as np\n"
        "def f(): return (np.array([[1, 2], [3, 4]]) @ [[5, 6], [7, 8]]).tolist()",
    ),
    _honest("a number of a thousand digits", call(3**2000), "def f(): return 3 ** 2000"),
    _honest(
        "data classes, decimals, fractions, dates, bytes",
        asserts(
            """
            from decimal import Decimal
            from fractions import Fraction
            import datetime
            assert point(1, 2).x == 1 and point(1, 2).norm() == 5
            assert third(Fraction(1)) == Fraction(1, 3) and cents(Decimal("1.1")) == 110
            assert next_day(datetime.date(2024, 2, 28)) == datetime.date(2024, 2, 29)
            assert packed(258) == b"\\x01\\x02"
            """
        ),
        """
        import datetime
        from dataclasses import dataclass
        @dataclass(order=True)
        class point:
            x: int
            y: int
            def norm(self): return self.x ** 2 + self.y ** 2
        def third(n): return n / 3
        def cents(amount): return amount * 100
        def next_day(day): return day + datetime.timedelta(1)
        def packed(n): return n.to_bytes(2, "big")
        """,
    ),
    _honest(
        "a class with state, closures, an index",
        asserts(
            """
            stack = Stack()
            stack.push(1); stack.push(2)
            assert len(stack) == 2 and stack[0] == 1 and stack.pop() == 2 and list(stack) == [1]
            assert adder(2)(3) == 5 and compose(adder(1), adder(2))(3) == 6
            """
        ),
        """
        class Stack:
            def __init__(self): self.items = []
            def push(self, item): self.items.append(item)
            def pop(self): return self.items.pop()
            def __len__(self): return len(self.items)
            def __getitem__(self, at): return self.items[at]
            def __iter__(self): return iter(self.items)
        def adder(n): return lambda x: x + n
        def compose(one, two): return lambda x: two(one(x))
        """,
    ),
    _honest(
        "errors that the tests expect",
        asserts(
            """
            for kind, value in ((ValueError, -1), (TypeError, None), (KeyError, "k")):
                try:
                    root(value)
                except kind:
                    continue
                raise AssertionError(value)
            try:
                custom()
            except ValueError as error:
                assert str(error) == "mine"
            """
        ),
        """
        class Mine(ValueError): pass
        def custom(): raise Mine("mine")
        def root(x):
            if x == "k": return {}[x]
            if x < 0: raise ValueError(x)
        """,
    ),
    _honest(
        "changes in place that the tests look at",
        asserts(
            """
            items, seen = [3, 1, 2], {"n": [0]}
            assert order(items) is None and items == [1, 2, 3]
            mark(seen)
            assert seen == {"n": [0, 1], "done": True}
            """
        ),
        "def order(items): items.sort()\ndef mark(seen): seen['n'].append(1); seen['done'] = True",
    ),
    _honest(
        "a change in place of what the tests expect, which is so in one process too",
        asserts("wanted = [1, 2]\nassert emptied(wanted) == wanted"),
        "def emptied(items):\n    items.clear()\n    return items",
    ),
    _honest(
        "a change in place before an error",
        asserts("items = [1]\ntry: f(items)\nexcept ValueError: pass\nassert items == [1, 2]"),
        "def f(items):\n    items.append(2)\n    raise ValueError",
    ),
    _honest(
        "a generator that is read to its end",
        asserts("assert list(evens(5)) == [0, 2, 4]\nassert [x for x in evens(3)] == [0, 2]"),
        "def evens(n): yield from range(0, n, 2)",
    ),
    _honest(
        "a generator without end, of which the tests take some",
        asserts("from itertools import islice\nassert list(islice(count(), 3)) == [0, 1, 2]"),
        "def count():\n    n = 0\n    while True:\n        yield n\n        n += 1",
    ),
    _honest(
        "a generator that the tests step through",
        asserts("steps = f()\nassert next(steps) == 1\nassert next(steps) == 2"),
        "def f():\n    yield 1\n    yield 2",
    ),
    _honest(
        "an array of numpy that the tests compare",
        asserts("import numpy as np\nassert np.allclose(f([1.0, 2.0]), [2.0, 4.0])"),
        "import numpy as np\ndef f(x): return np.array(x) * 2",
    ),
    _honest(
        "output and errors of functions, which nobody judges",
        asserts("assert f(1) == 1"),
        "import sys\nprint('AssertionError')\n"
        "def f(x):\n    print('FAILED', file=sys.stderr)\n    return x",
    ),
)

HONEST = (*_SYSTEM, *_STREAMS, *_LANGUAGE)
