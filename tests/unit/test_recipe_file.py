"""factory.recipe_file and factory.models: wrong recipes are clear errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.errors import RecipeError
from factory.models import resolve_model, tokenizer_folder
from factory.recipe_file import ROOT, existing, load_machine, load_recipe, resolve

TINY = (ROOT / "recipes" / "tiny.toml").read_text(encoding="utf-8")


def load(tmp_path: Path, content: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(content, encoding="utf-8")
    load_recipe(str(file))


def test_the_tiny_recipe_loads(tmp_path: Path) -> None:
    load(tmp_path, TINY)


@pytest.mark.parametrize(
    ("wrong", "instead", "message"),
    [
        ("per_problem = 2", "per_problm = 2", r"select\.per_problm: unknown key"),
        (
            "per_problem = 2",
            "min_pass_rate = 0.9\nmax_pass_rate = 0.1",
            r"select: .*at most `max_pass_rate`, found 0\.9 and 0\.1",
        ),
        ("per_problem = 2", "min_chars = -1", r"select\.min_chars: "),
        ("per_problem = 2", 'per_problem = "two"', r"select\.per_problem: .*valid integer"),
        (
            "per_problem = 2",
            "per_problem = 0",
            r"select\.per_problem: .*than or equal to 1",
        ),
        ('name = "tiny"', "", r"name: missing"),
        ('engine = "vllm"', 'engine = "magic"', r"generate\.teacher: .*magic"),
        ('version = "1.0.0"', 'version = "one"', r"shard\.version"),
        ("metric_k = [1, 2]", "metric_k = [1, 64]", r"metric_k exceeds k = 2"),
        ('name = "tiny-llama"', 'name = "tiny-qwen2"', r"names of students must differ"),
        ("seed = 3", "seed = = 3", r"not valid TOML"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong_and_where(
    tmp_path: Path, wrong: str, instead: str, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        load(tmp_path, TINY.replace(wrong, instead, 1))


def test_every_wrong_field_is_named_at_once(tmp_path: Path) -> None:
    content = TINY.replace("per_problem = 2", "per_problm = 2")
    content = content.replace("epochs = 1", 'epochs = "x"', 1)
    with pytest.raises(RecipeError, match="2 wrong fields") as caught:
        load(tmp_path, content)
    assert "per_problm" in str(caught.value)
    assert "epochs" in str(caught.value)


def test_a_recipe_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RecipeError, match=r"no-such\.toml: cannot be read"):
        load_recipe("recipes/no-such.toml")


def test_no_machine_file_means_the_defaults() -> None:
    assert load_machine("").rows_per_part == 4096


@pytest.mark.parametrize("path", ["/etc/passwd", "../elsewhere", "$HOME/x", "a/../../b"])
def test_a_recipe_holds_no_outside_path(path: str) -> None:
    with pytest.raises(RecipeError, match="expected a path below the project's root"):
        resolve(path)


def test_data_is_found_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    assert resolve("${RETORT_DATA}/a/b") == tmp_path / "a" / "b"
    with pytest.raises(RecipeError, match="set RETORT_DATA"):
        existing("${RETORT_DATA}/a", "source a")


def test_a_hub_model_needs_a_revision() -> None:
    with pytest.raises(RecipeError, match="found no such folder and no revision"):
        resolve_model("some/model")
    assert resolve_model("some/model", "abc123").identity == "some/model@abc123"


@pytest.mark.parametrize("path", ["/nowhere/base", "../nowhere/base", "./nowhere/base"])
def test_a_models_path_is_never_taken_for_a_hub_name(path: str) -> None:
    with pytest.raises(RecipeError, match="found"):
        resolve_model(path, "abc123")


def test_an_unknown_embedded_model_names_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="expected one of"):
        resolve_model("embedded:nobody")


def test_a_tokenizer_must_be_a_folder_with_one() -> None:
    with pytest.raises(RecipeError, match=r"tokenizer_config\.json"):
        tokenizer_folder("./schemas")


@pytest.mark.parametrize(
    "urls", ['["localhost:8000/v1"]', '["http://:80/v1"]', '["http://host:many/v1"]', '[""]']
)
def test_an_address_of_a_server_must_be_one(tmp_path: Path, urls: str) -> None:
    file = tmp_path / "machine.toml"
    file.write_text(f"[teacher]\nbase_urls = {urls}\n")
    with pytest.raises(RecipeError, match=r"teacher\.base_urls"):
        load_machine(str(file))


def test_a_slash_at_the_end_of_an_address_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "machine.toml"
    file.write_text('[judge]\nbase_urls = ["http://host:8000/v1/"]\n')
    assert load_machine(str(file)).judge.base_urls == ["http://host:8000/v1"]


@pytest.mark.parametrize(
    ("grader", "kind"), [("majority", "file"), ("given", "sft")], ids=["majority", "given"]
)
def test_a_suite_that_no_student_could_fail_is_refused(
    tmp_path: Path, grader: str, kind: str
) -> None:
    source = (
        f'[[validate.suites]]\nname = "odd"\n[[validate.suites.sources]]\nname = "odd"\n'
        f'kind = "{kind}"\npath = "x.jsonl"\nlicense = "MIT"\ndomain = "math"\n'
        f'grader = "{grader}"\n'
    )
    with pytest.raises(RecipeError, match=f"the grader `{grader}` measures nothing"):
        load(tmp_path, f"{TINY}\n{source}")


def test_a_wrong_machine_file_does_not_show_credentials(tmp_path: Path) -> None:
    file = tmp_path / "machine.toml"
    file.write_text('[teacher]\nbase_urls = "http://me:s3cret@host/v1"\n')
    with pytest.raises(RecipeError, match=r"teacher\.base_urls") as caught:
        load_machine(str(file))
    assert "s3cret" not in str(caught.value)
