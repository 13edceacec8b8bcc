"""Programs that leave something behind, each with one that looks for it in the next run."""

from __future__ import annotations

from tests.sandbox.hostile.case import Pair

DAEMON = """
import os, signal, socket, time
def daemon(work):
    ready, started = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            kept = work()
            os.write(started, b"!")
            while True: time.sleep(1)
        os._exit(0)
    os.wait()
    os.read(ready, 1)
"""
PROCESSES = """
import os
left = len([name for name in os.listdir("/proc") if name.isdigit()]) > 2
"""
FILES = """
import os
left = bool(os.listdir("/work"))
"""
MEMORY = """
import ctypes, re
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
# It does not match itself, so what it finds is not the search.
pattern, left = re.compile(rb"a[-]secret[-]of[-]an[-]earlier[-]run"), False
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps.read().splitlines():
        start, end = (int(at, 16) for at in line.split()[0].split("-"))
        if line.split()[1][0] != "r" or "[v" in line: continue
        for at in range(start, end, 1 << 22):
            memory.seek(at)
            try: piece = memory.read(min(1 << 22, end - at))
            except OSError: continue
            left = left or bool(pattern.search(piece))
"""

_FILES = (
    Pair(
        "files of odd names and kinds",
        """
        import os, socket
        for name in (b".hidden", b"new\\nline", b"\\xff\\xfe", b"-rf", b"*", b"n" * 255, b" "):
            os.close(os.open(name, os.O_CREAT, 0))
        os.link(".hidden", "again"); os.symlink("/", "root"); os.symlink("self", "self")
        os.mkfifo("fifo", 0); os.symlink("nowhere", "dangling")
        socket.socket(socket.AF_UNIX).bind("socket")
        """,
        FILES,
    ),
    Pair(
        "folders that nobody may enter, two hundred deep",
        """
        import os
        for _ in range(200):
            os.mkdir("d"); os.close(os.open("f", os.O_CREAT, 0)); os.chdir("d")
        for _ in range(200):
            os.chdir(".."); os.chmod("f", 0); os.chmod("d", 0)
        """,
        FILES,
    ),
    Pair(
        "a path that is too long to be named",
        """
        import os
        for _ in range(40):
            os.mkdir("d" * 200); os.close(os.open("f", os.O_CREAT)); os.chdir("d" * 200)
        """,
        FILES,
    ),
    Pair(
        "folders under names that a sweeper might choose",
        """
        import os
        for number in range(40):
            for name in (f"{number}", f"{number} moved", f"moved {number}", f".{number}"):
                os.makedirs(f"{name}/{name}/{name}")
        """,
        FILES,
    ),
    Pair(
        "a folder that is full",
        """
        with open("big", "wb") as file:
            try:
                while True: file.write(bytes(1 << 20))
            except OSError: pass
        """,
        """
        import os
        about = os.statvfs("/work")
        left = about.f_bavail * about.f_frsize < 60 << 20
        """,
    ),
    Pair(
        "a folder with no room for another name",
        """
        import os
        try:
            for number in range(10 ** 5): os.mkdir(f"{number}", 0)
        except OSError: pass
        """,
        "import os\nleft = os.statvfs('/work').f_ffree < 4000",
    ),
    Pair(
        "files that are open and have no name",
        f"{DAEMON}"
        "def fill():\n"
        "    file = open('big', 'wb')\n"
        "    file.write(bytes(40 << 20))\n"
        "    file.flush()\n"
        "    os.unlink('big')\n"
        "    return file\n"
        "daemon(fill)",
        """
        import os
        about = os.statvfs("/work")
        left = about.f_bavail * about.f_frsize < 60 << 20
        """,
    ),
    Pair(
        "a module in the working folder",
        """
        import sys
        open("shelve.py", "w").write("ours = True")
        sys.path.insert(0, "/work")
        """,
        """
        import importlib
        importlib.invalidate_caches()
        import shelve
        left = hasattr(shelve, "ours")
        """,
    ),
)

