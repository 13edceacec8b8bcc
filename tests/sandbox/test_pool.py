"""The pool itself: containers that die, owners that die, many threads, what is missing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import docker.errors
import pytest

from sandboxes import (
    ContainerFailed,
    DockerUnavailable,
    ImageMissing,
    Limits,
    SandboxPool,
    Verdict,
    parse_tests,
)
from sandboxes.client import connect
from sandboxes.engine import check
from sandboxes.image import content_digest, image_digest
from sandboxes.owner import OWNED, sweep
from sandboxes.seccomp import profile
from tests.sandbox.relay import EngineRelay

ECHO = parse_tests({"kind": "stdio", "cases": [{"stdin": "7", "stdout": "7"}]})
SLOW = "import time\ntime.sleep(1)\nprint(input())"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def client(pool: SandboxPool) -> Iterator[docker.DockerClient]:
    client = connect()
    yield client
    client.close()


def test_a_killed_container_is_replaced_and_the_run_repeated(
    client: docker.DockerClient,
) -> None:
    with SandboxPool(slots=1) as pool:
        (victim,) = pool.container_ids()
        killer = threading.Timer(0.4, lambda: client.containers.get(victim).kill())
        killer.start()
        outcome = pool.run(SLOW, ECHO, Limits())
        killer.join()
        assert outcome.verdict is Verdict.CORRECT, outcome
        assert pool.container_ids() != [victim]


def test_containers_that_always_die_are_an_error_and_no_verdict(
    client: docker.DockerClient,
) -> None:
    done = threading.Event()
    mine = {"filters": {"label": OWNED}, "ignore_removed": True}
    spared = {container.id for container in client.containers.list(**mine)}

    def kill_each() -> None:
        while not done.wait(0.3):
            for container in client.containers.list(**mine):
                ours = container.labels[OWNED].startswith(f"{os.getpid()} ")
                if ours and container.id not in spared:
                    with contextlib.suppress(docker.errors.APIError):
                        container.kill()

    killer = threading.Thread(target=kill_each)
    with SandboxPool(slots=1) as pool:
        killer.start()
        try:
            with pytest.raises(ContainerFailed, match=r"died under the same|ended at its start"):
                pool.run(SLOW.replace("sleep(1)", "sleep(5)"), ECHO, Limits())
        finally:
            done.set()
            killer.join()
        assert pool.run("print(input())", ECHO, Limits()).verdict is Verdict.CORRECT


def test_a_container_that_died_between_runs_is_replaced(client: docker.DockerClient) -> None:
    with SandboxPool(slots=1) as pool:
        client.containers.get(pool.container_ids()[0]).kill()
        time.sleep(0.3)
        assert pool.run("print(input())", ECHO, Limits()).verdict is Verdict.CORRECT


def test_containers_end_with_the_process_that_owns_them(client: docker.DockerClient) -> None:
    program = (
        "import time\nfrom sandboxes import SandboxPool\n"
        "pool = SandboxPool(slots=1).__enter__()\n"
        "print(pool.container_ids()[0], flush=True)\ntime.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert owner.stdout is not None
    container = owner.stdout.readline().strip()
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + 15
    while client.containers.list(all=True, filters={"id": container}, ignore_removed=True):
        assert time.monotonic() < deadline, "the container lives on"
        time.sleep(0.1)


def test_a_sweep_removes_only_what_dead_owners_left(client: docker.DockerClient) -> None:
    with SandboxPool(slots=1) as pool:
        (ours,) = pool.container_ids()
        label = client.containers.get(ours).labels[OWNED]
        _, _, rest = label.split(" ", 2)
        image = client.images.get("retort-sandbox-python:latest")
        orphan = client.containers.create(
            image, ["true"], labels={OWNED: f"{os.getpid()} 1 {rest}"}
        )
        other = client.containers.create(image, ["true"], labels={OWNED: "1 1 1 elsewhere host"})
        try:
            assert sweep(client) >= 1
            ids = {
                container.id for container in client.containers.list(all=True, ignore_removed=True)
            }
            assert orphan.id not in ids
            assert {ours, other.id} <= ids
        finally:
            other.remove(force=True)


class Interrupted(BaseException):
    """What a signal's handler raises in the middle of a run, as Ctrl-C does."""


def test_a_run_that_is_interrupted_leaves_no_answer_for_the_next() -> None:
    def interrupt(*_: object) -> None:
        raise Interrupted

    says_a = parse_tests({"kind": "stdio", "cases": [{"stdin": "", "stdout": "A"}]})
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with SandboxPool(slots=1) as pool:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(Interrupted):
                pool.run("import time\ntime.sleep(1)\nprint('A')", says_a, Limits())
            assert pool.run("print('B')", says_a, Limits()).verdict is Verdict.INCORRECT
            assert pool.run("print('A')", says_a, Limits()).verdict is Verdict.CORRECT
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(RuntimeError, match="not open"):
        pool.run("print('A')", says_a, Limits())


