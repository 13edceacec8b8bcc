"""The stage on a published folder, and base students with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory.errors import RecipeError, TrainError
from factory.models import local_model
from factory.parts import as_table
from factory.train.base import make_random_base
from factory.train.render import Renderer
from factory.train.rows import Tokenised, tokenise_dataset
from factory.train.stage import train_student
from factory.train.tokens import TokenFiles
from schemas.arrow import SAMPLE
from schemas.machine import Machine
from schemas.train_settings import RandomBase, Student, Train


def sample(number: int, completion: str) -> dict[str, Any]:
    question = f"What is {number} + {number}?"
    return {
        "uuid": f"{number:032x}",
        "problem_id": f"p{number}",
        "source": "tests",
        "domain": "math",
        "category": "",
        "problem": question,
        "answer": str(2 * number),
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": completion},
        ],
        "generation_model": "teacher@1",
        "finish_reason": "stop",
        "num_tokens": None,
        "pass_rate": 1.0,
        "num_generations": 1,
        "verification_info": "{}",
        "form": "completion",
        "made_of": [f"{number:032x}"],
        "dedup_cluster_id": None,
        "contamination": None,
        "license": "CC0-1.0",
    }


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rows = [sample(n, f"<think>\n{n}, twice.\n</think>\n\n{2 * n}") for n in range(20)]
    rows[7] = sample(7, "<think>\n" + "so " * 200 + "\n</think>\n\n14")
    folder = tmp_path / "dataset"
    (folder / "data").mkdir(parents=True)
    for shard in range(2):
        table = as_table(rows[shard * 10 : shard * 10 + 10], SAMPLE)
        pq.write_table(table, folder / "data" / f"train-0000{shard}-of-00002.parquet")
    return folder


def test_a_student_is_trained_on_every_row_but_the_over_long_one(
    dataset: Path, tiny_base: Path, tmp_path: Path
) -> None:
    student = Student(name="small", base="./given", lr=1e-3, epochs=1)
    result = train_student(
        dataset,
        student,
        Train(students=[student], max_length_tokens=200, batch_tokens=1000),
        base=local_model(tiny_base, "given"),
        seed=0,
        machine=Machine(),
        out_dir=tmp_path / "out",
        key="0123456789ab",
    )
    assert (result.ledger.stage, result.ledger.rows_in, result.ledger.rows_out) == (
        "train:small",
        20,
        19,
    )
    assert result.ledger.drops == {"over_length": 1}
    names = {part.path for part in result.parts}
    assert {"model/config.json", "model/model.safetensors", "model/tokenizer.json"} <= names
    assert not [name for name in names if not name.startswith("model/")]
    assert "model/README.md" not in names, "the card is no part of the model"
    card = (tmp_path / "out" / "model" / "README.md").read_text(encoding="utf-8")
    assert "| rows learned | 19 |" in card
    assert "Not measured yet." in card
    assert result.figures["steps"] >= 1
    assert 0 < result.figures["final_loss"] < 6


def tokenise(dataset: Path, tokenizer: Any, folder: Path, **changes: Any) -> Tokenised:
    settings: dict[str, Any] = {
        "max_length_tokens": 200,
        "held_out": 0.0,
        "seed": 0,
        "machine": Machine(),
        "made_from": "x",
    }
    return tokenise_dataset(dataset, Renderer(tokenizer), folder, **(settings | changes))


def test_tokens_keep_the_order_of_the_dataset_and_nothing_is_cut(
    dataset: Path, byte_tokenizer: Any, tmp_path: Path
) -> None:
    made = tokenise(dataset, byte_tokenizer, tmp_path / "tokens")
    data = TokenFiles(made.tokens)
    texts = [byte_tokenizer.decode(data.document(n).ids.tolist()) for n in range(len(data))]
    assert (made.counts.read, made.counts.kept, made.counts.over_length) == (20, 19, 1)
    assert len(made.tokens) == 2
    assert made.eval_tokens == []
    assert all(text.endswith("<|im_end|>") and text.count("<think>") == 1 for text in texts)
    assert [text.split("What is ")[1].split()[0] for text in texts] == [
        str(n) for n in range(20) if n != 7
    ]


def test_a_dataset_of_over_long_rows_alone_is_refused(
    dataset: Path, byte_tokenizer: Any, tmp_path: Path
) -> None:
    with pytest.raises(TrainError, match="at most 10 tokens, found none among 20"):
        tokenise(dataset, byte_tokenizer, tmp_path / "tokens", max_length_tokens=10)


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], "expected rows to learn, found none in its files"),
        (["What is 2 + 2?"], "lists of role and content, both of them text, found string"),
        ([[{"role": "user", "content": ["a", "b"]}]], "both of them text, found list"),
    ],
)
def test_files_without_rows_or_with_messages_of_another_form_are_refused(
    byte_tokenizer: Any, tmp_path: Path, messages: list[Any], message: str
) -> None:
    (tmp_path / "data").mkdir()
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    kind = None if messages else pa.list_(turn)
    uuids = pa.array([str(number) for number in range(len(messages))], pa.string())
    table = pa.table({"uuid": uuids, "messages": pa.array(messages, kind)})
    pq.write_table(table, tmp_path / "data" / "train.parquet")
    with pytest.raises(TrainError, match=message):
        tokenise(tmp_path, byte_tokenizer, tmp_path / "tokens")


def test_a_folder_without_parquet_files_is_refused(byte_tokenizer: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="is it a published dataset"):
        tokenise(tmp_path, byte_tokenizer, tmp_path / "tokens")


@pytest.mark.parametrize("arch", ["qwen2", "llama"])
def test_a_random_base_follows_from_its_seed_and_keeps_the_real_tokenizer(
    arch: Any, data: Path, tmp_path: Path
) -> None:
    if not (data / "tokenizers" / "qwen2.5").is_dir():
        pytest.skip("no Qwen2.5 tokenizer")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = RandomBase(
        arch=arch,
        tokenizer="${RETORT_DATA}/tokenizers/qwen2.5",
        hidden_size=64,
        heads=2,
        kv_heads=1,
        seed=5,
    )
    digests = [
        {part.path: part.sha256 for part in make_random_base(one, tmp_path / str(at))}
        for at, one in enumerate([base, base, base.model_copy(update={"seed": 6})])
    ]
    assert digests[0] == digests[1]
    assert digests[0]["model.safetensors"] != digests[2]["model.safetensors"]
    original = AutoTokenizer.from_pretrained(data / "tokenizers" / "qwen2.5")
    saved = AutoTokenizer.from_pretrained(tmp_path / "0")
    text = "Let x² = 10 234. <think>\n\tdéjà vu</think>\r\n print(1) <|im_end|>"
    assert saved(text)["input_ids"] == original(text)["input_ids"]
    assert saved.chat_template == original.chat_template
    model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "0")
    assert model.config.model_type == arch
    assert model.generation_config.eos_token_id == 151645
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight


@pytest.mark.parametrize(
    ("hidden_size", "message"),
    [(30, "hidden_size a multiple of heads"), (64, "on a CPU, found 16")],
)
def test_a_shape_that_cannot_be_built_or_served_is_refused(
    hidden_size: int, message: str, tmp_path: Path
) -> None:
    base = RandomBase(arch="qwen2", tokenizer="./none", hidden_size=hidden_size, heads=4)
    with pytest.raises(RecipeError, match=message):
        make_random_base(base, tmp_path)
