"""factory.grade.line_file: wrong lines are named before anything runs; memory stays small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from factory.errors import GradeFileError
from factory.grade.line_file import MOST_ERRORS, LineFile


def check(values: dict[str, Any]) -> None:
    if values.get("n") == "bad":
        raise ValueError("n: expected a number, found 'bad'")


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no json", "f:2: expected one JSON object per line, found: Expecting value"),
        ('{"id": "a"', "f:2: expected one JSON object per line"),
        ("[" * 100_000, "f:2: expected one JSON object per line"),
        ("[1]", "f:2: expected a JSON object, found list"),
        ("{}", "f:2: `id`: expected a string or an integer, found none"),
        ('{"id": null}', "f:2: `id`: expected a string or an integer, found None"),
        ('{"id": true}', "f:2: `id`: expected a string or an integer, found True"),
        ('{"id": 1.5}', "f:2: `id`: expected a string or an integer, found 1.5"),
        (b'{"id": "\xff"}', "f:2: expected UTF-8, found byte 0xff at column 9"),
        ('{"id": "a", "n": "bad"}', "f:2: n: expected a number, found 'bad'"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(
    tmp_path: Path, line: str | bytes, message: str
) -> None:
    bytes_ = line.encode() if isinstance(line, str) else line
    file = written(tmp_path / "f", b'{"id": "first"}\n' + bytes_ + b"\n")
    with pytest.raises(GradeFileError) as raised:
        LineFile(file, check)
    assert "found 1 wrong; nothing was run, correct them" in str(raised.value)
    assert message in str(raised.value)


def test_several_wrong_lines_are_named_at_once(tmp_path: Path) -> None:
    file = written(tmp_path / "f", '{"id": 1}\nx\n' * 50)
    with pytest.raises(GradeFileError) as raised:
        LineFile(file, check)
    lines = str(raised.value).splitlines()
    assert f"found {MOST_ERRORS} wrong, and perhaps more; nothing was run" in lines[0]
    assert len(lines) == 1 + MOST_ERRORS
    assert ":20: " in lines[-1]


def test_a_duplicate_names_both_lines(tmp_path: Path) -> None:
    ids = ["a", "b", 1, "1", "b", "a"]
    content = "\n\n".join(json.dumps({"id": one}) for one in ids)
    with pytest.raises(GradeFileError) as raised:
        LineFile(written(tmp_path / "f", content), check)
    _, first, second = str(raised.value).splitlines()
    assert first.endswith(":9: expected an id that no other line has, found 'b', which line 3 has")
    assert second.endswith(
        ":11: expected an id that no other line has, found 'a', which line 1 has"
    )


def test_lines_are_found_by_id_and_read_in_any_order(tmp_path: Path) -> None:
    ids = [3, "3", "HumanEval/0", "ü", -(10**30), "\ud800", ""]
    content = "\ufeff" + "\r\n \n".join(json.dumps({"id": one}) for one in ids)
    lines = LineFile(written(tmp_path / "f", content), check)
    assert len(lines) == len(ids)
    assert [lines.find(one) for one in ids] == list(range(len(ids)))
    assert lines.find("none") is None
    assert [(at, values["id"]) for at, values in lines.read([6, 0, 2])] == [
        (6, ""),
        (0, 3),
        (2, "HumanEval/0"),
    ]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    lines = LineFile(written(tmp_path / "f", "\n"), check)
    assert len(lines) == 0
    assert lines.find("a") is None


def test_a_file_that_changes_after_the_check_is_an_error(tmp_path: Path) -> None:
    file = written(tmp_path / "f", '{"id": 1}\n{"id": 2}\n')
    lines = LineFile(file, check)
    written(file, '{"id": 1}\n{"id": 3}\n')
    reading = lines.read([0, 1])
    assert next(reading) == (0, {"id": 1})
    with pytest.raises(GradeFileError, match=r"expected the line that was checked"):
        next(reading)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GradeFileError, match="No such file"):
        LineFile(tmp_path / "none", check)


def test_memory_does_not_hold_the_lines(tmp_path: Path) -> None:
    """200,000 lines of 1 kB: 200 MB of file, at most 60 MB of memory for them."""
    file = tmp_path / "f"
    with open(file, "w", encoding="utf-8") as out:
        out.writelines(f'{{"id": "problem/{n}", "n": "{"x" * 1000}"}}\n' for n in range(200_000))
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from factory.grade.line_file import LineFile\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "lines = LineFile(Path(sys.argv[1]), len)\n"
        "assert lines.find('problem/199999') == 199_999 and len(lines) == 200_000\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, file], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60 * 1024
