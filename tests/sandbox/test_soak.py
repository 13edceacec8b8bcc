"""Long proofs: honest programs by the hundred thousand beside bombs; run by `make soak`.

RETORT_SOAK_RUNS sets another number of honest programs than 100,000.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandboxes import Limits, SandboxPool, Verdict, parse_tests
from sandboxes.client import connect

RUNS = int(os.environ.get("RETORT_SOAK_RUNS", "100000"))
GROWTH_BYTES = 24 * 1024 * 1024
"""What the pool, and each process 1, may grow between a tenth of the runs and all of them."""

BOMBS = (
    "while True: pass",
    "data = []\nwhile True: data.append(' ' * 100_000)",
    "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "from threading import Thread\nimport time\nwhile True:\n"
    "    try: Thread(target=time.sleep, args=(9,)).start()\n    except RuntimeError: pass",
    "while True: print('x' * 100_000)",
    "import os\nfor number in range(10 ** 6):\n"
    "    with open(f'file{number}', 'wb') as file: file.write(bytes(1 << 20))",
    "def f(n): return f(n + 1)\nimport sys\nsys.setrecursionlimit(10 ** 9)\nf(0)",
    "import os, signal\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n"
    "    except (OSError, ValueError): pass\nwhile True: os.fork()",
    "import os, time\nfor _ in range(40):\n    if os.fork() == 0: break\n"
    "data = bytearray(200 << 20)\nfor at in range(0, len(data), 4096): data[at] = 1\ntime.sleep(9)",
)


def honest(seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Programs of every kind, small and with known answers, without end."""
    chance = random.Random(seed)
    while True:
        one, two = chance.randrange(10**6), chance.randrange(1, 10**4)
        numbers = [chance.randrange(1000) for _ in range(chance.randrange(1, 30))]
        yield (
            "a, b = map(int, input().split())\nprint(a * b)\nprint(a // b)",
            {
                "kind": "stdio",
                "cases": [{"stdin": f"{one} {two}\n", "stdout": f"{one * two}\n{one // two}\n"}],
            },
        )
        yield (
            "def f(items, by=1):\n    items = sorted(items)\n"
            "    return [i * by for i in items], sum(items)",
            {
                "kind": "call",
                "entry_point": "f",
                "cases": [
                    {"args": [numbers], "expected": [sorted(numbers), sum(numbers)]},
                    {
                        "args": [numbers],
                        "kwargs": {"by": two},
                        "expected": [sorted(n * two for n in numbers), sum(numbers)],
                    },
                ],
            },
        )
        yield (
            "def push(items, item):\n    items.append(item)\n    return len(items)\n"
            "def bad():\n    raise KeyError('no')",
            {
                "kind": "asserts",
                "code": f"items = {numbers}\nassert push(items, {one}) == {len(numbers) + 1}\n"
                f"assert items == {[*numbers, one]}\n"
                "try:\n    bad()\n    assert False\nexcept KeyError:\n    pass\n",
            },
        )
        yield (
            "import os, tempfile\nwith tempfile.TemporaryDirectory() as folder:\n"
            "    with open(os.path.join(folder, 'a'), 'w') as file: file.write(input())\n"
            "    print(open(os.path.join(folder, 'a')).read()[::-1], os.listdir('/work') != [])",
            {"kind": "stdio", "cases": [{"stdin": f"{one}", "stdout": f"{one}"[::-1] + " True"}]},
        )


def resident_bytes(pid: int | str) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory(pids: list[int]) -> list[int]:
    """Resident bytes of this process and of each process 1."""
    return [resident_bytes("self"), *(resident_bytes(pid) for pid in pids)]


@pytest.mark.soak
def test_honest_programs_never_fail_beside_bombs() -> None:
    done = threading.Event()
    bombs: Counter[Verdict] = Counter()
    failures: list[object] = []

    def throw_bombs() -> None:
        limits = Limits(wall_s=1.5, cpu_s=1, memory_bytes=192 << 20)
        tests = parse_tests({"kind": "stdio", "cases": [{"stdin": "", "stdout": "never"}]})
        number = 0
        while not done.is_set():
            bombs[bombing.run(BOMBS[number % len(BOMBS)], tests, limits).verdict] += 1
            number += 1

    client = connect()
    with SandboxPool(slots=1) as bombing, SandboxPool(slots=1) as pool:
        thrower = threading.Thread(target=throw_bombs)
        thrower.start()
        started, early, slowest = time.monotonic(), None, 0.0
        try:
            for number, (program, tests) in zip(range(RUNS), honest(1), strict=False):
                began = time.monotonic()
                outcome = pool.run(program, parse_tests(tests), Limits())
                slowest = max(slowest, time.monotonic() - began)
                if outcome.verdict is not Verdict.CORRECT:
                    failures.append((number, program, outcome))
                if number == RUNS // 10:
                    ids = pool.container_ids()
                    pids = [client.containers.get(one).attrs["State"]["Pid"] for one in ids]
                    early = memory(pids)
            took_s = time.monotonic() - started
            assert pool.container_ids() == ids, "a container was replaced"
            assert early is not None
            late = memory(pids)
        finally:
            done.set()
            thrower.join()
            client.close()
    print(
        f"{RUNS} honest runs in {took_s:.0f} s ({RUNS / took_s:.0f}/s), slowest {slowest:.2f} s; "
        f"{bombs.total()} bombs: {dict(bombs)}; resident MiB at a tenth "
        f"{[one >> 20 for one in early]}, at the end {[one >> 20 for one in late]}"
    )
    assert failures == []
    assert bombs[Verdict.CORRECT] == 0 and bombs.total() > 0
    for before, after in zip(early, late, strict=True):
        assert after - before < GROWTH_BYTES
