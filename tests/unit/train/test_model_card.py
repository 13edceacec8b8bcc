"""The card of a student: what its training noted, and the scores once they are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from huggingface_hub import metadata_load

from factory.digest import folder_digest
from factory.errors import ManifestMismatch
from factory.models import EMBEDDED, local_model
from factory.parts import as_table
from factory.recipe_file import load_recipe, load_train_recipe
from factory.shard.description import Description
from factory.shard.recipe import recipe_bytes
from factory.train.card_facts import CardFacts, LearnedFrom, Measured, read_facts, write_facts
from factory.train.card_sources import card_facts
from factory.train.files import describe_files
from factory.train.job import TrainingOutcome
from factory.train.model_card import add_scores, card_text, write_model_card
from factory.train.prepare import prepare
from schemas.arrow import SAMPLE
from schemas.machine import Machine
from schemas.score import Score
from schemas.train_settings import Student, Train
from tests.unit.train.test_train_stage import sample

OUTCOME = TrainingOutcome(
    steps=41,
    epochs=2,
    documents=18,
    tokens=123_456,
    target_tokens=65_432,
    parameters=1_772_928,
    first_loss=2.34567,
    final_loss=0.98765,
    first_eval_loss=2.5,
    final_eval_loss=1.25,
    tokens_per_s=4321.0,
    target_tokens_per_s=2000.0,
    packing_efficiency=0.987,
    row_tokens=512,
    ranks=2,
    wall_s=30.0,
)
STUDENT = Student(name="small", base="embedded:base-qwen2", lr=1e-4, epochs=2, template="own")
TRAIN = Train(students=[STUDENT], max_length_tokens=256, held_out=0.1, betas=(0.9, 0.95))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 20 rows that says what it was made from."""
    folder = tmp_path_factory.mktemp("published")
    rows = [sample(n, f"<think>\n{n}, twice.\n</think>\n\n{2 * n}") for n in range(20)]
    rows[0] |= {"generation_model": "embedded:teacher@0123", "license": "MIT"}
    file = folder / "data" / "train-00000-of-00001.parquet"
    file.parent.mkdir()
    pq.write_table(as_table(rows, SAMPLE), file)
    recipe = load_recipe("recipes/tiny.toml")
    stated = {"model_licenses": {"teacher": "Apache-2.0"}}
    (folder / "recipe.json").write_bytes(
        recipe_bytes(recipe.model_copy(update={"shard": recipe.shard.model_copy(update=stated)}))
    )
    about = Description(
        name="sums",
        version="1.2.0",
        rows=20,
        digest="d" * 64,
        files=[],
        columns=SAMPLE.names,
        templates={"teacher@1": "0" * 64},
        recipe="tiny",
        upstream={},
        ledger=[],
    )
    (folder / "dataset.json").write_text(about.model_dump_json())
    return folder


