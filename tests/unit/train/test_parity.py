"""Five optimizer steps, and their gradients, against plain training of one document at a time.

Models of test size; float32. One launch for each number of ranks does all of its trainings. With
ZeRO 3 every parameter is cut (`stage3_param_persistence_threshold` is 0), since DeepSpeed would
keep parameters as small as these whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pytest

from factory.train.deepspeed_file import read_deepspeed
from factory.train.job import TrainingJob
from factory.train.log import read_log
from factory.train.loop import plan_of
from factory.train.tokens import Document, TokenFiles, write_tokens
from schemas.train_settings import RandomBase, Student, Train
from tests.unit.train.jobs import END, PlainTraining, make_job, train_plainly, weights
from tests.unit.train.parity_ranks import do_all

MODELS: Final = ("qwen2", "qwen3", "llama-untied")
ZERO_STAGES: Final = (0, 1, 2, 3)
MICRO_TOKENS: Final = (256, 4096)
"""A row of packed documents, and all of a step."""
TOLERANCE: Final = 2e-5
CUT: Final = {"zero_optimization": {"stage3_param_persistence_threshold": 0}}
GRADIENT: Final = {
    **{"betas": (0.0, 0.0), "eps": 1e3, "lr": 1e3, "weight_decay": 0.0},
    **{"clip_grad_norm": 1e9, "batch_tokens": 10**6},
}
"""One step in which AdamW takes the gradient itself from the weights: lr * g / (|g| + eps)."""
FILE: Final = {
    "bf16": {"enabled": False},
    "fp16": {"enabled": "auto"},
    "gradient_clipping": 0.05,
    "gradient_accumulation_steps": "auto",
    "train_micro_batch_size_per_gpu": "auto",
    "optimizer": {"type": "AdamW", "params": {"lr": "auto", "eps": 1e-6, "weight_decay": 0.1}},
    "zero_optimization": {
        "stage": 2,
        "overlap_comm": True,
        "reduce_bucket_size": "auto",
        "allgather_bucket_size": 5e6,
        "contiguous_gradients": True,
    },
}


def _name(model: str, zero_stage: int, *, packing: bool, micro: int) -> str:
    return f"{model}-zero{zero_stage}-{'packed' if packing else 'alone'}-{micro}"


def _product() -> dict[str, dict[str, Any]]:
    return {
        _name(model, zero_stage, packing=packing, micro=micro): {
            "model": model,
            "zero_stage": zero_stage,
            "packing": packing,
            "micro_batch_tokens": micro,
        }
        for zero_stage in ZERO_STAGES
        for model in MODELS
        for packing in (True, False)
        for micro in MICRO_TOKENS
    }


OTHERS: Final[dict[str, dict[str, Any]]] = {
    "untied-zero2": {"model": "qwen2-untied"},
    "untied-zero3": {"model": "qwen2-untied", "zero_stage": 3},
    "another-family-zero2": {"model": "phi3-untied"},
    "another-family-zero3": {"model": "phi3-untied", "zero_stage": 3, "packing": False},
    "no-clipping-no-decay": {"clip_grad_norm": 1e9, "weight_decay": 0.0},
    "linear": {"schedule": "linear"},
    "warmup-stable-decay": {"schedule": "warmup-stable-decay", "warmup_ratio": 0.4},
    "recomputed-zero2": {"gradient_checkpointing": True},
    "recomputed-zero3": {"gradient_checkpointing": True, "zero_stage": 3},
    "whole-parameters-zero3": {"zero_stage": 3, "deepspeed": {}},
    "offload-optimizer-zero1": {"offload": "optimizer", "zero_stage": 1},
    "offload-optimizer-zero2": {"offload": "optimizer"},
    "offload-optimizer-zero3": {"offload": "optimizer", "zero_stage": 3, "deepspeed": {}},
    "offload-all": {"offload": "all", "zero_stage": 3, "deepspeed": {}},
}
GRADIENTS: Final[dict[str, dict[str, Any]]] = {
    f"gradient-zero{stage}": {**GRADIENT, "zero_stage": stage} for stage in ZERO_STAGES
}
MEASURED: Final[dict[str, dict[str, Any]]] = {
    "measured-zero2": {"eval_every_steps": 1},
    "measured-zero3": {"eval_every_steps": 2, "zero_stage": 3},
}
BFLOAT16: Final[dict[str, dict[str, Any]]] = {
    f"bfloat16-zero{stage}": {"precision": "bfloat16", "zero_stage": stage} for stage in (1, 2, 3)
}


ALL: Final = {
    **{**_product(), **GRADIENTS, **OTHERS, **MEASURED, **BFLOAT16},
    **{"file": {}, "force": {"zero_stage": 0}},
}
OF_THREE: Final = [_name("qwen2", stage, packing=True, micro=256) for stage in ZERO_STAGES]


class Trainings:
    """Jobs by name, done at the first question about their number of ranks; plain trainings."""

    def __init__(self, folder: Path, tokenizer: Any) -> None:
        self._folder = folder
        self._tokenizer = tokenizer
        self._tokens = folder / "tokens.arrow"
        write_tokens(self._tokens, _documents(110, 0))
        self._held_out = folder / "held-out.arrow"
        write_tokens(self._held_out, _documents(7, 1))
        self._bases: dict[str, Path] = {}
        self._plain: dict[str, PlainTraining] = {}
        self._done: set[int] = set()

    def base(self, name: str) -> Path:
        """The folder of a model of test size."""
        if name not in self._bases:
            from factory.train.base import make_base

            arch, _, untied = name.partition("-")
            folder = self._folder / name
            if arch == "phi3":
                _make_phi3(self._tokenizer, folder)
            else:
                shape = RandomBase(
                    arch=cast("Any", arch), tokenizer="given", intermediate_size=96, seed=7
                )
                make_base(shape, self._tokenizer, folder, tied=not untied)
            _shake(folder)
            self._bases[name] = folder
        return self._bases[name]

    def job(self, name: str, ranks: int) -> TrainingJob:
        """One of the jobs of so many ranks."""
        changes = dict(ALL[name])
        base = self.base(changes.pop("model", "qwen2"))
        if changes.get("zero_stage") == 3:
            changes.setdefault("deepspeed", CUT)
        if name in MEASURED:
            changes["eval_tokens"] = [str(self._held_out)]
        settings = {"batch_tokens": 850, "weight_decay": 0.1, "clip_grad_norm": 0.05}
        out = self._folder / str(ranks) / name
        job = make_job(self._tokens, base, out, ranks=ranks, **(settings | changes))
        return self._of_file(job) if name == "file" else job

    def _of_file(self, job: TrainingJob) -> TrainingJob:
        path = self._folder / "deepspeed.json"
        path.write_text(json.dumps(FILE))
        student = Student(name="a", base=job.base, lr=job.lr)
        plain = job.model_copy(update={"weight_decay": 0.0, "eps": 1e-8, "clip_grad_norm": 1.0})
        train = Train(students=[student], deepspeed="${RETORT_DATA}/deepspeed.json")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RETORT_DATA", str(self._folder))
            return read_deepspeed(train, plain)

    def done(self, name: str, ranks: int) -> TrainingJob:
        """As `job`, done."""
        if ranks not in self._done:
            self._done.add(ranks)
            names = {
                1: list(_product()),
                2: [one for one in ALL if one != "force"],
                3: OF_THREE,
            }[ranks]
            jobs = [("train", self.job(one, ranks)) for one in names]
            if ranks == 2:
                jobs += [("force", self.job("force", ranks))]
                jobs += [("look", self.job(one, ranks)) for one in BFLOAT16]
            # DeepSpeed's ZeRO 3 changes torch's linear layers for as long as the process lives
            jobs.sort(key=lambda one: one[1].zero_stage)
            do_all(jobs, self._folder, ranks=ranks)
        return self.job(name, ranks)

    def plain(self, job: TrainingJob) -> PlainTraining:
        """Plain training to compare a job with."""
        same = {"zero_stage", "micro_batch_tokens", "ranks", "out_dir", "offload", "deepspeed"}
        same |= {"gradient_checkpointing", "eval_tokens", "eval_every_steps", "precision"}
        key = job.model_dump_json(exclude=same)
        if key not in self._plain:
            self._plain[key] = train_plainly(job)
        return self._plain[key]


def _documents(count: int, seed: int) -> list[Document]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(6, 72, count).tolist()
    return [
        Document(rng.integers(0, 255, size).astype(np.int32), int(rng.integers(1, size - 1)))
        for size in lengths
    ]


def _make_phi3(tokenizer: Any, folder: Path) -> None:
    """A model of a family that is not one of ours, so that its attention is transformers' own."""
    import torch
    import transformers

    from factory.train.export import save_model

    config = transformers.Phi3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = transformers.AutoModelForCausalLM.from_config(config)
    save_model(model, tokenizer, folder, end_token_id=END)


