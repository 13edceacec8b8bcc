"""One registry: our own graders by name, and those of installed packages held to the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory.collect.sources import sources_fingerprint
from factory.errors import GraderError, RecipeError
from factory.grade.contract import Item
from factory.grade.registry import check_names, open_grader, package_of
from factory.recipe_file import ROOT, load_recipe
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import GraderName
from schemas.row_source_settings import FileSource
from schemas.verdict import Status
from tests.unit.grade.items import problem

IN_THE_SANDBOX = {GraderName.CODE, GraderName.PROCEDURAL}
RECIPE = (ROOT / "recipes" / "import-tiny.toml").read_text(encoding="utf-8")

MODULE = """
from factory.grade.contract import Verdict
from schemas.verdict import Status

class Length:
    def __init__(self, settings, machine):
        self.most = settings.get("most", 3)
    def __enter__(self):
        return self
    def __exit__(self, *exc):
        pass
    def grade_many(self, items):
        return [Verdict(self.status(item), item.text, "length", "", 0.0) for item in items]
    def status(self, item):
        return Status.CORRECT if len(item.text) <= self.most else Status.INCORRECT

class Fewer(Length):
    def grade_many(self, items):
        return super().grade_many(items)[1:]

class Raises(Length):
    def status(self, item):
        return len(item.text) / 0

class Words(Length):
    def grade_many(self, items):
        return ["correct" for item in items]

class Nothing:
    def __init__(self, *settings): pass
    def __enter__(self): return None
    def __exit__(self, *exc): pass
    def grade_many(self, items): return []

class Fields(Length):
    def grade_many(self, items):
        return [Verdict(Status.CORRECT, None, 5, b"x", "y") for item in items]

class Surrogates(Length):
    def grade_many(self, items):
        return [Verdict(Status.CORRECT, "\\ud800", "", "", 0.0) for item in items]

class Ends(Length):
    def grade_many(self, items):
        raise SystemExit(5)

def no_grader(settings, machine):
    return None

class Silent(Length):
    def gold_answer(self, problem):
        return None

nothing = 3
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for packages that Python finds."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, module: str, points: dict[str, str], version: str = "1.0") -> None:
    """What pip leaves behind: a module, and the metadata with its entry points."""
    (site / f"{module}.py").write_text(MODULE, encoding="utf-8")
    info = site / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n")
    lines = [f"{name} = {target}" for name, target in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[retort.graders]", *lines, ""]))


def grade(name: str, text: str, settings: dict[str, Any] | None = None) -> Status:
    extra = {} if settings is None else {name: settings}
    with open_grader(name, Grade(extra=extra), Machine()) as grader:
        return grader.grade_many([Item(problem("", name), text, FinishReason.STOP)])[0].status


def test_every_grader_of_ours_that_needs_no_sandbox_opens_by_its_name() -> None:
    for name in set(GraderName) - IN_THE_SANDBOX:
        with open_grader(name, Grade(), Machine(workers=1)) as grader:
            assert grader.grade_many([]) == []


def test_a_grader_of_an_installed_package_opens_by_its_name(site: Path) -> None:
    install(site, "first_graders", {"length": "first_graders:Length"})
    assert grade("length", "abc") is Status.CORRECT
    assert grade("length", "abcd") is Status.INCORRECT


def test_its_settings_are_those_of_its_own_table(site: Path) -> None:
    install(site, "second_graders", {"length": "second_graders:Length"})
    assert grade("length", "abcd", {"most": 4}) is Status.CORRECT


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(site: Path) -> None:
    install(site, "third_graders", {"length": "third_graders:Length"})
    with pytest.raises(GraderError, match=r"source s: expected a grader of choice, .*length.*'no'"):
        check_names([("length", "source t"), ("no", "source s")])
    with pytest.raises(GraderError, match="'no'"):
        open_grader("no", Grade(), Machine())


def test_a_package_cannot_take_a_name_of_ours(site: Path) -> None:
    install(site, "fourth_graders", {"math": "fourth_graders:Length"})
    with pytest.raises(GraderError, match=r"fourth_graders==1.0: expected a name that is free"):
        open_grader("text", Grade(), Machine())


def test_two_packages_cannot_have_one_name(site: Path) -> None:
    install(site, "fifth_graders", {"length": "fifth_graders:Length"})
    install(site, "sixth_graders", {"length": "sixth_graders:Length"})
    with pytest.raises(GraderError, match=r"rename it in that package, or uninstall it"):
        check_names([("length", "source s")])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("seventh_graders:Missing", "expected .*Missing to load, found AttributeError"),
        ("no_such_module:Length", "expected .* to load, found ModuleNotFoundError"),
        ("seventh_graders:nothing", "expected .* to be a function, found 3"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_named(site: Path, target: str, message: str) -> None:
    install(site, "seventh_graders", {"broken": target})
    with pytest.raises(GraderError, match=f"'broken' of seventh_graders==1.0: {message}"):
        check_names([("broken", "source s")])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Fewer", "expected 1 verdicts, found '0 in a list'"),
        ("Raises", "expected 1 verdicts, found ZeroDivisionError"),
        ("Words", "expected verdicts with a status .*found 'correct'"),
        ("no_grader", "expected a grader for these settings, found None"),
        ("Nothing", "expected a grader that starts, found None"),
        ("Fields", "expected verdicts with fields as factory.grade.contract"),
        ("Surrogates", "expected verdicts with fields as factory.grade.contract"),
        ("Ends", "expected 1 verdicts, found SystemExit: 5"),
    ],
)
def test_a_grader_that_breaks_the_contract_is_an_error_and_no_verdict(
    site: Path, target: str, message: str
) -> None:
    install(site, "eighth_graders", {"broken": f"eighth_graders:{target}"})
    with pytest.raises(GraderError, match=message):
        grade("broken", "abc")


