"""Pins and `retort pin`: what has no commit, the hub's answers, and a file changed by them
alone."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import RecipeError
from factory.pin.revisions import check_pinned, hub_names, unpinned
from factory.pin.text import pinned_text
from factory.pin.toml_places import places
from factory.recipe_file import ROOT, load_recipe
from retort.command import main

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
HUB = {
    ("datasets", "open-r1/OpenR1-Math-220k", ""): A,
    ("datasets", "HuggingFaceH4/MATH-500", ""): B,
    ("datasets", "HuggingFaceH4/MATH-500", "fixed"): D,
    ("datasets", "gated/data", ""): C,
    ("models", "Qwen/Qwen2.5-Math-1.5B", ""): C,
    ("models", "deepseek-ai/DeepSeek-R1", ""): D,
}
RECIPE = f"""# A recipe.   With odd spaces,\ttabs and “quotes”.
name = "pinned"  # its name

[collect]
check_gold = true
[[collect.sources]]
name = "r1"
kind = "hub"
  dataset = 'open-r1/OpenR1-Math-220k'
revision=''# by `retort pin`
license = "Apache-2.0"
domain = "math"
grader = "math"
columns = {{ gold = "answer", "statement" = "problem" }}

[[collect.sources]]
name = "old"
kind = "hub"
dataset = "HuggingFaceH4/MATH-500"
revision = "{"0" * 40}"   # pinned long ago
license = "MIT"
domain = "math"
grader = "math"
  [collect.sources.columns]
  statement = '''problem'''

[generate]
teacher = {{ engine = "vllm", model = "deepseek-ai/DeepSeek-R1", max_model_len = 32768 }}

[shard]
name = "pinned"
version = "1.0.0"

[[train.students]]
name = "small"
  base = "Qwen/Qwen2.5-Math-1.5B" # no revision below
lr = 1e-4

[validate]
k = 2
[[validate.suites]]
name = "math"
sources = [
  # one
  {{ name = "m", kind = "hub", dataset = "HuggingFaceH4/MATH-500", revision = "fixed", \
license = "MIT", domain = "math", grader = "math" }},
]"""


class Hub(BaseHTTPRequestHandler):
    """The part of the hub's API that says which commit a name means."""

    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if not path.startswith(("/api/datasets/", "/api/models/")):
            self._answer(404, {}, {})  # what the client asks for by itself
            return
        type(self).asked.append((path, self.headers.get("Authorization", "")))
        _, _, kind, owner, name, *rest = path.split("/")
        branch = rest[1] if rest[:1] == ["revision"] else ""
        repo = f"{owner}/{name}"
        if rest == ["auth-check"]:
            self._answer(403, {"error": "closed"}, {"X-Error-Code": "GatedRepo"})
        elif (kind, repo, "") not in HUB:
            self._answer(404, {"error": "none"}, {"X-Error-Code": "RepoNotFound"})
        elif (kind, repo, branch) not in HUB:
            self._answer(404, {"error": "none"}, {"X-Error-Code": "RevisionNotFound"})
        else:
            gated = "manual" if owner == "gated" else False
            sha = HUB[kind, repo, branch]
            self._answer(200, {"id": repo, "sha": sha, "gated": gated}, {})

    def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """A hub on loopback; gives what it was asked, with the header of the key."""
    Hub.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_TOKEN", "hf_very_secret")
    yield Hub.asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "pinned.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_what_has_no_commit_is_named_wherever_it_stands(recipe: Path) -> None:
    found = unpinned(load_recipe(str(recipe)))
    assert [(one.where, one.kind, one.name) for one in found] == [
        ("source r1", "dataset", "open-r1/OpenR1-Math-220k"),
        ("teacher", "model", "deepseek-ai/DeepSeek-R1"),
        ("student small", "model", "Qwen/Qwen2.5-Math-1.5B"),
        ("suite math, source m", "dataset", "HuggingFaceH4/MATH-500"),
    ]
    assert len(hub_names(load_recipe(str(recipe)))) == 5


def test_a_benchmark_of_the_hub_is_pinned_like_a_source(recipe: Path) -> None:
    benchmark = '[[collect.benchmarks]]\nname = "b"\ndataset = "HuggingFaceH4/MATH-500"\n'
    recipe.write_text(RECIPE.replace("[generate]", f"{benchmark}[generate]"), encoding="utf-8")
    (found,) = [
        one for one in unpinned(load_recipe(str(recipe))) if one.where.startswith("benchmark")
    ]
    pinned = pinned_text(recipe.read_text(encoding="utf-8"), {found: A})
    assert tomllib.loads(pinned)["collect"]["benchmarks"][0]["revision"] == A


def test_a_recipe_that_is_not_pinned_is_refused_with_all_names_at_once(recipe: Path) -> None:
    with pytest.raises(RecipeError, match="retort pin RECIPE") as refused:
        check_pinned(load_recipe(str(recipe)))
    for name in ("OpenR1-Math-220k", "DeepSeek-R1", "Qwen2.5-Math-1.5B", "MATH-500"):
        assert name in str(refused.value)
    assert "source old" not in str(refused.value)


