"""Programs that use too much of something: time, memory, processes, output, files."""

from __future__ import annotations

from sandboxes import Verdict
from tests.sandbox.hostile.case import Hostile, as_kind, asserts, call, script

SHORT = {"wall_s": 1.0, "cpu_s": 1.0}
LONG = {"wall_s": 20.0, "cpu_s": 10.0}


def _bomb(
    name: str, kind: str, body: str, *verdicts: Verdict, limits: dict[str, float] = SHORT
) -> Hostile:
    tests, program = as_kind(kind, body, "ok")
    return Hostile(name, tests, program, verdicts, limits)


_TIME = (
    _bomb(
        "a loop that counts",
        "call",
        """
        n = 0
        while True: n += 1
        """,
        Verdict.TIMEOUT,
    ),
    _bomb("a sleep in a function", "asserts", "import time; time.sleep(60)", Verdict.TIMEOUT),
    _bomb(
        "a loop that ignores every signal",
        "script",
        """
        import signal
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True: pass
        """,
        Verdict.TIMEOUT,
    ),
    _bomb("a power with a hundred million digits", "call", "7 ** (10 ** 8)", Verdict.TIMEOUT),
    _bomb(
        "an expression that backtracks",
        "asserts",
        "import re; re.fullmatch('(x+x+)+y', 'x' * 60)",
        Verdict.TIMEOUT,
    ),
    _bomb(
        "a process that stops itself",
        "script",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        Verdict.TIMEOUT,
    ),
    _bomb(
        "a process that would have process 1 trace it and traps",
        "script",
        """
        import ctypes, os, signal
        ctypes.CDLL(None).ptrace(0, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGTRAP)
        """,
        Verdict.ERROR,
    ),
    _bomb(
        "a parent that waits for a child that sleeps",
        "script",
        """
        import os, time
        if os.fork() == 0: time.sleep(60)
        os.wait()
        """,
        Verdict.TIMEOUT,
    ),
    _bomb(
        "a lock taken twice",
        "asserts",
        "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
        Verdict.TIMEOUT,
    ),
    _bomb(
        "a wait for nothing",
        "call",
        "import os, select; r, w = os.pipe(); select.select([r], [], [])",
        Verdict.TIMEOUT,
    ),
    _bomb(
        "a pipe that is full",
        "script",
        "import os; r, w = os.pipe(); os.write(w, bytes(1 << 21))",
        Verdict.TIMEOUT,
    ),
    _bomb(
        "busy threads",
        "call",
        """
        import threading
        def spin():
            while True: pass
        for _ in range(8): threading.Thread(target=spin).start()
        spin()
        """,
        Verdict.TIMEOUT,
    ),
    _bomb(
        "busy children",
        "script",
        """
        import os
        for _ in range(8):
            if os.fork() == 0:
                while True: pass
        os.wait()
        """,
        Verdict.TIMEOUT,
    ),
    _bomb(
        "busy children that no parent accounts for",
        "script",
        """
        import os, signal, time
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        for _ in range(4):
            if os.fork() == 0:
                while time.process_time() < 0.8: pass
                os._exit(0)
            try: os.wait()
            except ChildProcessError: pass
        return "ok"
        """,
        Verdict.TIMEOUT,
        limits={"wall_s": 20.0, "cpu_s": 1.0},
    ),
    _bomb(
        "a storm of alarms",
        "asserts",
        """
        import signal
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 1e-5, 1e-5)
        while True: pass
        """,
        Verdict.TIMEOUT,
    ),
    _bomb(
        "output that drips",
        "script",
        """
        import time
        while True:
            print(".", flush=True)
            time.sleep(0.01)
        """,
        Verdict.TIMEOUT,
    ),
    _bomb(
        "another program that sleeps",
        "script",
        "import os; os.execv('/bin/sleep', ['sleep', '60'])",
        Verdict.TIMEOUT,
    ),
    _bomb(
        "a shell that loops",
        "call",
        "import subprocess\nwhile True: subprocess.run(['/bin/sh', '-c', 'while :; do :; done'])",
        Verdict.TIMEOUT,
    ),
    _bomb(
        "a function to call at exit that sleeps",
        "script",
        "import atexit, time; atexit.register(time.sleep, 60); return 'ok'",
        Verdict.TIMEOUT,
    ),
    _bomb(
        "a thread that outlives the script",
        "script",
        """
        import threading, time
        threading.Thread(target=time.sleep, args=(60,)).start()
        return "ok"
        """,
        Verdict.TIMEOUT,
    ),
    Hostile(
        "a range that the tests add up",
        asserts("assert sum(f()) == 3"),
        "def f(): return range(10 ** 15)",
        (Verdict.TIMEOUT,),
        SHORT,
    ),
    Hostile(
        "an attribute that never comes",
        asserts("assert f().value == 3"),
        "class C:\n    @property\n    def value(self):\n        while True: pass\n"
        "def f(): return C()",
        (Verdict.TIMEOUT,),
        SHORT,
    ),
    Hostile(
        "a generator without end that the tests add up",
        asserts("assert sum(f()) == 3"),
        "import itertools\ndef f(): return itertools.repeat(1)",
        (Verdict.TIMEOUT, Verdict.MEMORY),
        SHORT,
    ),
    Hostile(
        "a line of digits that is no number, for tests with a tolerance",
        script("1.5", tolerance=1e-6),
        "print('1' * 25_000 + 'x')",
        (Verdict.INCORRECT,),
    ),
)

