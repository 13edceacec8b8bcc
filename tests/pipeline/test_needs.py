"""A run that cannot succeed says so, clearly, before any work starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.pipeline.conftest import Place

ROOT = Path(__file__).parents[2]
TINY = (ROOT / "recipes" / "tiny.toml").read_text(encoding="utf-8")
IMPORT = (ROOT / "recipes" / "import-tiny.toml").read_text(encoding="utf-8")

VLLM = """engine = "vllm"
model = "embedded:teacher"
max_model_len = 512
dtype = "float32"
"""
OPENAI = 'engine = "openai"\nmodel = "somebody"\nrevision = "1"\n'


def refused(place: Place, task: str, recipe: str, name: str = "tiny") -> str:
    """Output of a run that must fail before it has made anything."""
    file = place.folder / f"{name}.toml"
    file.write_text(recipe, encoding="utf-8")
    code, output = place.run(task, str(file), timeout_s=120)
    assert code != 0, output
    assert not (place.folder / "artifacts").exists(), "work was started"
    assert "Traceback" not in output, output
    return output


@pytest.mark.parametrize(
    ("wrong", "instead", "message"),
    [
        ("per_problem = 4", "per_problm = 4", "select.per_problm: unknown key"),
        ("per_problem = 4", 'per_problem = "four"', "select.per_problem"),
        ("recipes/examples/generations.jsonl", "recipes/examples/none.jsonl", "none.jsonl"),
        ("recipes/examples/generations.jsonl", "/etc/hosts", "below the project's root"),
    ],
    ids=["unknown key", "wrong type", "missing file", "outside path"],
)
def test_a_wrong_recipe(place: Place, wrong: str, instead: str, message: str) -> None:
    output = refused(place, "BuildDataset", IMPORT.replace(wrong, instead), "import-tiny")
    assert message in output


def test_a_recipe_without_students_cannot_distil(place: Place) -> None:
    recipe = IMPORT[: IMPORT.index("[train]")]
    assert "needs [train]" in refused(place, "DistillAll", recipe, "import-tiny")


def test_an_endpoint_that_nobody_listens_at(place: Place) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    place.machine.write_text(
        place.machine.read_text() + f'[teacher]\nbase_urls = ["http://127.0.0.1:{free}/v1"]\n'
    )
    recipe = TINY.replace(VLLM, OPENAI).replace("[validate]\n", "[validate]\nteacher = false\n")
    place.environment["OPENAI_API_KEY"] = "not-a-secret"
    output = refused(place, "BuildDataset", recipe)
    assert "TeacherError" in output
    assert str(free) in output


def test_no_endpoint_at_all(place: Place) -> None:
    recipe = TINY.replace(VLLM, OPENAI).replace("[validate]\n", "[validate]\nteacher = false\n")
    assert "base_urls" in refused(place, "BuildDataset", recipe)


def test_no_docker(place: Place) -> None:
    place.environment["DOCKER_HOST"] = f"unix://{place.folder}/no-docker.sock"
    output = refused(place, "BuildDataset", TINY)
    assert "SandboxUnavailable" in output
    assert "Docker" in output


def test_no_docker_for_the_scorers_of_a_procedural_source(place: Place) -> None:
    source = '[[collect.sources]]\nname = "puzzles"\nkind = "reasoning_gym"\n'
    source += 'dataset = "countdown"\ncount = 2\n'
    place.environment["DOCKER_HOST"] = f"unix://{place.folder}/no-docker.sock"
    recipe = IMPORT.replace("[generate]\n", f"{source}\n[generate]\n", 1)
    assert "SandboxUnavailable" in refused(place, "BuildDataset", recipe, "import-tiny")


def test_a_grader_that_no_package_registers(place: Place) -> None:
    recipe = IMPORT.replace('grader = "math"', 'grader = "maths"')
    output = refused(place, "BuildDataset", recipe, "import-tiny")
    assert "expected a grader of" in output and "'maths'" in output


def test_arguments_that_vllm_does_not_know(place: Place) -> None:
    recipe = TINY.replace(
        'dtype = "float32"\n', 'dtype = "float32"\nvllm_args = { colour = "red" }\n', 1
    )
    output = refused(place, "BuildDataset", recipe)
    assert "colour" in output
