"""A student's folder: what transformers and the next recipe find in it."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from factory.errors import StorageFull
from factory.generate.prompt import ChatTemplate
from factory.models import architecture, local_model, resolve_model, teacher_fingerprint
from factory.train.base import make_base
from factory.train.export import export_student, save_model
from factory.train.render import Renderer, end_token_id, load_tokenizer
from factory.train.template import student_tokenizer, template_digest
from schemas.teacher_settings import VllmTeacher
from schemas.train_settings import RandomBase
from tests.unit.train.jobs import END, make_job
from tests.unit.train.test_train_stage import sample

Base = Callable[..., Path]


@pytest.fixture
def base(byte_tokenizer: Any, tmp_path: Path) -> Base:
    def make(arch: str = "qwen2", *, tied: bool = True) -> Path:
        shape = RandomBase.model_validate({"arch": arch, "tokenizer": "given", "seed": 5})
        make_base(shape, byte_tokenizer, tmp_path / "base", tied=tied)
        return tmp_path / "base"

    return make


def train_a_little(base: Path, **changes: Any) -> tuple[Any, Any, Any]:
    """Model, tokenizer and job, with weights that are not the base's."""
    import torch

    from factory.train.engine import load_base

    job = make_job(base / "none", base, base.parent / "out", **changes)
    model, tokenizer = load_base(job)
    with torch.no_grad():
        for number, one in enumerate(model.parameters()):
            one.add_(0.01 * torch.sin(torch.arange(one.numel()).view_as(one) + number))
    return model.eval(), tokenizer, job


