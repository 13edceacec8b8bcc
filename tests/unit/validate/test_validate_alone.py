"""retort validate: stored responses and endpoints scored alone; what is wrong is told first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from factory.errors import RecipeError
from factory.parts import read_manifest, read_parts
from factory.recipe_file import load_recipe, load_validate_recipe
from factory.run_record import read_scores
from factory.validate.alone import alone
from factory.validate.chosen import Wishes, chosen
from factory.validate.context import lengths
from factory.validate.given_model import given_model
from pipelines.students import CollectSuite
from retort.command import main
from schemas.arrow import CANDIDATE
from schemas.machine import Machine, Paths
from schemas.validate_settings import BudgetForcing
from tests.unit.generate.loopback_server import LoopbackServer
from tests.unit.validate.rating_server import RatingServer, in_form

GOLDS = ["18", "3", "70000", "540"]
THOUGHT = "<think>\nIt is {0}.\n</think>\n\n\\boxed{{{0}}}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four problems in GSM8K's form, and a machine file that keeps all below the folder."""
    rows = [
        {"question": f"Which number is the {at}th?", "answer": f"It is.\n#### {gold}"}
        for at, gold in enumerate(GOLDS)
    ]
    jsonl(tmp_path / "four.jsonl", *rows)
    (tmp_path / "machine.toml").write_text(f'[paths]\nartifacts = "{tmp_path / "artifacts"}"\n')
    return tmp_path


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def command(data: Path, *more: str) -> list[str]:
    return [
        *("validate", "--suite", "gsm8k", "--data", f"gsm8k={data / 'four.jsonl'}"),
        *("--machine", str(data / "machine.toml"), *more),
    ]


