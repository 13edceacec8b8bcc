"""Programs that look around and reach out. Each says exactly what it achieved.

What must work, a control, is always among what it tries and is named `control`: a probe that
achieves nothing because it is broken fails. An attempt counts as refused only where the system
refuses it for who asks, or has no such thing; an error about its arguments means that it got in.
"""

from __future__ import annotations

from textwrap import dedent, indent

from sandboxes import Verdict
from tests.sandbox.hostile.case import Hostile, asserts, call, script

PROBE = """
import ctypes, errno, os
REFUSED = {getattr(errno, name) for name in (
    "EPERM", "EACCES", "ENOSYS", "EROFS", "ENOENT", "ENXIO", "ENODEV", "ESRCH", "EXDEV",
    "EAFNOSUPPORT", "ESOCKTNOSUPPORT", "EPROTONOSUPPORT", "ENETUNREACH", "EHOSTUNREACH",
    "ECONNREFUSED", "EADDRNOTAVAIL", "EOPNOTSUPP", "ENOTTY", "ENOSPC",
)}
NUMBERS = {
    "x86_64": dict(bpf=321, perf_event_open=298, keyctl=250, add_key=248, request_key=249,
                   userfaultfd=323, kexec_load=246, finit_module=313, delete_module=176,
                   pivot_root=155, acct=163, quotactl=179),
    "aarch64": dict(bpf=280, perf_event_open=241, keyctl=219, add_key=217, request_key=218,
                    userfaultfd=282, kexec_load=104, finit_module=273, delete_module=106,
                    pivot_root=41, acct=89, quotactl=60),
}.get(os.uname().machine, {}) | dict(io_uring_setup=425, open_tree=428, fsopen=430, pidfd_open=434,
                                     pidfd_getfd=438)
library = ctypes.CDLL(None, use_errno=True)
def library_call(name, *args):
    if getattr(library, name)(*args) == -1:
        raise OSError(ctypes.get_errno(), name)
def system_call(name, *args):
    library_call("syscall", NUMBERS[name], *args)
achieved = []
def attempt(name, action, *args):
    try:
        if action(*args) is False: return
    except OSError as error:
        if error.errno in REFUSED: return
    achieved.append(name)
"""


def _probe(name: str, body: str, kind: str = "script", *, prints: str = "control") -> Hostile:
    function = f"def f():\n{indent(dedent(body).strip(), '    ')}\n    return achieved\n"
    expected = prints.split()
    tests = {
        "script": script(" ".join(expected)),
        "call": call(expected),
        "asserts": asserts(f"assert f() == {expected!r}"),
    }[kind]
    shown = "print(*f())\n" if kind == "script" else ""
    return Hostile(name, tests, f"{PROBE}{function}{shown}", (Verdict.CORRECT,))


