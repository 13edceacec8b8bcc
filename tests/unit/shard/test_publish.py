"""Publication: whole or not at all, once per version."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from factory.errors import Busy, ManifestMismatch, PublishError
from factory.recipe_file import ROOT
from factory.shard.description import check_files, read_description
from factory.shard.publish import is_published, publish
from tests.unit.shard.sample_artifacts import build, sample

NAME, VERSION = "unit-set", "1.0.0"


def built(root: Path, rows: int = 6, **settings: object) -> Path:
    build(root, [sample(number) for number in range(rows)], **settings)  # type: ignore[arg-type]
    return root / "shard" / "dataset"


def visible(root: Path) -> list[str]:
    return sorted(path.name for path in (root / NAME).iterdir() if path.name != ".lock")


def test_a_published_folder_is_the_built_one(tmp_path: Path) -> None:
    source = built(tmp_path)
    assert not is_published(source, tmp_path / "datasets" / NAME / VERSION)
    folder = publish(source, tmp_path / "datasets", NAME, VERSION)
    assert folder == tmp_path / "datasets" / NAME / VERSION
    check_files(folder, read_description(folder))
    assert is_published(source, folder)
    assert visible(tmp_path / "datasets") == [VERSION]


def test_the_same_content_again_changes_nothing(tmp_path: Path) -> None:
    folder = publish(built(tmp_path / "1"), tmp_path / "datasets", NAME, VERSION)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = built(tmp_path / "2", shard_bytes=200)
    assert publish(again, tmp_path / "datasets", NAME, VERSION) == folder
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_another_content_under_the_same_version_is_refused(tmp_path: Path) -> None:
    folder = publish(built(tmp_path / "1"), tmp_path / "datasets", NAME, VERSION)
    digest = read_description(folder).digest
    other = built(tmp_path / "2", rows=7)
    assert not is_published(other, folder)
    with pytest.raises(PublishError, match=r"raise `shard\.version`"):
        publish(other, tmp_path / "datasets", NAME, VERSION)
    assert read_description(folder).digest == digest


def test_another_card_under_the_same_version_is_refused(tmp_path: Path) -> None:
    folder = publish(built(tmp_path / "1"), tmp_path / "datasets", NAME, VERSION)
    other = built(tmp_path / "2", title="Another title")
    assert read_description(other).digest == read_description(folder).digest
    assert not is_published(other, folder)
    with pytest.raises(PublishError, match="other words on its card"):
        publish(other, tmp_path / "datasets", NAME, VERSION)


def test_a_file_that_is_gone_or_cut_from_a_published_folder_is_noticed(tmp_path: Path) -> None:
    source = built(tmp_path)
    folder = publish(source, tmp_path / "datasets", NAME, VERSION)
    shard = next((folder / "ledger").glob("dropped-*.parquet"))
    content = shard.read_bytes()
    for damaged in (content[:-1], None):
        shard.unlink()  # not in place: the artifact has the same bytes
        if damaged is not None:
            shard.write_bytes(damaged)
        assert not is_published(source, folder)
        with pytest.raises(PublishError, match=r"found ledger/dropped-00000-of-00001\.parquet"):
            publish(source, tmp_path / "datasets", NAME, VERSION)
    shutil.rmtree(folder)
    assert is_published(source, publish(source, tmp_path / "datasets", NAME, VERSION))


def test_a_published_dataset_takes_its_room_once(tmp_path: Path) -> None:
    source = built(tmp_path)
    folder = publish(source, tmp_path / "datasets", NAME, VERSION)
    for file in read_description(source).files:
        assert (source / file.path).samefile(folder / file.path)


def test_files_are_copied_where_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    source = built(tmp_path)
    monkeypatch.setattr(os, "link", no_link)
    folder = publish(source, tmp_path / "datasets", NAME, VERSION)
    check_files(folder, read_description(folder))
    assert not (source / "dataset.json").samefile(folder / "dataset.json")


def test_a_published_file_that_is_edited_in_place_is_no_longer_published(tmp_path: Path) -> None:
    source = built(tmp_path)
    folder = publish(source, tmp_path / "datasets", NAME, VERSION)
    shard = next((folder / "data").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1])
    assert not is_published(source, folder)
    shutil.rmtree(folder)
    with pytest.raises(ManifestMismatch, match="delete the artifact of shard and run again"):
        publish(source, tmp_path / "datasets", NAME, VERSION)


def test_a_dataset_without_rows_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="expected rows to publish, found none"):
        publish(built(tmp_path / "1", rows=0), tmp_path / "datasets", NAME, VERSION)
    assert not (tmp_path / "datasets" / NAME / VERSION).exists()


def test_another_version_stands_beside_it(tmp_path: Path) -> None:
    publish(built(tmp_path / "1"), tmp_path / "datasets", NAME, VERSION)
    publish(built(tmp_path / "2", rows=7, version="1.1.0"), tmp_path / "datasets", NAME, "1.1.0")
    assert visible(tmp_path / "datasets") == [VERSION, "1.1.0"]


def test_a_dataset_of_another_name_or_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"expected dataset unit-set 2\.0\.0"):
        publish(built(tmp_path), tmp_path / "datasets", NAME, "2.0.0")


def test_a_folder_that_is_no_dataset_is_not_overwritten(tmp_path: Path) -> None:
    stranger = tmp_path / "datasets" / NAME / VERSION
    stranger.mkdir(parents=True)
    with pytest.raises(PublishError, match="without a valid"):
        publish(built(tmp_path), tmp_path / "datasets", NAME, VERSION)


def test_a_damaged_build_is_not_published(tmp_path: Path) -> None:
    source = built(tmp_path)
    [shard] = (source / "data").iterdir()
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    with pytest.raises(ManifestMismatch, match="expected SHA-256"):
        publish(source, tmp_path / "datasets", NAME, VERSION)
    assert visible(tmp_path / "datasets") == []


def test_two_publications_at_once_are_one_too_many(tmp_path: Path) -> None:
    source = built(tmp_path)
    folder = tmp_path / "datasets" / NAME
    folder.mkdir(parents=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Busy):
            publish(source, tmp_path / "datasets", NAME, VERSION)


def test_a_killed_publication_shows_nothing_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    source = built(tmp_path, rows=150, shard_bytes=1)
    root = tmp_path / "datasets"
    killed = [killed_after(source, root, copies) for copies in (1, 60, 140)]
    assert any(killed), "no kill came before the rename; give the dataset more files"
    folder = publish(source, root, NAME, VERSION)
    check_files(folder, read_description(folder))
    assert visible(root) == [VERSION]


def killed_after(source: Path, root: Path, copies: int) -> bool:
    """Publish in a process and SIGKILL it after so many files; whether nothing was visible."""
    script = (
        "import sys; from pathlib import Path; from factory.shard.publish import publish; "
        f"publish(Path(sys.argv[1]), Path(sys.argv[2]), {NAME!r}, {VERSION!r})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(source), str(root)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    target = root / NAME / VERSION
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if copied(root) >= copies:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    if target.exists():
        check_files(target, read_description(target))
        return False
    return True


def copied(root: Path) -> int:
    """Files that a publication under way has copied; leftovers of an earlier one may just go."""
    try:
        return len(list((root / NAME).glob(".publishing-*/data/*")))
    except FileNotFoundError:
        return 0