def stored(data: Path, *rows: dict[str, Any]) -> list[str]:
    return command(data, "--responses", str(jsonl(data / "answers.jsonl", *rows)))


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the command prints for programs."""
    assert main([*arguments, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def value(found: dict[str, Any], metric: str = "pass@1") -> float:
    (score,) = (
        one for one in found["scores"] if (one["suite"], one["metric"]) == ("gsm8k", metric)
    )
    return score["value"]


def test_stored_responses_are_read_as_the_mathematics_grader_reads_them(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["So 18.\n#### 18", "The answer is 3.", THOUGHT.format("70000"), "The answer is 18."]
    arguments = stored(data, *({"problem_id": at, "response": one} for at, one in enumerate(texts)))
    found = said([*arguments, "--model", "somebody"], capsys)
    assert value(found) == 0.75
    assert {one["metric"] for one in found["scores"]} == {"pass@1"}
    figures = found["suites"]["gsm8k"]
    assert figures["statuses"] == {"correct": 3, "incorrect": 1}
    assert (figures["without_think"], figures["failed"], figures["tokens"]) == (3, 0, None)
    assert found["settings"]["model"]["name"] == found["scores"][0]["model"] == "somebody"
    assert found["settings"]["engines"] == ["import"]
    assert found["scores"][0]["temperature"] is None

    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "gsm8k  pass@1  75.0%" in text
    assert f"folder    {data / 'artifacts' / 'validate'}" in text
    assert "answers-" in text


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("index", [0, 1, 2, 3]),
        ("problem_id", [0, 1, 2, 3]),
        ("problem_id", ["0", "1", "2", "3"]),
        ("problem_id", ["gsm8k/0", "gsm8k/1", "gsm8k/2", "gsm8k/3"]),
        ("problem_id", ["gsm8k/gsm8k/0", "1", "gsm8k/2", "gsm8k/gsm8k/3"]),
    ],
)
def test_rows_may_name_problems_by_id_with_or_without_the_suite_or_by_index(
    column: str, names: list[Any], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {column: name, "responses": [f"#### {gold}", "#### 1"]}
        for name, gold in zip(names, GOLDS, strict=True)
    ]
    found = said(stored(data, *rows[::-1]), capsys)
    assert (value(found), value(found, "pass@2"), found["scores"][0]["k"]) == (0.5, 1.0, 2)


def test_an_index_counts_rows_that_the_suite_left_out(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [json.loads(line) for line in (data / "four.jsonl").read_text().splitlines()]
    jsonl(data / "four.jsonl", rows[0], rows[0], *rows[1:])  # the second is a duplicate
    golds = [GOLDS[0], *GOLDS]
    answers = [{"index": at, "response": f"#### {gold}"} for at, gold in enumerate(golds)]
    found = said(stored(data, *answers), capsys)
    assert value(found) == 1.0
    assert found["suites"]["gsm8k"]["problems"] == 4
    assert [one for one in found["notes"] if one.startswith("1 responses to problems that are not")]


def test_missing_responses_are_wrong_and_told(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"problem_id": 0, "responses": ["#### 18", "#### 18", "#### 18"]},
        {"problem_id": 1, "responses": ["#### 3"]},
        {"problem_id": 3, "responses": []},
    ]
    found = said(stored(data, *rows), capsys)
    assert value(found) == pytest.approx((1 + 1 / 3) / 4)
    assert found["suites"]["gsm8k"]["failed"] == 8
    (note,) = found["notes"]
    assert note.startswith("8 of 12 responses are missing; 2 problems have none")
    manifest = read_manifest(Path(found["folder"]))
    assert (manifest.ledger.rows_in, manifest.ledger.drops) == (12, {"failed": 8})

    assert main([*stored(data, *rows), "--k", "2"]) == 1
    assert "expected at most 2 responses to each problem, found 3" in capsys.readouterr().err
    assert said([*stored(data, *rows), "--k", "4"], capsys)["suites"]["gsm8k"]["failed"] == 12


def test_how_they_ended_is_taken_from_the_rows(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"problem_id": at, "response": f"<think>\n{gold}", "finish_reason": "length"}
        for at, gold in enumerate(GOLDS)
    ]
    figures = said(stored(data, *rows), capsys)["suites"]["gsm8k"]
    assert figures["statuses"] == {"truncated": 4}
    assert (figures["truncated"], figures["unclosed_think"]) == (4, 4)


def test_how_they_ended_is_never_passed_over(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[dict[str, Any]] = [
        {"problem_id": 0, "response": GOLDS[0]},
        {"problem_id": 1, "response": GOLDS[1], "finish_reason": "length"},
    ]
    assert main(stored(data, *rows)) == 1
    assert "row 1: expected a column `finish_reason`, found" in capsys.readouterr().err


def test_a_rater_that_cannot_be_asked_is_told_before_any_work(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best_of = '[validate.best_of]\nby = "judge"\nmodel = "marker"\nrevision = "1"\n'
    (data / "own.toml").write_text(f"{OWN}\n{best_of}")
    jsonl(data / "answers.jsonl", {"problem_id": "x", "responses": ["1", "2"]})
    assert (
        main(
            [
                *("validate", "--recipe", str(data / "own.toml")),
                *("--machine", str(data / "machine.toml")),
                *("--responses", str(data / "answers.jsonl")),
            ]
        )
        == 1
    )
    assert "expected addresses in judge.base_urls" in capsys.readouterr().err
    assert not (data / "artifacts").exists()


def test_stored_responses_are_rated_and_it_is_told_by_whom(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best_of = '[validate.best_of]\nby = "judge"\nmodel = "rater"\nrevision = "1"\n'
    (data / "own.toml").write_text(f"{OWN}\n{best_of}")
    jsonl(data / "answers.jsonl", {"index": 0, "responses": ["1", "2"]})
    with RatingServer(lambda answer, times: in_form(5) if answer == "1" else "none") as server:
        machine = (data / "machine.toml").read_text()
        (data / "machine.toml").write_text(
            f'{machine}\n[judge]\nbase_urls = ["{server.base_url}"]\n'
        )
        arguments = [
            *("validate", "--recipe", str(data / "own.toml")),
            *("--machine", str(data / "machine.toml")),
            *("--responses", str(data / "answers.jsonl")),
        ]
        found = said(arguments, capsys)
    assert found["settings"]["validate"] == {
        "k": 2,
        "best_of": {"by": "judge", "model": "rater", "revision": "1", "n": [], "max_tokens": 1024},
    }
    assert "1 of 2 answers have no mark that can be read" in found["notes"][-1]
    assert "best@2" in {one["metric"] for one in found["scores"]}


def test_of_a_limited_suite_the_other_responses_are_left_out_and_told(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"problem_id": at, "response": f"#### {one}"} for at, one in enumerate(GOLDS)]
    found = said([*stored(data, *rows), "--limit", "3", "--seed", "4"], capsys)
    assert (value(found), found["suites"]["gsm8k"]["problems"]) == (1.0, 3)
    notes = " ".join(found["notes"])
    assert "at most 3 problems, drawn by seed; its score is not the suite's" in notes
    assert "1 responses to problems that are not asked" in notes


def test_run_again_it_does_nothing_and_another_file_is_another_validation(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = said(stored(data, {"problem_id": 0, "response": "18"}), capsys)
    files = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    again = said(stored(data, {"problem_id": 0, "response": "18"}), capsys)
    assert first == again
    files.pop(data / "answers.jsonl")
    assert all(path.stat().st_mtime_ns == time for path, time in files.items())
    other = said(stored(data, {"problem_id": 0, "response": "3"}), capsys)
    assert other["key"] != first["key"]
    arguments = stored(data, {"problem_id": 0, "response": "3"})
    assert main([*arguments, "--out", first["folder"]]) == 1
    assert "give another folder to --out" in capsys.readouterr().err


def test_the_place_of_data_and_responses_is_in_no_key(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = said(stored(data, {"problem_id": 0, "response": "18"}), capsys)
    (tmp_path / "elsewhere").mkdir()
    moved = (data / "four.jsonl").rename(tmp_path / "elsewhere" / "test.jsonl")
    arguments = stored(data, {"problem_id": 0, "response": "18"})
    arguments[arguments.index("--data") + 1] = f"gsm8k={moved}"
    assert said(arguments, capsys)["key"] == first["key"]
    assert str(tmp_path) not in json.dumps(first["settings"])


def test_stored_responses_need_neither_vllm_nor_torch(data: Path) -> None:
    arguments = stored(data, {"problem_id": 0, "response": "18"})
    program = (
        "import sys\nfrom retort.command import main\nassert main(sys.argv[1:]) == 0\n"
        "print(sorted({'torch', 'vllm', 'transformers', 'deepspeed'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_model_behind_an_endpoint_is_asked_and_begins_as_it_likes(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_TEST_KEY", "secret")
    with LoopbackServer(key="secret") as server:
        arguments = [*command(data, "--k", "3", "--limit", "2"), "--endpoint", server.base_url]
        arguments.insert(1, "tiny")
        assert main(arguments) == 1
        assert "401" in capsys.readouterr().err
        found = said([*arguments, "--api-key-env", "RETORT_TEST_KEY"], capsys)
        assert main([*arguments, "--think"]) == 1
        assert "cannot be made to begin with <think>" in capsys.readouterr().err
        asked = server.bodies[-1]
    assert (asked["temperature"], asked["top_p"], asked["max_tokens"]) == (0.6, 0.95, 32768)
    assert any("say --revision WORD where another is served" in one for one in found["notes"])
    assert [one["role"] for one in asked["messages"]] == ["user"]
    assert asked["messages"][0]["content"].endswith("\\boxed{}.")
    assert found["suites"]["gsm8k"]["candidates"] == 6
    model = found["settings"]["model"]
    assert model == {"name": "tiny", "revision": "unknown", "asked_by": "openai"}
    text = read_parts(Path(found["folder"]) / "candidates", "candidates", CANDIDATE)["text"]
    assert text[0].as_py().startswith("<think>\nso be it\n</think>")


OWN = """
name = "own"
[validate]
k = 2
max_model_len = 512
[validate.sampling]
temperature = 1.0
max_tokens = 300
[[validate.suites]]
name = "sums"
metric_k = [1, 2]
[[validate.suites.sources]]
name = "sums"
kind = "procedural"
family = "arithmetic"
split = "heldout"
count = 3
[grade.number]
relative = 0.5
"""


def test_a_file_with_validate_and_grade_alone_is_a_recipe(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "own.toml").write_text(OWN)
    jsonl(data / "answers.jsonl", {"problem_id": "heldout-0-0", "responses": ["1", "2"]})
    arguments = [
        *("validate", "--recipe", str(data / "own.toml"), "--machine", str(data / "machine.toml")),
        *("--responses", str(data / "answers.jsonl")),
    ]
    assert main([*arguments, "--suite", "gsm8k"]) == 1
    assert "--suite gsm8k: expected one of recipe own (sums)" in capsys.readouterr().err
    assert main(arguments) == 1  # the message shows how problems are called
    called = capsys.readouterr().err.partition("such as 'sums/")[2].partition("'")[0]
    jsonl(data / "answers.jsonl", {"problem_id": called, "responses": ["1", "2"]})
    found = said(arguments, capsys)
    assert {one["metric"] for one in found["scores"]} == {"pass@1", "pass@2", "maj@2"}
    assert found["settings"]["grade"]["number"]["relative"] == 0.5


def test_stored_responses_are_not_forced_to_think_and_that_is_said() -> None:
    recipe = load_validate_recipe("recipes/tiny.toml")
    budget = BudgetForcing(max_thinking_tokens=8)
    forced = recipe.validation.model_copy(update={"budget": budget})
    recipe = recipe.model_copy(update={"validation": forced})
    stored = chosen([], Wishes(), recipe, None, forced=True)
    assert stored.validate.budget is None
    assert any("[validate.budget] forces nothing" in note for note in stored.notes)
    served = chosen(
        [], Wishes(), recipe, lengths("m", 4096, max_tokens=64, max_model_len=512), forced=True
    )
    assert served.validate.budget == budget
    assert not any("forces nothing" in note for note in served.notes)


def test_without_a_recipe_the_settings_are_those_of_the_report() -> None:
    found = chosen(["gsm8k", "aime-2024"], Wishes(k=64), None, None, forced=True).validate
    sampling = found.sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.6, 0.95, 32768)
    assert (found.prompt.system, found.prompt.think_prefix) == ("", "<think>\n")
    assert [found.k_of(suite) for suite in found.suites] == [64, 64]
    assert found.suites[1].metric_k == [1, 64]


@pytest.mark.parametrize(
    ("context", "max_tokens", "max_model_len", "expected", "noted"),
    [
        (131072, None, None, (32768, 34816), False),
        (131072, 1000, None, (1000, 3048), False),
        (131072, None, 40000, (32768, 40000), False),
        (32768, None, None, (32768, 32768), True),
        (1024, None, None, (1024, 1024), True),
        (1024, 1000, None, (1000, 1024), False),
        (None, None, 2048, (2048, 2048), True),
    ],
)
def test_lengths_fit_into_the_context_and_a_shorter_one_is_told(
    context: int | None,
    max_tokens: int | None,
    max_model_len: int | None,
    expected: tuple[int, int],
    noted: bool,
) -> None:
    found = lengths("m", context, max_tokens=max_tokens, max_model_len=max_model_len)
    assert (found.max_tokens, found.max_model_len) == expected
    assert bool(found.notes) is noted


@pytest.mark.parametrize(
    ("context", "max_tokens", "max_model_len", "message"),
    [
        (None, 100, None, "say with --max-model-len"),
        (1024, 2000, None, "--max-tokens .* expected at most the 1,024 tokens"),
        (1024, None, 2048, "--max-model-len .* expected at most the 1,024"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(
    context: int | None, max_tokens: int | None, max_model_len: int | None, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        lengths("m", context, max_tokens=max_tokens, max_model_len=max_model_len)


def test_the_problems_of_a_recipes_suite_are_those_of_its_run(tmp_path: Path) -> None:
    machine = Machine(paths=Paths(artifacts=str(tmp_path)))
    measured = chosen([], Wishes(), load_validate_recipe("recipes/tiny.toml"), None, forced=True)
    model = given_model("embedded:base-qwen2", "", "")
    found = alone(measured, model, model.name, machine, out=None)
    recipe = load_recipe("recipes/tiny.toml")
    stages = [
        CollectSuite(recipe=recipe, machine=machine, suite=one.suite.name) for one in found.suites
    ]
    assert [one.folder for one in found.suites] == [stage.out_dir for stage in stages]


def test_a_students_folder_is_called_as_the_student(tmp_path: Path) -> None:
    folder = tmp_path / "demo-abc" / "model"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert given_model(str(folder), "", "").name == "demo-abc"
    assert given_model(str(folder), "", "mine").name == "mine"
    assert given_model("embedded:base-qwen2", "", "mine").identity.startswith("mine@")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["embedded:teacher", "--suite", "gsm9k"], "--suite gsm9k: expected one that Retort knows"),
        (["embedded:teacher", "--suite", "math-500"], "--data math-500=PATH, or COMMIT"),
        (["embedded:nobody"], "model embedded:nobody: expected one of"),
        (["some/model"], "with --revision COMMIT, found no such folder"),
        (["./nothing"], "expected `embedded:NAME`, a folder in Hugging Face layout"),
        (["embedded:teacher", "--max-tokens", "99999"], "--max-tokens (or max_tokens"),
        (["embedded:teacher", "--data", "math=x"], "--data: expected suites that are measured"),
        (["embedded:teacher", "--data", "gsm8k=/nothing"], "--data gsm8k=/nothing: expected a"),
        (["embedded:teacher", "--api-key-env", "KEY"], "expected --endpoint URL with it"),
        (["tiny", "--endpoint", "nowhere"], "--endpoint: wrong address"),
        (["tiny", "--endpoint", "http://127.0.0.1:1/v1"], "start it or correct --endpoint"),
        (["tiny", "--endpoint", "http://127.0.0.1:1/v1", "--dtype", "auto"], "--dtype: expected"),
        ([], "expected MODEL or --responses FILE"),
        (["--responses", "nothing.jsonl"], "--responses nothing.jsonl: expected a file"),
        (["embedded:teacher", "--responses", "x.jsonl"], "expected no MODEL and no --endpoint"),
        (["--responses", "x.jsonl", "--suite", "math"], "expected the one suite that they answer"),
        (["--responses", "x.jsonl", "--top-p", "0.5"], "--top-p: expected a model to be asked"),
        (["m", "--recipe", "recipes/data-only.toml"], "expected [validate] with suites"),
    ],
)
def test_what_is_wrong_is_told_before_any_work(
    more: list[str], message: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *rest = command(data)
    has_model = bool(more) and not more[0].startswith("--")
    model, more = (more[:1], more[1:]) if has_model else ([], more)
    assert main([first, *model, *rest, *more]) == 1
    assert message in capsys.readouterr().err
    assert not (data / "artifacts").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"problem_id": 9, "response": "x"}, "such as 'gsm8k/0', found '9'"),
        ({"question": 9, "response": "x"}, "expected a column problem_id or index"),
        ({"problem_id": 0, "text": "x"}, "expected a column responses or response"),
        (
            {"problem_id": 0, "response": "x", "finish_reason": "tired"},
            "expected ['stop', 'length'",
        ),
        ({"problem_id": 0, "responses": []}, "expected responses, found none"),
    ],
)
def test_responses_that_cannot_be_read_are_told_with_their_place(
    row: dict[str, Any], message: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(stored(data, row)) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "answers.jsonl" in error


@pytest.mark.parametrize(
    "more",
    [
        ["--k", "0"],
        ["--limit", "no"],
        ["--data", "gsm8k"],
        ["--temperature", "3"],
        ["--seed", "-1"],
    ],
)
def test_numbers_that_cannot_be_are_refused(
    more: list[str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command(data), *more])
    assert left.value.code == 2
    assert more[0] in capsys.readouterr().err


def test_the_list_says_where_the_data_of_each_suite_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "test.jsonl").touch()
    assert main(["validate", "--list", "--json"]) == 0
    rows = {one["suite"]: one for one in json.loads(capsys.readouterr().out)}
    assert [rows[name]["there"] for name in ("gsm8k", "humaneval", "math-500")] == [
        *(True, False, None)
    ]
    assert rows["gsm8k"]["license"] == "MIT"
    assert main(["validate", "--list"]) == 0
    assert "HuggingFaceH4/MATH-500" in capsys.readouterr().out


def test_scores_of_a_finished_validation_are_those_that_are_printed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = said(stored(data, {"problem_id": 0, "response": "18"}), capsys)
    scores = read_scores(Path(found["folder"]))
    assert [one.model_dump(mode="json") for one in scores] == found["scores"]
    assert {one.role for one in scores} == {"model"}