def _shake(folder: Path) -> None:
    """Vectors are ones and zeros in a new model, which hides what is done to them."""
    from safetensors.numpy import load_file, save_file

    path = folder / "model.safetensors"
    rng = np.random.default_rng(5)
    shaken = {
        name: value + rng.normal(0, 0.1, value.shape).astype(np.float32) * (value.ndim < 2)
        for name, value in load_file(path).items()
    }
    save_file(shaken, path, metadata={"format": "pt"})


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Any) -> Trainings:
    return Trainings(tmp_path_factory.mktemp("parity"), byte_tokenizer)


def _check(trainings: Trainings, job: TrainingJob) -> None:
    plain, found = trainings.plain(job), weights(job.out / "model")
    tied = set() if job.base.endswith("untied") else {"lm_head.weight"}
    assert set(found) == set(plain.weights) - tied
    for name, value in found.items():
        assert np.abs(value - plain.weights[name]).max() <= TOLERANCE, (job.out.name, name)
    log = [line for line in read_log(job.out) if "loss" in line]
    assert [line["loss"] for line in log] == pytest.approx(plain.losses, rel=1e-5)
    assert [line["grad_norm"] for line in log] == pytest.approx(plain.norms, rel=1e-4)


@pytest.mark.parametrize("zero_stage", ZERO_STAGES)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ranks", [pytest.param(1, marks=pytest.mark.soak), 2])
def test_five_steps_equal_plain_training(
    trainings: Trainings, ranks: int, model: str, zero_stage: int
) -> None:
    for packing in (True, False):
        for micro in MICRO_TOKENS:
            name = _name(model, zero_stage, packing=packing, micro=micro)
            _check(trainings, trainings.done(name, ranks))


