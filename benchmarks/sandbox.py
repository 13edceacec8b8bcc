"""What an execution costs: our sandbox against an unsafe child process, `docker exec`, a peer.

    python benchmarks/sandbox.py [--rounds 8] [--json FILE] [--quick]

Every way runs the same programs (HumanEval's first task with its seven checks, as calls, as a
script and as asserts; a C++ script) in turns, round after round, so that what else the machine
does meets all of them alike. The figure is processor time per execution of everything that takes
part: this process and its children, the containers, the engine and its shims. Wall time is shown
for orientation. Ratios are of medians over rounds. It needs the engine, the images (`python -m
sandboxes.image build python cpp`) and /usr/bin/python3; the peer is measured where it is installed
(`pip install --no-deps llm-sandbox`). Of a `docker run` what its shim used after it ended is not
seen, so it costs more than is shown.

    call_vs_host     executions per core-second: our calls / a child of the system's own python
    stdio_vs_host    the same for scripts
    asserts_vs_host  the same for tests in a second process
    call_vs_exec     our calls / a warm `docker exec` of the same python (the command)
    call_vs_exec_api our calls / the same through the `docker` package
    asserts_vs_peer  our asserts / llm-sandbox on the same engine, where it is installed
    cpp_vs_run       our compiled C++ case / `docker run` of the compiled program
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker

from sandboxes import CPP, Limits, Outcome, SandboxPool, Verdict, parse_tests
from sandboxes.client import connect
from sandboxes.languages import PYTHON_IMAGE

PYTHON = "/usr/bin/python3"
PEER_IMAGE = "retort-sandbox-peer:latest"
LIMITS = Limits()

FUNCTION = '''
from typing import List


def has_close_elements(numbers: List[float], threshold: float) -> bool:
    """ Check if in given list of numbers, are any two numbers closer to each other than
    given threshold.
    >>> has_close_elements([1.0, 2.0, 3.0], 0.5)
    False
    >>> has_close_elements([1.0, 2.8, 3.0, 4.0, 5.0, 2.0], 0.3)
    True
    """
    for idx, elem in enumerate(numbers):
        for idx2, elem2 in enumerate(numbers):
            if idx != idx2:
                distance = abs(elem - elem2)
                if distance < threshold:
                    return True

    return False
'''
CHECKS: list[tuple[list[float], float, bool]] = [
    ([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3, True),
    ([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.05, False),
    ([1.0, 2.0, 5.9, 4.0, 5.0], 0.95, True),
    ([1.0, 2.0, 5.9, 4.0, 5.0], 0.8, False),
    ([1.0, 2.0, 3.0, 4.0, 5.0, 2.0], 0.1, True),
    ([1.1, 2.2, 3.1, 4.1, 5.1], 1.0, True),
    ([1.1, 2.2, 3.1, 4.1, 5.1], 0.5, False),
]
ENTRY = "has_close_elements"
ASSERTS = "def check(candidate):\n" + "".join(
    f"    assert candidate({numbers}, {threshold}) == {expected}\n"
    for numbers, threshold, expected in CHECKS
)
SCRIPT = FUNCTION + (
    "\nfor _ in range(int(input())):\n"
    "    threshold, *numbers = map(float, input().split())\n"
    f"    print({ENTRY}(numbers, threshold))\n"
)
STDIN = f"{len(CHECKS)}\n" + "".join(
    f"{threshold} {' '.join(map(str, numbers))}\n" for numbers, threshold, _ in CHECKS
)
STDOUT = "".join(f"{expected}\n" for _, _, expected in CHECKS)
CPP_SCRIPT = """
#include <bits/stdc++.h>
int main() {
    int cases; std::cin >> cases; std::string line; std::getline(std::cin, line);
    while (cases--) {
        std::getline(std::cin, line); std::istringstream words(line);
        double threshold, value; std::vector<double> all; words >> threshold;
        while (words >> value) all.push_back(value);
        std::sort(all.begin(), all.end());
        bool close = false;
        for (size_t i = 1; i < all.size(); ++i) close |= all[i] - all[i - 1] < threshold;
        std::cout << (close ? "True" : "False") << "\\n";
    }
}
"""
TESTS = {
    "call": {
        "kind": "call",
        "entry_point": ENTRY,
        "cases": [{"args": [n, t], "expected": e} for n, t, e in CHECKS],
    },
    "stdio": {"kind": "stdio", "cases": [{"stdin": STDIN, "stdout": STDOUT}]},
    "asserts": {
        "kind": "asserts",
        "code": f"{ASSERTS}check(candidate)\n",
        "entry_point": ENTRY,
    },
}
CPP_CASES = 100

Run = Callable[[], None]


class Meter:
    """Processor time of everything that takes part, in seconds."""

    def __init__(self) -> None:
        self._ended: dict[str, float] = {}

    def read(self, containers: list[str]) -> float:
        """This process, its children, these containers, the engine and its shims."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        total = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        return total + sum(map(_cgroup_cpu_s, containers)) + self._engine_s()

    def _engine_s(self) -> float:
        # A shim that has ended keeps the last that was read of it.
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                name = (folder / "comm").read_text().strip()
                if name in ("dockerd", "containerd", "containerd-shim", "docker-proxy"):
                    started = (folder / "stat").read_text().rpartition(")")[2].split()[19]
                    used = sum(
                        int((task / "schedstat").read_text().split()[0])
                        for task in (folder / "task").iterdir()
                    )
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                    waited = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
                    self._ended[f"{folder.name} {started}"] = used / 1e9 + waited
            except (FileNotFoundError, ProcessLookupError):
                continue
        return sum(self._ended.values())


