"""factory.plan.run_plan and `retort plan`: what a run would do, and what is missing for it."""

from __future__ import annotations

import gzip
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory.plan.models import assumed_tokens_per_s, gpus_for, size_of, train_tokens_per_s
from factory.plan.problems import count_rows
from factory.plan.run_plan import plan_of
from factory.plan.text import plan_text
from factory.recipe_file import load_machine, load_recipe
from retort.command import main
from schemas.machine import Machine
from schemas.recipe import Recipe

BASE = """
name = "planned"
[collect]
[[collect.sources]]
name = "sums"
kind = "procedural"
family = "arithmetic"
split = "train"
count = 1000
[[collect.sources]]
name = "talk"
kind = "procedural"
family = "chat"
split = "train"
count = 200
[generate]
max_rounds = 3
round_sizes = [2, 4]
accepted_wanted = 2
give_up_after = 8
expected_tokens = 100
[generate.teacher]
engine = "vllm"
model = "someone/Model-8B"
revision = "ffffffffffffffffffffffffffffffffffffffff"
max_model_len = 4096
[generate.sampling]
max_tokens = 1000
[shard]
name = "planned"
version = "1.0.0"
"""


def _recipe(more: str = "", **generate: Any) -> Recipe:
    content = tomllib.loads(BASE + more)
    content["generate"] |= generate
    return Recipe.model_validate(content)


def test_without_quotas_the_first_round_asks_every_problem() -> None:
    plan = plan_of(_recipe(), Machine())
    math, general = plan.domains
    assert (math.problems, math.first_round, math.round_sizes) == (1000, 2000, [2, 4, 4])
    assert (math.expected, math.most) == (4000, 10_000)  # 2 wanted of 1,000, half are correct
    assert (general.first_round, general.most) == (400, 2000)
    assert plan.first_round == 2400
    assert plan.most_candidates == 12_000
    assert plan.most_tokens == 12_000 * 1000
    assert plan.expected_tokens == (4000 + 800) * 100
    assert plan.tokens_per_candidate_is == "generate.expected_tokens"


def test_one_round_draws_no_more_than_the_round() -> None:
    plan = plan_of(_recipe(max_rounds=1), Machine())
    assert plan.expected_candidates == plan.first_round == plan.most_candidates == 2400


def test_without_expected_tokens_a_completion_counts_as_long_as_it_may_be() -> None:
    plan = plan_of(_recipe(expected_tokens=None), Machine())
    assert (plan.tokens_per_candidate, plan.tokens_per_candidate_is) == (1000, "max_tokens")


def test_a_quota_opens_only_as_many_problems_as_could_fill_it() -> None:
    math = plan_of(_recipe(quota={"math": 300}), Machine()).domains[0]
    assert (math.first_round, math.expected, math.most) == (300, 600, 10_000)
    assert math.quota == {"math": 300}


def test_a_domain_has_its_own_rounds_and_budget() -> None:
    own = {"math": {"round_sizes": [1], "accepted_wanted": 1, "budget_tokens": 50_000}}
    plan = plan_of(_recipe(domains=own), Machine())
    math = plan.domains[0]
    assert (math.first_round, math.accepted_wanted, math.expected) == (1000, 1, 500)
    assert plan.most_tokens == 50_000 + 2000 * 1000


def test_a_budget_cuts_what_is_expected_and_what_is_most() -> None:
    plan = plan_of(_recipe(budget_tokens=48_000), Machine())
    assert plan.expected_candidates == 480
    assert plan.most_tokens == plan.expected_tokens == 48_000


def test_another_accept_rate_and_another_speed_change_the_sum() -> None:
    plan = plan_of(_recipe(), Machine(), tokens_per_s=100.0, accept_rate=1.0)
    assert plan.expected_candidates == 2400
    assert plan.asked[0].gpu_hours == pytest.approx(2400 * 100 / 100 / 3600)
    assert plan.asked[0].speed_is == "given"