@pytest.mark.parametrize("path", ["recipes/demo.toml", "recipes/import-example.toml"])
def test_a_recipe_of_local_parts_needs_no_pin(path: str) -> None:
    recipe = load_recipe(path)
    assert hub_names(recipe) == []
    check_pinned(recipe)


def test_pin_writes_the_commits_and_changes_nothing_else(
    recipe: Path, hub: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.chmod(0o640)
    assert main(["pin", str(recipe)]) == 0
    expected = (
        RECIPE.replace("# no revision below\n", f'# no revision below\n  revision = "{C}"\n')
        .replace('DeepSeek-R1",', f'DeepSeek-R1", revision = "{D}",')
        .replace("revision=''#", f'revision="{A}"#')
        .replace('revision = "fixed"', f'revision = "{D}"')
    )
    assert recipe.read_text(encoding="utf-8") == expected
    assert recipe.stat().st_mode & 0o777 == 0o640
    check_pinned(load_recipe(str(recipe)))
    said = capsys.readouterr()
    assert A in said.out
    assert "4 pinned, 1 left" in said.err
    assert {key for _, key in hub} == {"Bearer hf_very_secret"}
    assert "secret" not in said.out + said.err


def test_what_is_pinned_is_left_alone_and_taken_anew_with_update(
    recipe: Path, hub: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pin", str(recipe)]) == 0
    once, asked = recipe.read_bytes(), len(hub)
    assert main(["pin", str(recipe)]) == 0
    assert recipe.read_bytes() == once
    assert len(hub) == asked
    assert main(["pin", str(recipe), "--update"]) == 0
    assert f'revision = "{B}"   # pinned long ago' in recipe.read_text(encoding="utf-8")
    assert "0" * 40 not in recipe.read_text(encoding="utf-8")


def test_check_asks_nobody_and_writes_nothing(
    recipe: Path, hub: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pin", str(recipe), "--check"]) == 1
    assert recipe.read_text(encoding="utf-8") == RECIPE
    assert hub == []
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 4
    assert "4 of 5 are not pinned" in said.err
    assert main(["pin", "recipes/demo.toml", "--check"]) == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("open-r1/OpenR1-Math-220k", "open-r1/nothing", "dataset open-r1/nothing is not there"),
        ("open-r1/OpenR1-Math-220k", "gated/data", "dataset gated/data is gated"),
        ('"fixed"', '"broken"', "at 'broken' has no such branch or tag"),
        ("open-r1/OpenR1-Math-220k", "one/two/three", "is no name that the hub could have"),
    ],
)
def test_a_name_that_cannot_be_resolved_is_said_and_nothing_is_written(
    recipe: Path,
    hub: list[tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    said: str,
) -> None:
    text = RECIPE.replace(old, new)
    recipe.write_text(text, encoding="utf-8")
    assert main(["pin", str(recipe)]) == 1
    assert recipe.read_text(encoding="utf-8") == text
    error = capsys.readouterr().err
    assert said in error
    assert f"model Qwen/Qwen2.5-Math-1.5B {C}" in error  # what was resolved beside it
    assert "secret" not in error


def test_a_hub_out_of_reach_is_said_at_once_and_nothing_is_written(
    recipe: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert main(["pin", str(recipe)]) == 1
    assert recipe.read_text(encoding="utf-8") == RECIPE
    error = capsys.readouterr().err
    assert error.count("cannot be reached") == 1
    assert "127.0.0.1:9" in error


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_endings_stay_and_the_last_line_may_have_none(end: str) -> None:
    text = RECIPE[: RECIPE.index("[[train.students]]")].replace("\n", end)
    text += f'[[train.students]]{end}name = "small"{end}lr = 1e-4{end}base = "Qwen/Base"'
    changed = pinned_text(text, dict.fromkeys(unpinned(_recipe(text)), A))
    assert changed.endswith(f'base = "Qwen/Base"{end}revision = "{A}"')
    assert changed.count("\r") == (0 if end == "\n" else changed.count("\n"))


KNOWN = """
[[validate.suites]]
name = "math-500" # by name
k = 4

[[validate.suites]]
name = "gpqa-diamond"
dataset = "someone/gpqa-copy"

[[validate.suites]]
name = "aime-2024"
revision = ""

[[validate.suites]]
name = "gsm8k"
"""


def test_a_suite_that_is_known_by_its_name_is_pinned_in_its_own_table(
    recipe: Path, hub: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, sha in [("someone/gpqa-copy", B), ("HuggingFaceH4/aime_2024", C)]:
        monkeypatch.setitem(HUB, ("datasets", name, ""), sha)
    text = RECIPE[: RECIPE.index("[[validate.suites]]")] + KNOWN
    recipe.write_text(text, encoding="utf-8")
    assert main(["pin", str(recipe)]) == 0
    pinned = recipe.read_text(encoding="utf-8")
    assert pinned[pinned.index("[validate]") :] == text[text.index("[validate]") :].replace(
        "# by name\n", f'# by name\nrevision = "{B}"\n'
    ).replace('gpqa-copy"\n', f'gpqa-copy"\nrevision = "{B}"\n').replace(
        'revision = ""', f'revision = "{C}"'
    )
    check_pinned(load_recipe(str(recipe)))
    sources = [one.sources[0] for one in load_recipe(str(recipe)).validation.suites]  # pyright: ignore[reportOptionalMemberAccess]
    assert [getattr(one, "revision", None) for one in sources] == [B, B, C, None]


def test_known_suites_in_inline_tables_are_pinned_too() -> None:
    text = RECIPE[: RECIPE.index("[[validate.suites]]")] + 'suites = [{ name = "math-500" }]\n'
    (found,) = [one for one in hub_names(_recipe(text)) if one.where.startswith("suite")]
    assert f'[{{ name = "math-500", revision = "{A}" }}]' in pinned_text(text, {found: A})


def test_a_known_suite_with_sources_of_its_own_is_pinned_there() -> None:
    text = RECIPE.replace(
        '[[validate.suites]]\nname = "math"', '[[validate.suites]]\nname = "gsm8k"'
    )
    (found,) = [one for one in hub_names(_recipe(text)) if one.where.startswith("suite")]
    assert pinned_text(text, {found: A}) == text.replace('revision = "fixed"', f'revision = "{A}"')


def test_a_local_copy_of_a_known_suite_needs_no_pin() -> None:
    text = RECIPE[: RECIPE.index("[[validate.suites]]")]
    for place in ('dataset = "${RETORT_DATA}/copy"', 'path = "${RETORT_DATA}/copy.jsonl"'):
        suite = f'[[validate.suites]]\nname = "math-500"\n{place}\n'
        assert not [one for one in hub_names(_recipe(text + suite)) if "suite" in one.where]


def test_a_dotted_key_gets_its_revision_beside_it() -> None:
    text = RECIPE.replace(
        'teacher = { engine = "vllm", model = "deepseek-ai/DeepSeek-R1", max_model_len = 32768 }',
        'teacher.engine = "vllm"\nteacher . "model" = "deepseek-ai/DeepSeek-R1"\n'
        "teacher.max_model_len = 32768",
    )
    pins = dict.fromkeys(hub_names(_recipe(text)), B)
    assert f'teacher .revision = "{B}"' in pinned_text(text, pins)


@pytest.mark.parametrize(
    ("old", "new"), [("[[collect.sources]]", "[[collect.other]]"), ("  base =", "  basis =")]
)
def test_an_edit_that_would_not_say_what_was_meant_is_refused(old: str, new: str) -> None:
    pins = dict.fromkeys(hub_names(_recipe(RECIPE)), A)
    with pytest.raises(RecipeError, match="write the revisions by hand"):
        pinned_text(RECIPE.replace(old, new), pins)


def _recipe(text: str) -> Any:
    from schemas.recipe import Recipe

    return Recipe.model_validate(tomllib.loads(text))


# ------------------------------------------------------------------------------------- the places

NASTY = '''
a.b."c d".'e' = """x = "1" # no comment \\"""
[table] """""
'f' = \'\'\'[[no]] 'quotes' \'\'\' # [[comment]]
g = [ 1, { h = "]", i = [ ], j = {k=1.5e-3} }, """,""", 1979-05-27 07:32:00 ] # ]
[ t . u ]
v = {}
[[t.w]]
x = 0xff
[t.w.y]
z = nan
[[t.w]]
x = true
  [[t.w.y]]
  q = "\\\\"
  [[ t.w.y ]]
  q = ''
'''


def test_every_value_of_a_hard_document_is_found_where_it_stands() -> None:
    _agree(NASTY)
    _agree(NASTY.replace("\n", "\r\n"))


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").rglob("*.toml")), ids=lambda p: p.stem)
def test_every_value_of_the_shipped_recipes_is_found_where_it_stands(path: Path) -> None:
    _agree(path.read_text(encoding="utf-8"))


TEXTS = st.text(
    st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"])
)


@given(st.lists(st.tuples(TEXTS, TEXTS, st.booleans()), max_size=6))
def test_values_of_any_text_are_found_where_they_stand(rows: list[tuple[str, str, bool]]) -> None:
    lines: list[str] = []
    for number, (key, value, inline) in enumerate(rows):
        lines.append(f"[[rows]] # {value}")
        quoted = json.dumps(value, ensure_ascii=False)
        pair = f"{json.dumps(key, ensure_ascii=False)} = {quoted}"
        lines.append(f"t{number} = {{ {pair} }}" if inline else pair)
    _agree("\n".join(lines))


def _agree(text: str) -> None:
    """Each place holds what tomllib read there, and none is missing."""
    content = tomllib.loads(text)
    found = places(text)
    assert {steps for steps, _ in _leaves(content)} <= set(found)
    for steps, place in found.items():
        value: Any = content
        for step in steps:
            value = value[step]
        written = text[place.start : place.end]
        assert repr(tomllib.loads(f"v = {written}")["v"]) == repr(value)


def _leaves(value: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Values with a key of their own that are no tables."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*steps, key))
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for number, inner in enumerate(value):
            if isinstance(inner, dict):
                yield from _leaves(inner, (*steps, number))
    elif steps:
        yield steps, value