def _cgroup_cpu_s(container: str) -> float:
    for path, unit in (
        (f"/sys/fs/cgroup/cpuacct/docker/{container}/cpuacct.usage", 1e9),
        (f"/sys/fs/cgroup/cpu,cpuacct/docker/{container}/cpuacct.usage", 1e9),
        (f"/sys/fs/cgroup/system.slice/docker-{container}.scope/cpu.stat", 1e6),
        (f"/sys/fs/cgroup/docker/{container}/cpu.stat", 1e6),
    ):
        try:
            text = Path(path).read_text()
        except FileNotFoundError:
            continue
        return int(text.split()[1] if "usec" in text else text) / unit
    raise SystemExit(f"the cgroup of container {container[:12]} is not where it is looked for")


def correct(outcome: Outcome) -> Outcome:
    """The outcome, which must be a pass: a benchmark of failures would be fast."""
    assert outcome.verdict is Verdict.CORRECT, outcome
    return outcome


def host_child(code: str, stdin: str = "") -> Run:
    """An unsafe child process per program, its exit code believed."""

    def run() -> None:
        done = subprocess.run(
            [PYTHON, "-I", "-c", code], input=stdin, capture_output=True, text=True, check=True
        )
        assert not stdin or done.stdout == STDOUT

    return run


def docker_exec_command(container: str) -> Run:
    """A process per program in a container that is up, by Docker's own command."""
    code = f"{FUNCTION}\n{ASSERTS}\ncheck({ENTRY})"
    command = ["docker", "exec", container, "python3", "-I", "-c", code]
    return lambda: subprocess.run(command, check=True, capture_output=True) and None


def docker_exec(client: docker.DockerClient, container: str) -> Run:
    """A process per program in a container that is up."""
    command = ["python3", "-I", "-c", f"{FUNCTION}\n{ASSERTS}\ncheck({ENTRY})"]

    def run() -> None:
        made = client.api.exec_create(container, command)
        client.api.exec_start(made["Id"])
        assert client.api.exec_inspect(made["Id"])["ExitCode"] == 0

    return run


def docker_run(client: docker.DockerClient, image: str, command: list[str]) -> Run:
    """A hardened container per program."""

    def run() -> None:
        client.containers.run(
            image,
            command,
            remove=True,
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            mem_limit="512m",
            pids_limit=64,
        )

    return run


def peer(client: docker.DockerClient) -> tuple[Run, Callable[[], None]] | None:
    """A session of llm-sandbox that stays open; None where it is not installed."""
    try:
        library: Any = importlib.import_module("llm_sandbox")
    except ImportError:
        print("llm-sandbox is not installed, and not measured: pip install --no-deps llm-sandbox")
        return None
    dockerfile = f"FROM {PYTHON_IMAGE}\nRUN ln -s python3 /usr/bin/python\n"
    client.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=PEER_IMAGE, rm=True)
    session = library.SandboxSession(
        client=client,
        image=PEER_IMAGE,
        lang="python",
        keep_template=True,
        skip_environment_setup=True,
        runtime_configs={"command": ["sleep", "3600"], "network_mode": "none"},
    )
    session.open()
    program = f"{FUNCTION}\n{ASSERTS}\ncheck({ENTRY})\nprint('fine')\n"

    def run() -> None:
        result = session.run(program)
        assert result.exit_code == 0 and "fine" in result.stdout, result

    return run, session.close