def test_two_teachers_share_the_candidates_by_who_answers_what() -> None:
    rest = {
        "teacher": {"engine": "openai", "model": "m", "revision": "1"},
        "sampling": {"max_tokens": 50},
    }
    machine = Machine.model_validate(
        {"gpu_price": 2.0, "rest": {"teacher": {"completion_price": 4.0, "prompt_price": 2.0}}}
    )
    plan = plan_of(_recipe(rest=rest), machine)
    teacher, other = plan.asked
    assert (teacher.candidates, other.candidates) == (4000, 800)
    assert teacher.cost == pytest.approx(2.0 * 4000 * 100 / 4000 / 3600)
    assert other.tokens == 800 * 50  # it may write no more
    assert other.cost == pytest.approx((800 * 50 * 4.0 + 800 * 250 * 2.0) / 1e6)
    assert other.gpu_hours is None
    assert plan.cost == pytest.approx((teacher.cost or 0) + (other.cost or 0))


JUDGED = """
[[collect.sources]]
name = "essays"
kind = "hub"
dataset = "someone/essays"
revision = "ffffffffffffffffffffffffffffffffffffffff"
license = "MIT"
domain = "general"
grader = "judge"
columns = { gold = "" }
limit = 600
[[collect.sources]]
name = "given"
kind = "sft"
dataset = "someone/chats"
revision = "ffffffffffffffffffffffffffffffffffffffff"
license = "MIT"
grader = "judge"
limit = 50
"""


