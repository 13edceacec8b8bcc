"""Checkpoints: exact to continue from after kills, refused where corrupt, other numbers of ranks.

Starting ranks costs most here, so each launch trains many jobs, or is one of many blows to one
training. What is long is `test_resume_soak.py`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factory.digest import file_sha256
from factory.errors import StorageFull, TrainError
from factory.train.checkpoint_files import FileFacts, check_files, shared_out
from factory.train.checkpoint_folder import complete_checkpoints, read_checkpoint
from factory.train.job import TrainingJob
from factory.train.launch import run_training
from factory.train.log import read_log
from factory.train.tokens import write_tokens
from factory.train.universal import check_ranks, convert
from tests.unit.train.jobs import make_documents, make_job
from tests.unit.train.kills import Killed, in_a_save
from tests.unit.train.other_ranks import (
    continued,
    errors,
    furthest_weight,
    to_be_continued,
    train_all,
)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens.arrow"
    write_tokens(path, make_documents(75, 0))
    return path


@dataclass(frozen=True)
class Uninterrupted:
    """What two ranks trained to the end."""

    evaluated: TrainingJob
    """25 steps, an evaluation loss after every 4."""
    saved: list[TrainingJob]
    """5 steps in ZeRO 0, 1, 2, and 2 with bfloat16, each with the checkpoint after 3."""
    sharded: TrainingJob
    """As those, in ZeRO 3."""


KINDS: list[dict[str, Any]] = [
    {"zero_stage": 0},
    {"zero_stage": 1},
    {"zero_stage": 2},
    {"zero_stage": 2, "precision": "bfloat16"},
]


def _base(tokens: Path, base: Path, folder: Path) -> TrainingJob:
    """With a weight decay that shows in the weights if it is lost, or given to other parameters."""
    return make_job(tokens, base, folder, weight_decay=5.0, micro_batch_tokens=256)


@pytest.fixture(scope="module")
def uninterrupted(
    tokens: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Uninterrupted:
    folder = tmp_path_factory.mktemp("uninterrupted")
    *saved, sharded = to_be_continued(
        _base(tokens, tiny_base, folder), [*KINDS, {"zero_stage": 3}], folder, ranks=2
    )
    evaluated = make_job(
        *(tokens, tiny_base, folder / "evaluated"),
        **{"epochs": 5, "eval_tokens": [str(tokens)], "eval_every_steps": 4},
    )
    train_all([evaluated, *saved, sharded], folder, ranks=2)
    return Uninterrupted(evaluated, saved, sharded)


def test_a_training_that_is_killed_three_times_continues_to_the_same_bits(
    uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    whole = uninterrupted.evaluated
    # by the clock alone: after each step
    by_time = {"checkpoint_every_steps": 10**6, "checkpoint_every_s": 1e-4}
    job = whole.model_copy(update={"out_dir": str(tmp_path / "killed"), **by_time})
    first, second, third = sorted(random.Random(3).sample(range(2, 23), 3))

    killed = Killed(job, tmp_path)
    killed.parent(when=lambda: killed.step() >= first)
    killed.a_rank(when=lambda: killed.step() >= second and in_a_save(job))
    killed.parent(when=lambda: killed.step() >= third)
    assert 1 <= len(complete_checkpoints(job.out / "checkpoints")) <= job.checkpoints_kept + 1
    assert not (job.out / "model").exists()

    assert run_training(job).steps == 25
    assert _bytes(job.out / "model") == _bytes(whole.out / "model")
    for what in ("loss", "eval_loss"):
        lines = [
            [(line["step"], line[what]) for line in read_log(one.out) if what in line]
            for one in (whole, job)
        ]
        assert lines[0] == lines[1]
        assert len(lines[0]) >= 7
    assert not (job.out / "checkpoints").exists()


def test_other_numbers_of_ranks_full_disks_and_files_with_other_bytes(
    uninterrupted: Uninterrupted, tokens: Path, tiny_base: Path, tmp_path: Path
) -> None:
    two = uninterrupted.saved
    one = to_be_continued(_base(tokens, tiny_base, tmp_path), KINDS, tmp_path, ranks=1)
    to_one = [continued(job, "to-one", ranks=1, checkpoint_every_steps=1) for job in two]
    refused = continued(uninterrupted.sharded, "to-one", ranks=1)
    train_all([*one, *to_one, refused], tmp_path, ranks=1)
    to_two = [continued(job, "to-two", ranks=2) for job in one]
    and_back = [continued(job, "and-back", ranks=2) for job in to_one]
    corrupt = continued(two[1], "corrupt", harm="*pp_rank_1*")
    full = continued(two[2], "full", checkpoint_every_steps=1)
    train_all([*to_two, *and_back, corrupt, (full, 1), full], tmp_path, ranks=2)

    pairs = [
        *((before, after, [4, 5]) for before, after in zip(two, to_one, strict=True)),
        *((before, after, [4, 5]) for before, after in zip(one, to_two, strict=True)),
        *((before, after, [5]) for before, after in zip(two, and_back, strict=True)),
    ]
    for before, after, steps in pairs:
        assert [line["step"] for line in read_log(after.out)] == steps
        far = furthest_weight(before.out / "model", after.out / "model")
        assert far <= (2e-5 if before.precision == "float32" else 2e-3)
        assert not (after.work / "universal").exists()
    ((kind, message, _),) = errors(refused)
    assert kind == "TrainError"
    assert "expected ranks = 1, found 2, and with ZeRO 3 its state cannot be shared" in message
    assert "run with 2 ranks" in message

    path = corrupt.out / "checkpoints" / "step-000003"
    for kind, message, _ in (found := errors(corrupt)):
        assert kind == "TrainError"
        assert message.startswith(
            f"checkpoint {path}, file zero_pp_rank_1_mp_rank_00_optim_states.pt: expected SHA-256 "
        )
        assert message.endswith(f"; delete {path} to start again: there is none before it")
    assert len(found) == 2

    for kind, message, left in (found := errors(full)):
        assert kind == "StorageFull"
        assert "step-000004: expected room for its files, found the disk full" in message
        assert message.endswith("it continues from step-000003, which is kept")
        assert left == ["step-000003"]
    assert len(found) == 2
    # with room again
    assert _bytes(full.out / "model") == _bytes(two[2].out / "model")


@pytest.mark.parametrize(
    ("zero", "refused"),
    [
        ({"stage": 2, "round_robin_gradients": True}, "the DeepSpeed file's round_robin_gradients"),
        ({"stage": 2, "round_robin_gradients": False, "stage3_max_live_parameters": 9}, None),
        ({"stage": 1, "contiguous_gradients": True, "reduce_bucket_size": 1e6}, None),
        ({"stage": 0, "round_robin_gradients": True}, None),
    ],
)
def test_entries_of_a_deepspeed_file_that_break_sharing_out_are_refused(
    tmp_path: Path, zero: dict[str, Any], refused: str | None
) -> None:
    job = make_job(
        *(tmp_path, tmp_path, tmp_path),
        **{"zero_stage": zero["stage"], "deepspeed": {"zero_optimization": zero}},
    )
    check_ranks(tmp_path, job, before=2, now=2)
    if refused is None:
        check_ranks(tmp_path, job, before=2, now=1)
        return
    with pytest.raises(TrainError, match=f"with {refused} its state .* run with 2 ranks"):
        check_ranks(tmp_path, job, before=2, now=1)


def test_no_room_to_share_a_checkpoint_out_anew_is_told_before_it_begins(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    (scratch / "left").mkdir(parents=True)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    with pytest.raises(StorageFull, match=r"expected \d{5} bytes of room in .*, found 100 free"):
        convert(checkpoint, scratch)
    assert not list(scratch.iterdir())


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint of two files, and one before it."""
    files: dict[str, dict[str, Any]] = {}
    for step in (3, 6):
        here = tmp_path / f"step-{step:06d}"
        here.mkdir()
        for name in ("a.pt", "b.pt"):
            (here / name).write_bytes(name.encode() * 1000)
            files[name] = {"size_bytes": 4000, "sha256": file_sha256(here / name)}
        content = {"identity": {"ranks": 2}, "step": step, "files": files}
        (here / "complete.json").write_text(json.dumps(content))
    return tmp_path / "step-000006"


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (lambda path: os.truncate(path, 3999), "expected 4000 bytes, found 3999"),
        (
            lambda path: path.unlink(),
            r"expected 4000 bytes, found none \(No such file or directory\)",
        ),
        (_flip_a_bit, r"expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}"),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_named(
    checkpoint: Path, harm: Any, found: str
) -> None:
    def check() -> None:
        here = read_checkpoint(complete_checkpoints(checkpoint.parent))
        assert (here.step, here.ranks) == (6, 2)
        check_files(here.path, here.files, sorted(here.files), remedy=here.remedy)

    check()
    harm(checkpoint / "b.pt")
    remedy = f"delete {checkpoint} to continue from step-000003, which is kept"
    with pytest.raises(TrainError, match=f"checkpoint {checkpoint}, file b.pt: {found}; {remedy}$"):
        check()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"step": 6, "identity": 1}', b"\xff"]
)
def test_a_complete_json_that_cannot_be_read_is_named(checkpoint: Path, content: bytes) -> None:
    (checkpoint / "complete.json").write_bytes(content)
    with pytest.raises(TrainError, match=r"file complete\.json: expected what a save wrote") as one:
        read_checkpoint(complete_checkpoints(checkpoint.parent))
    assert f"delete {checkpoint} to continue from step-000003" in str(one.value)
    shutil.rmtree(checkpoint.parent / "step-000003")
    with pytest.raises(TrainError, match="to start again: there is none before it"):
        read_checkpoint(complete_checkpoints(checkpoint.parent))


def test_ranks_share_out_the_files_of_a_checkpoint_evenly() -> None:
    sizes = {"model": 60, "zero-0": 50, "zero-1": 50, "zero-2": 50, "small": 3}
    shares = shared_out({name: FileFacts(size, "") for name, size in sizes.items()}, 2)
    assert sorted(name for share in shares for name in share) == sorted(sizes)
    assert max(sum(sizes[name] for name in share) for share in shares) <= 113
    assert shared_out({"one": FileFacts(1, "")}, 3) == [["one"], [], []]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