_PROCESSES = (
    Pair("a daemon that ignores signals", f"{DAEMON}daemon(lambda: None)", PROCESSES),
    Pair(
        "a daemon that is stopped",
        """
        import os, time
        child = os.fork()
        if child == 0: os.setsid(); time.sleep(60)
        os.kill(child, 19)
        """,
        PROCESSES,
    ),
    Pair(
        "a daemon that another one traces",
        """
        import ctypes, os, time
        library = ctypes.CDLL(None)
        library.prctl(4, 1, 0, 0, 0)
        child = os.fork()
        if child == 0: time.sleep(60)
        if os.fork() == 0:
            library.ptrace(16, child, 0, 0)
            time.sleep(60)
        """,
        PROCESSES,
    ),
    Pair(
        "a daemon that is always another process",
        """
        import os
        if os.fork() == 0:
            os.setsid()
            while True:
                try:
                    if os.fork(): os._exit(0)
                except OSError: pass
        """,
        PROCESSES,
    ),
    Pair(
        "as many processes as there may be",
        """
        import os, time
        try:
            while True:
                if os.fork() == 0: time.sleep(60)
        except OSError: pass
        """,
        """
        import os, signal, time
        made = []
        try:
            while len(made) < 40:
                made.append(os.fork())
                if made[-1] == 0: time.sleep(60)
        except OSError: pass
        left = len(made) < 40
        for child in made: os.kill(child, signal.SIGKILL)
        """,
    ),
    Pair(
        "a port that is listened on",
        f"{DAEMON}daemon(lambda: socket.create_server(('127.0.0.1', 4567)))",
        """
        import socket
        with socket.socket() as client: left = client.connect_ex(("127.0.0.1", 4567)) == 0
        """,
    ),
    Pair(
        "a port for packets",
        f"{DAEMON}"
        "def bound():\n"
        "    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    one.bind(('127.0.0.1', 4568))\n"
        "    return one\n"
        "daemon(bound)",
        """
        import socket
        left = False
        try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("127.0.0.1", 4568))
        except OSError: left = True
        """,
    ),
    Pair(
        "a port that a closed connection still holds",
        """
        import socket
        server = socket.create_server(("127.0.0.1", 4569))
        client = socket.create_connection(("127.0.0.1", 4569))
        peer, _ = server.accept()
        peer.close()
        client.close()
        """,
        """
        import socket
        left = False
        try: socket.socket().bind(("127.0.0.1", 4569))
        except OSError: left = True
        """,
    ),
    Pair(
        "an abstract socket",
        f"{DAEMON}"
        "def bound():\n"
        "    one = socket.socket(socket.AF_UNIX)\n"
        "    one.bind('\\0ours')\n"
        "    one.listen()\n"
        "    return one\n"
        "daemon(bound)",
        """
        import socket
        with socket.socket(socket.AF_UNIX) as client: left = client.connect_ex("\\0ours") == 0
        """,
    ),
    Pair(
        "a lock on a file of the image",
        f"{DAEMON}"
        "import fcntl\n"
        "def locked():\n"
        "    file = open('/etc/passwd')\n"
        "    fcntl.flock(file, fcntl.LOCK_EX)\n"
        "    return file\n"
        "daemon(locked)",
        """
        import fcntl
        left = False
        with open("/etc/passwd") as file:
            try: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError: left = True
        """,
    ),
    Pair(
        "input that was not read",
        "import sys",
        "import sys\nleft = sys.stdin.read() != ''",
        stdin="what nobody read",
    ),
    Pair(
        "descriptors that are open",
        "import os\nkept = [os.memfd_create('ours', 0) for _ in range(20)]",
        """
        import os
        left = False
        for fd in range(5, 1024):
            try: os.fstat(fd); left = True
            except OSError: pass
        """,
    ),
)

