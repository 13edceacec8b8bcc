"""`retort grade judge`: lines, verdicts, agreement, settings, `kill -9`, and servers that fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from factory.grade.judge_store import FILE_NAME
from factory.parts import write_atomically
from retort.command import main
from tests.unit.grade.judge_server import CORRECT, JudgeServer, Shown, same_text

Values = dict[str, Any]
LINE = {"id": "a", "problem": "Capital of France?", "gold": "Paris", "response": "It is Paris."}


def write(file: Path, lines: Iterable[Values]) -> Path:
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return file


def results(out: Path) -> dict[str | int, Values]:
    return {one["id"]: one for one in map(json.loads, out.read_bytes().splitlines())}


def verdicts(out: Path) -> dict[str | int, str]:
    return {name: one["verdict"] for name, one in results(out).items()}


def machine_file(folder: Path, **judge: Any) -> str:
    """Keeps judgements in the folder, and gives up soon."""
    fields = {"requests_in_flight": 4, "request_timeout_s": 5.0, "retries": 1, **judge}
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    text = "\n".join([f'[paths]\nartifacts = "{folder / "kept"}"', "[judge]", *lines, ""])
    write_atomically(folder / "machine.toml", text.encode())
    return str(folder / "machine.toml")


def command(file: Path, out: Path, url: str, *more: str, **judge: Any) -> list[str]:
    named = ["--model", "judge-model", "--revision", "1", "--base-url", url]
    machine = ["--machine", machine_file(file.parent, **judge)]
    return ["grade", "judge", str(file), "--out", str(out), *named, *machine, *more]


# ------------------------------------------------------------------------------------ the lines


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"problem": None}, "`problem`: expected a valid string, found None"),
        ({"problem": " "}, "`problem`: expected a text, found ' '"),
        ({"gold": 5}, "`gold`: expected a valid string, found 5"),
        ({"response": None}, "expected `response` or `answer`, one of them, found none"),
        ({"answer": "5"}, "expected `response` or `answer`, one of them, found both"),
        ({"label": "true"}, "`label`: expected a valid boolean, found 'true'"),
        ({"label": 1}, "`label`: expected a valid boolean, found 1"),
        ({"statement": "5"}, "`statement`: expected no such key, found one"),
        ({"id": "a"}, "expected an id that no other line has, found 'a', which line 1 has"),
    ],
)
def test_a_wrong_line_is_named_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Values, message: str
) -> None:
    file = write(tmp_path / "in.jsonl", [LINE, LINE | {"id": 2} | change])
    with JudgeServer() as server:
        assert main(command(file, tmp_path / "out.jsonl", server.base_url)) == 1
        assert server.asked == 0
    assert f"{file}:2: {message}" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_each_line_gets_its_verdict_with_its_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = {"response": "It is Par", "finish_reason": "length"}
    answer = {"response": None, "answer": "<think>Paris is never closed"}
    plain = {"id": "p", "problem": "Write a poem.", "response": "<think>Hm</think>a good one"}
    lines = [
        LINE,
        LINE | {"id": 1, "response": "<think>Paris</think>It is Rome."},
        LINE | {"id": 2, **cut},
        LINE | {"id": 3, **answer},
        LINE | {"id": 4, "response": "<think>Paris"},
        LINE | {"id": 5, "response": None, "answer": " "},
        plain,
    ]
    out = tmp_path / "out.jsonl"
    with JudgeServer() as server:
        file = write(tmp_path / "in.jsonl", lines)
        assert main(command(file, out, server.base_url)) == 0
        assert server.asked == 4
    assert verdicts(out) == {
        "a": "correct",
        1: "incorrect",
        2: "truncated",
        3: "correct",
        4: "truncated",
        5: "unparsable",
        "p": "correct",
    }
    found = results(out)
    assert set(found["a"]) == {"id", "verdict", "method", "detail", "label", "wall_s"}
    assert found["a"]["detail"] == "reference-1 judge-model@1: it is the same."
    assert found["p"]["detail"].startswith("quality-1 ")
    assert (found[2]["method"], found["a"]["method"]) == ("extraction", "judge")
    said = capsys.readouterr()
    assert "7 lines (0 of them kept): 3 correct, 1 incorrect, 2 truncated, 1 unparsable" in said.err
    assert said.out == ""


# --------------------------------------------------------------------------------- agreement


def test_agreement_with_labels_is_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [("Paris", True)] * 6 + [("Paname", True)] * 2 + [("Rome", False)] * 3
    cases += [("Not Paris", False)]
    lines = [
        LINE | {"id": number, "response": f"{answer} {number}", "label": label}
        for number, (answer, label) in enumerate(cases)
    ]
    file, out = write(tmp_path / "in.jsonl", [*lines, LINE]), tmp_path / "out.jsonl"
    with JudgeServer() as server:
        more = ["--json", str(tmp_path / "figures.json")]
        assert main(command(file, out, server.base_url, *more)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "agreement with 12 labels: 9 of 12, 75.0% (46.8% to 91.1%); kappa 0.47",
        "false accepts (of answers labelled wrong): 1 of 4, 25.0% (4.6% to 69.9%)",
        "false rejects (of answers labelled right): 2 of 8, 25.0% (7.1% to 59.1%)",
        "without a reply in form: 0",
    ]
    written = json.loads((tmp_path / "figures.json").read_text())
    assert (written["model"], written["revision"], written["prompt"]) == (
        "judge-model",
        "1",
        "reference-1",
    )
    assert written["agreement"]["n"] == 12
    assert written["agreement"]["false_accepts"]["count"] == 1


def test_figures_without_labels_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = write(tmp_path / "in.jsonl", [LINE]), tmp_path / "out.jsonl"
    with JudgeServer() as server:
        more = ["--json", str(tmp_path / "figures.json")]
        assert main(command(file, out, server.base_url, *more)) == 0
    assert "no line has a label" in capsys.readouterr().err
    assert json.loads((tmp_path / "figures.json").read_text())["agreement"]["n"] == 0


def test_a_label_that_changes_asks_nothing_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    with JudgeServer() as server:
        main(command(write(file, [LINE | {"label": True}]), out, server.base_url))
        assert "false rejects (of answers labelled right): 0 of 1" in capsys.readouterr().out
        main(command(write(file, [LINE | {"label": False}]), out, server.base_url))
        assert "false accepts (of answers labelled wrong): 1 of 1" in capsys.readouterr().out
        assert server.asked == 1


# ------------------------------------------------------------------------- what is kept, resumed


def test_nothing_is_asked_twice_not_even_for_another_output(tmp_path: Path) -> None:
    lines = [LINE | {"id": number, "response": f"Paris {number}"} for number in range(12)]
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    with JudgeServer() as server:
        assert main(command(file, out, server.base_url)) == 0
        assert main(command(file, out, server.base_url)) == 0
        assert main(command(file, tmp_path / "other.jsonl", server.base_url)) == 0
        assert server.asked == 12
    assert verdicts(tmp_path / "other.jsonl") == verdicts(out)


def test_equal_answers_side_by_side_are_asked_once(tmp_path: Path) -> None:
    lines = [LINE | {"id": number} for number in range(12)]
    with JudgeServer(latency_s=0.1) as server:
        file = write(tmp_path / "in.jsonl", lines)
        assert main(command(file, tmp_path / "out.jsonl", server.base_url)) == 0
        assert server.asked == 1
    assert set(verdicts(tmp_path / "out.jsonl").values()) == {"correct"}


@pytest.mark.parametrize(
    ("option", "value", "shown"),
    [
        ("--model", "other", 'model \\"judge-model\\" (now \\"other\\")'),
        ("--revision", "2", "revision"),
        ("--prompt", "quality-1", "prompt"),
        ("--temperature", "0.5", "temperature 0.0 (now 0.5)"),
        ("--max-tokens", "9", "max_tokens 1024 (now 9)"),
    ],
)
def test_results_reached_with_other_settings_are_not_mixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, shown: str
) -> None:
    file, out = write(tmp_path / "in.jsonl", [LINE]), tmp_path / "out.jsonl"
    with JudgeServer() as server:
        assert main(command(file, out, server.base_url)) == 0
        before = out.read_bytes()
        assert main(command(file, out, server.base_url, option, value)) == 1
    said = capsys.readouterr().err
    assert "expected results reached with the same settings" in said
    assert shown.replace("\\", "") in said
    assert out.read_bytes() == before


def test_after_kill_minus_nine_only_what_was_in_flight_is_asked_again(tmp_path: Path) -> None:
    count, in_flight = 60, 4
    lines = [LINE | {"id": number, "response": f"Paris {number}"} for number in range(count)]
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    with JudgeServer(latency_s=0.1) as server:
        arguments = command(file, out, server.base_url)
        environment = {**os.environ, "RETORT_PROGRESS": "0"}
        for wanted in (10, 25):
            process = subprocess.Popen(
                [sys.executable, "-m", "retort.command", *arguments], env=environment
            )
            try:
                deadline = time.monotonic() + 60
                while not out.exists() or len(out.read_bytes().splitlines()) < wanted:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
        assert server.asked < count
        assert main(arguments) == 0
        assert count <= server.asked <= count + 2 * in_flight
    assert verdicts(out) == dict.fromkeys(range(count), "correct")


# ---------------------------------------------------------------------------- a bad server


def test_a_wrong_key_is_an_error_within_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = write(tmp_path / "in.jsonl", [LINE]), tmp_path / "out.jsonl"
    monkeypatch.setenv("JUDGE_KEY", "wrong-secret")
    with JudgeServer(key="right") as server:
        begun = time.monotonic()
        arguments = command(file, out, server.base_url, "--api-key-env", "JUDGE_KEY")
        assert main(arguments) == 1
        assert time.monotonic() - begun < 5
        said = capsys.readouterr().err
        assert "JUDGE_KEY was refused" in said
        assert "wrong-secret" not in said
        monkeypatch.setenv("JUDGE_KEY", "right")
        assert main(arguments) == 0


def test_a_line_that_the_server_fails_on_is_infra_and_graded_by_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def says(shown: Shown, times: int) -> str | web.StreamResponse:
        odd = "odd" in shown.answer
        return web.Response(status=500, text="boom") if odd else same_text(shown, times)

    lines = [LINE, LINE | {"id": 1, "response": "odd Paris", "label": True}]
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    with JudgeServer(says) as server:
        assert main(command(file, out, server.base_url)) == 1
        assert verdicts(out) == {"a": "correct", 1: "infra"}
        said = capsys.readouterr()
        assert "HTTP 500: boom" in said.err
        assert "agreement" not in said.out
        server.says = same_text
        assert main(command(file, out, server.base_url)) == 0
    assert verdicts(out) == {"a": "correct", 1: "correct"}


def test_a_server_that_fails_on_everything_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [LINE | {"id": number, "response": f"{number}"} for number in range(50)]
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    with JudgeServer(lambda shown, times: web.Response(status=500, text="boom")) as server:
        assert main(command(file, out, server.base_url, retries=0)) == 1
        assert server.asked < 40
    assert "lines in a row and on a harmless one" in capsys.readouterr().err


def test_replies_out_of_form_end_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [LINE | {"id": number, "response": f"{number}"} for number in range(50)]
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    with JudgeServer(lambda shown, times: "I like it.") as server:
        assert main(command(file, out, server.base_url)) == 1
        assert server.asked < 60
        said = capsys.readouterr().err
        assert "GraderError: judge judge-model@1: expected replies that end with" in said
        server.says = lambda shown, times: CORRECT
        assert main(command(file, out, server.base_url)) == 0
    assert sum(one == "unparsable" for one in verdicts(out).values()) <= 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--base-url", "127.0.0.1:8000"], "--base-url: "),
        (["--temperature", "3"], "--temperature: "),
        (["--max-tokens", "0"], "--max-tokens: "),
        (["--model", ""], "grade.judge.model"),
    ],
)
def test_a_wrong_option_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    file = write(tmp_path / "in.jsonl", [LINE])
    assert main(command(file, tmp_path / "out", "http://127.0.0.1:9/v1", *options)) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "kept" / FILE_NAME).exists()


def test_addresses_may_stand_in_the_machine_file(tmp_path: Path) -> None:
    file, out = write(tmp_path / "in.jsonl", [LINE]), tmp_path / "out.jsonl"
    with JudgeServer() as server:
        arguments = command(file, out, "", base_urls=[server.base_url])
        at = arguments.index("--base-url")
        assert main([*arguments[:at], *arguments[at + 2 :]]) == 0
    assert verdicts(out) == {"a": "correct"}
