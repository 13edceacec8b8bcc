"""retort train: a student from a dataset's folder alone, and the check that stops before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retort.command import main
from tests.unit.train.folders import doubled, write_dataset

RECIPE = """
name = "alone"
seed = 4

[train]
max_length_tokens = 200
batch_tokens = 600

[[train.students]]
name = "small"
lr = 1e-3
epochs = 1
[train.students.base]
arch = "qwen2"
tokenizer = "embedded:base-qwen2"

[[train.students]]
name = "control"
base = "embedded:base-qwen2"
lr = 1e-3
learns_from = "all"
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The command as it is given most often; it writes below `out`."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "machine.toml").write_text("[training]\nranks = 1\n")
    write_dataset(tmp_path / "dataset", doubled(20))
    return [
        *("train", str(tmp_path / "recipe.toml"), "--dataset", str(tmp_path / "dataset")),
        *("--machine", str(tmp_path / "machine.toml"), "--out", str(tmp_path / "out")),
    ]


def times(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_check_stops_before_training_which_runs_once(
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out" / "small"
    assert main([*command, "--check", "--json", "--rows", "1"]) == 0
    said = capsys.readouterr()
    (check,) = json.loads(said.out)
    assert "student control is left out" in said.err
    assert (check["student"], check["ranks"], len(check["first_rows"])) == ("small", 1, 1)
    assert check["rows"] == {"read": 20, "kept": 20, "held_out": 0, "drops": {}}
    assert not (out / "model").exists()
    assert not (out / "log.jsonl").exists()
    tokens = times(out / "work" / "tokens")

    monkeypatch.setenv("RETORT_PROGRESS", "1")
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"student   {out / 'model'}  (small: {check['steps']['steps']} ")
    assert "⟦<think>" in said.err  # what the check prints
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["stage"], manifest["recipe"]) == ("train", "alone")
    assert manifest["ledger"]["rows_out"] == 20
    assert manifest["figures"]["parameters"] == check["parameters"]
    needed = sum(check["memory"]["host"].values())
    assert manifest["figures"]["memory_bytes"] == pytest.approx(needed, rel=0.25)
    assert {part["path"] for part in manifest["parts"]} >= {"model/model.safetensors"}
    assert times(out / "work" / "tokens") == tokens

    before = times(out)
    assert main([*command, "--json"]) == 0
    (done,) = json.loads(capsys.readouterr().out)
    assert (done["student"], done["key"]) == ("small", manifest["key"])
    assert times(out) == before

    other = Path(command[1])
    other.write_text(RECIPE.replace("seed = 4", "seed = 5"))
    assert main(command) == 1
    assert "give another folder to --out" in capsys.readouterr().err


def test_without_out_the_artifact_is_named_by_its_key(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifacts = tmp_path / "artifacts"
    machine = tmp_path / "machine.toml"
    machine.write_text(f'[training]\nranks = 1\n[paths]\nartifacts = "{artifacts}"\n')
    assert main([*command[:-2], "--check", "--student", "small"]) == 0
    text = capsys.readouterr().out
    assert "student   small" in text
    assert "time      about" in text
    (folder,) = (artifacts / "train").iterdir()
    assert folder.name.startswith("alone-")
    (base,) = folder.glob("base-*")
    assert base.name == f"base-{folder.name.removeprefix('alone-')}"


def test_of_a_whole_recipe_only_the_training_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_dataset(tmp_path / "dataset", ["no"] * 3)
    command = ["train", "recipes/tiny.toml", "--dataset", str(folder), "--check"]
    assert main([*command, "--student", "tiny-llama", "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "student   tiny-llama" in text
    assert "from embedded:base-llama@" in text


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--student", "nobody"], "expected students of recipe alone (small, control), found nob"),
        (["--student", "control"], "draws its rows from all candidates"),
        (["--dataset", "nothing/1.0.0"], "dataset 'nothing/1.0.0': expected a folder"),
        (["--machine", "nothing.toml"], "machine file"),
        (["--hostfile", "nothing.txt", "--check"], "hostfile"),
    ],
)
def test_what_is_missing_is_told_before_any_work(
    command: list[str],
    more: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*command, *more]) == 1
    assert message in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*/work"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "a"\n[train]\nbatch_token = 3\nstudents = []', "train.batch_token: unknown key"),
        ('name = "a"', "train: missing"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_wrong_recipe_is_told_as_for_other_commands(
    text: str, message: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(command[1]).write_text(text)
    assert main(command) == 1
    assert message in capsys.readouterr().err


def test_a_whole_recipe_without_training_is_refused(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "recipes/data-only.toml", *command[2:]]) == 1
    assert "expected [train] with students, found none" in capsys.readouterr().err


def test_a_hostfile_takes_the_place_of_the_machine_files_ranks(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hosts").write_text("one slots=3\ntwo slots=2\n")
    more: list[Any] = ["--hostfile", str(tmp_path / "hosts"), "--check", "--json"]
    assert main([*command, *more]) == 0
    (check,) = json.loads(capsys.readouterr().out)
    assert (check["ranks"], check["memory"]["ranks_here"]) == (5, 3)