def test_a_judge_is_asked_about_its_problems_alone_and_is_part_of_the_cost() -> None:
    machine = Machine.model_validate(
        {"gpu_price": 2.0, "judge": {"completion_price": 10.0, "prompt_price": 1.0}}
    )
    plan = plan_of(_recipe(JUDGED), machine)
    teacher, judge = plan.asked
    general = plan.domains[1]
    assert (general.expected, general.judged_share) == (3200, 600 / 800)
    assert (judge.role, judge.candidates) == ("judge", 3200 * 3 // 4 + 50)
    assert judge.cost == pytest.approx(2450 * (1000 * 1.0 + 60 * 10.0) / 1e6)
    assert plan.cost == pytest.approx((teacher.cost or 0) + (judge.cost or 0))
    assert plan.expected_tokens == teacher.tokens
    assert plan.disk_bytes == plan_of(_recipe(JUDGED), Machine()).disk_bytes
    assert [one.role for one in plan_of(_recipe(), machine).asked] == ["teacher"]
    without = plan_of(_recipe(JUDGED), Machine.model_validate({"gpu_price": 2.0}))
    assert without.cost is None
    assert "cost in all: unknown" in plan_text(without)


def test_the_quota_of_a_domain_holds_for_what_is_passed_through_too() -> None:
    recipe = _recipe(JUDGED + "[select]\nquota = { general = 30 }")
    assert plan_of(recipe, Machine()).samples == 2000 + 30


def test_what_is_imported_is_unknown_also_beside_conversations_passed_through() -> None:
    teacher = {
        "engine": "import",
        "model": "m",
        "files": [{"source": "sums", "path": "x.jsonl", "problem_id": ""}],
    }
    plan = plan_of(_recipe(JUDGED, teacher=teacher, max_rounds=1), Machine())
    assert plan.samples is None
    assert [(one.role, one.candidates) for one in plan.asked] == [("judge", None)]


def test_prices_that_are_not_given_are_no_cost_of_zero() -> None:
    assert plan_of(_recipe(), Machine()).cost is None


SOURCES = """
[[collect.sources]]
name = "unlimited"
kind = "hub"
dataset = "someone/data"
revision = ""
license = "MIT"
domain = "math"
grader = "math"
"""


def test_a_source_of_the_hub_without_a_limit_is_unknown_and_so_is_what_hangs_on_it() -> None:
    plan = plan_of(_recipe(SOURCES), Machine())
    assert plan.sources[-1].problems is None
    assert plan.domains[0].most is plan.expected_candidates is plan.samples is None
    assert any("unlimited" in why for why in plan.unknown)
    text = plan_text(plan)
    assert "unknown until downloaded" in text
    known = plan_of(_recipe(SOURCES + "limit = 50\n"), Machine())
    assert known.domains[0].problems == 1050


def test_a_quota_bounds_what_is_expected_of_unknown_sources() -> None:
    math = plan_of(_recipe(SOURCES, quota={"math": 100}), Machine()).domains[0]
    assert (math.first_round, math.expected, math.most) == (100, 200, None)


def test_rows_of_local_files_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n\n{"a": 2}', encoding="utf-8")
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write('{"a": 1}\n' * 3)
    pq.write_table(pa.table({"a": [1, 2, 3, 4]}), tmp_path / "c.parquet")
    assert count_rows(tmp_path / "a.jsonl") == 2
    assert count_rows(tmp_path) == 9


def test_a_local_file_is_counted_up_to_its_limit() -> None:
    plan = plan_of(load_recipe("recipes/import-tiny.toml"), Machine())
    assert plan.imported
    assert plan.sources[0].known_by == "rows of the file"
    assert plan.asked == [] or all(one.role.startswith("validate") for one in plan.asked)


TRAIN = """
[train]
max_length_tokens = 80
[[train.students]]
name = "small"
base = "someone/Base-1.5B"
revision = "ffffffffffffffffffffffffffffffffffffffff"
lr = 1e-4
epochs = 2
[validate]
k = 4
[[validate.suites]]
name = "held"
[[validate.suites.sources]]
name = "held"
kind = "procedural"
family = "arithmetic"
split = "heldout"
count = 10
"""


def test_students_learn_from_the_samples_that_are_expected() -> None:
    plan = plan_of(_recipe(TRAIN), Machine())
    assert plan.samples == 2000 + 400
    (taught,) = plan.taught
    assert taught.tokens == 2400 * 80 * 2  # longer documents are dropped
    assert taught.gpu_hours == pytest.approx(2400 * 160 / (989e12 * 0.4 / (6 * 1.5e9)) / 3600)
    measured = [one for one in plan.asked if one.role.startswith("validate")]
    assert [(one.role, one.candidates) for one in measured] == [
        ("validate small", 40),
        ("validate teacher", 40),
    ]
    assert set(plan.disk_bytes) == {"candidates", "dataset", "weights of models", "students"}


def test_sizes_are_read_from_names_and_unknown_ones_stay_unknown() -> None:
    assert size_of("embedded:teacher") is None
    assert assumed_tokens_per_s("gpt2") is None
    experts = size_of("Qwen/Qwen3-30B-A3B")
    assert experts is not None
    assert (experts.parameters, experts.active) == (30e9, 3e9)
    whole = size_of("deepseek-ai/DeepSeek-R1")
    assert whole is not None
    assert (whole.parameters, whole.active) == (671e9, 37e9)
    distilled = size_of("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B")
    assert distilled is not None
    assert distilled.parameters == 32e9
    assert [gpus_for(f"a/b-{size}") for size in ("8B", "32B", "70B")] == [1, 2, 4]
    plain = train_tokens_per_s("a/b-8B", recomputes=False)
    again = train_tokens_per_s("a/b-8B", recomputes=True)
    assert plain is not None
    assert again == pytest.approx(plain * 6 / 8)


# -------------------------------------------------------------------------------------- the command


def _planned(tmp_path: Path, text: str, *arguments: str) -> list[str]:
    path = tmp_path / "planned.toml"
    path.write_text(text, encoding="utf-8")
    return ["plan", str(path), *arguments]


def test_a_recipe_of_local_parts_could_run_here(capsys: pytest.CaptureFixture[str]) -> None:
    left = main(["plan", "recipes/import-tiny.toml", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert left == (1 if any(one["state"] == "missing" for one in told["lacks"]) else 0)
    assert "retort pin" not in str(told["lacks"])


def test_what_is_missing_is_said_with_its_remedy_and_the_status_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    text = BASE.replace('engine = "vllm"', 'engine = "openai"').replace("max_model_len = 4096", "")
    judged = SOURCES.replace('grader = "math"', 'grader = "judge"')
    local = SOURCES.replace("unlimited", "absent").replace("someone/data", "./recipes/nowhere")
    assert main(_planned(tmp_path, text + judged + local)) == 1
    out = capsys.readouterr().out
    assert "missing  revisions of 1: dataset someone/data -> retort pin RECIPE" in out
    assert "source absent: expected a file or folder" in out
    assert "missing  addresses of the teacher -> add base_urls" in out
    assert "missing  addresses of the judge" in out
    assert "missing  the name of the judge -> set grade.judge.model" in out

    machine = tmp_path / "machine.toml"
    machine.write_text(
        '[teacher]\nbase_urls = ["https://models.example.org/v1"]\napi_key_env = "SOME_KEY"\n',
        encoding="utf-8",
    )
    assert main(_planned(tmp_path, text, "--machine", str(machine))) == 0
    assert "perhaps  a key for the teacher: SOME_KEY is not set" in capsys.readouterr().out
    monkeypatch.setenv("SOME_KEY", "secret-key")
    assert main(_planned(tmp_path, text, "--machine", str(machine))) == 0
    out = capsys.readouterr().out
    assert "nothing is missing on this machine" in out
    assert "secret-key" not in out


def test_weights_that_no_gpu_here_could_hold_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = BASE.replace("Model-8B", "Model-900000B")
    assert main(_planned(tmp_path, text)) == 1
    assert "GPU memory for someone/Model-900000B: its weights are" in capsys.readouterr().out


def test_a_file_of_labels_that_is_not_there_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_planned(tmp_path, f'{BASE}[grade.judge]\nlabels = "./recipes/none.jsonl"')) == 1
    assert "missing  grade.judge.labels: expected a file" in capsys.readouterr().out


def test_a_student_whose_training_no_gpu_here_could_hold_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 81559\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert main(_planned(tmp_path, BASE + TRAIN.replace("1.5B", "32B"))) == 1
    out = capsys.readouterr().out
    assert "missing  GPU memory to train someone/Base-32B: about 512 GB over all GPUs" in out
    assert "found 1 GPUs with 86 GB" in out
    main(_planned(tmp_path, BASE + TRAIN))
    assert "GPU memory to train" not in capsys.readouterr().out


def test_the_plan_for_programs_has_what_the_text_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(_planned(tmp_path, BASE, "--json", "--tokens-per-s", "100", "--accept-rate", "1"))
    told = json.loads(capsys.readouterr().out)
    assert (told["recipe"], told["expected_candidates"], told["accept_rate"]) == (
        "planned",
        2400,
        1.0,
    )
    main(_planned(tmp_path, BASE, "--tokens-per-s", "100", "--accept-rate", "1"))
    out = capsys.readouterr().out
    assert "expected        2,400" in out
    assert "100 tokens/s per GPU" in out
    assert "assumed, not measured" in out


@pytest.mark.parametrize("option", [["--tokens-per-s", "0"], ["--accept-rate", "1.5"]])
def test_a_speed_or_share_that_cannot_be_is_refused(option: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["plan", "recipes/tiny.toml", *option])
    assert left.value.code == 2


@pytest.mark.parametrize("path", ["r1-distill", "sky-t1", "single-gpu", "data-only"])
def test_every_recipe_of_the_hub_can_be_planned_to_the_last_figure(path: str) -> None:
    plan = plan_of(
        load_recipe(f"recipes/{path}.toml"), load_machine("recipes/machines/endpoints.toml")
    )
    assert plan.unknown == []
    assert plan.samples
    assert plan.expected_tokens
