"""The template that rows were drawn with: written into the dataset, compared with the student's."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from factory.errors import RecipeError, TrainError
from factory.generate.prompt import ChatTemplate, template_digests
from factory.models import EMBEDDED, local_model, resolve_model
from factory.recipe_file import ROOT, data_root
from factory.shard.description import read_description
from factory.shard.stage import build_shards
from factory.train.render import end_token_id, load_tokenizer
from factory.train.template import (
    student_tokenizer,
    template_digest,
    template_fingerprint,
    templates_of,
)
from schemas.generate_settings import Generate, Rest
from schemas.machine import Machine
from schemas.teacher_settings import OpenaiTeacher, VllmTeacher
from schemas.train_settings import Student
from tests.unit.shard.sample_artifacts import sample, unit_recipe, write_samples

TEACHER = VllmTeacher(engine="vllm", model="embedded:teacher", max_model_len=512)
FOLDERS = [
    *(EMBEDDED / name for name in ("teacher", "base-qwen2", "base-llama")),
    data_root() / "tokenizers" / "qwen2.5",
]


@pytest.fixture(scope="module")
def digests() -> dict[str, str]:
    """What the stage shard is given for a recipe with the embedded teacher."""
    return template_digests(Generate(teacher=TEACHER))


@pytest.fixture
def dataset(tmp_path: Path, digests: dict[str, str]) -> Path:
    """Rows of the embedded teacher, and of one that Retort did not serve."""
    [teacher] = digests
    rows = [sample(0, generation_model=teacher), sample(3)]
    build_shards(
        write_samples(tmp_path / "select", rows),
        unit_recipe(),
        upstream={},
        templates=digests | {"wrote@nothing": "0" * 64},
        machine=Machine(workers=1),
        out_dir=tmp_path / "shard",
        key="k",
    )
    return tmp_path / "shard" / "dataset"


def student(template: str = "same") -> Student:
    return Student(name="small", base="embedded:base-qwen2", lr=1e-3, template=template)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_digest_of_a_template_is_that_of_the_loaded_tokenizer(folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip(f"no tokenizer at {folder}")
    tokenizer = load_tokenizer(str(folder))
    assert ChatTemplate(folder, "x").digest == template_digest(tokenizer.chat_template)


def test_the_digest_of_several_templates_is_that_of_the_default_one() -> None:
    assert template_digest({"tools": "a", "default": "b"}) == template_digest("b")


def test_every_teacher_that_retort_serves_has_a_digest_under_the_name_that_its_rows_have() -> None:
    other = TEACHER.model_copy(update={"model": "embedded:base-llama"})
    endpoint = OpenaiTeacher(engine="openai", model="big", revision="1")
    names = [resolve_model(one.model).identity for one in (TEACHER, other)]
    found = [
        template_digests(Generate(teacher=TEACHER)),
        template_digests(Generate(teacher=endpoint, rest=Rest(teacher=TEACHER))),
        template_digests(Generate(teacher=TEACHER, rest=Rest(teacher=other))),
        template_digests(Generate(teacher=endpoint)),
    ]
    assert [sorted(one) for one in found] == [names[:1], names[:1], sorted(names), []]


def test_a_dataset_says_the_templates_of_the_models_that_wrote_its_rows(
    dataset: Path, digests: dict[str, str]
) -> None:
    assert read_description(dataset).templates == digests
    assert list(digests) == [resolve_model("embedded:teacher").identity]


@pytest.mark.parametrize("base", ["base-qwen2", "base-llama"])
def test_rows_of_the_embedded_teacher_are_drawn_with_the_embedded_bases_template(
    dataset: Path, base: str
) -> None:
    tokenizer, own = student_tokenizer(resolve_model(f"embedded:{base}"), "same")
    assert own == ""
    templates_of(dataset).check(tokenizer, student())


def test_rows_of_another_template_are_refused_unless_the_student_is_to_have_its_own(
    dataset: Path, byte_tokenizer: Any, tmp_path: Path, digests: dict[str, str]
) -> None:
    [(teacher, theirs)] = digests.items()
    own = template_digest(byte_tokenizer.chat_template)
    with pytest.raises(TrainError) as caught:
        templates_of(dataset).check(byte_tokenizer, student())
    assert f"student's ({own[:12]}), found {teacher} with {theirs[:12]}" in str(caught.value)
    assert "set train.students.template to `own`" in str(caught.value)
    templates_of(dataset).check(byte_tokenizer, student("own"))

    byte_tokenizer.save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "config.json").write_text("{}")
    file = "factory/bootstrap/models/teacher/chat_template.jinja"
    tokenizer, source = student_tokenizer(local_model(tmp_path / "base", "x"), file)
    assert source == tokenizer.chat_template == (ROOT / file).read_text()
    templates_of(dataset).check(tokenizer, student(file))


def test_a_template_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(RecipeError, match="student's template"):
        student_tokenizer(resolve_model("embedded:base-qwen2"), "./none.jinja")


def test_a_folder_that_is_no_published_dataset_says_nothing_of_templates(tmp_path: Path) -> None:
    assert templates_of(tmp_path).digests == {}


def test_a_base_without_a_template_is_given_the_recipes(
    byte_tokenizer: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "base"
    marks = [f"<|{name}|>" for name in ("start_header_id", "end_header_id", "eot_id")]
    tokenizer = copy.deepcopy(byte_tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    tokenizer.bos_token = "<|endoftext|>"
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text("{}")
    base = local_model(folder, "base")
    with pytest.raises(TrainError, match=r"name a Jinja file in train.students.template"):
        student_tokenizer(base, "own")
    given, source = student_tokenizer(base, "recipes/templates/llama3.jinja")
    assert source == given.chat_template
    assert given.convert_ids_to_tokens(end_token_id(given)) == "<|eot_id|>"
    asked = [{"role": "user", "content": "Why?"}]
    assert given.apply_chat_template(asked, tokenize=False, add_generation_prompt=True) == (
        "<|endoftext|><|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def test_the_content_of_a_template_file_is_in_the_key(tmp_path: Path) -> None:
    digest = template_fingerprint("recipes/templates/llama3.jinja")
    assert len(digest) == 64
    assert template_fingerprint("own") == template_fingerprint("same") == ""