_MEMORY = (
    _bomb("a string that doubles", "asserts", "s = 'x' * 99\nwhile 1: s += s", Verdict.MEMORY),
    _bomb(
        "a dictionary that grows",
        "call",
        "d = {}\nwhile True: d[len(d)] = bytes(100_000)",
        Verdict.MEMORY,
        limits=LONG,
    ),
    _bomb("a text of a terabyte", "script", "return 'x' * (1 << 40)", Verdict.MEMORY),
    _bomb("a shift too far", "call", "return 1 << (1 << 42)", Verdict.MEMORY),
    _bomb(
        "an array of numpy",
        "script",
        "import numpy; return numpy.ones(1 << 28)",
        Verdict.MEMORY,
        limits=LONG,
    ),
    _bomb(
        "a text that unpacks to a gigabyte",
        "call",
        "import zlib\n"
        "c = zlib.compressobj(1)\n"
        "packed = b''.join(c.compress(bytes(1 << 20)) for _ in range(600)) + c.flush()\n"
        "return len(zlib.decompress(packed))",
        Verdict.MEMORY,
        limits=LONG,
    ),
    _bomb("a device that never ends", "script", "return open('/dev/zero').read()", Verdict.MEMORY),
    _bomb(
        "files in memory",
        "script",
        """
        import os
        for fd in [os.memfd_create("x") for _ in range(40)]:
            for _ in range(63): os.write(fd, bytes(1 << 20))
        """,
        Verdict.MEMORY,
        limits=LONG,
    ),
    _bomb(
        "memory mapped page by page",
        "call",
        "import mmap\nkept = []\nwhile True: kept.append(mmap.mmap(-1, 1 << 24))",
        Verdict.MEMORY,
        Verdict.ERROR,
    ),
    _bomb(
        "memory in children, and a parent that needs them",
        "script",
        """
        import os, time
        for _ in range(12):
            if os.fork() == 0:
                data = bytearray(180 << 20)
                for at in range(0, len(data), 4096): data[at] = 1
                time.sleep(60)
        _, status = os.wait()
        raise ChildProcessError(status)
        """,
        Verdict.MEMORY,
        Verdict.ERROR,
        limits=LONG,
    ),
    _bomb(
        "memory that belongs to no process, and processes that the kernel would rather spare",
        "script",
        """
        import ctypes, os
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
        try: open("/proc/self/oom_score_adj", "w").write("0")
        except OSError: pass
        for _ in range(6):
            if os.fork() == 0:
                fds = [os.memfd_create("x", 0) for _ in range(5)]
                fill = "".join(f"cat /dev/zero 1>&{fd};" for fd in fds)
                os.execv("/bin/sh", ["sh", "-c", fill])
        for _ in range(6): os.wait()
        """,
        Verdict.MEMORY,
        Verdict.INCORRECT,
        Verdict.TIMEOUT,
        limits={"wall_s": 6.0, "cpu_s": 6.0},
    ),
    _bomb(
        "memory in the buffers of sockets",
        "script",
        """
        import os, socket, time
        for _ in range(50):
            if os.fork() == 0:
                pairs = [socket.socketpair() for _ in range(110)]
                for one in (s for pair in pairs for s in pair):
                    one.setblocking(False)
                    try:
                        while True: one.send(bytes(1 << 16))
                    except OSError: pass
                time.sleep(60)
        time.sleep(2)
        """,
        Verdict.MEMORY,
        Verdict.INCORRECT,
        Verdict.TIMEOUT,
        limits={"wall_s": 5.0, "cpu_s": 5.0},
    ),
)

_STACKS = (
    _bomb("a function that calls itself", "call", "def g(): return g()\ng()", Verdict.ERROR),
    _bomb(
        "a recursion in C that no limit holds",
        "asserts",
        """
        import sys
        sys.setrecursionlimit(10 ** 9)
        class C:
            def __getattr__(self, name): return getattr(self, name)
        C().x
        """,
        Verdict.ERROR,
        Verdict.MEMORY,
        limits=LONG,
    ),
    _bomb("a text nested too deep", "call", "__import__('json').loads('[' * 10**5)", Verdict.ERROR),
    _bomb("an abort", "asserts", "import os; os.abort()", Verdict.ERROR),
    Hostile(
        "a program that no parser can hold",
        script(),
        "x = " + "(" * 5000 + ")" * 5000,
        (Verdict.SYNTAX, Verdict.MEMORY, Verdict.ERROR),
    ),
    Hostile(
        "a program with an expression too deep to compile",
        script(),
        "x = " + "-" * 50_000 + "1",
        (Verdict.SYNTAX, Verdict.MEMORY, Verdict.ERROR),
    ),
)