_NETWORK = (
    _probe(
        "connections to the world, the cloud and the engine",
        """
        import socket
        def reach(family, address):
            with socket.socket(family, socket.SOCK_STREAM) as client:
                client.settimeout(1)
                client.connect(address)
        with socket.create_server(("127.0.0.1", 0)) as server:
            attempt("control", reach, socket.AF_INET, server.getsockname())
        for host, port in (("1.1.1.1", 53), ("169.254.169.254", 80), ("172.17.0.1", 2375),
                           ("172.17.0.1", 22), ("10.0.0.1", 80), ("192.168.0.1", 80)):
            attempt(host, reach, socket.AF_INET, (host, port))
        attempt("v6", reach, socket.AF_INET6, ("2606:4700:4700::1111", 53))
        """,
    ),
    _probe(
        "packets without a connection, and names",
        """
        import socket
        def send(address):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"secret", address)
        def resolve():
            try: socket.getaddrinfo("example.org", 80)
            except socket.gaierror: return False
        attempt("control", send, ("127.0.0.1", 9))
        for address in (("8.8.8.8", 53), ("255.255.255.255", 67), ("224.0.0.1", 9)):
            attempt(address[0], send, address)
        attempt("name", resolve)
        """,
        "call",
    ),
    _probe(
        "interfaces raised, made and bound to",
        """
        import fcntl, socket, struct
        achieved.append("control" if [n for _, n in socket.if_nameindex()] == ["lo"] else "more")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            change = struct.pack("16sH22x", b"lo", 0)
            attempt("down", fcntl.ioctl, any_socket, 0x8914, change)
            attempt("promiscuous", fcntl.ioctl, any_socket, 0x8914,
                    struct.pack("16sH22x", b"lo", 0x100))
        attempt("tun", os.open, "/dev/net/tun", os.O_RDWR)
        """,
    ),
    _probe(
        "sockets below and beside the network",
        """
        import socket
        def opened(*kind): socket.socket(*kind).close()
        attempt("control", opened, socket.AF_UNIX, socket.SOCK_STREAM)
        for protocol in (socket.IPPROTO_ICMP, socket.IPPROTO_RAW, socket.IPPROTO_TCP):
            attempt(f"raw{protocol}", opened, socket.AF_INET, socket.SOCK_RAW, protocol)
        attempt("packet", opened, socket.AF_PACKET, socket.SOCK_RAW, 3)
        """,
        "asserts",
    ),
    _probe(
        "sockets to the machine below",
        """
        import socket
        def opened(family, kind):
            socket.socket(family, kind).close()
        attempt("control", opened, socket.AF_INET, socket.SOCK_STREAM)
        usual = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
        for family in set(range(64)) - set(usual):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
                attempt(f"family{family}", opened, family, kind)
        """,
    ),
    _probe(
        "sockets of others by their abstract names",
        """
        import socket
        def listed():
            lines = open("/proc/net/unix").read().splitlines()[1:]
            return {line.split()[7] for line in lines if len(line.split()) > 7}
        def reach(name):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(name.replace("@", "\\0", 1))
        others = listed()
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("\\0ours")
            server.listen()
            for name in listed() - others: attempt("control", reach, name)
        for name in others: attempt(name, reach, name)
        """,
        "asserts",
    ),
    _probe(
        "the container of the tests over the shared loopback",
        """
        import socket
        def listening():
            found = []
            for table in ("tcp", "tcp6", "udp", "udp6"):
                lines = open(f"/proc/net/{table}").read().splitlines()[1:]
                found += [line for line in lines if line.split()[3] in ("0A", "07")]
            return len(found)
        before = listening()
        with socket.create_server(("127.0.0.1", 0)):
            if listening() == before + 1: achieved.append("control")
        if before: achieved.append("others")
        """,
        "asserts",
    ),
    _probe(
        "sockets in the files of the system, Docker's among them",
        """
        import socket, stat
        def found():
            seen = []
            for top in ("/run", "/var", "/tmp", "/meet", "/work", "/home", "/dev", "/mnt", "/srv"):
                for folder, _, files in os.walk(top):
                    for path in (os.path.join(folder, name) for name in files):
                        if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
                            seen.append("control" if folder == "/work" else path)
            return seen
        socket.socket(socket.AF_UNIX).bind("/work/ours")
        achieved.extend(found())
        for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"):
            attempt(path, os.stat, path)
        """,
    ),
)

_SEEN = tuple(
    _probe(
        f"processes that it sees, in {kind}",
        """
        import time
        def others():
            seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
            return [number for number in seen if number not in (1, os.getpid())]
        achieved.extend(f"process{number}" for number in others())
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        if len(others()) == 1: achieved.append("control")
        """,
        kind,
    )
    for kind in ("script", "call", "asserts")
)