@pytest.mark.soak
@pytest.mark.parametrize("name", OF_THREE)
def test_five_steps_on_three_ranks_equal_plain_training(trainings: Trainings, name: str) -> None:
    _check(trainings, trainings.done(name, 3))


@pytest.mark.parametrize("name", GRADIENTS)
def test_the_gradient_of_a_step_is_that_of_plain_training(trainings: Trainings, name: str) -> None:
    job = trainings.done(name, 2)
    before, after = weights(Path(job.base)), weights(job.out / "model")
    plain = trainings.plain(job).weights
    largest = max(float(np.abs(before[one] - plain[one]).max()) for one in after)
    assert largest > 0.01
    for one, value in after.items():
        assert np.abs(value - plain[one]).max() < 5e-5 * largest, one


@pytest.mark.parametrize("name", OTHERS)
def test_five_steps_on_two_ranks_equal_plain_training(trainings: Trainings, name: str) -> None:
    _check(trainings, trainings.done(name, 2))


@pytest.mark.parametrize("name", MEASURED)
def test_an_evaluation_between_steps_changes_nothing(trainings: Trainings, name: str) -> None:
    job = trainings.done(name, 2)
    _check(trainings, job)
    measured = [line for line in read_log(job.out) if "eval_loss" in line]
    assert len(measured) == 1 + -(-5 // job.eval_every_steps)
    plain = trainings.plain(job.model_copy(update={"tokens": job.eval_tokens, "lr": 1e-30}))
    assert measured[0]["eval_loss"] == pytest.approx(plain.losses[0], rel=1e-5)


def test_a_deepspeed_file_trains_as_the_fields_do(trainings: Trainings) -> None:
    job = trainings.done("file", 2)
    fields = trainings.job(_name("qwen2", 2, packing=True, micro=MICRO_TOKENS[0]), 2)
    decided = {"zero_stage", "clip_grad_norm", "weight_decay", "betas", "eps", "precision"}
    assert job.model_dump(include=decided) == fields.model_dump(include=decided)
    _check(trainings, job)


def test_ranks_have_unequal_rows_some_none_and_clipping_is_at_work(trainings: Trainings) -> None:
    for packing in (True, False):
        job = trainings.job(_name("qwen2", 2, packing=packing, micro=MICRO_TOKENS[0]), 2)
        plan = plan_of(job, TokenFiles([Path(path) for path in job.tokens]))
        assert len(plan.steps) == 5
        rows = max(1, MICRO_TOKENS[0] // plan.row_tokens)
        shares = [[step.share(rank, 2, rows) for rank in range(2)] for step in plan.steps]
        assert all(len(share) > 1 for step in shares for share in step)
        assert any(sum(map(len, step[0])) != sum(map(len, step[1])) for step in shares)
        if packing:
            assert any(not micro for step in shares for share in step for micro in share)
        assert all(norm > job.clip_grad_norm for norm in trainings.plain(job).norms)


@pytest.mark.parametrize("name", BFLOAT16)
def test_in_bfloat16_the_losses_are_nearly_those_of_float32(
    trainings: Trainings, name: str
) -> None:
    job = trainings.done(name, 2)
    log = [line for line in read_log(job.out) if "loss" in line]
    assert [line["loss"] for line in log] == pytest.approx(trainings.plain(job).losses, rel=0.02)


@pytest.mark.parametrize("name", BFLOAT16)
def test_in_bfloat16_the_rotary_embedding_stays_in_float32(trainings: Trainings, name: str) -> None:
    job = trainings.done(name, 2)
    for rank in range(2):
        seen = json.loads((job.out / f"look-{rank}.json").read_text())
        assert seen["parameters"] == ["torch.bfloat16"]
        assert set(seen["buffers"].values()) == {"torch.float32"}
        assert any("inv_freq" in one for one in seen["buffers"])
        assert seen["wait_s"] == 10 * job.stall_timeout_s
        if job.zero_stage == 3:
            assert seen["held"] == pytest.approx(seen["whole"] / 2, rel=0.01)


def test_deepspeed_itself_refuses_bfloat16_without_zero(trainings: Trainings) -> None:
    job = trainings.done("force", 2)
    assert "grad_accum_dtype=torch.float32" in json.loads((job.out / "force-0.json").read_text())
