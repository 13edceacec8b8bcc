"""`retort dataset push`, against a hub on this machine that has bad days."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.dataset import push as push_module
from factory.dataset.hub_answers import hub_api, hub_name
from factory.dataset.push import push
from factory.dataset.push_plan import plan_push
from factory.errors import PublishError
from factory.shard.description import read_description
from retort.command import main
from tests.unit.dataset.hub_server import HubServer
from tests.unit.dataset.written_datasets import dropped, write_dataset
from tests.unit.shard.sample_artifacts import sample, unit_recipe

REPO = "unit/set"
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""`huggingface_hub` itself, where it uploads a file."""


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    from huggingface_hub import constants

    monkeypatch.setenv("HF_TOKEN", "hf_a-secret-of-the-tests")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return "hf_a-secret-of-the-tests"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


def dataset(root: Path, version: str = "1.0.0", rows: int = 4) -> Path:
    return write_dataset(
        root / version,
        [sample(number) for number in range(rows)],
        drops=[dropped(99, "incorrect")],
        recipe=unit_recipe(version=version),
    )


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def send(folder: Path, hub: HubServer, **settings: bool) -> str:
    api = hub_api(hub.url)
    said = read_description(folder)
    return push(folder, said, REPO, api, first_wait_s=0.001, **settings).commit


def held(hub: HubServer, revision: str) -> dict[str, bytes]:
    files = hub.files(REPO, revision)
    files.pop(".gitattributes")
    return files


def titles(hub: HubServer) -> list[str]:
    return hub.repositories[REPO].titles[1:]


def test_a_push_makes_the_repository_one_commit_and_the_tag(tmp_path: Path, hub: HubServer) -> None:
    folder = dataset(tmp_path)
    commit = send(folder, hub, private=True)
    assert held(hub, "1.0.0") == held(hub, "main") == content(folder)
    assert hub.repositories[REPO].tags == {"1.0.0": commit}
    assert hub.repositories[REPO].private
    assert titles(hub) == ["unit-set 1.0.0"]
    large = {path for path, (_, lfs) in hub.repositories[REPO].commits[commit].items() if lfs}
    assert large == {path for path in content(folder) if path.endswith(".parquet")}


def test_a_second_push_sends_nothing(tmp_path: Path, hub: HubServer) -> None:
    folder = dataset(tmp_path)
    first = send(folder, hub)
    hub.requests.clear()
    assert send(folder, hub) == first
    assert [one for one in hub.requests if not one.startswith("GET")] == []


def test_the_next_version_sends_what_changed_and_deletes_what_went(
    tmp_path: Path, hub: HubServer
) -> None:
    send(dataset(tmp_path, rows=10), hub)
    repository = hub.repositories[REPO]
    repository.commit(
        {**repository.commits[repository.main], "LICENSE": (b"the owner's", False)}, "by hand"
    )
    second = dataset(tmp_path, "1.1.0", rows=5)
    send(second, hub)
    assert held(hub, "1.1.0") == content(second) | {"LICENSE": b"the owner's"}
    assert "data/train-00002-of-00003.parquet" in hub.files(REPO, "1.0.0")
    assert "data/train-00002-of-00003.parquet" not in hub.files(REPO, "1.1.0")


@pytest.mark.parametrize(
    ("what", "when", "status"),
    [
        ("create", "after", 503),
        ("commit", "before", 503),
        ("commit", "after", 503),
        ("commit", "after", 0),
        ("tag", "before", 0),
        ("tag", "after", 503),
    ],
)
def test_an_answer_that_fails_is_looked_into_and_nothing_is_done_twice(
    tmp_path: Path, hub: HubServer, what: str, when: str, status: int
) -> None:
    folder = dataset(tmp_path)
    hub.bad_days = [(what, status, when)]
    commit = send(folder, hub)
    assert hub.bad_days == []
    assert titles(hub) == ["unit-set 1.0.0"]
    assert hub.repositories[REPO].tags == {"1.0.0": commit}
    assert held(hub, "1.0.0") == content(folder)


def test_a_branch_that_moves_meanwhile_is_looked_at_again(tmp_path: Path, hub: HubServer) -> None:
    folder = dataset(tmp_path)
    hub.bad_days = [("commit", 412, "before"), ("commit", 409, "before")]
    send(folder, hub)
    assert titles(hub) == ["unit-set 1.0.0"]


def test_a_hub_that_stays_ill_is_given_up_with_what_it_said(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_module, "_TRIES", 3)
    hub.bad_days = [("commit", 500, "before")] * 3
    with pytest.raises(PublishError, match=r"HTTP 500 \(a bad day.*run it again"):
        send(dataset(tmp_path), hub)
    assert hub.bad_days == []
    assert hub.repositories[REPO].tags == {}


def test_a_refusal_is_not_repeated(tmp_path: Path, hub: HubServer) -> None:
    hub.bad_days = [("commit", 403, "before")] * 2
    with pytest.raises(PublishError, match=r"HTTP 403.*HF_TOKEN"):
        send(dataset(tmp_path), hub)
    assert len(hub.bad_days) == 1