def test_settings_that_a_grader_does_not_take_are_an_error(site: Path) -> None:
    install(site, "ninth_graders", {"length": "ninth_graders:Length"})
    with pytest.raises(GraderError, match=r"expected .*, found TypeError"):
        grade("length", "abc", {"most": "three"})


def test_the_version_of_a_package_enters_what_keys_are_made_of(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_DATA", str(site))
    (site / "rows.jsonl").write_text('{"problem": "a", "gold": "b"}\n')
    keys: list[dict[str, str]] = []
    for name in ("text", "length"):
        source = FileSource.model_validate(
            {"kind": "file", "name": "mine", "path": "${RETORT_DATA}/rows.jsonl", "license": "MIT"}
            | {"domain": "general", "grader": name}
        )
        if name == "length":
            install(site, "tenth_graders", {"length": "tenth_graders:Length"}, "1.0")
        keys.append(sources_fingerprint([source]))
    assert package_of("length") == "tenth_graders==1.0" and package_of("text") == ""
    (site / "tenth_graders-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tenth_graders\nVersion: 1.1\n"
    )
    keys.append(sources_fingerprint([source]))
    assert len({str(one) for one in keys}) == 3


def recipe(folder: Path, content: str) -> Path:
    file = folder / "recipe.toml"
    file.write_text(content, encoding="utf-8")
    return file


def test_a_recipe_may_name_a_grader_that_is_installed(site: Path) -> None:
    install(site, "eleventh_graders", {"length": "eleventh_graders:Length"})
    content = RECIPE.replace('grader = "math"', 'grader = "length"')
    loaded = load_recipe(str(recipe(site, content + "\n[grade.extra.length]\nmost = 5\n")))
    assert loaded.grade.extra == {"length": {"most": 5}}
    source = loaded.collect.sources[0]
    assert isinstance(source, FileSource) and source.grader == "length"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            RECIPE.replace('grader = "math"', 'grader = "maths"'),
            r"source hand-written: expected a grader of .*found 'maths'.*install the package",
        ),
        (RECIPE + "\n[grade.extra.nobody]\n", r"\[grade\.extra\.nobody\]: expected a grader of"),
        (
            RECIPE + "\n[grade.extra.math]\n",
            r"its settings, where it has any, are in \[grade\.math",
        ),
        (RECIPE + "\n[grade.number]\nrelative = 2.0\n", r"grade\.number\.relative: "),
        (RECIPE + '\n[grade.format]\nanswer = "any"\n', r"grade\.format\.answer: "),
        (RECIPE + "\n[grade.language]\nmin_share = 0.5\n", r"grade\.language\.min_share: "),
        (RECIPE + "\n[grade.procedural]\nmin_score = 0\n", r"grade\.procedural\.min_score: "),
    ],
)
def test_a_recipe_with_a_wrong_grader_or_setting_is_refused_at_once(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(str(recipe(tmp_path, content)))


def test_a_gold_answer_is_the_packages_own_or_the_gold_in_a_box(site: Path) -> None:
    points = {"length": "twelfth_graders:Length", "silent": "twelfth_graders:Silent"}
    install(site, "twelfth_graders", points)
    answers = [open_grader(name, Grade(), Machine()) for name in points]
    assert [one.gold_answer(problem("b")) for one in answers] == ["\\boxed{b}", None]  # type: ignore[attr-defined]
