"""A program cannot get out, look around or leave anything behind."""

from __future__ import annotations

from collections.abc import Callable

from sandboxes import Verdict
from tests.sandbox.conftest import Run

Probe = Callable[..., str]


def test_there_is_no_network(probe: Probe) -> None:
    seen = probe("""
import socket
def tried(action):
    try: action()
    except OSError as error: return type(error).__name__
    return "reached"
show(sorted(name for _, name in socket.if_nameindex()),
     tried(lambda: socket.create_connection(("1.1.1.1", 53), 2)),
     tried(lambda: socket.getaddrinfo("example.org", 80)))
""")
    assert seen == "seen: ['lo'] OSError gaierror"


def test_only_the_working_folder_is_writable(probe: Probe) -> None:
    seen = probe("""
import os, tempfile
writable = []
for folder, folders, _ in os.walk("/"):
    folders[:] = [name for name in folders if folder != "/" or name not in ("proc", "sys")]
    try:
        path = os.path.join(folder, "mark")
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        os.unlink(path)
        writable.append(folder)
    except OSError: pass
show(writable, tempfile.gettempdir(), os.getcwd(), os.path.exists("/dev/shm"))
""")
    assert seen == "seen: ['/work'] /work /work False"


def test_a_full_folder_is_an_error_of_the_program(probe: Probe) -> None:
    seen = probe("""
import errno, os
def fill():
    try:
        for number in range(10 ** 6):
            with open(f"big{number}", "wb") as file:
                for _ in range(8): file.write(bytes(1 << 20))
    except OSError as error: return errno.errorcode[error.errno]
def many():
    try:
        for number in range(10 ** 6): os.mkdir(f"d{number}")
    except OSError as error: return errno.errorcode[error.errno]
full = fill()
for name in os.listdir(): os.unlink(name)
show(full, many())
""")
    assert seen == "seen: ENOSPC ENOSPC"


def test_it_is_nobody_with_no_powers(probe: Probe) -> None:
    seen = probe("""
import ctypes, os
status = dict(line.split(":", 1) for line in open("/proc/thread-self/status"))
def denied(call):
    try: call()
    except PermissionError: return True
    return False
libc = ctypes.CDLL(None, use_errno=True)
show(os.getuid() > 999, len(set(os.getresuid() + os.getresgid())), os.getgroups(),
     int(status["CapEff"], 16), int(status["CapPrm"], 16), int(status["NoNewPrivs"]),
     int(status["Seccomp"]),
     denied(lambda: os.setuid(0)), denied(lambda: os.kill(1, 9)), denied(lambda: os.chroot("/")),
     libc.mount(b"none", b"/work", b"tmpfs", 0, None), libc.unshare(0x10000000),
     libc.ptrace(16, 1, 0, 0))
""")
    assert seen == "seen: True 1 [] 0 0 1 2 True True True -1 -1 -1"


def test_it_cannot_read_process_one_or_its_descriptors(probe: Probe) -> None:
    seen = probe("""
import os
def refused(path):
    try: open(path, "rb").read(1)
    except OSError: return True
    return False
def hidden(path):
    try: os.listdir(path)
    except OSError: return True
    return False
show(refused("/proc/1/mem"), refused("/proc/1/environ"), hidden("/proc/1/fd"),
     refused("/proc/1/maps"), sorted(name for name in os.listdir("/proc") if name.isdigit())[0],
     len([name for name in os.listdir("/proc") if name.isdigit()]))
""")
    assert seen == "seen: True True True True 1 2"


def test_the_tests_process_cannot_be_reached(run: Run) -> None:
    program = """
import os
def attack(x):
    done = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (1, os.getpid()):
            for action in (lambda: os.kill(int(name), 9), lambda: open(f"/proc/{name}/mem", "rb"),
                           lambda: os.listdir(f"/proc/{name}/fd"),
                           lambda: open(f"/proc/{name}/environ").read()):
                try: action(); done.append(name)
                except OSError: pass
    return len(done)
"""
    outcome = run(program, {"kind": "asserts", "code": "assert attack(1) == 0"})
    assert outcome.verdict is Verdict.CORRECT, outcome


def test_no_shared_memory_of_system_v_and_no_queues(probe: Probe) -> None:
    seen = probe("""
import ctypes
libc = ctypes.CDLL(None)
rt = ctypes.CDLL("librt.so.1")
show(libc.shmget(1, 4096, 0o1666), libc.semget(1, 1, 0o1666), libc.msgget(1, 0o1666),
     rt.mq_open(b"/q", 0o102, 0o666, None))
""")
    assert seen == "seen: -1 -1 -1 -1"


def test_limits_are_hard_and_finite(probe: Probe) -> None:
    seen = probe("""
import resource
names = ("AS", "NPROC", "CPU", "FSIZE", "NOFILE", "CORE", "MEMLOCK")
hard = [resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1] for name in names]
def raised():
    try: resource.setrlimit(resource.RLIMIT_NPROC, (9999, 9999))
    except (ValueError, PermissionError): return False
    return True
show(all(value != resource.RLIM_INFINITY for value in hard), raised())
""")
    assert seen == "seen: True False"


LEAVE = """
import os, signal, socket, time
for name in ("a", ".hidden", "name with \\n newline"): open(name, "w").write("left")
os.makedirs("deep/er/folder"); open("deep/er/file", "w").close()
os.symlink("/etc", "link"); os.mkfifo("fifo")
os.chmod("deep/er", 0); os.chmod("deep", 0)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(1, 32):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        server = socket.create_server(("127.0.0.1", 7777))
        abstract = socket.socket(socket.AF_UNIX); abstract.bind("\\0left"); abstract.listen()
        while True: time.sleep(1)
    os._exit(0)
time.sleep(0.2)
print("done")
"""


def test_nothing_is_left_for_the_next_run(run: Run, probe: Probe) -> None:
    outcome = run(LEAVE, {"kind": "stdio", "cases": [{"stdin": "", "stdout": "done"}] * 2})
    assert outcome.passed == 2, outcome
    seen = probe("""
import os, socket
def listens(family, address):
    try:
        with socket.socket(family) as client: client.connect(address)
    except OSError: return False
    return True
show(os.listdir("/work"), len([n for n in os.listdir("/proc") if n.isdigit()]),
     listens(socket.AF_INET, ("127.0.0.1", 7777)), listens(socket.AF_UNIX, "\\0left"))
""")
    assert seen == "seen: [] 2 False False"


def test_each_run_is_another_user(probe: Probe) -> None:
    program = "import os\nshow(os.getuid())"
    assert probe(program) != probe(program)


def test_a_changed_library_is_whole_again_in_the_next_run(run: Run) -> None:
    broken = "import json, math\njson.dumps = math.sqrt = None\nprint('broken')"
    assert run(broken, {"kind": "stdio", "cases": [{"stdin": "", "stdout": "broken"}]}).passed
    whole = "import json, math\nprint(json.dumps([math.sqrt(4)]))"
    assert run(whole, {"kind": "stdio", "cases": [{"stdin": "", "stdout": "[2.0]"}]}).passed
