"""Which limits this machine's engine really enforces: tried out in a container, not asked for."""

from __future__ import annotations

from sandboxes.contract import Limits, Verdict
from sandboxes.errors import SandboxError
from sandboxes.pool import SandboxPool

_MIB = 1 << 20

# Each function returns "" where the limit holds, else what it could do.
_PROBES = """
import os, resource, signal, socket, time

def memory():
    children = []
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            held = bytearray(150 << 20)
            for at in range(0, len(held), 4096):
                held[at] = 1
            time.sleep(30)
            os._exit(0)
        children.append(pid)
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return ""
        time.sleep(0.02)
    return "1.2 GB were used in a container of 0.5 GB"

def processes():
    for count in range(400):
        try:
            pid = os.fork()
        except OSError:
            return ""
        if pid == 0:
            time.sleep(30)
            os._exit(0)
    return "400 processes were started"

def cpu():
    cores = len(os.sched_getaffinity(0))
    return "" if cores == 1 else f"a program may use {cores} cores"

def network():
    names = [name for _, name in socket.if_nameindex() if name != "lo"]
    if names:
        return f"there is a network interface {names[0]}"
    try:
        socket.create_connection(("1.1.1.1", 53), 2)
        return "an address outside was reached"
    except OSError:
        return ""

def files():
    for folder in ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/etc"):
        try:
            open(os.path.join(folder, "mark"), "w")
            return f"a file was written in {folder}"
        except OSError:
            pass
    try:
        for number in range(4):
            with open(f"big{number}", "wb") as file:
                for _ in range(32):
                    file.write(bytes(1 << 20))
    except OSError:
        return ""
    return "128 MB were written to the working folder"

def privileges():
    status = dict(line.split(":", 1) for line in open("/proc/thread-self/status"))
    found = {name: status[name].strip() for name in ("CapEff", "NoNewPrivs", "Seccomp")}
    if int(found["CapEff"], 16) or found["NoNewPrivs"] != "1" or found["Seccomp"] != "2":
        return f"{found}"
    return "" if os.getuid() > 999 else f"the program is user {os.getuid()}"
"""
NAMES = ("memory", "processes", "cpu", "network", "files", "privileges")


def unenforced(image: str | None = None, runtime: str = "runc") -> dict[str, str]:
    """What a program could do that it must not, by limit; empty where every limit of `NAMES` holds.

    Takes about three seconds.

    Raises:
        SandboxError: No container could be started, with the remedy.
    """
    found: dict[str, str] = {}
    limits = Limits(wall_s=15, cpu_s=10, memory_bytes=256 * _MIB)
    with SandboxPool(image=image, slots=1, runtime=runtime, memory_bytes=512 * _MIB) as pool:
        for name in NAMES:
            try:
                tried = pool.evaluate(_PROBES, name, [], limits)
            except SandboxError as error:
                found[name] = f"the container did not survive its trial: {error}"[:300]
                continue
            # A probe of memory may be killed itself, which is what the limit is for.
            held = tried.value == "" or (name == "memory" and tried.verdict is Verdict.MEMORY)
            if not held:
                found[name] = f"{tried.value or tried.detail}"
    return found