_PROCESSES = (
    _bomb(
        "threads without end",
        "call",
        """
        import threading, time
        while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        """,
        Verdict.ERROR,
        limits=LONG,
    ),
    _bomb(
        "children without end",
        "asserts",
        "import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)",
        Verdict.ERROR,
        limits=LONG,
    ),
    _bomb(
        "children of children without end",
        "script",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        Verdict.TIMEOUT,
    ),
    _bomb(
        "children that nobody reaps",
        "script",
        """
        import os, time
        made = 0
        try:
            while True:
                if os.fork() == 0: os._exit(0)
                made += 1
        except OSError:
            return "ok" if made > 20 else made
        """,
        Verdict.CORRECT,
        limits=LONG,
    ),
    _bomb(
        "a chain of processes that flees",
        "script",
        """
        import os
        if os.fork(): return "fled"
        os.setsid()
        while True:
            try:
                if os.fork(): os._exit(0)
            except OSError: pass
        """,
        Verdict.INCORRECT,
        limits=LONG,
    ),
    _bomb("a kill of its group", "call", "import os; os.killpg(0, 9)", Verdict.ERROR),
    _bomb(
        "a child that keeps the output open",
        "script",
        "import os, time\nif os.fork() == 0: time.sleep(60)\nreturn 'ok'",
        Verdict.CORRECT,
        limits=LONG,
    ),
    _bomb(
        "a child that stops and keeps the output open",
        "script",
        "import os\nif os.fork() == 0: os.kill(os.getpid(), 19)\nreturn 'ok'",
        Verdict.CORRECT,
        limits=LONG,
    ),
)

_OUTPUT = (
    _bomb("a flood of lines", "call", "while True: print('x' * 9999)", Verdict.OUTPUT_LIMIT),
    _bomb(
        "a flood of warnings",
        "asserts",
        "import sys\nwhile True: sys.stderr.write('x' * 9999)",
        Verdict.OUTPUT_LIMIT,
    ),
    _bomb("a flood by `yes`", "script", "import os; os.execvp('yes', ['y'])", Verdict.OUTPUT_LIMIT),
    _bomb(
        "a flood on the channel of results",
        "call",
        "import os\nwhile True: os.write(3, bytes(1 << 16))",
        Verdict.OUTPUT_LIMIT,
        limits=LONG,
    ),
    _bomb("a line of two megabytes", "script", "return 'x' * (2 << 20)", Verdict.OUTPUT_LIMIT),
    _bomb(
        "a result of twelve megabytes",
        "call",
        "return 'x' * (12 << 20)",
        Verdict.ERROR,
        Verdict.OUTPUT_LIMIT,
    ),
    _bomb(
        "a million lists for the tests",
        "asserts",
        "return [[] for _ in range(10 ** 6)]",
        Verdict.INCORRECT,
        Verdict.MEMORY,
        Verdict.ERROR,
        limits=LONG,
    ),
    _bomb("an output that is closed", "script", "import os; os.close(1)", Verdict.ERROR),
    _bomb("descriptors all closed", "call", "import os; os.closerange(0, 256)", Verdict.ERROR),
    _bomb("a link that is closed", "asserts", "import os; os.close(4)", Verdict.ERROR),
    Hostile(
        "a wrong answer where a number of five thousand digits was asked",
        call(10**5000),
        "def f(): return 1",
        (Verdict.INCORRECT,),
    ),
    Hostile(
        "a number of five thousand digits in the message of an assertion",
        asserts("assert f() == 3, f()"),
        "def f(): return 10 ** 5000",
        (Verdict.INCORRECT,),
    ),
    Hostile(
        "half a character in the message of an assertion",
        asserts("assert f() == 3, f()"),
        "def f(): return '\\ud800'",
        (Verdict.INCORRECT,),
    ),
)

_FILES = (
    _bomb(
        "a file too large",
        "script",
        "with open('big', 'wb') as file:\n    while True: file.write(bytes(1 << 20))",
        Verdict.ERROR,
    ),
    _bomb("a file of holes", "call", "open('sparse', 'wb').truncate(1 << 42)", Verdict.ERROR),
    _bomb(
        "files without end",
        "asserts",
        "for n in range(10 ** 6): open(f'{n}', 'w').close()",
        Verdict.ERROR,
        limits=LONG,
    ),
    _bomb(
        "descriptors without end",
        "script",
        "import os\nkept = []\nwhile True: kept.append(os.pipe())",
        Verdict.ERROR,
    ),
    _bomb(
        "folders in folders, too many for a walk that calls itself",
        "script",
        "import os\nfor _ in range(1500):\n    os.mkdir('d')\n    os.chdir('d')\nreturn 'ok'",
        Verdict.CORRECT,
        limits=LONG,
    ),
    _bomb(
        "folders in folders, by a path too long for the kernel",
        "call",
        "import os\nfor _ in range(99):\n    os.mkdir('d' * 250)\n    os.chdir('d' * 250)\n"
        "return 'ok'",
        Verdict.CORRECT,
        limits=LONG,
    ),
)

BOMBS = (*_TIME, *_MEMORY, *_STACKS, *_PROCESSES, *_OUTPUT, *_FILES)