def read(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def stored(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return {
        name: tensor
        for file in folder.glob("*.safetensors")
        for name, tensor in load_file(file).items()
    }


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("arch", ["qwen2", "qwen3", "llama"])
def test_a_student_that_is_loaded_again_has_the_same_logits_bit_for_bit(
    base: Base, arch: str, tied: bool, precision: str
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model, tokenizer, job = train_a_little(base(arch, tied=tied), precision=precision)
    # as ZeRO 3 gathers: tensors of their own, also for the weight that is tied
    gathered = {name: value.clone() for name, value in model.state_dict().items()}
    export_student(model, tokenizer, job, gathered)
    folder = job.out / "model"
    written, config = stored(folder), read(folder, "config.json")
    assert ("lm_head.weight" in written) is not tied
    assert {str(one.dtype) for one in written.values()} == {f"torch.{precision}"}
    assert all(torch.equal(one, gathered[name]) for name, one in written.items())
    assert (config["dtype"], config["use_cache"]) == (precision, True)
    assert config["tie_word_embeddings"] is tied
    assert not [name for name in config if "attn" in name], "how it was trained binds nobody"
    again = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa")
    assert str(again.dtype) == f"torch.{precision}"
    assert (again.get_parameter("lm_head.weight") is again.model.embed_tokens.weight) is tied
    model.set_attn_implementation("sdpa")
    ids = torch.arange(3, 40)[None]
    assert torch.equal(again(ids, use_cache=False).logits, model(ids, use_cache=False).logits)


def test_weights_beyond_the_largest_file_are_cut_into_several(base: Base, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model, tokenizer, _ = train_a_little(base(tied=False))
    folder = tmp_path / "cut"
    save_model(model, tokenizer, folder, end_token_id=END, max_shard_size="100KB")
    files = sorted(path.name for path in folder.glob("*.safetensors"))
    assert len(files) > 2
    assert set(read(folder, "model.safetensors.index.json")["weight_map"].values()) == set(files)
    again = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    assert all(torch.equal(one, again[name]) for name, one in model.state_dict().items())


def test_it_stops_at_the_end_of_a_turn_and_where_its_base_stopped(base: Base) -> None:
    folder = base()
    generation = read(folder, "generation_config.json")
    other = load_tokenizer(str(folder)).convert_tokens_to_ids("<|endoftext|>")
    # 7 is a byte of text, which no text may end at
    generation |= {"eos_token_id": [other, 7], "temperature": 0.7, "do_sample": True}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    model, tokenizer, job = train_a_little(folder)
    export_student(model, tokenizer, job, None)
    found = read(job.out / "model", "generation_config.json")
    assert found["eos_token_id"] == [END, other]
    assert "temperature" not in found
    assert read(job.out / "model", "config.json")["eos_token_id"] == END


def test_one_end_is_a_number_and_the_end_of_the_tokenizer_too(base: Base) -> None:
    model, tokenizer, job = train_a_little(base())
    tokenizer.eos_token = "<|endoftext|>"
    export_student(model, tokenizer, job, None)
    folder = job.out / "model"
    assert read(folder, "generation_config.json")["eos_token_id"] == END
    assert load_tokenizer(str(folder)).eos_token_id == END


def test_the_recipes_template_goes_with_the_student_and_keeps_what_it_writes(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    source = (
        "{{ eos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}<|im_start|>"
        "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}\n"
    )
    (tmp_path / "own.jinja").write_text(source)
    tokenizer, own = student_tokenizer(local_model(base(), "base"), "${RETORT_DATA}/own.jinja")
    end = end_token_id(tokenizer)
    assert tokenizer.convert_ids_to_tokens(end) == "<|im_start|>"
    model, loaded, job = train_a_little(tmp_path / "base", chat_template=own, end_token_id=end)
    export_student(model, loaded, job, None)
    folder = job.out / "model"
    saved = load_tokenizer(str(folder))
    turn = [{"role": "user", "content": "u"}]
    assert saved.chat_template == source
    assert ChatTemplate(folder, "student").digest == template_digest(source)
    # `eos_token` stands in the template, so another one would be another prompt
    before, after = (
        one.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        for one in (tokenizer, saved)
    )
    assert before == after
    assert read(folder, "generation_config.json")["eos_token_id"] == [end, END]


def test_the_rotary_base_and_the_positions_are_those_of_the_training(base: Base) -> None:
    folder = base()
    words = read(folder, "tokenizer_config.json") | {"model_max_length": 4096}
    (folder / "tokenizer_config.json").write_text(json.dumps(words))
    model, tokenizer, job = train_a_little(folder, rope_base=300_000.0, positions=65_536)
    export_student(model, tokenizer, job, None)
    config = read(job.out / "model", "config.json")
    assert config["rope_parameters"]["rope_theta"] == 300_000.0
    assert config["max_position_embeddings"] == 65_536
    assert load_tokenizer(str(job.out / "model")).model_max_length == 65_536


@contextmanager
def room_for(limit_bytes: int) -> Generator[None]:
    """No file may become larger: what a full disk looks like to a process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit_bytes", [200, 100_000])
def test_a_full_disk_leaves_no_half_of_a_student_and_the_one_before(
    base: Base, limit_bytes: int
) -> None:
    model, tokenizer, job = train_a_little(base())
    export_student(model, tokenizer, job, None)
    before = {path.name: path.read_bytes() for path in (job.out / "model").iterdir()}
    with room_for(limit_bytes), pytest.raises(StorageFull, match=r"File too large.*run again"):
        export_student(model, tokenizer, job, None)
    assert [path.name for path in job.out.iterdir()] == ["model"]
    export_student(model, tokenizer, job, None)
    assert {path.name: path.read_bytes() for path in (job.out / "model").iterdir()} == before


def test_a_student_is_the_base_and_the_teacher_of_the_next_recipe(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    model, tokenizer, job = train_a_little(base())
    export_student(model, tokenizer, job, None)
    ref = "${RETORT_DATA}/out/model"
    first, found = local_model(tmp_path / "base", "base"), resolve_model(ref)
    assert found.is_local
    assert architecture(found) == "qwen2"
    assert found.revision != first.revision, "its weights are others"
    teacher = VllmTeacher(engine="vllm", model=ref, max_model_len=512)
    assert teacher_fingerprint(teacher) == found.identity
    (job.out / "model" / "README.md").write_text("a card")
    assert resolve_model(ref) == found, "a card makes no other model"
    templates = [ChatTemplate(Path(one.location), one.name).digest for one in (first, found)]
    assert templates[0] == templates[1]
    rows = [sample(number, f"<think>\n{number}\n</think>\n\n{number}") for number in range(3)]
    documents = [
        Renderer(student_tokenizer(one, "same")[0]).documents(
            [row["uuid"] for row in rows], [row["messages"] for row in rows]
        )
        for one in (first, found)
    ]
    assert [one.ids.tolist() for one in documents[0]] == [one.ids.tolist() for one in documents[1]]
    # and it can be trained again
    again, _, _ = train_a_little(Path(found.location))
    assert not again.config.use_cache