_PROCESSES = (
    _probe(
        "what process 1 holds",
        """
        library.prctl(4, 1, 0, 0, 0)
        def read(path):
            with open(path, "rb") as file: file.read(1)
        def listed(path): os.listdir(path)
        for kind in ("environ", "maps", "auxv", "stack"):
            if kind in ("environ", "maps"): attempt("control", read, f"/proc/self/{kind}")
            attempt(kind, read, f"/proc/1/{kind}")
        attempt("mem", read, "/proc/1/mem")
        for kind in ("syscall", "io", "pagemap", "personality", "smaps", "task/1/environ"):
            attempt(kind, read, f"/proc/1/{kind}")
        for kind in ("fd", "fdinfo", "map_files", "cwd/", "root/", "ns"):
            attempt(kind, listed, f"/proc/1/{kind}")
        for kind in ("exe", "cwd", "root", "ns/mnt", "ns/pid", "ns/net"):
            attempt(kind, os.readlink, f"/proc/1/{kind}")
        for number in range(64):
            attempt(f"fd{number}", os.open, f"/proc/1/fd/{number}", os.O_RDWR)
        """,
        prints="control control",
    ),
    _probe(
        "power over process 1",
        """
        import resource, signal, time
        library.prctl(4, 1, 0, 0, 0)
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
        attempt("control", os.kill, child, signal.SIGCONT)
        attempt("ptrace", library_call, "ptrace", 0x4206, child, 0, 0)
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGCHLD, 0):
            attempt(f"signal{number}", os.kill, 1, number)
        for request in (16, 0x4206):
            attempt(f"ptrace{request}", library_call, "ptrace", request, 1, 0, 0)
        class Piece(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
        here = ctypes.create_string_buffer(8)
        piece = Piece(ctypes.addressof(here), 8)
        for name in ("process_vm_readv", "process_vm_writev"):
            attempt(name, library_call, name, 1, ctypes.byref(piece), 1, ctypes.byref(piece), 1, 0)
        attempt("limit", resource.prlimit, 1, resource.RLIMIT_CPU, (1, 1))
        attempt("priority", os.setpriority, os.PRIO_PROCESS, 1, 19)
        attempt("affinity", os.sched_setaffinity, 1, os.sched_getaffinity(0))
        attempt("scheduler", os.sched_setscheduler, 1, os.SCHED_BATCH, os.sched_param(0))
        fd = os.pidfd_open(1)
        attempt("descriptor", system_call, "pidfd_getfd", fd, 0, 0)
        attempt("pidfd", signal.pidfd_send_signal, fd, signal.SIGKILL)
        """,
        "call",
        prints="control",
    ),
    _probe(
        "a signal to all",
        """
        import signal, time
        child = os.fork()
        if child == 0: time.sleep(30)
        os.kill(-1, signal.SIGKILL)
        _, status = os.wait()
        if os.WTERMSIG(status) == signal.SIGKILL: achieved.append("control")
        if os.getppid() != 1: achieved.append("gone")
        """,
        "asserts",
    ),
    _probe(
        "signals that its descriptors send for it",
        """
        import fcntl, signal
        got = []
        signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
        r, w = os.pipe()
        for fd, owner in ((r, os.getpid()), (0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (4, -1)):
            try:
                fcntl.fcntl(fd, fcntl.F_SETOWN, owner)
                fcntl.fcntl(fd, 10, signal.SIGUSR1 if fd == r else signal.SIGKILL)
                fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
            except OSError: pass
        os.write(w, b"!")
        os.write(2, b"!")
        if got: achieved.append("control")
        """,
        "asserts",
    ),
    _probe(
        "who is at the other end of the link",
        """
        import signal, socket, struct
        ours, theirs = socket.socketpair()
        def holder(one):
            packed = one.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            return struct.unpack("3i", packed)[0]
        def kill(one):
            number = holder(one)
            if number <= 0: return False
            os.kill(number, 0)
        link = socket.socket(fileno=os.dup(4))
        attempt("control", kill, ours)
        attempt("kill", kill, link)
        attempt("descriptor", os.open, "/proc/self/fd/4", os.O_RDWR)
        """,
        "asserts",
    ),
)