class Figures:
    """CPU and wall milliseconds per execution, by way, one entry per round."""

    def __init__(self) -> None:
        self.cpu_ms: dict[str, list[float]] = {}
        self.wall_ms: dict[str, list[float]] = {}

    def add(self, way: str, cpu_s: float, wall_s: float, count: int) -> None:
        self.cpu_ms.setdefault(way, []).append(1000 * cpu_s / count)
        self.wall_ms.setdefault(way, []).append(1000 * wall_s / count)

    def cpu(self, way: str) -> float:
        return statistics.median(self.cpu_ms[way])


def measure(
    figures: Figures, meter: Meter, way: str, run: Run, count: int, containers: list[str]
) -> None:
    """One round of one way."""
    cpu_s, wall_s = meter.read(containers), time.perf_counter()
    for _ in range(count):
        run()
    wall_s = time.perf_counter() - wall_s
    figures.add(way, meter.read(containers) - cpu_s, wall_s, count)


def single_slot(figures: Figures, rounds: int, client: docker.DockerClient, quick: bool) -> None:
    """Every way of Python, one execution after the other."""
    meter = Meter()
    tests = {name: parse_tests(form) for name, form in TESTS.items()}
    programs = {"call": FUNCTION, "stdio": SCRIPT, "asserts": FUNCTION}
    asserted = f"{FUNCTION}\n{ASSERTS}\ncheck({ENTRY})"
    with SandboxPool(slots=1) as pool:
        ours: dict[str, Run] = {
            name: lambda name=name: correct(pool.run(programs[name], tests[name], LIMITS)) and None
            for name in tests
        }
        for run in ours.values():
            for _ in range(20):
                run()
        used = pool.container_ids()
        beside = client.containers.run(
            PYTHON_IMAGE, ["sleep", "3600"], detach=True, network_mode="none", auto_remove=True
        )
        other = peer(client)
        try:
            by_command = docker_exec_command(f"{beside.id}")
            by_api = docker_exec(client, f"{beside.id}")
            for _ in range(rounds):
                measure(figures, meter, "host asserts", host_child(asserted), 10, used)
                measure(figures, meter, "host stdio", host_child(SCRIPT, STDIN), 10, used)
                for name, run in ours.items():
                    measure(figures, meter, name, run, 150, used)
                if not quick:
                    # What is executed in their containers is reaped and counted by the shim.
                    measure(figures, meter, "exec", by_command, 4, used)
                    measure(figures, meter, "exec api", by_api, 4, used)
                    if other is not None:
                        measure(figures, meter, "peer", other[0], 2, used)
        finally:
            beside.kill()
            if other is not None:
                other[1]()


def two_slots(figures: Figures, rounds: int) -> None:
    """The same calls from one thread and from two, each with a slot of its own."""
    meter, tests = Meter(), parse_tests(TESTS["call"])
    with SandboxPool(slots=2) as pool, ThreadPoolExecutor(2) as threads:
        used = pool.container_ids()

        def some(_: int) -> None:
            for _ in range(150):
                correct(pool.run(FUNCTION, tests, LIMITS))

        list(threads.map(some, range(2)))
        for _ in range(rounds):
            measure(figures, meter, "one slot", lambda: some(0), 1, used)
            measure(
                figures,
                meter,
                "two slots",
                lambda: list(threads.map(some, range(2))) and None,
                1,
                used,
            )
    for way, runs in (("one slot", 150), ("two slots", 300)):
        figures.cpu_ms[way] = [value / runs for value in figures.cpu_ms[way]]
        figures.wall_ms[way] = [value / runs for value in figures.wall_ms[way]]


BOMBS = (
    "while True: pass",
    "data = []\nwhile True: data.append(' ' * 100000)",
    "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "while True: print('x' * 10000)",
)