def facts_of(dataset: Path, artifact: Path, *, train: Train = TRAIN, **changes: Any) -> CardFacts:
    """The facts of a training that is finished, as if its weights were the base's."""
    student = STUDENT.model_copy(update=changes)
    base = local_model(EMBEDDED / "base-qwen2", "embedded:base-qwen2")
    prepared = prepare(
        dataset,
        student,
        train.model_copy(update={"students": [student]}),
        base=base,
        seed=3,
        machine=Machine(),
        out_dir=artifact,
        key="0123456789ab",
    )
    (artifact / "model").mkdir(exist_ok=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (artifact / "model" / name).write_bytes((EMBEDDED / "base-qwen2" / name).read_bytes())
    return card_facts(prepared, OUTCOME, recipe="tiny", key="0123456789ab")


@pytest.fixture(scope="module")
def facts(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> CardFacts:
    return facts_of(dataset, tmp_path_factory.mktemp("artifact"))


def card_of(facts: CardFacts, folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    write_model_card(facts, folder)
    return (folder / "README.md").read_text(encoding="utf-8")


def score(role: Any, model: str, metric: str, value: float) -> Score:
    return Score(
        model=model,
        role=role,
        arch="qwen2",
        suite="sums-heldout",
        metric=metric,
        temperature=0.6,
        k=8,
        seed=7,
        value=value,
        stderr=0.012,
        low=max(value - 0.024, 0.0),
        high=min(value + 0.024, 1.0),
        n=120,
    )


def test_the_card_says_what_the_student_is_and_was_made_from(
    facts: CardFacts, tmp_path: Path
) -> None:
    card = card_of(facts, tmp_path)
    assert metadata_load(tmp_path / "README.md") == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "license": "apache-2.0",
        "datasets": ["sums"],
        "tags": ["reasoning", "distillation", "sft", "retort"],
    }
    base = local_model(EMBEDDED / "base-qwen2", "embedded:base-qwen2")
    for text in (
        f"It started from `embedded:base-qwen2`, digest `{base.revision}`",
        "| architecture | Qwen2ForCausalLM (qwen2) |",
        "| parameters | 1,772,928 |",
        f"Dataset `sums`, version 1.2.0, 20 rows, content digest `{'d' * 64}`.",
        "Of 20 rows 18 were learned, 2 held out for the evaluation loss",
        "| CC0-1.0 | teacher | Apache-2.0 | 19 |",
        "| MIT | embedded:teacher | Apache-2.0 | 1 |",
        "Licence of the base: apache-2.0.",
        "| loss per target token, first and last step | 2.3457, 0.9877 |",
        "| evaluation loss, before and after | 2.5000, 1.2500 |",
        "| hardware | 2 ranks of CPU |",
        "| precision | float32 |",
        "| ZeRO stage | 2 |",
        "Recipe `tiny`, key `0123456789ab`.",
        f"SHA-256 `{facts.template}`) and ends a turn with `{facts.end_token}`.",
        "`teacher@1`, which wrote rows, was asked with another one (`000000000000`).",
        f"transformers {facts.versions['transformers']}",
        "Not measured yet.",
        "Nothing is known yet of how often it is right.",
    ):
        assert text in card, text
    assert "{{" not in card
    assert "\n\n\n" not in card


def test_the_recipe_in_the_card_is_the_one_that_was_trained(
    facts: CardFacts, tmp_path: Path
) -> None:
    card = card_of(facts, tmp_path)
    block = card.split("```toml\n")[1].split("```")[0]
    (tmp_path / "again.toml").write_text(block)
    again = load_train_recipe(str(tmp_path / "again.toml"))
    assert (again.name, again.seed, again.train) == ("tiny", 3, TRAIN)


def test_a_second_writing_has_the_scores_and_makes_no_other_model(
    dataset: Path, tmp_path: Path
) -> None:
    facts = facts_of(dataset, tmp_path)
    write_facts(facts, tmp_path)
    first = card_of(facts, tmp_path / "model")
    model, parts = local_model(tmp_path / "model", "small"), describe_files(tmp_path, "model")
    scores = [
        score("teacher", "embedded:teacher", "pass@1", 0.7),
        score("base", "embedded:base-qwen2", "pass@1", 0.289),
        score("student", "small", "pass@1", 0.431),
        score("student", "small", "pass@8", 0.75),
    ]
    measured = Measured(scores=scores, sampling={"temperature": 0.6, "top_p": 0.95})
    add_scores(tmp_path, measured)
    second = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    head = (
        "| suite | metric | problems | student small | base embedded:base-qwen2 "
        "| teacher embedded:teacher |"
    )
    assert head in second
    assert "| sums-heldout | pass@1 | 120 | 43.1% ± 1.2 | 28.9% ± 1.2 | 70.0% ± 1.2 |" in second
    assert "| sums-heldout | pass@8 | 120 | 75.0% ± 1.2 | – | – |" in second
    assert "8 completions were drawn per problem (temperature 0.6, top_p 0.95; seed 7)" in second
    assert "Not measured" not in second
    assert [one for one in first.splitlines() if one not in second] == [
        "Not measured yet.",
        "- Nothing is known yet of how often it is right.",
    ]
    assert local_model(tmp_path / "model", "small") == model
    assert describe_files(tmp_path, "model") == parts
    assert "model/README.md" not in {one.path for one in parts}
    written = (tmp_path / "model" / "README.md").stat()
    add_scores(tmp_path, measured)
    again = (tmp_path / "model" / "README.md").stat()
    assert (again.st_ino, again.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_without_what_it_is_made_from_a_card_cannot_have_scores(tmp_path: Path) -> None:
    with pytest.raises(ManifestMismatch, match=r"card\.json: expected what the student's card"):
        add_scores(tmp_path, Measured(scores=[score("base", "b", "pass@1", 0.5)], sampling={}))


def test_how_fast_it_was_trained_and_where_is_not_in_the_card(
    dataset: Path, facts: CardFacts, tmp_path: Path
) -> None:
    elsewhere = facts_of(dataset, tmp_path / "elsewhere")
    slow = {"tokens_per_s": 1.0, "target_tokens_per_s": 0.5, "wall_s": 9e4, "data_wait_ratio": 0.5}
    outcome = elsewhere.outcome.model_copy(update=slow)
    assert card_text(elsewhere.model_copy(update={"outcome": outcome})) == card_text(facts)


def test_no_absolute_path_is_in_the_card_or_in_what_it_is_made_from(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and base lie outside of the project; a DeepSpeed file says where its logs go."""
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    plain = tmp_path / "my-rows"
    (plain / "data").mkdir(parents=True)
    pq.write_table(
        pq.read_table(dataset / "data").select(["uuid", "messages"]), plain / "data" / "a.parquet"
    )
    log = {"csv_monitor": [str(tmp_path / "log.csv")], "ratio": 1, "type": "a/b"}
    (tmp_path / "ds.json").write_text(
        json.dumps({"zero_optimization": {"stage": 1}, "flops_profiler": log})
    )
    train = Train(students=[STUDENT], deepspeed="${RETORT_DATA}/ds.json")
    facts = facts_of(plain, tmp_path / "artifact", train=train)
    card = card_text(facts)
    assert str(tmp_path) not in facts.model_dump_json() + card
    assert '"log.csv"' in card
    assert '"a/b"' in card
    assert "| ZeRO stage | 1 |" in card
    assert 'deepspeed = "${RETORT_DATA}/ds.json"' in card
    digest = folder_digest(plain / "data")
    assert f"The 20 rows of the folder `my-rows`, digest `{digest}`, which are no" in card


def test_a_licence_that_would_give_away_what_the_rows_keep_is_not_stated(facts: CardFacts) -> None:
    assert "\nlicense: " in card_text(facts)
    row = LearnedFrom(license="CC-BY-NC-4.0", model="m", model_license="", rows=3)
    card = card_text(facts.model_copy(update={"learned_from": [*facts.learned_from, row]}))
    assert "\nlicense: " not in card
    assert "| CC-BY-NC-4.0 | m | not stated | 3 |" in card


def test_what_is_not_known_is_said_to_be_unknown(dataset: Path, tmp_path: Path) -> None:
    """Rows of another program, without licences and `dataset.json`; a base of the hub."""
    foreign = tmp_path / "foreign" / "data"
    foreign.mkdir(parents=True)
    rows = pq.read_table(dataset / "data").select(["uuid", "messages"])
    pq.write_table(rows, foreign / "rows.parquet")
    (tmp_path / "foreign" / "recipe.json").write_text(json.dumps({"name": "theirs"}))
    facts = facts_of(foreign.parent, tmp_path, learns_from="all")
    assert (facts.dataset.version, facts.dataset.rows, facts.learned_from) == ("", 20, [])
    hub = facts.base.model_copy(update={"name": "org/base", "on_hub": True, "license": ""})
    card = card_of(facts.model_copy(update={"base": hub}), tmp_path / "model")
    head = metadata_load(tmp_path / "model" / "README.md") or {}
    assert (head["base_model"], head["base_model_relation"]) == ("org/base", "finetune")
    assert not {"license", "datasets"} & head.keys()
    assert "A control:" in card
    assert "Under which licences the rows stand is not known here." in card
    assert "Licence of the base: not stated here" in card


def test_facts_are_read_as_they_were_written(facts: CardFacts, tmp_path: Path) -> None:
    write_facts(facts, tmp_path)
    assert read_facts(tmp_path) == facts


def test_a_run_tells_each_student_the_scores_of_what_it_is_compared_with(
    facts: CardFacts, tmp_path: Path
) -> None:
    from pipelines.runs import DistillAll

    place = {name: str(tmp_path / name) for name in ("artifacts", "runs", "datasets")}
    machine = Machine.model_validate({"paths": place})
    run = DistillAll(recipe=load_recipe("recipes/tiny.toml"), machine=machine)
    measured = run.measured()
    names = {
        ("base", "tiny-qwen2"): "embedded:base-qwen2",
        ("base", "tiny-llama"): "embedded:base-llama",
        ("teacher", ""): "embedded:teacher",
        ("student", "tiny-qwen2"): "tiny-qwen2",
        ("student", "tiny-llama"): "tiny-llama",
        ("control", "tiny-control"): "tiny-control",
    }
    assert {(task.role, task.student) for task in measured} == set(names)
    for task in measured:
        task.out_dir.mkdir(parents=True)
        found = score(task.role, names[task.role, task.student], "pass@1", 0.5)
        (task.out_dir / "scores.json").write_text(f"[{found.model_dump_json()}]")
    columns: dict[str, str] = {}
    for student in run.students():
        student.folder.mkdir(parents=True)
        write_facts(facts.model_copy(update={"student": student.student}), student.out_dir)
        student.tell_scores(measured)
        card = (student.folder / "README.md").read_text(encoding="utf-8")
        head = next(line for line in card.splitlines() if line.startswith("| suite"))
        columns[student.student] = head.split(" | problems | ")[1].removesuffix(" |")
    qwen, llama = "base embedded:base-qwen2", "base embedded:base-llama"
    teacher = "teacher embedded:teacher"
    assert columns == {
        "tiny-qwen2": f"student tiny-qwen2 | control tiny-control | {qwen} | {teacher}",
        "tiny-llama": f"student tiny-llama | {llama} | {teacher}",
        "tiny-control": f"student tiny-qwen2 | control tiny-control | {qwen} | {teacher}",
    }