_FILES = (
    _probe(
        "writing outside of the working folder",
        """
        def write(folder):
            path = os.path.join(folder, "mark")
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            os.unlink(path)
        for folder in ("/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/dev/mqueue", "/run", "/meet",
                       "/run/lock", "/var/lock", "/etc", "/root", "/home", "/usr/lib/python3",
                       "/var/lib", "/var/log", "/var/mail", "/var/cache", "/opt", "/srv", "/proc",
                       "/sys", "/sys/fs/cgroup", os.path.dirname(os.__file__)):
            attempt(folder, write, folder)
        attempt("control", write, "/work")
        """,
    ),
    _probe(
        "switches of the kernel and of control groups",
        """
        library.prctl(4, 1, 0, 0, 0)
        own = {"self", "thread-self", f"{os.getpid()}"}
        def changed(path): os.close(os.open(path, os.O_WRONLY))
        for top in ("/proc/sys", "/sys/fs/cgroup", "/sys/kernel", "/sys/module", "/sys/power",
                    "/sys/firmware", "/proc/irq", "/proc/fs", "/proc/bus", "/proc/acpi"):
            for folder, _, files in os.walk(top):
                for name in files: attempt(f"{folder}/{name}", changed, os.path.join(folder, name))
        for name in os.listdir("/proc"):
            if name not in own and os.path.isfile(f"/proc/{name}"):
                attempt(name, changed, f"/proc/{name}")
        attempt("group", os.mkdir, "/sys/fs/cgroup/memory/ours")
        attempt("group", os.mkdir, "/sys/fs/cgroup/ours")
        attempt("control", changed, "/proc/self/comm")
        """,
    ),
    _probe(
        "devices, those that are there and those that it makes",
        """
        import stat
        names = "null zero full random urandom tty ptmx pts/ptmx".split()
        usual = {f"/dev/{name}" for name in names}
        def opened(path): os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        for folder, _, files in os.walk("/dev"):
            for path in (os.path.join(folder, name) for name in files):
                mode = os.lstat(path).st_mode
                if (stat.S_ISBLK(mode) or stat.S_ISCHR(mode)) and path not in usual:
                    attempt(path, opened, path)
        for path in ("/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/fuse", "/dev/vsock", "/dev/tty",
                     "/proc/kcore", "/proc/kmsg", "/dev/loop-control", "/dev/vda", "/dev/sda"):
            attempt(path, opened, path)
        for kind in (stat.S_IFBLK, stat.S_IFCHR):
            attempt("made", os.mknod, "/work/made", kind | 0o666, os.makedev(1, 1))
        attempt("control", opened, "/dev/null")
        """,
    ),
    _probe(
        "secrets in readable files",
        """
        def read(path):
            with open(path, "rb") as file: return bool(file.read(1))
        for path in ("/etc/shadow", "/etc/gshadow", "/root/.bashrc", "/proc/keys", "/proc/kcore",
                     "/proc/sched_debug", "/proc/timer_list", "/.dockerenv",
                     "/sys/kernel/debug/sleep_time", "/sys/firmware/acpi/tables/DSDT"):
            attempt(path, read, path)
        attempt("control", read, "/etc/passwd")
        """,
    ),
    _probe(
        "the folder where the host's socket was",
        """
        import socket
        def listed(path):
            return bool(os.listdir(path))
        def connected(): socket.socket(socket.AF_UNIX).connect("/meet/socket")
        open("/work/file", "w").close()
        attempt("control", listed, "/work")
        attempt("listed", listed, "/meet")
        attempt("connected", connected)
        attempt("made", os.mkdir, "/meet/ours")
        attempt("removed", os.rmdir, "/meet")
        attempt("moved", os.rename, "/meet", "/meet2")
        """,
        "call",
    ),
    _probe(
        "links to files of the image",
        """
        def kept(path, link):
            os.link(path, link)
        open("/work/ours", "w").close()
        attempt("control", kept, "/work/ours", "/work/again")
        for path in ("/etc/passwd", "/usr/bin/python3", "/proc/self/exe", "/dev/null"):
            attempt(path, kept, path, "/work/link")
        os.symlink("/etc/passwd", "/work/pass")
        attempt("through", os.open, "/work/pass", os.O_WRONLY)
        attempt("touched", os.utime, "/etc/passwd")
        attempt("mode", os.chmod, "/etc/passwd", 0o666)
        attempt("owner", os.chown, "/work/ours", 0, 0)
        all_powers = b"\\1\\0\\0\\2" + b"\\xff" * 16
        attempt("powers", os.setxattr, "/work/ours", "security.capability", all_powers)
        attempt("attribute", os.setxattr, "/etc/passwd", "user.ours", b"1")
        """,
    ),
    _probe(
        "programs that raise privileges",
        """
        import stat
        def raising(path):
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode):
                if mode & (stat.S_ISUID | stat.S_ISGID): return True
                try: return bool(os.getxattr(path, "security.capability"))
                except OSError: pass
            return False
        open("/work/own", "w").close()
        os.chmod("/work/own", 0o4755)
        if raising("/work/own"): achieved.append("control")
        for top in ("/bin", "/sbin", "/usr", "/lib", "/etc", "/opt", "/var"):
            for folder, _, files in os.walk(top):
                for path in (os.path.join(folder, name) for name in files):
                    if raising(path): achieved.append(path)
        """,
    ),
    _probe(
        "programs of its own, executed",
        """
        import shutil
        def executed(path):
            pid = os.fork()
            if pid == 0:
                try: os.execv(path, ["true"])
                except OSError as error: os._exit(error.errno)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if code: raise OSError(code, path)
        attempt("control", executed, "/bin/true")
        shutil.copy("/bin/true", "/work/true")
        attempt("work", executed, "/work/true")
        """,
    ),
    _probe(
        "a program in memory, which has no more powers than its parent",
        """
        import subprocess
        fd = os.memfd_create("cat")
        os.write(fd, open("/bin/cat", "rb").read())
        said = subprocess.run([f"/proc/self/fd/{fd}", "/proc/self/status"], pass_fds=[fd],
                              capture_output=True, text=True).stdout
        status = dict(line.split(":", 1) for line in said.splitlines())
        if set(status["Uid"].split()) == {f"{os.getuid()}"}: achieved.append("control")
        if int(status["CapEff"], 16) or int(status["CapPrm"], 16): achieved.append("powers")
        if int(status["NoNewPrivs"]) != 1 or int(status["Seccomp"]) != 2: achieved.append("free")
        """,
    ),
)