def beside_bombs(rounds: int) -> dict[str, float]:
    """Wall milliseconds of honest calls, alone and with bombs in the other slot."""
    tests = parse_tests(TESTS["call"])
    script = parse_tests(TESTS["stdio"])
    short = Limits(wall_s=2, cpu_s=1, memory_bytes=128 << 20)

    def honest(count: int) -> list[float]:
        took: list[float] = []
        for _ in range(count):
            started = time.perf_counter()
            correct(pool.run(FUNCTION, tests, LIMITS))
            took.append(1000 * (time.perf_counter() - started))
        return took

    with SandboxPool(slots=2) as pool, ThreadPoolExecutor(1) as thread:
        honest(50)
        alone = honest(150 * rounds)
        stop = False

        def bomb() -> int:
            count = 0
            while not stop:
                outcome = pool.run(BOMBS[count % len(BOMBS)], script, short)
                assert outcome.verdict is not Verdict.CORRECT
                count += 1
            return count

        bombs = thread.submit(bomb)
        with_bombs: list[float] = []
        ends = time.monotonic() + 3 * rounds
        while time.monotonic() < ends:
            with_bombs += honest(50)
        stop = True
        assert bombs.result() > 0
    return {
        "alone_p50_ms": statistics.median(alone),
        "bombs_p50_ms": statistics.median(with_bombs),
        "bombs_p99_ms": statistics.quantiles(with_bombs, n=100)[98],
    }


def cpp(figures: Figures, rounds: int, client: docker.DockerClient) -> None:
    """A compiled C++ case: our runs, less a run of one case, against `docker run`."""
    meter = Meter()
    case = {"stdin": STDIN, "stdout": STDOUT}
    one = parse_tests({"kind": "stdio", "cases": [case]})
    many = parse_tests({"kind": "stdio", "cases": [case] * (1 + CPP_CASES)})
    per_run = docker_run(client, CPP.image, ["/bin/true"])
    with SandboxPool(language=CPP, slots=1) as pool:
        used = pool.container_ids()
        correct(pool.run(CPP_SCRIPT, one, LIMITS))
        for _ in range(rounds):
            for way, tests in (("cpp one", one), ("cpp many", many)):
                run = lambda tests=tests: correct(pool.run(CPP_SCRIPT, tests, LIMITS)) and None  # noqa: E731
                measure(figures, meter, way, run, 1, used)
            measure(figures, meter, "docker run", per_run, 1, used)
    figures.cpu_ms["cpp case"] = [
        (many - one) / CPP_CASES
        for one, many in zip(figures.cpu_ms["cpp one"], figures.cpu_ms["cpp many"], strict=True)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="only ours against a host child")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures, client = Figures(), connect()
    rounds = options.rounds
    single_slot(figures, rounds, client, options.quick)
    ratios = {
        "call_vs_host": figures.cpu("host asserts") / figures.cpu("call"),
        "stdio_vs_host": figures.cpu("host stdio") / figures.cpu("stdio"),
        "asserts_vs_host": figures.cpu("host asserts") / figures.cpu("asserts"),
    }
    latency: dict[str, float] = {}
    if not options.quick:
        two_slots(figures, rounds)
        latency = beside_bombs(rounds)
        cpp(figures, max(3, rounds // 2), client)
        ratios["call_vs_exec"] = figures.cpu("exec") / figures.cpu("call")
        ratios["call_vs_exec_api"] = figures.cpu("exec api") / figures.cpu("call")
        if "peer" in figures.cpu_ms:
            ratios["asserts_vs_peer"] = figures.cpu("peer") / figures.cpu("asserts")
        ratios["two_slots_vs_one"] = figures.cpu("two slots") / figures.cpu("one slot")
        ratios["bombs_p99_vs_alone_p50"] = latency["bombs_p99_ms"] / latency["alone_p50_ms"]
        ratios["cpp_vs_run"] = figures.cpu("docker run") / figures.cpu("cpp case")
    client.close()
    print(f"{'':<16}CPU ms  (rounds)        wall ms")
    for way, values in figures.cpu_ms.items():
        spread = f"{min(values):.2f}..{max(values):.2f}"
        wall = figures.wall_ms.get(way)
        shown = f"{statistics.median(wall):8.2f}" if wall else ""
        print(f"{way:<16}{statistics.median(values):6.2f}  {spread:<14}{shown}")
    for name, value in (latency | ratios).items():
        print(f"{name:<24}{value:8.2f}")
    if options.json:
        options.json.write_text(
            json.dumps({"ratios": ratios, "cpu_ms": figures.cpu_ms, "latency": latency}, indent=2)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