def test_many_threads_share_the_slots() -> None:
    tests = [
        parse_tests({"kind": "stdio", "cases": [{"stdin": f"{n}", "stdout": f"{n * n}"}]})
        for n in range(60)
    ]
    with SandboxPool(slots=2) as pool, ThreadPoolExecutor(8) as threads:
        outcomes = list(
            threads.map(lambda t: pool.run("print(int(input()) ** 2)", t, Limits()), tests)
        )
    assert {outcome.verdict for outcome in outcomes} == {Verdict.CORRECT}


def test_closing_leaves_no_container(client: docker.DockerClient) -> None:
    with SandboxPool(slots=2) as pool:
        ids = set(pool.container_ids())
        assert len(ids) == 2
    assert not ids & {
        container.id for container in client.containers.list(all=True, ignore_removed=True)
    }


def test_an_image_that_is_missing_is_named_with_its_remedy(pool: SandboxPool) -> None:
    with (
        pytest.raises(ImageMissing, match=r"no-such-image.*python -m sandboxes\.image build"),
        SandboxPool(image="no-such-image:1"),
    ):
        pass


def test_an_engine_that_comes_back_is_waited_for(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = EngineRelay(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", relay.host)
    with SandboxPool(slots=1) as pool, ThreadPoolExecutor(1) as threads:
        (before,) = pool.container_ids()
        running = threads.submit(pool.run, SLOW, ECHO, Limits())
        time.sleep(0.2)
        relay.kill()
        client.containers.get(before).kill()
        time.sleep(3)
        assert not running.done()
        relay = EngineRelay(tmp_path / "docker.sock")
        try:
            assert running.result().verdict is Verdict.CORRECT
            assert pool.container_ids() != [before]
        finally:
            pool.__exit__(None, None, None)
            relay.kill()


def test_an_engine_that_stays_away_is_an_error_and_no_verdict(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = EngineRelay(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", relay.host)
    with SandboxPool(slots=1, engine_s=1) as pool:
        relay.kill()
        client.containers.get(pool.container_ids()[0]).kill()
        with pytest.raises(DockerUnavailable, match=r"python -m sandboxes\.engine start"):
            pool.run(SLOW, ECHO, Limits())


def test_an_engine_elsewhere_is_used_through_its_own_stream(
    pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all(one.is_direct for slot in pool.slots() for one in slot.containers())
    relay = EngineRelay()
    monkeypatch.setenv("DOCKER_HOST", relay.host)
    asserts = parse_tests({"kind": "asserts", "code": "assert f(2) == 4\nassert f(3) == 6"})
    large = parse_tests({"kind": "stdio", "cases": [{"stdin": "x" * 300_000, "stdout": "300000"}]})
    with SandboxPool(slots=1) as far:
        assert far.run("print(len(input()))", large, Limits()).verdict is Verdict.CORRECT
        assert far.run("def f(x): return 2 * x", asserts, Limits()).verdict is Verdict.CORRECT
        assert (
            far.run("while True: print('x' * 9999)", ECHO, Limits()).verdict is Verdict.OUTPUT_LIMIT
        )
        assert not any(one.is_direct for slot in far.slots() for one in slot.containers())
        assert len(far.container_ids()) == 2
    relay.kill()


def test_slots_spread_over_the_cores(pool: SandboxPool, client: docker.DockerClient) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    with SandboxPool(slots=len(allowed)) as one, SandboxPool(slots=len(allowed)) as two:
        slots = [*pool.slots(), *one.slots(), *two.slots()]
        assert {slot.cpu for slot in slots} == set(allowed)
        for slot in slots:
            for container in slot.containers():
                config = client.containers.get(container.id).attrs["HostConfig"]
                assert config["CpusetCpus"] == f"{slot.cpu}"


def test_limits_that_do_not_fit_are_refused(pool: SandboxPool) -> None:
    with pytest.raises(ValueError, match="larger memory_bytes"):
        pool.run("", ECHO, Limits(memory_bytes=1 << 40))


def test_every_hardening_is_on(pool: SandboxPool, client: docker.DockerClient) -> None:
    host = client.containers.get(pool.container_ids()[0]).attrs["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert sorted(host["CapAdd"]) == ["KILL", "SETGID", "SETUID"]
    privileges, seccomp = host["SecurityOpt"]
    assert privileges == "no-new-privileges:true"
    assert seccomp == f"seccomp={profile()}"
    refused = json.loads(profile())
    assert refused["defaultAction"] == "SCMP_ACT_ERRNO"
    assert host["CpusetCpus"].isdigit()
    assert host["Memory"] == host["MemorySwap"] > 0
    assert host["PidsLimit"] > 0
    assert host["IpcMode"] == "none"
    assert host["LogConfig"]["Type"] == "none"
    assert host["Privileged"] is False
    assert not host["Binds"] and not host["Devices"]


def test_the_report_of_the_engine_names_what_is_missing(pool: SandboxPool) -> None:
    report = check("no-such-image:1")
    assert report.answers and report.version
    assert any("no-such-image:1" in line for line in report.missing)


def test_the_image_is_the_one_that_its_dockerfile_makes(client: docker.DockerClient) -> None:
    assert image_digest(client, "retort-sandbox-python:latest") == content_digest()