_POWERS = (
    _probe(
        "another user",
        """
        own = os.getuid()
        attempt("control", os.setresuid, own, own, own)
        for other in (0, 1, 65534, own - 1, own + 1):
            attempt(f"user{other}", os.setuid, other)
            attempt(f"user{other}", os.setresuid, -1, -1, other)
            attempt(f"group{other}", os.setgid, other)
            attempt(f"groups{other}", os.setgroups, [other])
        class Header(ctypes.Structure):
            _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
        header, data = Header(0x20080522, 0), (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
        attempt("powers", library_call, "capset", ctypes.byref(header), data)
        """,
    ),
    _probe(
        "attributes of the process that would free it",
        """
        def control(*args): library_call("prctl", *args, 0, 0, 0)
        attempt("control", control, 15, b"name")
        for name, args in {"ambient": (47, 2, 21), "keep": (28, 1), "drop": (24, 21)}.items():
            attempt(name, control, *args)
        status = dict(line.split(":", 1) for line in open("/proc/thread-self/status"))
        if int(status["NoNewPrivs"]) != 1 or int(status["Seccomp"]) != 2: achieved.append("free")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            if int(status[name], 16): achieved.append(name)
        """,
        "asserts",
    ),
    _probe(
        "namespaces, roots and mounts",
        """
        attempt("control", library_call, "uname", ctypes.create_string_buffer(1024))
        for name, flag in dict(mount=0x20000, user=0x10000000, net=0x40000000, pid=0x20000000,
                               ipc=0x8000000, uts=0x4000000, group=0x2000000).items():
            attempt(name, library_call, "unshare", flag)
        def cloned():
            pid = library.syscall({"x86_64": 56, "aarch64": 220}[os.uname().machine],
                                  0x10000000 | 17, 0, 0, 0, 0)
            if pid == 0: os._exit(0)
            if pid == -1: return False
        attempt("cloned", cloned)
        attempt("root", os.chroot, "/work")
        attempt("mount", library_call, "mount", b"none", b"/work", b"tmpfs", 0, None)
        attempt("bind", library_call, "mount", b"/work", b"/etc", None, 4096, None)
        attempt("writable", library_call, "mount", None, b"/", None, 32, None)
        attempt("proc", library_call, "mount", b"proc", b"/work", b"proc", 0, None)
        attempt("unmount", library_call, "umount2", b"/sys", 2)
        for name in ("ns/net", "ns/pid"):
            fd = os.open(f"/proc/self/{name}", os.O_RDONLY)
            attempt(name, library_call, "setns", fd, 0)
        attempt("pivot", system_call, "pivot_root", b"/work", b"/work")
        attempt("tree", system_call, "open_tree", -100, b"/", 1)
        attempt("open", system_call, "fsopen", b"tmpfs", 0)
        """,
    ),
    _probe(
        "doors of the kernel",
        """
        buffer = ctypes.create_string_buffer(256)
        attempt("control", library_call, "uname", ctypes.create_string_buffer(1024))
        for name, args in {
            "bpf": (0, buffer, 128), "perf_event_open": (buffer, 0, -1, -1, 0),
            "keyctl": (0, -3, 1), "add_key": (b"user", b"ours", b"1", 1, -3),
            "request_key": (b"user", b"ours", None, -3), "userfaultfd": (0,),
            "kexec_load": (0, 0, 0, 0), "finit_module": (0, b"", 0),
            "delete_module": (b"nothing", 0x800), "acct": (b"/work/account",),
        }.items():
            attempt(name, system_call, name, *args)
        attempt("init_module", library_call, "init_module", buffer, 8, b"")
        attempt("handle", library_call, "open_by_handle_at", 3, buffer, 0)
        attempt("notify", library_call, "fanotify_init", 0, 0)
        attempt("log", library_call, "klogctl", 3, buffer, 200)
        attempt("swap", library_call, "swapon", b"/work/swap", 0)
        attempt("swap", library_call, "swapoff", b"/work/swap")
        attempt("restart", library_call, "reboot", 0)
        attempt("hang", library_call, "vhangup")
        attempt("name", library_call, "sethostname", b"ours", 4)
        attempt("domain", library_call, "setdomainname", b"ours", 4)
        """,
    ),
    _probe(
        "the queue of the kernel that goes around its filter",
        """
        attempt("control", library_call, "uname", ctypes.create_string_buffer(1024))
        attempt("queue", system_call, "io_uring_setup", 1, ctypes.create_string_buffer(120))
        """,
        "call",
    ),
    _probe(
        "the clock",
        """
        import time
        class Time(ctypes.Structure):
            _fields_ = [("s", ctypes.c_long), ("rest", ctypes.c_long)]
        def set_now(): time.clock_settime(time.CLOCK_REALTIME, time.time())
        now = Time(int(time.time()), 0)
        attempt("control", time.clock_gettime, time.CLOCK_REALTIME)
        attempt("settime", set_now)
        attempt("settimeofday", library_call, "settimeofday", ctypes.byref(now), None)
        change = (ctypes.c_long * 32)(2)
        attempt("adjust", library_call, "adjtimex", change)
        """,
    ),
    _probe(
        "limits raised",
        """
        import resource
        def raised(name):
            kind = getattr(resource, name)
            soft, hard = resource.getrlimit(kind)
            if hard == resource.RLIM_INFINITY: return True
            try: resource.setrlimit(kind, (soft, hard + 1))
            except ValueError: return False
        # The stack has no hard limit of its own: it is part of the address space.
        for name in ("AS", "CPU", "NPROC", "NOFILE", "FSIZE", "CORE", "MEMLOCK", "MSGQUEUE",
                     "NICE", "RTPRIO"):
            attempt(name, raised, f"RLIMIT_{name}")
        attempt("control", resource.setrlimit, resource.RLIMIT_CORE, (0, 0))
        attempt("locked", library_call, "mlockall", 3)
        """,
    ),
    _probe(
        "a place before others",
        """
        def scheduled(policy): os.sched_setscheduler(0, policy, os.sched_param(1))
        attempt("control", os.nice, 1)
        attempt("nice", os.nice, -5)
        attempt("others", os.setpriority, os.PRIO_USER, 0, -1)
        attempt("fifo", scheduled, os.SCHED_FIFO)
        attempt("round", scheduled, os.SCHED_RR)
        ioprio = {"x86_64": 251, "aarch64": 30}[os.uname().machine]
        attempt("disk", library_call, "syscall", ioprio, 1, 0, 1 << 13)
        """,
        "call",
    ),
    _probe(
        "a place below process 1 on the list of the killer",
        """
        library.prctl(4, 1, 0, 0, 0)
        def lowered(value):
            with open("/proc/self/oom_score_adj", "w") as file: file.write(f"{value}")
        attempt("control", lowered, 1000)
        place = int(open("/proc/1/oom_score_adj").read())
        for value in (place - 1, -1000): attempt(f"lowered{value}", lowered, value)
        """,
        "asserts",
    ),
    _probe(
        "a terminal, and typing into it for others",
        """
        import fcntl, pty, termios
        leader, follower = pty.openpty()
        if os.isatty(follower): achieved.append("control")
        for fd in (0, 1, 2, 3):
            attempt(f"typed{fd}", fcntl.ioctl, fd, termios.TIOCSTI, b"x")
        attempt("own", os.open, "/dev/tty", os.O_RDWR)
        attempt("console", os.open, "/dev/console", os.O_RDWR)
        """,
    ),
    _probe(
        "memory and queues that outlive a process",
        """
        runtime = ctypes.CDLL("librt.so.1", use_errno=True)
        def shared(name, *args):
            if getattr(runtime, name)(*args) == -1: raise OSError(errno.EPERM, name)
        import mmap
        attempt("control", mmap.mmap, -1, 4096)
        for name, args in {"shmget": (7, 4096, 0o1666), "semget": (7, 1, 0o1666),
                           "msgget": (7, 0o1666), "shm_open": (b"/ours", 0o102, 0o666),
                           "mq_open": (b"/ours", 0o102, 0o666, None)}.items():
            attempt(name, shared, name, *args)
        runtime.sem_open.restype = ctypes.c_void_p
        if runtime.sem_open(b"/ours", 0o100, 0o666, 1): achieved.append("sem_open")
        """,
    ),
)