def test_a_card_that_the_hub_refuses_stops_before_anything_is_sent(
    tmp_path: Path, hub: HubServer
) -> None:
    hub.wrong_yaml = True
    with pytest.raises(PublishError, match="license is wrong"):
        send(dataset(tmp_path), hub)
    assert titles(hub) == []
    assert hub.objects == {}


def test_a_version_with_other_content_is_refused(tmp_path: Path, hub: HubServer) -> None:
    send(dataset(tmp_path), hub)
    other = dataset(tmp_path / "other", rows=3)
    with pytest.raises(PublishError, match=r"tag 1\.0\.0 on the same files.*raise `shard.version`"):
        send(other, hub)
    assert titles(hub) == ["unit-set 1.0.0"]


def test_an_earlier_version_does_not_take_the_main_branch_back(
    tmp_path: Path, hub: HubServer
) -> None:
    send(dataset(tmp_path, "1.10.0"), hub)
    with pytest.raises(PublishError, match=r"found 1\.10\.0, which the main branch would lose"):
        send(dataset(tmp_path, "1.9.0", rows=3), hub)


def test_a_dry_run_says_what_would_go_up_and_only_asks(
    tmp_path: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    send(dataset(tmp_path, rows=10), hub)
    hub.requests.clear()
    second = dataset(tmp_path, "1.1.0", rows=5)
    command = ["dataset", "push", str(second), "--repo", REPO, "--endpoint", hub.url, "--dry-run"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert [one for one in hub.requests if not one.startswith("GET")] == []
    states = {line.split()[1]: line.split()[0] for line in said.splitlines() if ".parquet" in line}
    assert states["data/train-00002-of-00003.parquet"] == "deleted"
    assert states["data/train-00000-of-00002.parquet"] == "new"
    assert states["ledger/dropped-00000-of-00001.parquet"] == "unchanged"
    plan = plan_push(second, read_description(second), REPO, hub_api(hub.url))
    assert (plan.there, plan.tag, plan.refusal) == (True, "", "")


def test_a_dry_run_of_what_would_be_refused_fails(
    tmp_path: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    send(dataset(tmp_path), hub)
    other = str(dataset(tmp_path / "other", rows=3))
    command = ["dataset", "push", other, "--repo", REPO, "--endpoint", hub.url, "--dry-run"]
    assert main(command) == 1
    assert "would be refused" in capsys.readouterr().out


def test_a_dry_run_works_where_no_hub_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with HubServer() as gone:
        url = gone.url
    folder = str(dataset(tmp_path))
    command = ["dataset", "push", folder, "--repo", REPO, "--endpoint", url, "--dry-run"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "could not be asked" in said
    assert "data/train-00000-of-00001.parquet" in said


def test_neither_the_token_nor_a_signed_address_is_ever_shown(
    tmp_path: Path, hub: HubServer, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.bad_days = [("store", 403, "before")]
    folder = str(dataset(tmp_path))
    assert main(["dataset", "push", folder, "--repo", REPO, "--endpoint", hub.url]) == 1
    said = "".join(capsys.readouterr())
    assert "HTTP 403" in said
    assert f"Bearer {token}" in hub.tokens
    assert token not in said
    assert "secret-of-the-store" not in said


def test_a_folder_that_is_not_whole_is_not_pushed(
    tmp_path: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = dataset(tmp_path)
    (folder / "README.md").write_text("another card", encoding="utf-8")
    assert main(["dataset", "push", str(folder), "--repo", REPO, "--endpoint", hub.url]) == 1
    assert "README.md: expected" in capsys.readouterr().err
    assert hub.requests == []


@pytest.mark.parametrize("name", ["no-owner", "a/b/c", "unit/se t"])
def test_a_name_that_no_hub_has_is_said(tmp_path: Path, hub: HubServer, name: str) -> None:
    folder = dataset(tmp_path)
    with pytest.raises(PublishError, match="expected OWNER/NAME"):
        push(folder, read_description(folder), name, hub_api(hub.url))


def test_what_was_pushed_loads_from_the_hub(tmp_path: Path, hub: HubServer) -> None:
    send(dataset(tmp_path), hub)
    program = (
        "from datasets import load_dataset\n"
        "for name in ('default', 'reasoning_content'):\n"
        f"    rows = load_dataset('{REPO}', name, split='train', revision='1.0.0')\n"
        "    print(name, len(rows), sorted(rows['uuid'])[-1][-1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["default", "4", "3", "reasoning_content", "4", "3"]


@pytest.mark.parametrize("address", ["hub.example", "ftp://hub.example", "https://"])
def test_an_address_that_is_none_is_said_at_once(address: str) -> None:
    with pytest.raises(PublishError, match="begins with https://"):
        hub_api(address)


def test_name_and_password_of_an_address_are_not_shown() -> None:
    assert hub_name(hub_api("https://me:secret@hub.example:8443/")) == "hub.example:8443"
