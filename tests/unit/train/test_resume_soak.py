"""Many kills over all ZeRO stages, and checkpoints continued with other ranks and offloading."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from factory.train.job import TrainingJob
from factory.train.launch import run_training
from factory.train.log import read_log
from factory.train.tokens import write_tokens
from tests.unit.train.jobs import make_documents, make_job
from tests.unit.train.kills import Killed, in_a_save
from tests.unit.train.other_ranks import (
    continued,
    errors,
    furthest_weight,
    to_be_continued,
    train_all,
)

pytestmark = pytest.mark.soak

KINDS: list[dict[str, Any]] = [
    *({"zero_stage": stage} for stage in (0, 1, 2, 3)),
    *({"zero_stage": stage, "precision": "bfloat16"} for stage in (1, 2, 3)),
]


FILE: dict[str, Any] = {
    **{"contiguous_gradients": True, "reduce_scatter": True, "allgather_partitions": True},
    **{"reduce_bucket_size": 50_000, "allgather_bucket_size": 50_000},
}
"""What DeepSpeed files mostly say."""


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens.arrow"
    write_tokens(path, make_documents(75, 0))
    return path


@pytest.mark.parametrize(
    ("kind", "kills"),
    [(kind, 10 if kind == {"zero_stage": 2} else 3) for kind in KINDS],
    ids=["-".join(str(value) for value in kind.values()) for kind in KINDS],
)
def test_killed_at_random_steps_it_continues_to_the_same_bits(
    tokens: Path, tiny_base: Path, tmp_path: Path, kind: dict[str, Any], kills: int
) -> None:
    same = {"epochs": 12, "eval_tokens": [str(tokens)], "eval_every_steps": 7, **kind}
    whole = make_job(tokens, tiny_base, tmp_path / "whole", **same)
    steps = run_training(whole).steps
    job = make_job(tokens, tiny_base, tmp_path / "killed", checkpoint_every_steps=2, **same)
    killed = Killed(job, tmp_path)
    rng = random.Random()
    moments = sorted(rng.sample(range(1, steps), kills - 1))
    for number, moment in enumerate(moments):
        blow = killed.a_rank if rng.random() < 0.3 else killed.parent
        saving = number % 2 == 0 and moment < steps - 4
        blow(
            when=lambda at=moment, wait=saving: killed.step() >= at and (not wait or in_a_save(job))
        )
    killed.parent(when=lambda: killed.step() == steps)  # in the last evaluation or the export
    print("killed at steps", killed.where)
    run_training(job)
    assert {path.name: path.read_bytes() for path in (job.out / "model").iterdir()} == {
        path.name: path.read_bytes() for path in (whole.out / "model").iterdir()
    }
    for what in ("loss", "eval_loss"):
        lines = [
            [(line["step"], line[what]) for line in read_log(one.out) if what in line]
            for one in (whole, job)
        ]
        assert lines[0] == lines[1]


def test_a_checkpoint_continues_with_and_without_offloading_and_with_other_ranks(
    tokens: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """In float32 offloading does not change a bit; with bfloat16 it rounds elsewhere."""
    base = make_job(tokens, tiny_base, tmp_path, weight_decay=5.0, micro_batch_tokens=256)
    kinds = [
        {**kind, "offload": offload}
        for kind in KINDS
        for offload in ("none", "optimizer", "all")
        if offload == "none"
        or kind["zero_stage"] == 3
        or (offload, kind["zero_stage"] > 0) == ("optimizer", True)
    ]
    kinds += [{"zero_stage": stage, "deepspeed": {"zero_optimization": FILE}} for stage in (1, 2)]
    whole = to_be_continued(base, kinds, tmp_path, ranks=2)
    train_all(whole, tmp_path, ranks=2)

    def others(job: TrainingJob) -> list[str]:
        return [
            one.offload
            for one in whole
            if (one.zero_stage, one.precision) == (job.zero_stage, job.precision)
            and one.deepspeed == job.deepspeed
        ]

    changed = [
        (job, continued(job, f"with-{offload}", offload=offload))
        for job in whole
        for offload in others(job)
    ]
    train_all([after for _, after in changed], tmp_path, ranks=2)
    fewer = [
        (job, continued(job, f"by-one-with-{offload}", ranks=1, offload=offload))
        for job in whole
        for offload in others(job)
    ]
    train_all([after for _, after in fewer], tmp_path, ranks=1)
    for before, after in [*changed, *fewer]:
        if before.zero_stage == 3 and after.ranks == 1:
            assert "with ZeRO 3 its state cannot be shared" in errors(after)[0][1]
            continue
        assert [line["step"] for line in read_log(after.out)] == [4, 5]
        far = furthest_weight(before.out / "model", after.out / "model")
        exact = after.ranks == 2 and (
            before.precision == "float32" or before.offload == after.offload
        )
        assert far <= (0 if exact else 2e-5 if before.precision == "float32" else 2e-3)