_INHERITED = (
    *(
        _probe(
            f"descriptors that it inherits, in {kind}",
            """
            for fd in range(1024):
                try: os.fstat(fd)
                except OSError: continue
                achieved.append(f"{fd}")
            """,
            kind,
            prints=prints,
        )
        for kind, prints in {"script": "0 1 2 3", "call": "0 1 2 3", "asserts": "0 1 2 3 4"}.items()
    ),
    _probe(
        "descriptors that its children inherit",
        """
        import subprocess
        shell = "for n in $(seq 0 40); do [ -e /proc/$$/fd/$n ] && echo $n; done"
        said = subprocess.run(["/bin/sh", "-c", shell], close_fds=False, capture_output=True)
        achieved.extend(said.stdout.decode().split())
        """,
        prints="0 1 2",
    ),
    _probe(
        "the environment, with what a host might leave in it",
        """
        os.environ["control"] = "1"
        known = set("HOME USER TMPDIR PATH LANG LC_CTYPE PYTHONHASHSEED HOSTNAME "
                    "OPENBLAS_NUM_THREADS OMP_NUM_THREADS MALLOC_ARENA_MAX".split())
        achieved.extend(sorted(set(os.environ) - known))
        """,
        "call",
    ),
)

ESCAPES = (*_NETWORK, *_SEEN, *_PROCESSES, *_FILES, *_POWERS, *_INHERITED)
