"""factory.cluster.likeness: what makes a node unlike this machine, and the remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factory.cluster.likeness import difference, likeness_here, probe_in


def test_a_machine_is_like_itself(tmp_path: Path) -> None:
    with probe_in(tmp_path / "artifacts") as probe:
        here = likeness_here(probe)
        assert here.probe == probe.read_text() != ""
        assert difference(here, likeness_here(probe), tmp_path) == ""
    assert list((tmp_path / "artifacts").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"python": "3.9"}, "found 3.9; install the same Retort"),
        ({"sources": "0" * 64, "place": "/opt/retort"}, "found others in /opt/retort"),
        ({"probe": "another"}, "found none or another one; mount the file system"),
    ],
)
def test_what_differs_is_said_with_its_remedy(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    with probe_in(tmp_path) as probe:
        here = likeness_here(probe)
    assert said in difference(here, replace(here, **change), tmp_path)


def test_a_package_of_another_version_is_named(tmp_path: Path) -> None:
    here = likeness_here(tmp_path)
    packages = tuple(one.replace("pyarrow ", "pyarrow 9.") for one in here.packages)
    said = difference(here, replace(here, packages=packages), tmp_path)
    assert "found pyarrow 9." in said


def test_a_folder_that_is_not_there_has_no_probe(tmp_path: Path) -> None:
    assert likeness_here(tmp_path / "absent" / "file").probe == ""