_INTERPRETER = (
    Pair(
        "modules and builtins changed",
        """
        import builtins, heapq, json, sys
        builtins.len = lambda thing: 99
        json.dumps = None
        sys.modules["heapq"] = "ours"
        """,
        """
        import json, sys
        left = len("") == 99 or json.dumps is None or sys.modules.get("heapq") == "ours"
        """,
    ),
    Pair(
        "a package changed",
        "import numpy\nnumpy.array = numpy.core.ours = None",
        "import numpy\nleft = numpy.array is None or hasattr(numpy.core, 'ours')",
    ),
    Pair(
        "functions around the program changed",
        """
        import sys
        frame = sys._getframe()
        while frame := frame.f_back:
            for thing in list(frame.f_globals.values()):
                if hasattr(thing, "__code__"): thing.__doc__ = "ours"
            frame.f_globals["ours"] = True
        """,
        """
        import sys
        frame, left = sys._getframe(), False
        while frame := frame.f_back:
            docs = [getattr(thing, "__doc__", "") for thing in frame.f_globals.values()]
            left = left or "ours" in docs or "ours" in frame.f_globals
        """,
    ),
    Pair(
        "built-in types changed in memory",
        """
        import collections.abc, ctypes, gc
        gc.get_referents(int.__dict__)[0]["ours"] = 1
        collections.abc.Sized.register(int)
        ctypes.c_int32.from_address(id(201) + 24).value = 202
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(int))
        """,
        """
        import collections.abc
        one = int("20") * 10 + 1
        left = hasattr(int, "ours") or isinstance(3, collections.abc.Sized) or f"{one}" == "202"
        """,
    ),
    Pair(
        "settings of the interpreter",
        """
        import sys, threading
        sys.setrecursionlimit(5000); sys.setswitchinterval(1.5); sys.excepthook = None
        sys.path.append("/ours"); threading.stack_size(1 << 20); sys.dont_write_bytecode = None
        """,
        """
        import sys, threading
        left = (sys.getrecursionlimit() == 5000 or sys.getswitchinterval() == 1.5
                or sys.excepthook is None or "/ours" in sys.path or threading.stack_size()
                or sys.dont_write_bytecode is None)
        """,
    ),
    Pair(
        "hooks that watch",
        """
        import sys, threading
        def hook(event, args):
            if event == "ours": args[0].append(event)
        def trace(*_): return None
        sys.addaudithook(hook)
        sys.settrace(trace); sys.setprofile(trace); threading.settrace(trace)
        """,
        """
        import sys, threading
        seen = []
        sys.audit("ours", seen)
        left = bool(seen or sys.gettrace() or sys.getprofile() or threading.gettrace())
        """,
    ),
    Pair(
        "a seed of chance",
        "import random\nrandom.seed(42)",
        "import random\nleft = random.random() == 0.6394267984578837",
    ),
    Pair(
        "the environment, the folder, the mask of new files, the priority",
        """
        import os
        os.environ["OURS"] = "1"; os.chdir("/usr"); os.umask(0o011); os.nice(3)
        """,
        """
        import os
        left = ("OURS" in os.environ or os.getcwd() != "/work" or os.umask(0) == 0o011
                or os.nice(0) > 0)
        """,
    ),
    Pair(
        "contexts of decimals, collection, warnings and locale",
        """
        import decimal, gc, locale, warnings
        decimal.getcontext().prec = 3; decimal.DefaultContext.prec = 4; gc.set_threshold(5)
        gc.disable(); warnings.filters.insert(0, "ours"); locale.setlocale(locale.LC_ALL, "C")
        """,
        """
        import decimal, gc, warnings
        left = (decimal.getcontext().prec == 3 or decimal.DefaultContext.prec == 4
                or gc.get_threshold()[0] == 5 or not gc.isenabled() or "ours" in warnings.filters)
        """,
    ),
    Pair(
        "signals, masks and timers",
        """
        import signal
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        signal.setitimer(signal.ITIMER_REAL, 50)
        signal.raise_signal(signal.SIGTERM)
        """,
        """
        import signal
        left = bool(signal.getitimer(signal.ITIMER_REAL)[0] or signal.sigpending()
                    or signal.pthread_sigmask(signal.SIG_BLOCK, ())
                    or signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN)
        """,
    ),
    Pair(
        "functions to call at exit, and in children",
        """
        import atexit, os
        for _ in range(20): atexit.register(int)
        os.register_at_fork(after_in_child=lambda: os._exit(77))
        """,
        """
        import atexit, os
        child = os.fork()
        if child == 0: os._exit(0)
        left = os.wait()[1] != 0 or atexit._ncallbacks() > 10
        """,
    ),
    Pair(
        "limits that are lower",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (77, 77))
        resource.setrlimit(resource.RLIMIT_FSIZE, (7777, 7777))
        """,
        """
        import resource
        left = (resource.getrlimit(resource.RLIMIT_NOFILE)[1] == 77
                or resource.getrlimit(resource.RLIMIT_FSIZE)[1] == 7777)
        """,
    ),
    Pair(
        "a secret in memory, wherever a program can put one",
        """
        import ctypes, os, threading
        secret = "a-secret-of-an-earlier-run"
        os.environ["SECRET"] = secret
        heap = ctypes.CDLL(None).strdup
        heap.restype = ctypes.c_void_p
        kept = [heap(secret.encode()) for _ in range(999)], [secret + f"{n}" for n in range(9999)]
        open("secret", "w").write(secret * 9999)
        os.write(os.memfd_create(secret), secret.encode() * 9999)
        os.write(2, secret.encode() * 2000)
        os.write(3, secret.encode() * 2000)
        """,
        MEMORY,
        stdin="a-secret-of-an-earlier-run\n" * 2000,
    ),
)

PAIRS = (*_FILES, *_PROCESSES, *_INTERPRETER)
