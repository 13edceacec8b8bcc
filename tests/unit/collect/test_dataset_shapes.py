"""Datasets in the column shapes that the hub has them in, read from local copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from factory.collect.known_sets import HUMANEVAL_INSTRUCTION
from factory.collect.rows import dataset_rows, read_rows
from factory.collect.sources import read_source, sources_fingerprint
from factory.errors import SourceError
from schemas.problem import GraderName
from schemas.sample import Drop, Message
from tests.unit.collect.local_sets import hub, jsonl_set, parquet_set, problems, sft

MATH_COLUMNS = {"problem_id": "", "gold": "answer", "solution": "solution"}


def openr1_row(number: int, answer: str | None) -> dict[str, Any]:
    return {
        "problem": f"What is {number} + {number}?",
        "solution": f"It is $\\boxed{{{2 * number}}}$.",
        "answer": answer,
        "problem_type": "Algebra",
        "question_type": "math-word-problem",
        "source": "olympiads",
        "uuid": f"00000000-0000-0000-0000-{number:012d}",
        "is_reasoning_complete": [True, False],
        "generations": ["<think>\nAdd.\n</think>\n\n\\boxed{2}", "<think>\nAdd"],
        "correctness_math_verify": [True, False],
        "correctness_llama": None if number else [True, True],
        "finish_reasons": None if number else ["stop", "length"],
        "correctness_count": 1,
        "messages": [
            {"content": f"What is {number} + {number}?", "role": "user"},
            {"content": "<think>\nAdd.\n</think>\n\n\\boxed{2}", "role": "assistant"},
        ],
    }


def test_openr1_math_220k_is_read_by_its_uuid(folder: Path) -> None:
    parquet_set(folder / "openr1", [openr1_row(0, "0"), openr1_row(1, "2")])
    columns = {**MATH_COLUMNS, "problem_id": "uuid", "category": "problem_type"}
    found = problems(hub("openr1", columns=columns))
    assert [(one.gold, one.category, one.reasoning) for one in found] == [
        ("0", "Algebra", True),
        ("2", "Algebra", True),
    ]
    assert found[1].problem_id == "openr1/00000000-0000-0000-0000-000000000001"
    assert found[1].solution == "It is $\\boxed{2}$."


def test_a_statement_may_be_the_last_user_turn_of_messages(folder: Path) -> None:
    parquet_set(folder / "openr1", [openr1_row(3, "6")])
    (found,) = problems(hub("openr1", columns={**MATH_COLUMNS, "statement": "messages"}))
    assert (found.statement, found.history) == ("What is 3 + 3?", [])


def test_deepscaler_has_numbers_of_rows_for_ids(folder: Path) -> None:
    rows = [{"problem": "1 + 1?", "answer": "2", "solution": ""}, {"problem": "2 + 2?"}]
    rows[1] |= {"answer": "4", "solution": "Four."}
    parquet_set(folder / "deepscaler", rows)
    found = problems(hub("deepscaler", columns=MATH_COLUMNS))
    assert [(one.problem_id, one.gold, one.solution) for one in found] == [
        ("deepscaler/0", "2", ""),
        ("deepscaler/1", "4", "Four."),
    ]


def numina_row(problem: str, answer: str, valid: str, kind: str) -> dict[str, Any]:
    return {
        "problem": problem,
        "solution": "…",
        "answer": answer,
        "problem_type": "Number Theory",
        "question_type": kind,
        "problem_is_valid": valid,
        "solution_is_valid": "Yes",
        "source": "aops_forum",
        "synthetic": False,
    }


def test_numinamath_rows_of_other_kinds_leave_with_their_reason(folder: Path) -> None:
    rows = [
        numina_row("1 + 1?", "2", "Yes", "math-word-problem"),
        numina_row("Prove it.", "proof", "Yes", "proof"),
        numina_row("Which?", "B", "Yes", "MCQ"),
        numina_row("Broken", "2", "Incomplete", "math-word-problem"),
        numina_row("2 + 2?", "4", "Yes", "math-word-problem"),
    ]
    parquet_set(folder / "numina", rows)
    where = {"problem_is_valid": ["Yes"], "question_type": ["math-word-problem"]}
    reading = read_source(hub("numina", columns=MATH_COLUMNS, where=where), seed=0)
    assert [one.problem_id for one in reading.problems] == ["numina/0", "numina/4"]
    assert [(one.problem_id, one.reason, one.detail) for one in reading.rejected] == [
        ("numina/1", Drop.OTHER_KIND, "question_type is 'proof'"),
        ("numina/2", Drop.OTHER_KIND, "question_type is 'MCQ'"),
        ("numina/3", Drop.OTHER_KIND, "problem_is_valid is 'Incomplete'"),
    ]


def test_dapo_has_its_prompt_in_turns_and_its_gold_in_a_struct(folder: Path) -> None:
    row = {
        "data_source": "math_dapo",
        "prompt": [{"content": "Solve it. Answer: $Answer\n\n1 + 1?", "role": "user"}],
        "ability": "MATH",
        "reward_model": {"ground_truth": "2", "style": "rule-lighteval/MATH_v2"},
        "extra_info": {"index": "9a9b6eb4-a1cb-49d1-8c1e-62eaf2f74079"},
    }
    parquet_set(folder / "dapo", [row])
    columns = {
        "problem_id": "extra_info.index",
        "statement": "prompt",
        "gold": "reward_model.ground_truth",
        "category": "ability",
    }
    (found,) = problems(hub("dapo", columns=columns))
    assert found.problem_id == "dapo/9a9b6eb4-a1cb-49d1-8c1e-62eaf2f74079"
    assert found.statement.endswith("1 + 1?")
    assert (found.gold, found.category, found.history) == ("2", "MATH", [])


def test_webinstruct_verified_is_split_by_the_type_of_the_answer(folder: Path) -> None:
    rows = [
        {"id": 7, "question": "How far?", "answer": "3.5", "answer_type": "Float"},
        {"id": 8, "question": "Which? A. x B. y", "answer": "B", "answer_type": "Multiple Choice"},
        {"id": 9, "question": "True?", "answer": "No", "answer_type": "Boolean"},
    ]
    rows = [row | {"category": "Physics", "difficulty": "University"} for row in rows]
    parquet_set(folder / "web", rows)
    columns = {"problem_id": "id", "statement": "question", "gold": "answer", "level": "difficulty"}
    columns["category"] = "category"
    for kind, grader, gold in (("Float", "number", "3.5"), ("Multiple Choice", "choice", "B")):
        source = hub("web", domain="stem", grader=grader, columns=columns)
        source = source.model_copy(update={"where": {"answer_type": [kind]}})
        (found,) = problems(source)
        assert (found.gold, found.level, found.category) == (gold, "University", "Physics")


def test_nq_open_and_trivia_qa_have_alternatives(folder: Path) -> None:
    parquet_set(
        folder / "nq",
        [{"question": "who wrote it", "answer": ["Mark Twain", "Twain", "Mark Twain", " "]}],
    )
    answer = {"aliases": ["Sunset Blvd", "Sunset Boulevard"], "value": "Sunset Boulevard"}
    answer |= {"normalized_value": "sunset boulevard", "type": "WikipediaEntity"}
    parquet_set(
        folder / "trivia", [{"question": "Which?", "question_id": "tc_1", "answer": answer}]
    )
    fields: dict[str, Any] = {"domain": "general", "grader": "text", "reasoning": "auto"}
    columns = {"statement": "question", "problem_id": "question_id", "gold": "answer"}
    (nq,) = problems(hub("nq", columns=columns, **fields))
    (trivia,) = problems(hub("trivia", columns=columns | {"gold": "answer.aliases"}, **fields))
    assert (nq.gold, nq.problem_id) == ("Mark Twain ||| Twain", "nq/0")
    assert (trivia.gold, trivia.problem_id) == (
        "Sunset Blvd ||| Sunset Boulevard",
        "trivia/tc_1",
    )
    assert not nq.reasoning and not trivia.reasoning


def test_answers_in_a_list_of_objects_are_gathered(folder: Path) -> None:
    jsonl_set(folder / "squad", [{"q": "Who?", "answers": [{"text": "a"}, {"text": "b"}]}])
    columns = {"statement": "q", "gold": "answers.text"}
    (found,) = problems(hub("squad", domain="general", grader="text", columns=columns))
    assert found.gold == "a ||| b"


def test_a_column_may_stand_inside_the_text_of_a_json(folder: Path) -> None:
    info = json.dumps({"ground_truth": "42"})
    parquet_set(folder / "prime", [{"prompt": "6 * 7?", "verification_info": info}])
    columns = {"statement": "prompt", "gold": "verification_info.ground_truth"}
    assert [one.gold for one in problems(hub("prime", columns=columns))] == ["42"]


def test_apps_and_taco_have_tests_and_solutions_as_json_texts(folder: Path) -> None:
    script = {"inputs": ["1 2\n", ["3", "4"]], "outputs": ["3\n", ["7"]]}
    call = {"fn_name": "add", "inputs": [[1, 2], [3, 4]], "outputs": [[3], [7]]}
    rows = [
        {
            "problem_id": number,
            "question": "Add two numbers.",
            "solutions": json.dumps(["a, b = map(int, input().split())\nprint(a + b)", "…"]),
            "input_output": json.dumps(tests),
            "difficulty": "interview",
            "url": "https://example.org",
            "starter_code": "" if tests is script else "def add(a, b):\n",
        }
        for number, tests in enumerate([script, call])
    ]
    parquet_set(folder / "apps", rows)
    columns = {"statement": "question, starter_code", "gold": "input_output", "tests": "apps"}
    columns |= {"solution": "solutions", "level": "difficulty"}
    first, second = problems(hub("apps", domain="code", grader="code", columns=columns))
    assert json.loads(first.gold) == {
        "kind": "stdio",
        "cases": [{"stdin": "1 2\n", "stdout": "3\n"}, {"stdin": "3\n4", "stdout": "7"}],
    }
    assert json.loads(second.gold) == {
        "kind": "call",
        "entry_point": "add",
        "cases": [{"args": [1, 2], "expected": 3}, {"args": [3, 4], "expected": 7}],
    }
    assert first.solution == "a, b = map(int, input().split())\nprint(a + b)"
    assert first.statement == "Add two numbers."
    assert second.statement == "Add two numbers.\n\ndef add(a, b):\n"


def test_a_function_that_the_statement_does_not_name_is_named(folder: Path) -> None:
    call = {"fn_name": "add", "inputs": [[1, 2]], "outputs": [3]}
    parquet_set(folder / "taco", [{"question": "Addition.", "input_output": json.dumps(call)}])
    columns = {"statement": "question", "gold": "input_output", "tests": "apps"}
    (found,) = problems(hub("taco", domain="code", grader="code", columns=columns))
    assert found.statement == "Addition.\n\nYour code should define this function: `add`"
    assert json.loads(found.gold)["cases"] == [{"args": [1, 2], "expected": 3}]
    assert HUMANEVAL_INSTRUCTION not in found.statement


@pytest.mark.parametrize("starter", ["", "class Solution:\n    def add(self, a, b):\n"])
def test_a_method_of_a_class_solution_is_called_as_one(folder: Path, starter: str) -> None:
    call = {"fn_name": "add", "inputs": [[1, True], [[1], None]], "outputs": [2, "x"]}
    solution = "class Solution:\n    def add(self, a, b): ..."
    row = {"question": "Method add.", "starter_code": starter, "solutions": json.dumps([solution])}
    parquet_set(folder / "taco", [row | {"input_output": json.dumps(call)}])
    columns = {"statement": "question, starter_code", "gold": "input_output", "tests": "apps"}
    columns |= {"solution": "solutions"}
    (found,) = problems(hub("taco", domain="code", grader="code", columns=columns))
    assert json.loads(found.gold) == {
        "kind": "asserts",
        "code": "assert Solution().add(*[1, True]) == 2\n"
        "assert Solution().add(*[[1], None]) == 'x'\n",
    }
    line = "Your code should define this function: `Solution.add`"
    assert found.statement == f"Method add.\n\n{starter or line}"


def test_code_contests_has_tests_in_three_columns_and_solutions_by_language(folder: Path) -> None:
    none = {"input": [], "output": []}
    row = {
        "name": "1575_A. Another Sorting Problem",
        "description": "Sort.",
        "public_tests": {"input": ["1\n"], "output": ["1\n"]},
        "private_tests": none,
        "generated_tests": {"input": ["2\n", "1\n"], "output": ["2\n", "1\n"]},
        "source": 2,
        "difficulty": 7,
        "solutions": {"language": [2, 3, 3], "solution": ["int main() {}", "print(input())", "…"]},
    }
    parquet_set(folder / "contests", [row])
    columns = {"problem_id": "name", "statement": "description", "level": "difficulty"}
    columns |= {"gold": "public_tests, private_tests, generated_tests", "tests": "contests"}
    columns |= {"solution": "solutions"}
    (found,) = problems(hub("contests", domain="code", grader="code", columns=columns))
    assert json.loads(found.gold)["cases"] == [
        {"stdin": "1\n", "stdout": "1\n"},
        {"stdin": "2\n", "stdout": "2\n"},
    ]
    assert (found.solution, found.level) == ("print(input())", "7")
    with pytest.raises(SourceError, match="expected column 'secret_tests', found columns"):
        problems(
            hub(
                "contests",
                domain="code",
                grader="code",
                columns=columns | {"gold": "public_tests, secret_tests"},
            )
        )


@pytest.mark.parametrize("as_text", [True, False])
def test_verifiable_coding_problems_have_cases_in_their_verification_info(
    folder: Path, as_text: bool
) -> None:
    case = {"fn_name": None, "input": "1 2\n", "output": "3\n", "type": "stdin_stdout"}
    info = {"language": "python", "test_cases": [case]}
    row = {
        "source": "taco",
        "problem_id": "vcp_1",
        "problem_statement": "Add two numbers.",
        "gold_standard_solution": "```python\na, b = map(int, input().split())\nprint(a + b)\n```",
        "verification_info": json.dumps(info) if as_text else info,
        "metadata": {"difficulty": "EASY"},
    }
    parquet_set(folder / "verifiable", [row])
    columns = {"statement": "problem_statement", "gold": "verification_info", "tests": "cases"}
    columns |= {"solution": "gold_standard_solution", "level": "metadata.difficulty"}
    (found,) = problems(hub("verifiable", domain="code", grader="code", columns=columns))
    assert json.loads(found.gold) == {
        "kind": "stdio",
        "cases": [{"stdin": "1 2\n", "stdout": "3\n"}],
    }
    assert found.solution == "a, b = map(int, input().split())\nprint(a + b)"
    assert (found.problem_id, found.level) == ("verifiable/vcp_1", "EASY")


def test_writing_and_translation_are_judged_with_or_without_a_reference(folder: Path) -> None:
    parquet_set(
        folder / "flores",
        [{"prompt": "Translate 'cat' into French.", "reference": "chat"}, {"prompt": "Write."}],
    )
    fields: dict[str, Any] = {"domain": "general", "grader": "judge", "reasoning": "auto"}
    columns = {"statement": "prompt", "gold": "reference"}
    found = problems(hub("flores", columns=columns, **fields))
    assert [(one.gold, one.grader) for one in found] == [
        ("chat", GraderName.JUDGE),
        ("", GraderName.JUDGE),
    ]
    found = problems(hub("flores", columns=columns | {"gold": ""}, category="writing", **fields))
    assert [(one.gold, one.category) for one in found] == [("", "writing")] * 2


TURNS = [
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "And now?"},
    {"role": "assistant", "content": "Goodbye."},
]


def test_tulu_and_smoltalk_conversations_are_passed_through(folder: Path) -> None:
    system = {"role": "system", "content": "Be brief."}
    rows = [
        {"id": "a_0", "messages": TURNS[:2], "source": "ai2-adapt-dev/no_robots"},
        {"id": "a_1", "messages": [system, *TURNS], "source": "ai2-adapt-dev/oasst1"},
    ]
    parquet_set(folder / "tulu", rows)
    source = sft("tulu", problem_id="id", model="gpt-4o", category_column="source")
    first, second = problems(source)
    assert (first.problem_id, first.statement, first.solution) == ("tulu/a_0", "Hi.", "Hello.")
    assert (first.grader, first.gold, first.author) == (GraderName.GIVEN, "", "gpt-4o")
    assert first.category == "ai2-adapt-dev/no_robots" and not first.reasoning
    assert (second.statement, second.solution) == ("And now?", "Goodbye.")
    assert second.history == [
        Message(role="system", content="Be brief."),
        Message(role="user", content="Hi."),
        Message(role="assistant", content="Hello."),
    ]


def test_dolly_joins_instruction_and_context(folder: Path) -> None:
    rows = [
        {"instruction": "Who?", "context": "", "response": "He.", "category": "open_qa"},
        {"instruction": "Sum up.", "context": "A text.", "response": "A.", "category": "summary"},
    ]
    jsonl_set(folder / "dolly", rows)
    source = sft("dolly", messages="", prompt="instruction, context", category_column="category")
    found = problems(source)
    assert [(one.statement, one.solution, one.category) for one in found] == [
        ("Who?", "He.", "open_qa"),
        ("Sum up.\n\nA text.", "A.", "summary"),
    ]
    assert {one.author for one in found} == {"dolly"}


def test_open_thoughts_has_its_system_message_in_a_column(folder: Path) -> None:
    turns = [
        {"from": "user", "value": "1 + 1?"},
        {"from": "assistant", "value": "<think>\nAdd.\n</think>\n\n2"},
    ]
    parquet_set(folder / "thoughts", [{"system": "Think first.", "conversations": turns}])
    source = sft("thoughts", messages="conversations", system="system", domain="math")
    (found,) = problems(source)
    assert found.history == [Message(role="system", content="Think first.")]
    assert (found.statement, found.reasoning) == ("1 + 1?", True)


def test_openhermes_speaks_of_human_and_gpt(folder: Path) -> None:
    turns = [
        {"from": "system", "value": "", "weight": None},
        {"from": "human", "value": "Hi.", "weight": 0.0},
        {"from": "gpt", "value": "<think>\n</think>Hello.", "weight": 1.0},
    ]
    parquet_set(folder / "hermes", [{"conversations": turns, "source": "airoboros2.2"}])
    (found,) = problems(sft("hermes", messages="conversations", grader="judge"))
    assert (found.statement, found.history) == ("Hi.", [])
    assert (found.grader, found.reasoning) == (GraderName.JUDGE, False)


def test_only_the_columns_that_are_named_are_read(folder: Path) -> None:
    parquet_set(folder / "openr1", [openr1_row(0, "0")])
    source = hub("openr1", columns=MATH_COLUMNS)
    file = folder / "openr1" / "data" / "train-00000-of-00001.parquet"
    for rows in (
        dataset_rows(source, "source openr1", required=["problem"], optional=["uuid", "none"]),
        read_rows(file, required=["problem"], optional=["uuid", "none"]),
    ):
        assert [set(row.values) for row in rows] == [{"problem", "uuid"}]


def test_a_column_that_is_not_there_is_named_beside_those_that_are(folder: Path) -> None:
    parquet_set(folder / "openr1", [openr1_row(0, "0")])
    with pytest.raises(SourceError, match="expected column 'result', found columns") as caught:
        problems(hub("openr1", columns=MATH_COLUMNS | {"gold": "result"}))
    assert "correctness_math_verify" in str(caught.value)


def test_a_fingerprint_follows_the_files_of_a_local_copy(folder: Path) -> None:
    jsonl_set(folder / "dolly", [{"instruction": "Who?", "response": "He."}])
    source = sft("dolly", messages="", prompt="instruction")
    before = sources_fingerprint([source])
    jsonl_set(folder / "dolly", [{"instruction": "Who?", "response": "She."}])
    assert sources_fingerprint([source]) != before
