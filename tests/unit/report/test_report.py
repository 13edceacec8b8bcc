"""A run's report: whole, alone, equal to the ledger, and harmless whatever the data is named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from factory.audit.table import ledger_of
from factory.errors import InputFileError
from factory.report.amounts import whole
from factory.report.write import write_report
from factory.run_record import read_run
from tests.unit.report.measured_runs import measured_run
from tests.unit.report.pages import Reader, read
from tests.unit.retort.run_folders import Rows, write_run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run of data alone: the folder of its record, and its report."""
    root = tmp_path_factory.mktemp("data")
    write_run(root)
    return root / "runs" / "unit-1", _html(root / "runs" / "unit-1")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run with a student: the folder of its record, and its report."""
    folder = measured_run(tmp_path_factory.mktemp("measured"), cost=3.5, gpu_s=7200.0)
    return folder, _html(folder)


def _html(folder: Path) -> str:
    return write_report(folder)[0].read_text(encoding="utf-8")


def _page(folder: Path) -> Reader:
    return read(_html(folder))


def _headings(page: Reader) -> set[str]:
    return {
        attributes["id"]
        for tag, attributes in page.elements
        if tag == "section" and "id" in attributes
    }


def test_the_numbers_are_those_of_the_ledger(data: tuple[Path, str]) -> None:
    folder, html = data
    run = read_run(folder)
    page = read(html)
    for entry in run.ledger:
        cells = page.row(entry.stage, whole(entry.rows_in), whole(entry.rows_out))
        for reason, rows in entry.drops.items():
            assert f"{reason} {rows}" in cells[4]
    groups = ledger_of(run).groups
    for group in groups:
        cells = page.row(f"{group.source} ({group.domain})")
        counts = (group.problems, group.admitted, group.requested, group.failed, group.correct)
        assert cells[1:6] == [whole(one) for one in counts]
        assert cells[7:9] == [whole(group.selected), whole(group.published)]
    assert page.row("all")[3] == whole(sum(one.requested for one in groups))


def test_every_graded_candidate_with_a_length_is_in_a_length(data: tuple[Path, str]) -> None:
    page = read(data[1])
    counted = [int(row[1]) for row in page.rows if re.fullmatch(r"\w+: (not )?correct", row[0])]
    kept = [
        int(row[1]) for row in page.rows if re.fullmatch(r"\w+: (in the dataset|dropped)", row[0])
    ]
    assert sum(counted) == sum(kept) == 9
    assert page.row("logic: in the dataset")[1] == "1"
    assert page.row("math: in the dataset")[1] == "3"  # one, and both parts of a journey


def test_pages_are_well_formed_and_need_nothing_else(measured: tuple[Path, str]) -> None:
    _, html = measured
    page = read(html)
    assert page.wrong == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        assert tag not in ("script", "iframe", "object", "embed", "link", "img"), tag
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href", "data", "action"):
                assert value[1:] in ids and value.startswith("#")
            assert not re.search(r"url\((?!#)", value)
    style = html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in style and "url(" not in style and "http" not in style


def test_every_picture_has_a_title_and_a_description_and_only_colours_of_the_page(
    measured: tuple[Path, str],
) -> None:
    _, html = measured
    pictures = re.findall(r"<svg.*?</svg>", html, flags=re.S)
    assert len(pictures) >= 8
    for picture in pictures:
        label = re.search(r'aria-labelledby="([^ ]+) ([^"]+)"', picture)
        assert label is not None
        assert f'<title id="{label[1]}">' in picture and f'<desc id="{label[2]}">' in picture
        assert re.findall(r"#[0-9a-f]{6}\b", picture) == []
        assert "<text" in picture  # letters are letters, not outlines


def test_the_same_run_gives_the_same_bytes(measured: tuple[Path, str], tmp_path: Path) -> None:
    folder, html = measured
    again, _ = write_report(folder, tmp_path / "again.html")
    assert again.read_text(encoding="utf-8") == html


def test_a_run_of_data_alone_has_no_empty_sections(data: tuple[Path, str]) -> None:
    headings = _headings(read(data[1]))
    assert {"funnel", "sources", "lengths", "made"} <= headings
    assert headings.isdisjoint({"training", "scores", "answers", "cost"})


def test_a_run_with_students_shows_what_they_learned(measured: tuple[Path, str]) -> None:
    page = read(measured[1])
    assert {"training", "scores", "answers", "cost"} <= _headings(page)
    assert page.row("unit-student", "1,772,480")[5] == "0.2259 → 0.1701"
    assert page.row("all", "unit-student (student)", "20")[3] == "50.0% (41.0–60.0%)"
    compared = page.row("sums", "unit-student (student)", "embedded:base (base)")
    assert compared[3:6] == ["+25.0", "+13.0 to +37.0", "< 0.001"]
    answers = page.row("sums", "unit-student (student)", "160")
    assert "median 399, from 100 to 801, longest 1,024, cut 4.4%" in page.text
    assert answers[3:9] == ["50.0%", "7", "5", "11", "13", "3"]
    assert page.row("cost")[1] == "3.50"
    assert page.row("train unit-student", "2.0 s")[2:4] == ["3.0 s", "75.0% of 2"]
    assert "Gain of unit-student" in page.text


def test_published_scores_stand_beside_suites_that_they_are_of(tmp_path: Path) -> None:
    page = _page(measured_run(tmp_path, suite="math-500"))
    assert page.row("math-500", "DeepSeek-R1-Distill-Qwen-7B")[2:4] == ["pass@1", "92.8%"]


HOSTILE = "<script>alert('x')</script>\"&$\\frac{\x07\u202e</svg>"
SHOWN = HOSTILE.replace("\x07", "\u27e8U+0007\u27e9").replace("\u202e", "\u27e8U+202E\u27e9")


@pytest.mark.parametrize("out", ["file/report.html", "nowhere/report.html", "."])
def test_a_report_that_cannot_be_written_is_an_error_that_names_it(
    data: tuple[Path, str], tmp_path: Path, out: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputFileError, match="expected to write the report there"):
        write_report(data[0], tmp_path / out)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}.*"))


def test_hostile_names_are_shown_as_text(tmp_path: Path) -> None:
    def spoil(rows: Rows) -> None:
        for row in rows.problems:
            row["source"] = row["source"].replace("words", HOSTILE)
            row["level"] = HOSTILE
        for row in rows.pass_rates:
            row["category"] = HOSTILE

    write_run(tmp_path, spoil)
    folder = tmp_path / "runs" / "unit-1"
    (folder / "recipe.json").write_text(f'{{"name": "</pre>{HOSTILE[:-14]}"', encoding="utf-8")
    page = _page(folder)
    assert page.wrong == []
    assert "script" not in {tag for tag, _ in page.elements}
    assert page.row(f"{SHOWN} (math)")[1] == "1"
    assert f"</pre>{HOSTILE[:-14]}" in page.text
    assert not {*"\x07\u202e"} & {*_html(folder)}


def test_what_an_old_run_lacks_is_said_and_stops_nothing(tmp_path: Path) -> None:
    folder = measured_run(tmp_path)
    shutil.rmtree(tmp_path / "artifacts" / "select")
    (tmp_path / "artifacts" / "train" / "unit-unit-student" / "log.jsonl").unlink()
    path, missing = write_report(folder)
    page = read(path.read_text(encoding="utf-8"))
    assert page.wrong == []
    assert [one.partition(":")[0] for one in missing] == [
        "select",
        "funnel by source, pass rates and lengths",
        "curve of unit-student",
        "recipe",
    ]
    assert all(one in page.text for one in missing)
    assert page.row("select", "9", "5")


def test_scores_of_before_there_were_intervals_are_given_theirs(tmp_path: Path) -> None:
    folder = measured_run(tmp_path)
    text = (folder / "run.json").read_text(encoding="utf-8")
    old = re.sub(r',"low":[^,]+,"high":[^,]+,"n":20', ',"n":20', text)
    assert old != text
    (folder / "run.json").write_text(old, encoding="utf-8")
    student = next(one for one in read_run(folder).scores if one.role == "student")
    assert student.low == pytest.approx(0.40, abs=0.02)
    assert student.high == pytest.approx(0.60, abs=0.02)
    assert _page(folder).row("all", "unit-student (student)", "20")
